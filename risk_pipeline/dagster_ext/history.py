"""Dagster's own storage: what its errors mean, and whether it can be written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from ..settings import dagster_home
from ..storage.database import open_engine
from ..storage.errors import StorageError, as_storage_error
from ..storage.probe import probe_file

REMEDY = (
    "Dagster keeps its history of runs there and can't go on without it. Free space, end what holds it, or correct the "
    "permissions, then run these sessions again; a damaged file can be moved away: results are in the tables, not there"
)


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
    cause = str(known).partition("): ")[0]
    where = "Dagster's Postgres (DAGSTER_PG_URL)" if os.environ.get("DAGSTER_PG_URL") else f"home {dagster_home()}"
    return StorageError(f"Dagster's storage in its {where}: {cause}). {REMEDY}")


def history_problem() -> StorageError | None:
    """Return why Dagster's storage can't be written, None if it can or isn't made yet."""
    url = os.environ.get("DAGSTER_PG_URL")
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
        with engine.connect() as connection:
            read_only = connection.exec_driver_sql("SHOW transaction_read_only").scalar_one() == "on"
    except StorageError as error:
        return said_of_history(error)
    engine.dispose()
    if read_only:
        return StorageError(
            "Dagster's Postgres (DAGSTER_PG_URL) is read-only, as a standby is: name the server that may be written"
        )
    return None


def _history_files(home: Path) -> Iterator[Path]:
    for name in ("history/runs.db", "history/runs/index.db", "schedules/schedules.db"):
        if (home / name).exists():
            yield home / name
