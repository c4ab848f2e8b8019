"""The volatility that past returns are divided by, and the scenarios that follow: eight series side by side.

The method is described in ``analytics/var.py``. Each number is of its own series; eight fill a vector register.
"""

from __future__ import annotations

import numpy as np

from ..arrays import Float1D, Float2D, Float3D
from .compiled import kernel, part

START = 21
"""Returns whose mean square the variances start from."""
FLOOR, FLOOR_WINDOW = 0.1, 252
"""Divisors are floored at this share of the series' volatility over the window."""
LANES = 8
"""Series side by side."""


@part
def _trailing_sums(values: Float2D, powers: Float2D, out: Float2D) -> None:
    """Write the sums of the last ``FLOOR_WINDOW`` rows, fewer at the start, by doubling: always in the same order."""
    powers[:] = values
    out[:] = 0.0
    length, span = 0, 1
    while True:
        if FLOOR_WINDOW & span:
            for row in range(length, len(out)):
                for k in range(LANES):
                    out[row, k] += powers[row - length, k]
            length += span
        if length == FLOOR_WINDOW:
            return
        for row in range(len(out) - 1, span - 1, -1):
            for k in range(LANES):
                powers[row, k] += powers[row - span, k]
        span *= 2


@part
def _add_variances(r: Float2D, squares: Float2D, decay: float, loss_weight: float, now: Float1D, out: Float2D) -> None:
    """Add the exponentially weighted variances before each return and after the last; ``now`` is the first."""
    loss, gain = (1.0 - decay) * loss_weight, (1.0 - decay) * (2.0 - loss_weight)
    out[0] += now
    for row in range(len(r)):
        for k in range(LANES):
            x, square, before = r[row, k], squares[row, k], now[k]
            weighted = decay * before + square * (loss if x < 0.0 else gain)
            after = square if np.isnan(before) else weighted
            now[k] = before if np.isnan(x) else after
            out[row + 1, k] += now[k]


@part
def _filtered_volatility(r: Float2D, speeds: Float2D, out: Float2D, scratch: Float3D) -> None:
    """Write the volatility known before each return and after the last, (W + 1, LANES); NaN before any return."""
    squares, count, total, powers = scratch
    known, start = np.zeros(LANES), np.zeros(LANES)
    for row in range(len(r)):
        for k in range(LANES):
            squares[row, k] = 0.0 if np.isnan(r[row, k]) else r[row, k] * r[row, k]
            known[k] += 0.0 if np.isnan(r[row, k]) else 1.0
        if row >= FLOOR_WINDOW:
            for k in range(LANES):
                known[k] -= 0.0 if np.isnan(r[row - FLOOR_WINDOW, k]) else 1.0
        count[row] = known
        if row < START:
            start += squares[row]
    start /= count[min(START, len(r)) - 1]
    out[:] = 0.0
    for decay, loss_weight in speeds:
        _add_variances(r, squares, decay, loss_weight, start.copy(), out)
    _trailing_sums(squares, powers, total)
    out *= 1.0 / len(speeds)
    for row in range(len(r)):
        for k in range(LANES):
            square, returns, variance = total[row, k], count[row, k], out[row + 1, k]
            least = FLOOR**2 * (square / returns)
            out[row + 1, k] = least if FLOOR**2 * square > variance * returns else variance
    out[:] = np.sqrt(out)


@kernel("void(float64[:, ::1], float64[:, ::1], float64[:, ::1], float64[:, ::1])")
def write_scenarios(returns: Float2D, speeds: Float2D, scenarios: Float2D, scales: Float2D) -> None:
    """Write each past return times the volatility after the last over that before it, and the factor, each (S, M).

    Parameters
    ----------
    returns : (W, M); NaN is a gap. The last S are read as scenarios.
    speeds : (V, 2) decay of each variance, and what a squared loss counts in it.
    """
    rows, first = len(returns), len(returns) - len(scenarios)
    r, volatility, scratch = np.full((rows, LANES), np.nan), np.empty((rows + 1, LANES)), np.empty((4, rows, LANES))
    for column in range(0, returns.shape[1] if rows else 0, LANES):
        width = min(LANES, returns.shape[1] - column)
        r[:, :width] = returns[:, column : column + width]
        _filtered_volatility(r, speeds, volatility, scratch)
        for row in range(first, rows):
            for k in range(width):
                before, now = volatility[row, k], volatility[rows, k]
                scenarios[row - first, column + k] = r[row, k] / before * now if before > 0.0 else np.nan
                scales[row - first, column + k] = now / before if before > 0.0 else np.nan
