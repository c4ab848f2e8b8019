"""Everything stored as Parquet files: by table, and by year where a table has sessions."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from . import tables
from .describe import tables_page
from .queries import read_table

LEFT_OUT = frozenset(("book_rows",))
"""Tables that repeat others row by row."""
TYPES: tuple[tuple[Any, pa.DataType], ...] = (
    (sa.DateTime, pa.timestamp("us")),
    (sa.Date, pa.date32()),
    (sa.Boolean, pa.bool_()),
    (sa.Integer, pa.int64()),
    (sa.Float, pa.float64()),
    (sa.JSON, pa.string()),
    (sa.String, pa.string()),
)
DAYS_AT_ONCE = 31


@dataclass(frozen=True)
class ExportedFile:
    """A file of an export and its rows."""

    path: Path
    rows: int


def export(engine: sa.Engine, folder: Path, first: date | None = None, last: date | None = None) -> list[ExportedFile]:
    """Write ``<table>/<year>.parquet``, ``<table>.parquet`` of tables without sessions, and ``tables.md`` to a folder.

    A file is put in place when it is whole; one that is there is replaced, and removed where the range has no row of
    it any more. ``first`` and ``last`` bound the sessions.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for table in tables.metadata.tables.values():
        if table.name in LEFT_OUT:
            continue
        if "session" not in table.columns:
            written.append(_write(folder / f"{table.name}.parquet", table, iter([read_table(engine, table.name)])))
            continue
        for start, end in _years(engine, table, first, last):
            written.append(
                _write(folder / table.name / f"{start.year}.parquet", table, _months(engine, table, start, end))
            )
    _put(folder / "tables.md", lambda path: path.write_text(tables_page(), encoding="utf-8"))
    return [file for file in written if file.rows]


def _years(engine: sa.Engine, table: sa.Table, first: date | None, last: date | None) -> list[tuple[date, date]]:
    with engine.connect() as connection:
        found = connection.execute(sa.select(sa.func.min(table.c.session), sa.func.max(table.c.session))).one()
    if found[0] is None:
        return []
    begin, end = max(first or found[0], found[0]), min(last or found[1], found[1])
    years = range(begin.year, end.year + 1)
    return [(max(begin, date(year, 1, 1)), min(end, date(year, 12, 31))) for year in years]


def _months(engine: sa.Engine, table: sa.Table, start: date, end: date) -> Iterator[pd.DataFrame]:
    """Yield the rows of a table in the order of its key, some days at a time: a year may not fit in memory."""
    while start <= end:
        stop = min(start + timedelta(days=DAYS_AT_ONCE - 1), end)
        yield read_table(engine, table.name, first=start, last=stop)
        start = stop + timedelta(days=1)


def _write(path: Path, table: sa.Table, parts: Iterator[pd.DataFrame]) -> ExportedFile:
    schema = pa.schema([pa.field(column.name, _type(column), bool(column.nullable)) for column in table.columns])
    count = 0

    def fill(scratch: Path) -> None:
        nonlocal count
        with pq.ParquetWriter(scratch, schema, compression="zstd") as writer:
            for rows in parts:
                if len(rows):
                    writer.write_table(_arrow(rows, schema))
                    count += len(rows)

    _put(path, fill)
    if not count:
        path.unlink()
    return ExportedFile(path, count)


def _type(column: sa.Column[Any]) -> pa.DataType:
    return next(kind for known, kind in TYPES if isinstance(column.type, known))


def _arrow(rows: pd.DataFrame, schema: pa.Schema) -> pa.Table:
    columns = []
    for field in schema:
        values = rows[field.name]
        if field.type == pa.string():
            values = values.map(lambda value: value if value is None or isinstance(value, str) else json.dumps(value))
        if field.type == pa.int64():
            values = values.astype("Int64")
        columns.append(pa.Array.from_pandas(values, type=field.type))
    return pa.Table.from_arrays(columns, schema=schema)


def _put(path: Path, fill: Any) -> None:
    """Fill a file beside the path, then put it in place all at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, scratch = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".writing")
    os.close(handle)
    try:
        fill(Path(scratch))
        os.chmod(scratch, 0o644)
        os.replace(scratch, path)
    finally:
        Path(scratch).unlink(missing_ok=True)
