"""Checked columns as the bytes of Postgres' binary COPY, a piece at a time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate, chain
from typing import Any

import numpy as np
import sqlalchemy as sa

from ..analytics.arrays import Int1D
from .columns import Column

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
END = b"\xff\xff"
AT_ONCE = 4096
"""Rows of a piece: few enough to stay in the processor's cache."""
EPOCH = np.datetime64("2000-01-01")  # of Postgres
TEXTS = (sa.String, sa.JSON)
WIDTHS = {sa.Date: 4, sa.DateTime: 8, sa.Boolean: 1, sa.Integer: 4, sa.Float: 8}
"""Bytes of a value of each kind that is no text."""


def binary_rows(columns: list[Column]) -> Iterator[bytes]:
    """Yield the rows, without the header and the end of the format."""
    from ..analytics.kernels.copy_rows import write_rows

    encoded = [[text.encode() for text in column.texts or ()] for column in columns]
    with_length = [len(text).to_bytes(4, "big") + text for text in chain.from_iterable(encoded)]
    texts = np.frombuffer(b"".join(with_length), dtype=np.uint8)
    ends = np.array([0, *accumulate(map(len, with_length))])
    first = np.array([*accumulate(map(len, encoded), initial=1)])[:-1]
    width = np.array([0 if column.texts is not None else _width(column) for column in columns])
    shape = (len(columns), AT_ONCE)
    values, absent = np.empty(shape, dtype=np.int64), np.empty(shape, dtype=bool)
    out = np.empty(0, dtype=np.uint8)
    for start in range(0, len(columns[0].values), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        rows = len(columns[0].values[part])
        most = rows * (2 + 4 * len(columns) + int(width.sum()))
        for place, column in enumerate(columns):
            values[place, :rows], absent[place, :rows] = _bits(column, part), column.absent[part]
            if column.texts is not None:
                present = values[place, :rows][~absent[place, :rows]] + first[place]
                most += int((ends[present] - ends[present - 1]).sum())
        if most > len(out):
            out = np.empty(most, dtype=np.uint8)
        written = write_rows(values, absent, rows, width, texts, ends, first, out)
        yield out[:written].tobytes()


def _width(column: Column) -> int:
    return next(size for kind, size in WIDTHS.items() if issubclass(column.kind, kind))


def _bits(column: Column, part: slice) -> Int1D:
    """Return numbers as their bits, days since 2000 or microseconds since then as Postgres counts them."""
    values: np.ndarray[Any, Any] = column.values[part]
    if issubclass(column.kind, sa.Date | sa.DateTime):
        values = values - EPOCH.astype(values.dtype)
    bits: Int1D = values.view(np.int64) if issubclass(column.kind, sa.Float) else values.astype(np.int64)
    return bits
