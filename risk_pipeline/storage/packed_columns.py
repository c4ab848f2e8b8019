"""Columns of a select as Postgres packs them, session by session: the bytes of all values, one after the other.

A row at a time through the driver costs ten times as much, and JSON's texts four times. No session may have more than
1 GB of a column. Texts of a key are mostly the same bytes from one session to the next: these are decoded once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, cast

import numpy as np
import sqlalchemy as sa

NUMBERS = (sa.Float, sa.Integer, sa.Boolean, sa.Date, sa.DateTime)
NOTHING, BETWEEN, NULL = (sa.literal_column(f"'{byte}'::bytea", sa.LargeBinary) for byte in ("", r"\x00", r"\xff"))
"""What stands between numbers, between texts, and for a text that is null: no text of Postgres holds such a byte."""
NOT_A_NUMBER = sa.literal_column("'NaN'::float8", sa.Double)
EPOCH = sa.literal_column("DATE '1970-01-01'", sa.Date)
NOT_IN_PARALLEL = sa.literal_column("json_agg(0) FILTER (WHERE false)", sa.JSON)
"""An aggregate that Postgres can't split among workers, which would mix up the rows."""


def packed_columns(connection: sa.Connection, select: sa.Select[Any]) -> Iterator[Any]:
    """Yield each column: numbers as float64 (days and microseconds since 1970 too), texts as objects, JSON as lists.

    If the first column is of dates and the select says no order, rows come by it: a chunk of rows for each date.
    """
    columns = [cast("sa.ColumnElement[Any]", column) for column in select.subquery().c]
    is_by_date = isinstance(columns[0].type, sa.Date) and not select._order_by_clause.clauses
    chunk_of: list[sa.ColumnElement[Any]] = [columns.pop(0)] if is_by_date else []
    query = sa.select(sa.func.count(), NOT_IN_PARALLEL, *map(_packed, columns), *(day - EPOCH for day in chunk_of))
    statement = query.group_by(*chunk_of).compile(
        dialect=connection.dialect, compile_kwargs={"render_postcompile": True}
    )
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor:
        chunks = [row for row in cursor.stream(str(statement), statement.construct_params(), binary=True) if row[0]]
    if is_by_date:
        chunks.sort(key=lambda row: (row[-1] is None, row[-1]))
        days = np.array([row[-1] for row in chunks], dtype=float)
        yield np.repeat(days, np.array([row[0] for row in chunks], dtype=np.int64))
    texts = _Texts({b"\xff": None})
    for place, column in enumerate(columns, start=2):
        pieces = [row[place] for row in chunks]
        if isinstance(column.type, NUMBERS):
            yield np.frombuffer(b"".join(pieces), dtype=">f8").astype(float)
        elif isinstance(column.type, sa.String):
            yield texts.of(pieces)
        else:
            yield list(chain.from_iterable(pieces))


def _packed(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Return the aggregate that packs a column."""
    kind, value = column.type, column
    if isinstance(kind, sa.String):
        sent = sa.func.textsend(sa.cast(value, sa.Text))
        return sa.func.string_agg(sa.func.coalesce(sent, NULL), BETWEEN)
    if not isinstance(kind, NUMBERS):
        return sa.func.json_agg(value)
    if isinstance(kind, sa.Date):
        value = column - EPOCH
    elif isinstance(kind, sa.DateTime):
        value = sa.func.extract("epoch", column) * 1_000_000
    elif isinstance(kind, sa.Boolean):
        value = sa.cast(column, sa.Integer)
    number = sa.func.coalesce(sa.cast(value, sa.Double), NOT_A_NUMBER)
    return sa.func.string_agg(sa.func.float8send(number), NOTHING)


class _Texts(dict[bytes, str | None]):
    """Each different text once, by its bytes."""

    def __missing__(self, sent: bytes) -> str | None:
        self[sent] = text = sent.decode()
        return text

    def of(self, pieces: Sequence[bytes]) -> Any:
        """Return the texts of all pieces as objects."""
        arrays, before = [np.empty(0, dtype=object)], None
        for piece in pieces:
            if piece != before:
                sent = piece.split(b"\0")
                array = np.fromiter(map(self.__getitem__, sent), dtype=object, count=len(sent))
            arrays.append(array)
            before = piece
        return np.concatenate(arrays)
