"""The volatility that past returns are divided by, and the scenarios that follow: many series side by side.

The method is described in ``analytics/var.py``. Each number is of its own series.
"""

from __future__ import annotations

import numpy as np

from ..arrays import Float1D, Float2D, Int1D
from .compiled import kernel, part

START = 21
"""Returns whose mean square the variances start from."""
FLOOR, FLOOR_WINDOW = 0.1, 252
"""Divisors are floored at this share of the series' volatility over the window."""
LANES = 32
"""Series side by side: they fill several vector registers, and what they need stays in the cache."""


@part
def _trailing_sums(values: Float2D, rest: Float2D, out: Float2D) -> None:
    """Write the sums of the last ``FLOOR_WINDOW`` rows, fewer at the start.

    Each is the end of one block of so many rows and the beginning of the next, so nothing is ever subtracted.
    ``rest`` is scratch: the sums from a row to the end of its block.
    """
    begun = np.zeros(LANES)
    for row in range(len(values) - 1, -1, -1):
        ends_block = row + 1 == len(values) or (row + 1) % FLOOR_WINDOW == 0
        for k in range(LANES):
            rest[row, k] = values[row, k] if ends_block else values[row, k] + rest[row + 1, k]
    for row in range(len(values)):
        if row % FLOOR_WINDOW == 0:
            begun[:] = 0.0
        is_block = row < FLOOR_WINDOW or (row + 1) % FLOOR_WINDOW == 0
        for k in range(LANES):
            begun[k] += values[row, k]
            out[row, k] = begun[k] if is_block else begun[k] + rest[row + 1 - FLOOR_WINDOW, k]


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
def _filtered_volatility(
    r: Float2D, speeds: Float2D, out: Float2D, squares: Float2D, count: Float2D, total: Float2D, rest: Float2D
) -> None:
    """Write the volatility known before each return and after the last, (W + 1, LANES); NaN before any return.

    The others, (W, LANES), are scratch: one array with four parts would keep the loops from running in vectors.
    """
    known, start = np.zeros(LANES), np.zeros(LANES)
    for row in range(len(r)):
        for k in range(LANES):
            squares[row, k] = 0.0 if np.isnan(r[row, k]) else r[row, k] * r[row, k]
            known[k] += 0.0 if np.isnan(r[row, k]) else 1.0
            count[row, k] = known[k]
        if row + 1 >= FLOOR_WINDOW:
            for k in range(LANES):
                known[k] -= 0.0 if np.isnan(r[row + 1 - FLOOR_WINDOW, k]) else 1.0
        if row < START:
            start += squares[row]
    start /= count[min(START, len(r)) - 1]
    out[:] = 0.0
    for decay, loss_weight in speeds:
        _add_variances(r, squares, decay, loss_weight, start.copy(), out)
    _trailing_sums(squares, rest, total)
    out *= 1.0 / len(speeds)
    for row in range(len(r)):
        for k in range(LANES):
            square, returns, variance = total[row, k], count[row, k], out[row + 1, k]
            least = FLOOR**2 * (square / returns)
            out[row + 1, k] = least if FLOOR**2 * square > variance * returns else variance
    out[:] = np.sqrt(out)


@part
def _write(r: Float2D, volatility: Float2D, scenarios: Float2D, scales: Float2D) -> None:
    rows, first = len(r), len(r) - len(scenarios)
    for row in range(first, rows):
        for k in range(r.shape[1]):
            before, now = volatility[row, k], volatility[rows, k]
            scenarios[row - first, k] = r[row, k] / before * now if before > 0.0 else np.nan
        if scales.size:
            for k in range(r.shape[1]):
                before, now = volatility[row, k], volatility[rows, k]
                scales[row - first, k] = now / before if before > 0.0 else np.nan


@kernel("void(Array(float64, 2, 'C', True), Array(int64, 1, 'C', True), float64[:, ::1], float64[:, :], float64[:, :])")
def write_scenarios(returns: Float2D, columns: Int1D, speeds: Float2D, scenarios: Float2D, scales: Float2D) -> None:
    """Write each past return times the volatility after the last over that before it, and the factor, each (S, M).

    Parameters
    ----------
    returns : (W, N); NaN is a gap. The last S are read as scenarios.
    columns : (M,) of the series.
    speeds : (V, 2) decay of each variance, and what a squared loss counts in it.
    scales : of no size where nobody asks for them.
    """
    rows = len(returns)
    r, volatility = np.full((rows, LANES), np.nan), np.empty((rows + 1, LANES))
    squares, count, total, rest = np.empty_like(r), np.empty_like(r), np.empty_like(r), np.empty_like(r)
    for first in range(0, len(columns) if rows else 0, LANES):
        width = min(LANES, len(columns) - first)
        for row in range(rows):
            for k in range(width):
                r[row, k] = returns[row, columns[first + k]]
        _filtered_volatility(r, speeds, volatility, squares, count, total, rest)
        _write(r[:, :width], volatility, scenarios[:, first : first + width], scales[:, first : first + width])
