"""Dagster's own storage: what its errors mean, and whether it can be written."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import sqlalchemy as sa

from ..settings import dagster_home
from ..storage.database import open_engine
from ..storage.errors import StorageError, as_storage_error, explained
from ..storage.probe import probe_file, probe_tables

URL = "DAGSTER_PG_URL"
OF_HISTORY = "Dagster's storage"
"""How every error of it begins."""
REMEDY = (
    "Dagster keeps its history of runs there and can't go on without it. Free space, end what holds it, or correct the "
    "permissions, then run these sessions again; a damaged file can be moved away: results are in the tables, not there"
)
TABLES = ("runs", "event_logs", "job_ticks")
"""A table of each part of Dagster's storage: runs, events, schedules."""

_listeners: list[Callable[[StorageError], None]] = []


def history_error(error: BaseException) -> StorageError | None:
    """Return in words what an error of Dagster's storage means, with its remedy; None for any other error."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, StorageError):
            return seen
        if isinstance(seen, sa.exc.DBAPIError) and seen.orig is not None:  # not of an engine of ours
            known = as_storage_error(seen.orig)
            return None if known is None else said_of_history(known)
        seen = seen.__cause__
    return None


def said_of_history(known: StorageError) -> StorageError:
    """Return an error of a database as one of Dagster's storage."""
    if os.environ.get(URL):
        cause = str(known).replace("RISK_PIPELINE_DATABASE_URL", URL)
        return StorageError(f"{OF_HISTORY} in its Postgres ({URL}): {cause}")
    cause = str(known).partition("): ")[0]
    return StorageError(f"{OF_HISTORY} in its home {dagster_home()}: {cause}). {REMEDY}")


@contextmanager
def history_errors_told(listener: Callable[[StorageError], None]) -> Iterator[None]:
    """Tell of each error of Dagster's storage in this process, in words; Dagster itself may swallow it."""
    explain_history_errors()
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


@cache
def explain_history_errors() -> None:
    """From now on let errors of Dagster's own engines in this process say what to do."""
    sa.event.listen(sa.engine.Engine, "handle_error", _explain)


def _explain(context: sa.engine.ExceptionContext) -> StorageError | None:
    known = explained(context) if context.engine is not None and _is_history(context.engine.url) else None
    if known is None:
        return None
    said = said_of_history(known)
    for listener in _listeners:
        listener(said)
    return None if context.connection is None else said  # Dagster tries again to connect, and looks at the kind


def _is_history(url: sa.URL) -> bool:
    """Whether a database is Dagster's, and not that of the tables or of somebody's own assets."""
    if url.get_backend_name() == "sqlite":
        folders = Path(url.database or "").absolute().parents
        return any(dagster_home() / name in folders for name in ("history", "schedules"))
    named = os.environ.get(URL)
    return bool(named) and _place(url) == _place(sa.make_url(named or ""))


def _place(url: sa.URL) -> tuple[object, ...]:
    return url.drivername, url.host, url.port, url.database, url.query.get("host")


def history_problem() -> StorageError | None:
    """Return why Dagster's storage can't be written, None if it can or isn't made yet."""
    url = os.environ.get(URL)
    if url:
        return _postgres_problem(url)
    for path in _history_files(dagster_home()):
        problem = probe_file(path)
        if problem is not None:
            return StorageError(f"{path}: {said_of_history(problem)}")
    return None


def _postgres_problem(url: str) -> StorageError | None:
    try:
        engine = open_engine(url)
    except StorageError as error:
        return said_of_history(error)
    try:
        probe_tables(engine, TABLES)
    except StorageError as error:
        return said_of_history(error)
    finally:
        engine.dispose()
    return None


def _history_files(home: Path) -> Iterator[Path]:
    for name in ("history/runs.db", "history/runs/index.db", "schedules/schedules.db"):
        if (home / name).exists():
            yield home / name
