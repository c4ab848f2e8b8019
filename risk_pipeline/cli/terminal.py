"""What commands share: the console, errors that a user can fix, the database, the options for dates."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import date, datetime
from io import TextIOBase
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:
    import sqlalchemy as sa


def _width(stream: object) -> int | None:
    """Return the width of what is no terminal; a closed stream is None."""
    return None if isinstance(stream, TextIOBase) and stream.isatty() else 140


console = Console(width=_width(sys.stdout))
errors = Console(stderr=True, width=_width(sys.stderr))
"""Is never quiet."""

FirstDay = Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First session.")]
LastDay = Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Last session.")]
LatestOr = Annotated[datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="Default: the latest session.")]


class UserError(Exception):
    """Something that the user can fix; its text says how. Printed without a traceback, exit code 2."""


def counted(number: int, what: str) -> str:
    """Return a number and what it counts, in the plural unless it is one."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def listed(names: Iterable[str], most: int = 3) -> str:
    """Return the first different names, and how many more there are."""
    every = list(dict.fromkeys(names))
    return ", ".join(every[:most]) + (f" and {len(every) - most} more" if len(every) > most else "")


def own_command() -> str:
    """Return what to type for this command line: its name where the shell finds it, else its path from here."""
    name = Path(sys.argv[0])
    if name.name != "risk-pipeline" or shutil.which("risk-pipeline"):
        return "risk-pipeline"
    with suppress(ValueError):
        return str(name.absolute().relative_to(Path.cwd()))
    return str(name)


@contextmanager
def database() -> Iterator[sa.Engine]:
    """Open the database of the settings to write, with the newest schema, and close it afterwards.

    A home is made for it.
    """
    from ..dagster_ext.instance import prepare_home
    from ..settings import Settings
    from ..storage.database import open_engine

    prepare_home()
    with _migrated(open_engine(Settings().url), writes=True) as engine:
        yield engine


@contextmanager
def existing_database(*, writes: bool = False) -> Iterator[sa.Engine]:
    """Open the database of the settings, to read unless ``writes``, but make no home and no first tables.

    What a command reads is where a mistyped name of the home leads otherwise.
    """
    from ..settings import Settings
    from ..storage.database import open_existing

    with _migrated(open_existing(Settings().url), writes=writes, makes_tables=False) as engine:
        yield engine


@contextmanager
def database_to_check() -> Iterator[sa.Engine]:
    """Open the database of the settings; where no file has been made yet, an empty one in memory."""
    from ..settings import Settings
    from ..storage.database import open_engine, sqlite_file
    from ..storage.read_only import is_missing

    file = sqlite_file(Settings().url)
    is_new = file is not None and is_missing(file)
    with _migrated(open_engine("sqlite://")) if is_new else existing_database() as engine:
        yield engine


@contextmanager
def _migrated(engine: sa.Engine, *, writes: bool = False, makes_tables: bool = True) -> Iterator[sa.Engine]:
    from ..storage.database import migrate
    from ..storage.read_only import require_writable

    try:
        if writes:
            require_writable(engine)
        migrate(engine, makes_tables=makes_tables)
        yield engine
    finally:
        engine.dispose()


def say_if_changed_since(engine: sa.Engine, session: date) -> None:
    """Say that the numbers of a session, or sums over its year, are not of the present book or prices."""
    from ..desk.inputs import is_of_present_book

    if not is_of_present_book(engine, session):
        text = (
            f"! What was imported after {session} was computed is not in these numbers: `risk-pipeline run` puts it in."
        )
        console.print(text, style="yellow", highlight=False, soft_wrap=True, markup=False)
    say_if_corrected_since(engine, date(session.year, 1, 1), session)


def say_if_corrected_since(engine: sa.Engine, first: date, last: date) -> None:
    """Say which sessions were computed from prices that have been corrected since, and what computes them again."""
    from ..storage.result_inputs import corrected_since

    rows = corrected_since(engine, first, last)
    if rows.empty:
        return
    days, named = sorted(rows["session"].dt.date.unique()), listed(sorted(rows["symbol"]), 5)
    span = str(days[0]) if len(days) == 1 else f"{days[0]} to {days[-1]} ({counted(len(days), 'session')})"
    text = (
        f"! Prices of {named} were corrected after {span} had been computed: these numbers, and sums over them, are of "
        f"the old ones. `risk-pipeline run --from {days[0]} --to {days[-1]}` computes them again."
    )
    console.print(text, style="yellow", highlight=False, soft_wrap=True, markup=False)
