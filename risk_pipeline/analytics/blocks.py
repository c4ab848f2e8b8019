"""Matrix products whose columns don't depend, to the last bit, on which other columns are computed with them.

A BLAS library chooses its kernel by the shapes it is given, so the same column can differ in the last bit
between a run over one symbol and a run over a thousand. Working in blocks of one fixed width takes the
choice away: a backfill and a daily run then write identical rows.
"""

from __future__ import annotations

import numpy as np

from .arrays import Float2D

WIDTH = 64


def product(left: Float2D, right: Float2D) -> Float2D:
    """Return ``left @ right``, block by block; the last one is filled up with other columns."""
    columns = right.shape[1]
    out, fixed, block = np.empty((len(left), columns)), np.ascontiguousarray(left), np.zeros((len(right), WIDTH))
    for start in range(0, columns, WIDTH):
        width = min(WIDTH, columns - start)
        block[:, :width] = right[:, start : start + width]
        out[:, start : start + width] = (fixed @ block)[:, :width]
    return out
