"""The worst scenarios of many series, one series after the other."""

from __future__ import annotations

import numpy as np

from ..arrays import Float2D, Int1D, Int2D
from .compiled import kernel


@kernel("void(Array(float64, 2, 'A', True), int64[:, ::1], float64[:, ::1], int64[::1])")
def write_worst(scenarios: Float2D, row: Int2D, value: Float2D, count: Int1D) -> None:
    """Write the worst scenarios of each series, the worst first; of equal ones the first comes first.

    Parameters
    ----------
    scenarios : (S, M); NaN is none.
    row, value : (K, M) which they are, and what; infinite where a series has fewer. count : (M,) how many it has.
    """
    worst, where = np.empty(len(value)), np.empty(len(value), dtype=np.int64)
    last = len(value) - 1
    for m in range(scenarios.shape[1]):
        worst[:], where[:], count[m] = np.inf, 0, 0
        for s in range(len(scenarios)):
            x = scenarios[s, m]
            count[m] += not np.isnan(x)
            if x < worst[last]:
                k = last
                while k > 0 and x < worst[k - 1]:
                    worst[k], where[k] = worst[k - 1], where[k - 1]
                    k -= 1
                worst[k], where[k] = x, s
        value[:, m], row[:, m] = worst, where
