"""The command ``risk-pipeline``: one module a group of commands.

Heavy libraries are imported inside of the commands, so that ``--help`` answers at once.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import typer
from rich.markup import escape

from . import imports, maintain, run, show
from .terminal import UserError, console

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="A daily portfolio-risk batch: exposures, stress tests, volatility, snapshots.",
)
COMMANDS: dict[str, Callable[..., None]] = {
    "run": run.run,
    "import": imports.import_,
    "show": show.show,
    "plan": maintain.plan,
    "rebuild": run.rebuild,
    "prune": maintain.prune,
    "init": maintain.init,
    "doctor": maintain.doctor,
    "calibrate": maintain.calibrate,
    "demo": imports.demo,
}
for name, command in COMMANDS.items():
    app.command(name)(command)
SHIPPED_HOME = Path("dagster_home")


def main() -> None:
    """Run the command line."""
    from pydantic import ValidationError

    expected: tuple[type[Exception], ...] = (UserError, *_domain_errors())
    try:
        _prepare_environment()
        app()
    except expected as error:
        console.print(f"[bold red]error:[/] {escape(str(error))}", highlight=False)
        sys.exit(2)
    except ValidationError as error:
        for problem in error.errors(include_url=False, include_input=False):
            name = "RISK_PIPELINE_" + "__".join(str(part).upper() for part in problem["loc"])
            console.print(f"[bold red]error:[/] setting {name}: {escape(problem['msg'])}", highlight=False)
        sys.exit(2)


def _domain_errors() -> tuple[type[Exception], ...]:
    from ..config.errors import ConfigError
    from ..market.source import SourceError
    from ..sessions import NoSessionError
    from ..storage.errors import StorageError

    return ConfigError, SourceError, NoSessionError, StorageError


def _prepare_environment() -> None:
    """Give Dagster a home and one BLAS thread, before anything imports them.

    Dagster's home is where our tables are, unless it is named itself: the history of runs belongs to the rows.
    """
    named = os.environ.get("DAGSTER_HOME") or os.environ.get("RISK_PIPELINE_HOME") or SHIPPED_HOME
    home = Path(named).resolve()
    home.mkdir(parents=True, exist_ok=True)
    os.environ["DAGSTER_HOME"] = str(home)
    shipped = SHIPPED_HOME / "dagster.yaml"
    if not (home / "dagster.yaml").exists() and shipped.is_file():
        shutil.copy(shipped, home)  # the limits that keep two runs from writing at once are in it
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")
