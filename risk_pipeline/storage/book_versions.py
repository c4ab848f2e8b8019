"""Versions of the imported book: a run reads one of them from its first step to its last.

The tables of the book hold its present rows. ``book_rows`` holds every row that ever was, with the versions in
which it holds; nothing there is overwritten but the end of a row that no longer holds. A version is recorded by
each import, in its transaction, and by a run that finds the tables changed (by hand, or before there were versions).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, TypeVar, cast

import numpy as np
import pandas as pd
import sqlalchemy as sa

from . import bulk, tables
from .columns import sorted_by
from .database import insert_rows, transaction
from .errors import StorageError
from .tables import book_rows, book_versions, database_facts

BOOK = (
    tables.portfolios,
    tables.positions,
    tables.portfolio_groups,
    tables.portfolio_flows,
    tables.private_marks,
    tables.symbol_aliases,
    tables.implied_volatilities,
    tables.limits,
    tables.benchmarks,
)
"""The tables that an import writes."""
OPTION = "risk_pipeline_book"
"""Execution option of an engine that looks at one version of the book."""

CONTENT = "book_content"
"""The fact that holds the newest version and the hash of its rows."""

T = TypeVar("T")


@dataclass(frozen=True)
class BookView:
    """One version of the book: its rows by the name of their table, as :func:`~.database.read_frame` returns them.

    ``made`` is what its readers make of it, so that the assets of a run make it once (:func:`made_once`).
    """

    version: int
    frames: Mapping[str, pd.DataFrame]
    made: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)


def newest_version(engine: sa.Engine) -> int:
    """Return the number of the newest recorded version, 0 before the first."""
    with engine.connect() as connection:
        return _newest(connection)


def _newest(connection: sa.Connection) -> int:
    return int(connection.execute(sa.select(sa.func.coalesce(sa.func.max(book_versions.c.version), 0))).scalar_one())


def record_version(connection: sa.Connection, made_at: datetime | None = None) -> int:
    """Record the present rows of the book as a version, unless they are those of the newest; return its number.

    Call it inside the transaction that changed the rows, with the tables of the book locked.
    """
    return _record(connection, _present(connection), made_at)


def _present(connection: sa.Connection) -> dict[str, pd.DataFrame]:
    """Return the present rows of the book by the name of their table, in the order of the keys."""
    return {
        table.name: sorted_by(
            bulk.read(connection, sa.select(table)), [column.name for column in table.primary_key.columns]
        )
        for table in BOOK
    }


def _record(connection: sa.Connection, frames: Mapping[str, pd.DataFrame], made_at: datetime | None = None) -> int:
    """Record rows as a version, unless they are those of the newest; return its number.

    What the newest version's rows hash to is kept among the facts, so that they are compared one by one only where the
    tables hold something else.
    """
    version = _newest(connection)
    content = _content_hash(frames)
    if version and _known_content(connection) == f"{version} {content}":
        return version
    version = _record_changes(connection, frames, version, made_at)
    connection.execute(sa.delete(database_facts).where(database_facts.c.name == CONTENT))
    connection.execute(sa.insert(database_facts).values(name=CONTENT, value=f"{version} {content}"))
    return version


def _known_content(connection: sa.Connection) -> str | None:
    return connection.execute(sa.select(database_facts.c.value).where(database_facts.c.name == CONTENT)).scalar()


def _content_hash(frames: Mapping[str, pd.DataFrame]) -> str:
    """Return a hash of rows in the order of their keys."""
    digest = hashlib.sha256()
    for name, rows in frames.items():
        digest.update(f"{name} {' '.join(rows)}".encode())
        digest.update(pd.util.hash_pandas_object(rows, index=False).to_numpy().tobytes())
    return digest.hexdigest()


def _record_changes(
    connection: sa.Connection, frames: Mapping[str, pd.DataFrame], version: int, made_at: datetime | None
) -> int:
    """Record what differs from the rows of a version, the newest; return the number of the newest after it."""
    present = {
        (table.name, key): content for table in BOOK for key, content in _as_json(table, frames[table.name]).items()
    }
    held = {
        (kind, key): content
        for kind, key, content in connection.execute(
            sa.select(book_rows.c.kind, book_rows.c.row_key, book_rows.c.content).where(
                book_rows.c.valid_to_version.is_(None)
            )
        ).all()
    }
    ended = [key for key, content in held.items() if present.get(key) != content]
    added = [key for key, content in present.items() if held.get(key) != content]
    if not ended and not added and version:
        return version
    version += 1
    for start in range(0, len(ended), 500):
        keys = ended[start : start + 500]
        same = sa.tuple_(book_rows.c.kind, book_rows.c.row_key).in_(keys)
        connection.execute(
            sa.update(book_rows).where(same, book_rows.c.valid_to_version.is_(None)).values(valid_to_version=version)
        )
    connection.execute(
        sa.insert(book_versions).values(version=version, made_at=made_at, rows_added=len(added), rows_ended=len(ended))
    )
    rows = pd.DataFrame(
        [(*key, version, None, present[key]) for key in added], columns=[column.name for column in book_rows.columns]
    )
    insert_rows(connection, book_rows, rows)
    return version


def _as_json(table: sa.Table, rows: pd.DataFrame) -> dict[str, str]:
    """Return each row as JSON by its key; an empty optional field is left out, so that a new column changes none."""
    cells = {name: _cells(rows[name]) for name in rows}
    keys = zip(*(cells[column.name] for column in table.primary_key.columns), strict=True)
    fields = ([cell and f'"{name}": {cell}' for cell in cells[name]] for name in sorted(cells))
    contents = zip(*fields, strict=True)
    return {
        f"[{', '.join(key)}]": f"{{{', '.join(filter(None, row))}}}" for key, row in zip(keys, contents, strict=True)
    }


def _cells(values: pd.Series) -> list[Any]:
    """Return each value as JSON, None of a null; each different one is written once."""
    texts: list[str | None]
    if pd.api.types.is_datetime64_any_dtype(values):
        codes, days = pd.factorize(values)
        texts = [json.dumps(day.date().isoformat()) for day in days]
    elif pd.api.types.is_float_dtype(values):  # by their bits: -0.0 is not 0.0
        codes, bits = pd.factorize(values.to_numpy().view(np.int64))
        texts = [None if np.isnan(value) else json.dumps(value) for value in bits.view(float).tolist()]
    else:
        codes, distinct = pd.factorize(values)
        texts = [json.dumps(value) for value in distinct.tolist()]
    return list(np.array([*texts, None], dtype=object)[codes])


def pinned_book(engine: sa.Engine, run_id: str) -> BookView:
    """Return the version of the book that a run reads: the present one when it first asks, the same ever after.

    It is kept in ``batch_runs``, so that the processes of one run agree.
    """
    runs = tables.batch_runs
    with transaction(engine, *BOOK, runs) as connection:
        known = connection.execute(sa.select(runs.c.run_id, runs.c.book_version).where(runs.c.run_id == run_id)).first()
        if known is None or known.book_version is None:
            frames = _present(connection)
            version = _record(connection, frames)
            if known is None:
                of_run = {"run_id": run_id, "status": "started", "launched_by": "unknown", "is_alerted": False}
                connection.execute(sa.insert(runs).values(**of_run, book_version=version))
            else:
                connection.execute(sa.update(runs).where(runs.c.run_id == run_id).values(book_version=version))
            return BookView(version, frames)
    return book_at(engine, int(known.book_version))


def book_at(engine: sa.Engine, version: int) -> BookView:
    """Return the rows that hold in a version.

    Raises
    ------
    StorageError
        If there is no such version.
    """
    if not 1 <= version <= newest_version(engine):
        raise StorageError(f"the book has no version {version}; the newest is {newest_version(engine)}")
    holds = (book_rows.c.valid_from_version <= version) & sa.or_(
        book_rows.c.valid_to_version.is_(None), book_rows.c.valid_to_version > version
    )
    rows: dict[str, list[str]] = {table.name: [] for table in BOOK}
    with engine.connect() as connection:
        for kind, content in connection.execute(sa.select(book_rows.c.kind, book_rows.c.content).where(holds)).all():
            rows.setdefault(kind, []).append(content)
    frames = {table.name: _frame(table, json.loads(f"[{','.join(rows[table.name])}]")) for table in BOOK}
    return BookView(version, frames)


def _frame(table: sa.Table, rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return rows as a frame with the types of :func:`~.database.read_frame`, in the order of the key."""
    columns = {}
    for column in table.columns:
        values = [row.get(column.name) for row in rows]
        if isinstance(column.type, sa.Date):
            codes, days = pd.factorize(np.array([*values, None], dtype=object)[:-1])
            columns[column.name] = np.array([*days, None], dtype="datetime64[D]").astype("datetime64[s]")[codes]
        elif isinstance(column.type, sa.Boolean):
            columns[column.name] = np.array(values, dtype=bool)
        elif isinstance(column.type, sa.Float):
            columns[column.name] = np.array(values, dtype=float)
        else:
            texts = np.empty(len(values), dtype=object)
            texts[:] = values
            columns[column.name] = texts
    frame = pd.DataFrame({name: pd.Series(v, dtype=v.dtype) for name, v in columns.items()})
    return sorted_by(frame, [column.name for column in table.primary_key.columns])


def looking_at(engine: sa.Engine, view: BookView) -> sa.Engine:
    """Return the engine as one through which the functions of ``queries`` see that version of the book."""
    return engine.execution_options(**{OPTION: view})


def book_rows_of(engine: sa.Engine, table: sa.Table, until: tuple[str, date] | None = None) -> pd.DataFrame | None:
    """Return the rows of a table of the book in the version that the engine looks at, None for the present ones.

    ``until`` is a column and the last day of it that counts.
    """
    view = view_seen(engine)
    if view is None or table.name not in view.frames:
        return None
    frame = view.frames[table.name]
    if until is not None:
        frame = frame[frame[until[0]] <= pd.Timestamp(until[1])]
    return frame.reset_index(drop=True)


def view_seen(engine: sa.Engine) -> BookView | None:
    """Return the version that the engine looks at, None where it sees the present rows."""
    view: BookView | None = engine.get_execution_options().get(OPTION)
    return view


def made_once(engine: sa.Engine, kind: str, make: Callable[[], T], of: pd.DataFrame | None = None) -> T:
    """Return what is made of the version that the engine looks at, once for all that look at it.

    It is made again where the other rows that it is made ``of`` have changed.
    """
    view = view_seen(engine)
    if view is None:
        return make()
    known = view.made.get(kind)
    if known is None or not (of is None or known[0].equals(of)):
        known = view.made[kind] = of, make()
    return cast("T", known[1])


def version_seen(engine: sa.Engine) -> int:
    """Return the number of the version that the engine looks at, else of the newest recorded one."""
    view = view_seen(engine)
    return newest_version(engine) if view is None else int(view.version)
