"""What each holding adds to its portfolio's residual variance, one holding after the other."""

from __future__ import annotations

import numpy as np

from ..arrays import Float1D, Float2D, Int1D
from .compiled import kernel

LANES = 8
"""Sums side by side: one alone waits for each addition."""


@kernel(
    "float64[::1](Array(float64, 2, 'C', True), Array(float64, 2, 'C', True), Array(float64, 2, 'C', True), "
    "Array(int64, 1, 'C', True), Array(int64, 1, 'C', True), Array(float64, 1, 'C', True), "
    "Array(float64, 1, 'C', True))"
)
def residual_products(
    returns: Float2D,
    series: Float2D,
    residual: Float2D,
    symbol: Int1D,
    owner: Int1D,
    weight: Float1D,
    share: Float1D,
) -> Float1D:
    """Return the sum of each holding's return times its portfolio's residual, (H,).

    Parameters
    ----------
    returns : (N, W) of symbols; NaN is a gap, where a holding moved as its portfolio did.
    series, residual : (P, W) of portfolios; sessions without a residual are left out.
    symbol, owner : (H,) rows of the above. weight : (H,) on equity. share : (H,) signed share of gross.
    """
    out = np.empty(len(symbol))
    sums = np.empty(LANES)
    for h in range(len(out)):
        r, whole, rest = returns[symbol[h]], series[owner[h]], residual[owner[h]]
        own, like_the_rest = weight[h], share[h]
        sums[:] = 0.0
        for start in range(0, len(r) - LANES + 1, LANES):
            for k in range(LANES):
                row = start + k
                part = whole[row] * like_the_rest if np.isnan(r[row]) else r[row] * own
                sums[k] += 0.0 if np.isnan(rest[row]) else part * rest[row]
        for row in range(len(r) - len(r) % LANES, len(r)):
            part = whole[row] * like_the_rest if np.isnan(r[row]) else r[row] * own
            sums[row % LANES] += 0.0 if np.isnan(rest[row]) else part * rest[row]
        out[h] = ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]))
    return out
