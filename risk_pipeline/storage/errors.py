"""What an error of a driver or a disk means to a person, and what to do about it."""

from __future__ import annotations

import errno
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

AGAIN = "then run these sessions again; what was stored before is as it was"


class StorageError(ValueError):
    """Rows that don't fit their table, or a database that can't be used; the text names the remedy."""


class DatabaseAwayError(StorageError):
    """The database can't be reached, or another process holds it: trying again may help."""


def as_storage_error(error: BaseException) -> StorageError | None:
    """Return the error in words with its remedy, None for one that says something about our own code."""
    cause = " ".join(str(error).split())[:200]
    if isinstance(error, sqlite3.Error):
        return _of_sqlite(getattr(error, "sqlite_errorname", None) or "", cause)
    if isinstance(error, OSError):
        return _of_disk(error, cause)
    if isinstance(error, _of_connections()) or _state(error) in (READ_ONLY, NO_RIGHT):
        return _of_postgres(_state(error) or "", cause)
    return None


READ_ONLY, NO_RIGHT = "25006", "42501"


def _of_connections() -> tuple[type[Exception], ...]:
    """Return what the drivers raise of a server or a connection: ours, and psycopg2, which Dagster uses."""
    import psycopg

    known: list[type[Exception]] = [psycopg.OperationalError, psycopg.InterfaceError]
    theirs = sys.modules.get("psycopg2")
    if theirs is not None:
        known += [theirs.OperationalError, theirs.InterfaceError]
    return tuple(known)


def _state(error: BaseException) -> str | None:
    """Return the code of a Postgres error."""
    state: str | None = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    return state


def _of_sqlite(name: str, cause: str) -> StorageError | None:
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return DatabaseAwayError(
            f"another process has held the database too long ({cause}): let it finish or end it, {AGAIN}"
        )
    if name.startswith(("SQLITE_FULL", "SQLITE_IOERR")):
        return StorageError(
            f"the database can't be written, its disk is full or failing ({cause}): free space, {AGAIN}"
        )
    if name.startswith("SQLITE_READONLY") and name != "SQLITE_READONLY_DBMOVED":
        return StorageError(
            f"this user may read the database and not write it ({cause}): let its owner do this, or give this user the "
            "rights to write the file and its folder"
        )
    if name.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM")):
        return StorageError(
            f"the database file can't be opened ({cause}): check RISK_PIPELINE_DATABASE_URL and the "
            f"permissions of the file and its folder, {AGAIN}"
        )
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return StorageError(
            f"the database file is damaged ({cause}): put back its backup, or delete it and import again"
        )
    return None


def _of_postgres(state: str, cause: str) -> StorageError | None:
    if state.startswith(("53100", "58030")):
        return StorageError(f"the disk of the Postgres server is full or failing ({cause}): free space there, {AGAIN}")
    if state.startswith(("28", "3D")):
        return StorageError(
            f"Postgres refuses us ({cause}): check user, password and name in RISK_PIPELINE_DATABASE_URL"
        )
    if state in (READ_ONLY, NO_RIGHT):
        return _of_rights(state, cause)
    if state in ("57014", "25P03"):
        return StorageError(
            f"the database ended what took too long ({cause}): see what holds it up, or give it longer with "
            f"?options=-c%20statement_timeout%3D1h in RISK_PIPELINE_DATABASE_URL, {AGAIN}"
        )
    if state == "" or state.startswith(("08", "57", "53", "40", "55")):
        return DatabaseAwayError(
            f"the database can't be reached or broke off ({cause}): start it, check RISK_PIPELINE_DATABASE_URL, {AGAIN}"
        )
    return None


def _of_rights(state: str, cause: str) -> StorageError:
    if state == READ_ONLY:  # it may pass by itself: the failover is not over, or the address turns to the new server
        return DatabaseAwayError(
            f"Postgres is read-only, as a standby is and a server after a failover ({cause}): let "
            f"RISK_PIPELINE_DATABASE_URL name the server that may be written, or all of them with "
            f"?target_session_attrs=read-write, {AGAIN}"
        )
    return StorageError(
        f"the user in RISK_PIPELINE_DATABASE_URL may not do that ({cause}): give it the rights on the tables, or "
        f"make it their owner, {AGAIN}"
    )


def _of_disk(error: OSError, cause: str) -> StorageError | None:
    full = error.errno in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT) or " requested and " in cause  # NumPy's words
    if full:
        return StorageError(f"the disk is full ({cause}): free space, {AGAIN}")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO):
        return StorageError(f"a file can't be written ({cause}): fix its permissions or its disk, {AGAIN}")
    return None


@contextmanager
def storage_errors() -> Iterator[None]:
    """Raise what :func:`as_storage_error` makes of an error inside; others go on as they are."""
    try:
        yield
    except Exception as error:
        known = as_storage_error(error)
        if known is None:
            raise
        raise known from error


def explained(context: sa.engine.ExceptionContext) -> StorageError | None:
    """Return in words what an engine came upon, None for what says something about our own code."""
    if context.is_pre_ping:  # the pool itself asks whether a connection is still good
        return None
    if _state(context.original_exception) == READ_ONLY:
        context.is_disconnect = True  # the next connection may lead to the server that took over
    return as_storage_error(context.original_exception)


def translate_errors_of(engine: sa.Engine) -> None:
    """Let every error of an engine's connections say what to do."""
    sa.event.listen(engine, "handle_error", explained)
