"""Many rows at once, in and out: binary COPY and packed columns on Postgres, executemany and tuples on SQLite.

For Postgres, a compiled loop builds the bytes of its binary COPY, and the server packs whole columns into bytes: row by
row through the driver either costs ten times as much. Both go past SQLAlchemy, so that errors are explained here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa

from ..analytics.arrays import Bool1D, Float1D, Int1D
from .columns import Column
from .copy_rows import END, HEADER, binary_rows
from .errors import StorageError, storage_errors
from .packed_columns import NUMBERS, packed_columns

FEW = 2000
"""Rows that go to Postgres as texts: in less time than a compiled loop takes to load."""
ROWS_AT_ONCE = 1000
"""Rows of SQLite that are objects of Python at once: few enough to stay in the processor's cache."""
FIRST_TEXT = -(2.0**53)
"""What stands for the first text in a row of SQLite; the others follow one by one."""


@storage_errors()
def insert(connection: sa.Connection, table: sa.Table, columns: list[Column]) -> int:
    """Insert checked columns; returns the number of rows."""
    count = len(columns[0].values)
    if not count:
        return 0
    names = ", ".join(f'"{column.name}"' for column in columns)
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "postgresql":
        form = "TEXT" if count <= FEW else "BINARY"
        with (
            driver.cursor() as cursor,
            cursor.copy(f'COPY "{table.name}" ({names}) FROM STDIN (FORMAT {form})') as copy,
        ):
            if count <= FEW:
                for row in zip(*map(_values, columns), strict=True):
                    copy.write_row(row)
            else:
                for piece in chain([HEADER], binary_rows(columns), [END]):
                    copy.write(piece)
    else:
        marks = ", ".join("?" * len(columns))
        driver.executemany(
            f'INSERT INTO "{table.name}" ({names}) VALUES ({marks})',  # noqa: S608 (names are ours)
            zip(*map(_values, columns), strict=True),
        )
    return count


def _values(column: Column) -> Any:
    """Return values as SQLAlchemy stores them in SQLite and as texts say them to Postgres, None for what is absent."""
    if column.texts is not None:
        return np.array([*column.texts, None], dtype=object)[np.where(column.absent, -1, column.values)].tolist()
    if issubclass(column.kind, sa.Date | sa.DateTime):
        times, codes = np.unique(column.values, return_inverse=True)
        texts = [text.replace("T", " ") for text in np.datetime_as_string(times).tolist()]
        return np.array([*texts, None], dtype=object)[np.where(column.absent, -1, codes)].tolist()
    values = column.values.astype(int) if issubclass(column.kind, sa.Boolean) else column.values
    if column.absent.any():
        values = values.astype(object)
        values[column.absent] = None
    return values.tolist()


@storage_errors()
def read(connection: sa.Connection, select: sa.Select[Any]) -> pd.DataFrame:
    """Run a select; see :func:`~.database.read_frame`."""
    selected = list(select.selected_columns)
    read_columns = packed_columns if connection.dialect.name == "postgresql" else _sqlite_columns
    columns = [
        _typed(column.type, values) for column, values in zip(selected, read_columns(connection, select), strict=True)
    ]
    names = [column.name for column in selected]
    return pd.DataFrame(dict(enumerate(columns)), copy=False).set_axis(names, axis="columns")


class _TextCodes(dict[bytes, float]):
    """A number for each different text, in place of a string a row: far below any that a column of numbers holds."""

    def __missing__(self, text: bytes) -> float:
        self[text] = code = FIRST_TEXT + len(self)
        return code

    def places(self, values: Float1D) -> Int1D:
        """Return the place of each value among the texts; the last one, after all texts, is of null."""
        return np.where(np.isnan(values), len(self), values - FIRST_TEXT).astype(np.int64)

    def are_texts(self, values: Float1D) -> Bool1D:
        """Return which values stand for a text."""
        return np.asarray((values >= FIRST_TEXT) & (values < FIRST_TEXT + len(self)))


def _sqlite_columns(connection: sa.Connection, select: sa.Select[Any]) -> Iterator[Any]:
    """Yield each column: numbers as float64 (days and microseconds since 1970 too), texts as objects, JSON as lists.

    Every value comes as a float, so that a row makes no string and a chunk of rows is one array.
    """
    kinds = [column.type for column in select.selected_columns]
    driver: Any = connection.connection.driver_connection
    codes = _TextCodes()
    before, driver.text_factory = driver.text_factory, codes.__getitem__
    try:
        cursor: Any = connection.execute(select).cursor
        chunks = [np.empty((len(kinds), 0))]
        while cursor is not None and (rows := cursor.fetchmany(ROWS_AT_ONCE)):
            values = np.fromiter(chain.from_iterable(rows), dtype=float, count=len(rows) * len(kinds))
            chunks.append(values.reshape(len(rows), len(kinds)).T.copy())
    finally:
        driver.text_factory = before
    texts = [text.decode() for text in codes]
    for number, column in enumerate(select.selected_columns):
        values = np.concatenate([chunk[number] for chunk in chunks])
        is_text = codes.are_texts(values)
        if isinstance(column.type, NUMBERS) and not _holds_times(column.type):
            if is_text.any():
                raise StorageError(f"{column.name} holds {texts[codes.places(values[is_text])[0]]!r} and not a number")
            yield values
            continue
        if not (is_text | np.isnan(values)).all():
            raise StorageError(f"{column.name} holds {values[~is_text][0]:g} and not a text")
        places = codes.places(values)
        if _holds_times(column.type):
            yield _times(column.type, texts, places)
        elif isinstance(column.type, sa.JSON):
            yield [None if place == len(texts) else json.loads(texts[place]) for place in places.tolist()]
        else:
            yield np.array([*texts, None], dtype=object)[places]


def _holds_times(kind: Any) -> bool:
    return isinstance(kind, sa.Date | sa.DateTime)


def _times(kind: Any, texts: list[str], places: Int1D) -> Float1D:
    """Return days or microseconds since 1970 by the places of their texts, NaN of a null."""
    used = np.zeros(len(texts) + 1, dtype=bool)
    used[places] = True
    units = np.full(len(used), np.nan)
    chosen = np.flatnonzero(used[:-1])
    unit = "D" if isinstance(kind, sa.Date) else "us"
    units[chosen] = np.array([texts[place] for place in chosen.tolist()], dtype=f"datetime64[{unit}]").astype(np.int64)
    return units[places]


def _typed(kind: Any, values: Any) -> Any:
    if _holds_times(kind):
        missing = np.isnan(values)
        unit = "D" if isinstance(kind, sa.Date) else "us"
        times = np.where(missing, 0, values).astype(np.int64).astype(f"datetime64[{unit}]")
        times[missing] = np.array("NaT", dtype=times.dtype)
        return times.astype("datetime64[s]") if isinstance(kind, sa.Date) else times
    if isinstance(kind, sa.Integer | sa.Boolean) and not np.isnan(values).any():
        return values.astype(bool if isinstance(kind, sa.Boolean) else np.int64)
    if isinstance(kind, NUMBERS):
        return values
    if isinstance(values, list):
        out = np.empty(len(values), dtype=object)
        out[:] = values
        values = out
    return pd.Series(values, dtype=object)
