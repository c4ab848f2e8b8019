"""Engines, migrations and the transactional partition replace, the same on SQLite and Postgres."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy as sa

from . import bulk, tables
from .columns import checked_columns, sorted_by
from .errors import StorageError, storage_errors, translate_errors_of
from .fencing import renew, require_living
from .migrations.shipped import create_newest
from .read_only import can_only_read, is_read_only, read_without_writing, require_file

POSTGRES_LIMITS = {
    "statement_timeout": "15min",
    "idle_in_transaction_session_timeout": "15min",
    "work_mem": "64MB",
    "hash_mem_multiplier": "8",
}
"""A statement, the wait for another writer included, the silence of a writer that holds locks, the memory of a sort.

Groups may take 8 times as much: a large read packs a column for each session (``packed_columns``).
"""


def open_engine(url: str) -> sa.Engine:
    """Open a database by URL: ``sqlite:///path`` or ``postgresql://user:password@host/name``.

    Postgres is always accessed with psycopg 3, over a pool of connections; ``POSTGRES_LIMITS`` bound what a
    statement may take, unless the URL has ``options`` of its own. SQLite is in write-ahead mode, so that readers
    see the old rows while a partition is replaced.

    Raises
    ------
    StorageError
        If the URL is neither. The text never shows the URL, which may hold a password.
    """
    parsed = parse_url(url)
    backend = parsed.get_backend_name()
    if backend in ("postgresql", "postgres"):
        limits = " ".join(f"-c {name}={value}" for name, value in POSTGRES_LIMITS.items())
        connect_args = {
            name: value for name, value in (("connect_timeout", 10), ("options", limits)) if name not in parsed.query
        }
        engine = sa.create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            connect_args=connect_args,
            pool_pre_ping=True,  # a connection that died since is replaced before it is used
            pool_recycle=1800,
        )
        translate_errors_of(engine)
        return engine
    if backend != "sqlite":
        raise StorageError(f"RISK_PIPELINE_DATABASE_URL: {backend} is not supported; use sqlite or postgresql")
    if parsed.database:
        with storage_errors():
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(parsed, connect_args={"timeout": 30})
    translate_errors_of(engine)
    if parsed.database and can_only_read(Path(parsed.database)):
        read_without_writing(engine, Path(parsed.database))
        return engine

    @sa.event.listens_for(engine, "connect")
    @storage_errors()
    def _configure(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA foreign_keys=ON")

    return engine


def open_existing(url: str) -> sa.Engine:
    """Open a database by URL as :func:`open_engine` does, but make none.

    Raises
    ------
    StorageError
        Also if an SQLite file is not there or may not be read.
    """
    file = sqlite_file(url)
    if file is not None:
        require_file(file)
    return open_engine(url)


def sqlite_file(url: str) -> Path | None:
    """Return the file of an SQLite URL, None of another database or one in memory.

    Raises
    ------
    StorageError
        If it is no database URL.
    """
    parsed = parse_url(url)
    return Path(parsed.database) if parsed.get_backend_name() == "sqlite" and parsed.database else None


def place_of(engine: sa.Engine) -> str:
    """Return where a database is, in the same words for every process that has its URL; without user and password."""
    url = engine.url
    if engine.dialect.name == "sqlite":
        path = os.fsencode(Path(url.database or ":memory:").resolve())  # the same whatever letters a locale knows
        return path.decode("utf-8", "backslashreplace")
    return f"{url.host or url.query.get('host', 'localhost')}:{url.port or 5432}/{url.database}"


def parse_url(url: str) -> sa.URL:
    """Return the parts of a database URL.

    Raises
    ------
    StorageError
        If it is none, or holds a password with signs that mean something in a URL. The text shows no part of it.
    """
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        parsed = None
    ends_early = url.count("@") > 1 or (parsed is None and "@" in url) or "@" in ((parsed and parsed.database) or "")
    if ends_early and not url.startswith("sqlite"):  # the rest of the password would be taken for a host, and be shown
        raise StorageError(
            "RISK_PIPELINE_DATABASE_URL: the password holds a sign of its own meaning in a URL; "
            "write %40 for @ and %25 for %"
        )
    if parsed is None:
        raise StorageError(
            "RISK_PIPELINE_DATABASE_URL is not a database URL; "
            "write sqlite:///path or postgresql://user:password@host/name (in the password %40 for @)"
        )
    return parsed


def migrate(engine: sa.Engine, *, makes_tables: bool = True) -> None:
    """Bring the schema to its newest revision; several processes may do so at once.

    Raises
    ------
    StorageError
        If the database can only be read, or has no tables and is to get none, and is not of this version.
    """
    found = revision(engine)
    if found == newest_revision():  # the usual case; alembic alone takes a quarter of a second to load
        return
    if is_read_only(engine) or (found is None and not makes_tables):
        require_schema(engine)
    if engine.dialect.name == "sqlite":
        with engine.begin() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            is_empty = connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar_one() == 0
            if is_empty and create_newest(connection, newest_revision()):
                return
    upgrade(engine)


def require_schema(engine: sa.Engine) -> None:
    """Refuse a database without the tables of this version.

    Raises
    ------
    StorageError
        Names the remedy.
    """
    found = revision(engine)
    if found != newest_revision():
        what = "no tables yet" if found is None else f"tables of another version ({found}, not {newest_revision()})"
        raise StorageError(
            f"the database has {what}: `risk-pipeline init`, by a user who may write it, brings those of this version"
        )


def upgrade(engine: sa.Engine) -> None:
    """Run the migrations that a database lacks."""
    from alembic import command

    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")  # a new index takes its time
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(7_205_191)))
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()


def revision(engine: sa.Engine) -> str | None:
    """Return the schema's revision, None of a database without any."""
    if not sa.inspect(engine).has_table("alembic_version"):
        return None
    with engine.connect() as connection:
        return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


@lru_cache
def newest_revision() -> str:
    """Return the revision that this code's tables have: that of the last migration by name."""
    newest = max((Path(__file__).parent / "migrations" / "versions").glob("[0-9]*.py"))
    return newest.name.split("_")[0]


def alembic_config() -> Any:
    """Return alembic's configuration, with the migrations of this package."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def replace_sessions(
    engine: sa.Engine,
    sessions: Sequence[date],
    frames: Mapping[sa.Table, pd.DataFrame],
    *,
    analytic: str | None = None,
) -> dict[str, int]:
    """Replace the sessions' rows of several tables in one transaction; a reader sees all old or all new.

    Parameters
    ----------
    sessions : the sessions whose rows are deleted; frames may hold no other.
    frames : rows by table; every column of the table must be there.
    analytic : of ``analytics_skips`` and ``session_inputs`` only the rows of this analytic are replaced.

    Returns
    -------
    dict
        Rows written by table name.

    Raises
    ------
    StorageError
        If a frame doesn't fit its table; nothing is written then.
    """
    skips = frames.get(tables.analytics_skips)
    if skips is not None and (analytic is None or set(skips["analytic"]) - {analytic}):
        raise StorageError("analytics_skips: give the rows of one analytic, and its name as analytic=")
    prepared = {table: checked_columns(table, frame, sessions) for table, frame in frames.items()}
    with transaction(engine, *prepared) as connection:
        written = {}
        for table, columns in prepared.items():
            condition = _is_one_of(table.c.session, sessions)
            if table is tables.analytics_skips:
                condition &= table.c.analytic == analytic
            if table is tables.session_inputs:
                condition &= table.c.asset == analytic
            connection.execute(sa.delete(table).where(condition))
            written[table.name] = bulk.insert(connection, table, columns)
    return written


def replace_table(connection: sa.Connection, table: sa.Table, frame: pd.DataFrame) -> int:
    """Replace all rows of a small table; returns how many there are now."""
    columns = checked_columns(table, frame, None)
    connection.execute(sa.delete(table))
    return bulk.insert(connection, table, columns)


def insert_rows(connection: sa.Connection, table: sa.Table, frame: pd.DataFrame) -> int:
    """Insert rows in bulk; returns how many."""
    return bulk.insert(connection, table, checked_columns(table, frame, None))


@contextmanager
def transaction(engine: sa.Engine, *locked: sa.Table) -> Iterator[sa.Connection]:
    """Open a write transaction; other writers of the locked tables wait for its end.

    SQLite has one writer at a time, which must say so before it reads; Postgres has a lock by table, taken in
    the order of the names, so that two writers never wait for each other. The transactions of a run renew its lease.

    Raises
    ------
    StorageError
        If the engine is that of a run that was declared dead.
    """
    with engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            for name in sorted(table.name for table in locked):
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(name))))
        require_living(connection)
        yield connection
        renew(connection)


def read_frame(engine: sa.Engine, select: sa.Select[Any], by: Sequence[str] = ()) -> pd.DataFrame:
    """Run a select; dates come as ``datetime64[s]``, null numbers as NaN, null texts as None.

    ``by`` names the columns to sort by: here and not in the database, whose order of texts depends on its locale.
    """
    with engine.connect() as connection:
        frame = bulk.read(connection, select)
    return sorted_by(frame, by) if by else frame


def _is_one_of(column: sa.ColumnElement[Any], sessions: Sequence[date]) -> sa.ColumnElement[bool]:
    """Match exactly the sessions; in pieces, since databases limit the number of parameters."""
    pieces = [column.in_(list(sessions[start : start + 500])) for start in range(0, len(sessions), 500)]
    return sa.or_(sa.false(), *pieces)
