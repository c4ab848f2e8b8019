"""Weighted sums of rows."""

from __future__ import annotations

import numpy as np

from ..arrays import Float2D
from .compiled import kernel


@kernel("float64[:, ::1](float64[:, ::1], float64[:, ::1])")
def add_weighted(weights: Float2D, rows: Float2D) -> Float2D:
    """Return ``weights @ rows``, (S, N), of (S, K) and (K, N), each cell added up in the order of the rows."""
    out = np.zeros((len(weights), rows.shape[1]))
    for s in range(len(weights)):
        total = out[s]
        for k in range(len(rows)):
            weight, row = weights[s, k], rows[k]
            for n in range(len(row)):
                total[n] += weight * row[n]
    return out
