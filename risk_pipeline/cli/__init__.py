"""The command ``risk-pipeline``: one module a group of commands.

Heavy libraries are imported inside of the commands, so that ``--help`` answers at once.
"""

from __future__ import annotations

import gc
import shlex
import sys
from collections.abc import Callable
from typing import Annotated

import typer
from rich.markup import escape

from . import desk, export, imports, maintain, remove, run, show, start, symbols
from .output import prepare_output
from .terminal import UserError, console, errors, own_command

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="A daily portfolio-risk batch: exposures, stress tests, volatility, snapshots.",
    epilog="Exit codes: 0 done; 1 a run failed, the doctor found something, or you said no; 2 wrong use or input, "
    "nothing was changed; 130 interrupted.",
)
COMMANDS: dict[str, Callable[..., None]] = {
    "run": run.run,
    "import": imports.import_,
    "show": show.show,
    "whatif": desk.whatif,
    "stress": desk.stress,
    "export": export.export,
    "dev": start.dev,
    "plan": maintain.plan,
    "rebuild": run.rebuild,
    "prune": maintain.prune,
    "remove": remove.remove,
    "init": maintain.init,
    "doctor": maintain.doctor,
    "symbols": symbols.symbols,
    "calibrate": maintain.calibrate,
    "demo": imports.demo,
}
for name, command in COMMANDS.items():
    app.command(name)(command)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"risk-pipeline {version('risk_pipeline')}")  # noqa: T201
        raise typer.Exit


@app.callback()
def before_each(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print errors only; the exit code tells the rest.")
    ] = False,
) -> None:
    """Do what comes before every command."""
    console.quiet = quiet
    if "--help" not in sys.argv:
        start.prepare_environment()


INTERRUPTED = 130
"""The exit code after Ctrl-C, as shells have it."""
GO_ON = {"run", "rebuild"}
"""Commands that may take long, and go on where they stopped when they are given again."""
ONLY_TELL = {"show", "whatif", "stress", "plan", "doctor", "symbols", "calibrate"}
"""Commands whose work is their output: where that is lost they have failed. Of others the exit code tells the work."""


def _only_tells(words: list[str]) -> bool:
    return _command(words) in ONLY_TELL or bool({"--help", "--version"} & {*words})


def _command(words: list[str]) -> str | None:
    return next((word for word in words if not word.startswith("-")), None)


def main() -> None:
    """Run the command line; output that can't be written ends no command."""
    gc.set_threshold(500_000, 20, 50)  # imports make no cycles that end, and took a fifth longer looking for them
    out, _ = prepare_output()
    code: int | str | None = 0
    try:
        _main()
    except SystemExit as end:
        code = end.code
    except KeyboardInterrupt:
        code = INTERRUPTED
    if code == INTERRUPTED and _command(sys.argv[1:]) in GO_ON:
        _say_what_goes_on()
    out.flush()
    if out.lost is not None:
        errors.print(f"[yellow]the output could not be written[/]: {escape(str(out.lost))}", highlight=False)
        if not code and _only_tells(sys.argv[1:]):
            code = 1
    gc.freeze()  # before it ends the interpreter looks for cycles among all that is left, which took .4 s
    sys.exit(code)


def _say_what_goes_on() -> None:
    """Say what an interrupted command leaves behind, and how to go on."""
    again = shlex.join([own_command(), *sys.argv[1:]])
    text = f"Interrupted: what was stored stays; `{escape(again)}` goes on."
    errors.print(f"[yellow]{text}[/]", highlight=False, soft_wrap=True)


def _main() -> None:
    """Run the command; an error that a person can fix is printed with its remedy, exit code 2."""
    try:
        app()
    except Exception as error:
        if not _is_explained(error):
            raise
        sys.exit(2)


def _is_explained(error: Exception) -> bool:
    """Print an error with its remedy; returns False for one that only a traceback explains.

    What tells errors apart is imported here: only a command that fails needs it.
    """
    from pydantic import ValidationError

    if isinstance(error, (UserError, *_domain_errors())):
        _print_error(str(error))
    elif isinstance(error, ValidationError):
        for problem in error.errors(include_url=False, include_input=False):
            name = "RISK_PIPELINE_" + "__".join(str(part).upper() for part in problem["loc"])
            where = f"setting {name}: " if problem["loc"] else ""
            _print_error(where + problem["msg"].removeprefix("Value error, "), soft_wrap=True)
    else:
        from ..dagster_ext.history import history_error

        known = history_error(error)
        if known is None:
            return False
        _print_error(str(known))
    return True


def _print_error(text: str, *, soft_wrap: bool = False) -> None:
    errors.print(f"[bold red]error:[/] {escape(text)}", highlight=False, soft_wrap=soft_wrap)


def _domain_errors() -> tuple[type[Exception], ...]:
    from ..config.errors import ConfigError
    from ..exchange_days import CalendarError
    from ..market.source import SourceError
    from ..sessions import NoSessionError
    from ..storage.errors import StorageError

    return CalendarError, ConfigError, SourceError, NoSessionError, StorageError
