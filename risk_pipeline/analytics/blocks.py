"""Matrix products whose columns don't depend, to the last bit, on which other columns are computed with them.

A BLAS library chooses its kernel by the shapes it is given, so the same column can differ in the last bit
between a run over one symbol and a run over a thousand. Working in blocks of one fixed width takes the
choice away: a backfill and a daily run then write identical rows.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .arrays import Float2D

WIDTH = 64


def column_blocks(columns: Float2D) -> Iterator[tuple[slice, Float2D]]:
    """Yield the columns in blocks of ``WIDTH``, the last one padded with zeros, and the place of each."""
    count = columns.shape[1]
    for start in range(0, count, WIDTH):
        part = columns[:, start : start + WIDTH]
        block = np.zeros((columns.shape[0], WIDTH))
        block[:, : part.shape[1]] = part
        yield slice(start, start + part.shape[1]), block


def product(left: Float2D, right: Float2D) -> Float2D:
    """Return ``left @ right``, block by block."""
    out = np.empty((left.shape[0], right.shape[1]))
    fixed = np.ascontiguousarray(left)
    for place, block in column_blocks(right):
        out[:, place] = (fixed @ block)[:, : place.stop - place.start]
    return out
