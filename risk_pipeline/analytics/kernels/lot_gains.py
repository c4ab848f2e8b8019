"""What portfolios have gained at many sessions, one lot after the other."""

from __future__ import annotations

import numpy as np

from ..arrays import Float1D, Float2D, Float3D, Int1D
from .compiled import kernel


@kernel(
    "float64[:, ::1](int64, int64[::1], int64[::1], int64[::1], int64[::1], float64[:, ::1], int64[::1], int64[::1], "
    "float64[::1], int64[::1], float64[:, :, ::1])"
)
def portfolio_gains(
    portfolios: int,
    portfolio: Int1D,
    unit: Int1D,
    entry: Int1D,
    end: Int1D,
    money: Float2D,
    first_payment: Int1D,
    payment_row: Int1D,
    payment: Float1D,
    ends: Int1D,
    units: Float3D,
) -> Float2D:
    """Return the gains of each portfolio at each end, (P, D): the lots' own, added up in their order.

    Parameters
    ----------
    portfolio, unit, entry, end : (L,) of lots; ``unit`` is the row in ``units``, held are rows ``entry <= row < end``.
    money : (4, L) quantity, multiplier, cost, and the whole gain of price once the lot has ended.
    first_payment : (L + 1,) where the payments of each lot begin.
    payment_row, payment : (n,) the session and the money of dividends, of each lot by session.
    ends : (D,) rows, ascending.
    units : (3, K, D) shares now per share at entry, price and exchange rate.
    """
    out = np.zeros((portfolios, len(ends)))
    for lot in range(len(portfolio)):
        total = out[portfolio[lot]]
        ratio, price, rate = units[0, unit[lot]], units[1, unit[lot]], units[2, unit[lot]]
        quantity, multiplier, cost, whole = money[0, lot], money[1, lot], money[2, lot], money[3, lot]
        paid, event = 0.0, first_payment[lot]
        for d in range(len(ends)):
            row = ends[d]
            if row < entry[lot]:
                continue
            while event < first_payment[lot + 1] and payment_row[event] <= row:
                paid += payment[event]
                event += 1
            if row < end[lot]:
                total[d] += paid + (quantity * ratio[d] * price[d] * multiplier * rate[d] - cost)
            else:
                total[d] += paid + whole
    return out
