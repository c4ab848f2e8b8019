"""Whether what is stored can be written, and read by nobody else: asked before a run finds out."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path

import sqlalchemy as sa

from .database import transaction
from .errors import StorageError, as_storage_error
from .tables import batch_runs

LOOKED_AT = 10_000
"""Files of a home whose permissions are read; one that is readable is enough to say so."""


def probe(engine: sa.Engine) -> None:
    """Begin to write, and write nothing.

    Raises
    ------
    StorageError
        If the database is read-only, locked or damaged, or its user may not write.
    """
    with transaction(engine, batch_runs) as connection:
        connection.execute(sa.update(batch_runs).where(sa.false()).values(status=batch_runs.c.status))


def probe_tables(engine: sa.Engine, names: Sequence[str]) -> None:
    """Begin to write to tables that others keep, those that are there, and write nothing.

    Raises
    ------
    StorageError
        If the database is read-only or away, or its user may not write.
    """
    with engine.connect() as connection, connection.begin() as transaction:
        there = sa.inspect(connection).get_table_names()
        for name in names:
            if name in there:
                table = sa.table(name, sa.column("id"))
                connection.execute(sa.update(table).where(sa.false()).values(id=table.c.id))
        transaction.rollback()


def probe_file(path: Path, wait: float = 2.0) -> StorageError | None:
    """Return why an SQLite file that others keep can't be written, None if it can."""
    try:
        with closing(sqlite3.connect(path, timeout=wait, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
    except sqlite3.Error as error:
        return as_storage_error(error) or StorageError(str(error))
    return None


def readable_by_others(home: Path, umask: int) -> list[Path]:
    """Return files of a home that users may read who shouldn't; none where they can't enter it.

    ``umask`` holds the permissions that nobody else should have.
    """
    if not home.is_dir() or not home.stat().st_mode & umask & 0o011:
        return []
    return [path for path in islice(_files(home), LOOKED_AT) if path.stat().st_mode & umask & 0o044]


def _files(home: Path) -> Iterator[Path]:
    """Yield the files that hold something, of the folders that other users can enter."""
    for path in sorted(home.iterdir()):
        try:
            mode = path.lstat().st_mode
            if stat.S_ISDIR(mode) and mode & 0o011:
                yield from _files(path)
            elif stat.S_ISREG(mode) and path.stat().st_size:
                yield path
        except OSError:  # gone meanwhile, or another user's
            continue
