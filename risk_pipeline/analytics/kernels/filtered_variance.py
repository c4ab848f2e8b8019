"""The volatility that a series' past returns are divided by, and the scenarios that follow, one series after another.

The method is described in ``analytics/var.py``.
"""

from __future__ import annotations

import numpy as np

from ..arrays import Float1D, Float2D
from .compiled import kernel, part

START = 21
"""Returns whose mean square the variances start from."""
FLOOR, FLOOR_WINDOW = 0.1, 252
"""Divisors are floored at this share of the series' volatility over the window."""
TOGETHER = 8
"""Series that are copied together: so many numbers lie on one line of a processor's cache."""


@part
def _trailing_sum(values: Float1D, out: Float1D, powers: Float1D, scratch: Float1D) -> None:
    """Write the sum of the last ``FLOOR_WINDOW`` values, fewer at the start, by doubling: always in the same order."""
    powers[:] = values
    length, span = 0, 1
    while True:
        if FLOOR_WINDOW & span:
            later, earlier = out[length:], powers[: len(out) - length]
            for row in range(len(later)):
                later[row] = later[row] + earlier[row] if length else earlier[row]
            length += span
        if length == FLOOR_WINDOW:
            return
        scratch[:] = powers
        later, earlier = powers[span:], scratch[: len(powers) - span]
        for row in range(len(later)):
            later[row] += earlier[row]
        span *= 2


@part
def _add_variance(r: Float1D, squares: Float1D, start: float, decay: float, loss_weight: float, out: Float1D) -> None:
    """Add the exponentially weighted variance before each return and after the last, (W + 1,)."""
    loss, gain = (1.0 - decay) * loss_weight, (1.0 - decay) * (2.0 - loss_weight)
    variance = start
    out[0] += variance
    for row in range(len(r)):
        if np.isnan(variance) and not np.isnan(r[row]):
            variance = squares[row]
        elif not np.isnan(r[row]):
            variance = decay * variance + squares[row] * (loss if r[row] < 0.0 else gain)
        out[row + 1] += variance


@part
def _filtered_volatility(r: Float1D, speeds: Float2D, out: Float1D, scratch: Float2D) -> None:
    """Write the volatility known before each return and after the last, (W + 1,); NaN before any return."""
    squares, count, total, powers, more = scratch
    known = 0
    for row in range(len(r)):
        squares[row] = 0.0 if np.isnan(r[row]) else r[row] * r[row]
        known += not np.isnan(r[row])
        if row >= FLOOR_WINDOW:
            known -= not np.isnan(r[row - FLOOR_WINDOW])
        count[row] = known
    first = 0.0
    for row in range(min(START, len(r))):
        first += squares[row]
    start = first / count[min(START, len(r)) - 1] if len(r) else np.nan
    out[:] = 0.0
    for decay, loss_weight in speeds:
        _add_variance(r, squares, start, decay, loss_weight, out)
    _trailing_sum(squares, total, powers, more)
    out[0] = np.sqrt(out[0] / len(speeds))
    after = out[1:]
    for row in range(len(after)):
        variance, least = after[row] / len(speeds), FLOOR**2 * (total[row] / count[row])
        after[row] = np.sqrt(least if least > variance or np.isnan(variance) else variance)


@kernel("void(float64[:, ::1], float64[:, ::1], float64[:, ::1], float64[:, ::1])")
def write_scenarios(returns: Float2D, speeds: Float2D, scenarios: Float2D, scales: Float2D) -> None:
    """Write each past return times the volatility after the last over that before it, and the factor, each (S, M).

    Parameters
    ----------
    returns : (W, M); NaN is a gap. The last S are read as scenarios.
    speeds : (V, 2) decay of each variance, and what a squared loss counts in it.
    """
    rows, first = len(returns), len(returns) - len(scenarios)
    series, volatility, scratch = np.empty((TOGETHER, rows)), np.empty((TOGETHER, rows + 1)), np.empty((5, rows))
    for column in range(0, returns.shape[1], TOGETHER):
        width = min(TOGETHER, returns.shape[1] - column)
        for row in range(rows):
            for k in range(width):
                series[k, row] = returns[row, column + k]
        for k in range(width):
            _filtered_volatility(series[k], speeds, volatility[k], scratch)
        for row in range(first, rows):
            for k in range(width):
                before, now = volatility[k, row], volatility[k, rows]
                scenarios[row - first, column + k] = series[k, row] / before * now if before > 0.0 else np.nan
                scales[row - first, column + k] = now / before if before > 0.0 else np.nan
