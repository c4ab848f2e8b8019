"""Sums in the order of the rows: to the last bit the same whatever else is summed beside them."""

from __future__ import annotations

import numpy as np

from .arrays import Float1D, Float2D, Int1D


def sum_by(cell: Int1D, values: Float1D, cells: int) -> Float1D:
    """Return the sum of the values of each cell, (cells,), summed in the order of the rows."""
    return np.asarray(np.bincount(cell, values, cells), dtype=np.float64)


def weighted_sums(weights: Float2D, rows: Float2D) -> Float2D:
    """Return ``weights @ rows``, (S, N), of (S, K) and (K, N); BLAS adds in an order that depends on S and N."""
    from .kernels.weighted_sums import add_weighted

    return np.asarray(add_weighted(np.ascontiguousarray(weights), np.ascontiguousarray(rows)))


def column_sums(values: Float2D) -> Float1D:
    """Return the sum of each column, (N,), added up in the order of the rows."""
    return np.asarray(weighted_sums(np.ones((1, len(values))), values)[0])
