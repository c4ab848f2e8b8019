"""SQLite files that their reader may not write: a group's, or those of a read-only disk.

A file in write-ahead mode takes two files beside it, which its reader can't make. Where a writer has left or has them
open they are read; where there are none the file is complete, and is read as if nobody could change it. SQLite takes no
lock then: that nobody did is looked at when a transaction ends.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa

from .errors import DatabaseAwayError, StorageError

READ_ONLY_OPTION = "risk_pipeline_read_only"
"""The execution option of an engine whose database its user can only read."""
_SEEN = "risk_pipeline_seen"


def is_read_only(engine: sa.Engine) -> bool:
    """Return whether the engine's user can only read its SQLite file."""
    return bool(engine.get_execution_options().get(READ_ONLY_OPTION))


def require_writable(engine: sa.Engine) -> None:
    """Refuse a database that its user can only read, before anything is asked or begun.

    Raises
    ------
    StorageError
        Names the file and the remedy.
    """
    if is_read_only(engine):
        raise StorageError(
            f"this user may read the database at {engine.url.database} and not write it: let its owner do this, or "
            "give this user the rights to write the file and its folder"
        )


def can_only_read(file: Path) -> bool:
    """Return whether a file is there that this user may not write, or whose folder it may not."""
    return os.access(file, os.F_OK) and not all(os.access(place, os.W_OK) for place in (file, file.parent))


def is_missing(file: Path) -> bool:
    """Return whether there is no such file; one in a folder that this user may not enter may be there."""
    try:
        file.stat()
    except PermissionError:
        return False
    except OSError:
        return True
    return False


def require_file(file: Path) -> None:
    """Refuse a file that is not there or that this user may not read.

    Raises
    ------
    StorageError
        Names the file and the remedy.
    """
    if is_missing(file):
        raise StorageError(
            f"there is no database at {file}: `risk-pipeline run` or `risk-pipeline init` makes it; "
            "RISK_PIPELINE_HOME names the home, where it is unless RISK_PIPELINE_DATABASE_URL names another"
        )
    if not os.access(file, os.R_OK):
        raise StorageError(
            f"this user may not read the database at {file}: its owner lets a group read what later runs write with "
            "RISK_PIPELINE_GROUP_MAY_READ=true, and what is there with `chmod -R g+rX` on the home"
        )


def read_without_writing(engine: sa.Engine, file: Path) -> None:
    """Let an engine open its file without making any beside it."""
    engine.update_execution_options(**{READ_ONLY_OPTION: True})

    @sa.event.listens_for(engine, "do_connect")
    def _connect(_dialect: object, record: Any, arguments: list[Any], named: dict[str, Any]) -> None:
        before = _state(file)
        log = file.with_name(f"{file.name}-wal")
        is_complete = not log.exists() or not log.stat().st_size
        record.info[_SEEN] = before if is_complete else None
        arguments[:] = [f"file:{quote(str(file.absolute()))}?{'immutable=1' if is_complete else 'mode=ro'}"]
        named["uri"] = True

    @sa.event.listens_for(engine, "rollback")
    @sa.event.listens_for(engine, "commit")
    def _require_unchanged(connection: sa.Connection) -> None:
        seen = connection.info.get(_SEEN)
        if seen is not None and seen != _state(file):
            connection.invalidate()  # the next one reads what is there now
            raise DatabaseAwayError(
                f"the database at {file} was changed while it was read, by a run perhaps; read it again"
            )


def _state(file: Path) -> tuple[int, int, int]:
    found = file.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns
