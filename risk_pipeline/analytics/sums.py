"""Sums by cell, in the order of the rows."""

from __future__ import annotations

import numpy as np

from .arrays import Float1D, Int1D


def sum_by(cell: Int1D, values: Float1D, cells: int) -> Float1D:
    """Return the sum of the values of each cell, (cells,), summed in the order of the rows."""
    return np.asarray(np.bincount(cell, values, cells), dtype=np.float64)
