"""What each holding adds to its portfolio's residual variance, one holding after the other."""

from __future__ import annotations

import numpy as np

from ..arrays import Float1D, Float2D, Int1D
from .compiled import kernel
from .vectors import dot


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
    series, residual : (P, W) of portfolios; zero where there is none.
    symbol, owner : (H,) rows of the above. weight : (H,) on equity. share : (H,) signed share of gross.
    """
    out, part = np.empty(len(symbol)), np.empty(returns.shape[1])
    for h in range(len(out)):
        r, whole, own, like_the_rest = returns[symbol[h]], series[owner[h]], weight[h], share[h]
        for row in range(len(part)):
            part[row] = whole[row] * like_the_rest if np.isnan(r[row]) else r[row] * own
        out[h] = dot(part, residual[owner[h]])
    return out
