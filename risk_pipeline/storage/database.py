"""Engines, migrations and the transactional partition replace, the same on SQLite and Postgres."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa

from . import tables


class StorageError(ValueError):
    """Rows that don't fit their table, or a database that can't be used; the text names the remedy."""


def open_engine(url: str) -> sa.Engine:
    """Open a database by URL: ``sqlite:///path`` or ``postgresql://user:password@host/name``.

    Postgres is always spoken to with psycopg 3. SQLite is in write-ahead mode, so that readers see the old
    rows while a partition is replaced.

    Raises
    ------
    StorageError
        If the URL is neither. The text never shows the URL, which may hold a password.
    """
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:
        raise StorageError(
            "RISK_PIPELINE_DATABASE_URL is not a database URL; "
            "write sqlite:///path or postgresql://user:password@host/name"
        ) from None
    backend = parsed.get_backend_name()
    if backend in ("postgresql", "postgres"):
        return sa.create_engine(parsed.set(drivername="postgresql+psycopg"), pool_pre_ping=True)
    if backend != "sqlite":
        raise StorageError(f"RISK_PIPELINE_DATABASE_URL: {backend} is not supported; use sqlite or postgresql")
    if parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(parsed, connect_args={"timeout": 30})

    @sa.event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA foreign_keys=ON")

    return engine


def migrate(engine: sa.Engine) -> None:
    """Bring the schema to its newest revision; several processes may do so at once."""
    from alembic import command

    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(7_205_191)))
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()


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
    analytic : of ``analytics_skips`` only the rows of this analytic are replaced.

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
    prepared = {table: _rows(table, frame, sessions) for table, frame in frames.items()}
    with transaction(engine, *prepared) as connection:
        for table, rows in prepared.items():
            condition = _within(table.c.session, sessions)
            if table is tables.analytics_skips:
                condition &= table.c.analytic == analytic
            connection.execute(sa.delete(table).where(condition))
            _insert(connection, table, rows)
    return {table.name: len(rows) for table, rows in prepared.items()}


def replace_table(connection: sa.Connection, table: sa.Table, frame: pd.DataFrame) -> int:
    """Replace all rows of a small table; returns how many there are now."""
    rows = _rows(table, frame, None)
    connection.execute(sa.delete(table))
    _insert(connection, table, rows)
    return len(rows)


def insert_rows(connection: sa.Connection, table: sa.Table, frame: pd.DataFrame) -> int:
    """Insert rows in bulk; returns how many."""
    rows = _rows(table, frame, None)
    _insert(connection, table, rows)
    return len(rows)


@contextmanager
def transaction(engine: sa.Engine, *locked: sa.Table) -> Iterator[sa.Connection]:
    """Open a write transaction; other writers of the locked tables wait for its end.

    SQLite has one writer at a time, which must say so before it reads; Postgres has a lock by table, taken in
    the order of the names, so that two writers never wait for each other.
    """
    with engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            for name in sorted(table.name for table in locked):
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(name))))
        yield connection


def read_frame(engine: sa.Engine, select: sa.Select[Any], by: Sequence[str] = ()) -> pd.DataFrame:
    """Run a select; dates come as ``datetime64[s]``, null numbers as NaN, null texts as None.

    ``by`` names the columns to sort by: here and not in the database, whose order of texts depends on its locale.
    """
    with engine.connect() as connection:
        rows = connection.execute(select).fetchall()
    columns = select.selected_columns
    frame = pd.DataFrame.from_records(rows, columns=[column.name for column in columns])
    for column in columns:
        if isinstance(column.type, sa.Date):
            frame[column.name] = pd.to_datetime(frame[column.name]).astype("datetime64[s]")
        elif isinstance(column.type, sa.Float):
            frame[column.name] = frame[column.name].astype(float)
        elif isinstance(column.type, sa.String):
            frame[column.name] = frame[column.name].astype(object).where(frame[column.name].notna(), None)
    return frame.sort_values(list(by), kind="stable", ignore_index=True) if by else frame


def _within(column: sa.ColumnElement[Any], sessions: Sequence[date]) -> sa.ColumnElement[bool]:
    """Match exactly the sessions; in pieces, since databases limit the number of parameters."""
    pieces = [column.in_(list(sessions[at : at + 500])) for at in range(0, len(sessions), 500)]
    return sa.or_(sa.false(), *pieces)


def _rows(table: sa.Table, frame: pd.DataFrame, sessions: Sequence[date] | None) -> list[tuple[Any, ...]]:
    """Turn a frame into rows in the table's column order, checked against the table."""
    names = [column.name for column in table.columns]
    missing = [name for name in names if name not in frame]
    unknown = [name for name in frame if name not in names]
    if missing or unknown:
        raise StorageError(
            f"{table.name}: columns missing {missing}, unknown {unknown}; give exactly the table's columns"
        )
    if sessions is not None and len(frame):
        strange = set(pd.DatetimeIndex(frame["session"]).date) - set(sessions)
        if strange:
            raise StorageError(f"{table.name}: rows of {min(strange)}, which is not among the sessions to replace")
    return list(zip(*(_values(table, column, frame[column.name]) for column in table.columns), strict=True))


def _values(table: sa.Table, column: sa.Column[Any], values: pd.Series) -> list[Any]:
    """Return a column as Python values, None for what is not there."""
    absent = values.isna().to_numpy()
    if absent.any() and not column.nullable:
        raise StorageError(
            f"{table.name}.{column.name} is missing in row {int(np.argmax(absent))} of {len(values)}; "
            "every row needs it"
        )
    out: list[Any]
    if isinstance(column.type, sa.Date):
        out = pd.to_datetime(values).dt.date.tolist()
    elif isinstance(column.type, sa.Float):
        out = values.astype(float).tolist()
    elif isinstance(column.type, sa.Integer):
        numbers = values.astype(float).fillna(0)
        if not (numbers.eq(numbers.round()) & numbers.abs().lt(2**31)).all():
            raise StorageError(f"{table.name}.{column.name} holds a number that is no 32-bit integer; round it")
        out = numbers.astype(int).tolist()
    elif isinstance(column.type, sa.Boolean):
        out = values.astype(object).where(~absent, False).astype(bool).tolist()
    elif isinstance(column.type, sa.DateTime):
        out = [value.to_pydatetime() for value in pd.to_datetime(values)]
    elif isinstance(column.type, sa.String):
        out = [str(value) for value in values]
        limit, longest = column.type.length or np.inf, max(out, key=len, default="")
        if len(longest) > limit:
            raise StorageError(f"{table.name}.{column.name}: {longest[:20]}… is over {limit} characters; shorten it")
    else:
        out = values.tolist()
    if absent.any():
        for row in np.flatnonzero(absent):
            out[row] = None
    return out


def _insert(connection: sa.Connection, table: sa.Table, rows: list[tuple[Any, ...]]) -> None:
    """Insert in bulk: binary COPY on Postgres, executemany on SQLite."""
    if not rows:
        return
    names = [f'"{column.name}"' for column in table.columns]
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "postgresql":
        from psycopg.types.json import Json

        kinds = [_POSTGRES[type(column.type)] for column in table.columns]
        json_at = [at for at, kind in enumerate(kinds) if kind == "json"]
        with (
            driver.cursor() as cursor,
            cursor.copy(f'COPY "{table.name}" ({", ".join(names)}) FROM STDIN (FORMAT BINARY)') as copy,
        ):
            copy.set_types(kinds)
            for row in rows:
                copy.write_row(
                    [Json(value) if at in json_at else value for at, value in enumerate(row)] if json_at else row
                )
    else:
        encode = [_SQLITE.get(type(column.type)) for column in table.columns]
        encoded = (
            tuple(
                value if kind is None or value is None else kind(value) for kind, value in zip(encode, row, strict=True)
            )
            for row in rows
        )
        marks = ", ".join("?" * len(names))
        driver.executemany(
            f'INSERT INTO "{table.name}" ({", ".join(names)}) VALUES ({marks})',  # noqa: S608 (names are ours)
            encoded,
        )


_POSTGRES: dict[type, str] = {
    sa.Date: "date",
    sa.Float: "float8",
    sa.Integer: "int4",
    sa.Boolean: "bool",
    sa.DateTime: "timestamp",
    sa.JSON: "json",
    sa.String: "varchar",
}
_SQLITE: dict[type, Any] = {
    sa.Date: date.isoformat,
    sa.Boolean: int,
    sa.DateTime: lambda value: value.isoformat(sep=" ", timespec="microseconds"),
    sa.JSON: json.dumps,
}
