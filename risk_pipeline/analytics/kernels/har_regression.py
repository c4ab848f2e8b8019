"""The HAR regression of ``analytics/volatility.py``: one series, as of consecutive sessions at once.

Each number is of its own window only: a sum is made in one order, wherever its window lies in the series.
"""

from __future__ import annotations

import numpy as np

from ..arrays import Float1D, Float2D
from .compiled import part
from .constants import CENTRE, FEATURES, HORIZON, MIN_ROWS, MONTH, PERCENT, ROWS, SHORTEST, STILL, WEEK
from .natural_log import natural_log

FIRST = MONTH - 1
"""The first row with a month's window."""
SCRATCH = 8
STEP = 32
"""Rows so far from each other are added first; windows of ``sums_of_products`` are multiples of it."""


@part
def _add(one: Float1D, other: Float1D, out: Float1D) -> None:
    for i in range(len(out)):
        out[i] = one[i] + other[i]


@part
def window_sums(values: Float1D, s: Float2D, out: Float2D) -> None:
    """Write the sums of the last ``WEEK``, ``HORIZON`` and ``MONTH`` rows, from row ``FIRST`` on, by doubling."""
    two, four, eight, sixteen, twenty = s[0], s[1], s[2], s[3], s[4]  # unpacked, they would not be in one piece
    _add(values[1:], values, two[1:])
    _add(two[3:], two[1:], four[3:])
    _add(four[7:], four[3:], eight[7:])
    _add(eight[15:], eight[7:], sixteen[15:])
    _add(sixteen[FIRST:], four[FIRST - 16 :], twenty[FIRST:])
    _add(four[FIRST:], values[FIRST - 4 :], out[0, FIRST:])
    _add(twenty[FIRST:], values[FIRST - 20 :], out[1, FIRST:])
    _add(twenty[FIRST:], two[FIRST - 20 :], out[2, FIRST:])


@part
def window_means(values: Float1D, filled: Float1D, present: Float1D, s: Float2D, out: Float2D) -> None:
    """Write the means of the present values of the windows of ``window_sums``, (3, T); NaN with less than two thirds.

    ``filled`` (T,) gets the values with zeros for NaN, ``present`` (T,) ones where there is a value and zeros else.
    """
    gaps = 0
    for i in range(len(values)):
        missing = np.isnan(values[i])
        filled[i] = 0.0 if missing else values[i]
        present[i] = 0.0 if missing else 1.0
        gaps += missing
    window_sums(filled, s, out)
    if gaps:
        window_sums(present, s, s[5:8])
    for index, window in enumerate((WEEK, HORIZON, MONTH)):
        mean, counts = out[index, FIRST:], s[5 + index, FIRST:]
        for i in range(len(mean)):
            count = counts[i] if gaps else float(window)
            mean[i] = mean[i] * (1.0 / count) if count >= window * 2 / 3 else np.nan


@part
def sums_of_products(one: Float1D, other: Float1D, some: Float1D, out: Float1D) -> None:
    """Write the sums of products over each window; there is one for each of ``out``, each a row later.

    Its order does not depend on how many windows there are. ``some`` is scratch.
    """
    width = STEP + len(out) - 1
    some[:width] = 0.0
    for row in range(0, len(one) + 1 - len(out), STEP):
        a, b = one[row : row + width], other[row : row + width]
        for i in range(width):
            some[i] += a[i] * b[i]
    half = STEP // 2
    while half:
        later = some[half:]
        for i in range(half + len(out) - 1):
            some[i] += later[i]
        half //= 2
    out[:] = some[: len(out)]


@part
def _bounds(values: Float1D, low: Float1D, high: Float1D, count: int) -> None:
    """Write the least and the largest of each of ``count`` windows of ``ROWS`` rows, NaN left out."""
    width = STEP + count - 1
    low[:width], high[:width] = np.inf, -np.inf
    for row in range(0, ROWS, STEP):
        some = values[row : row + width]
        for i in range(width):
            low[i] = some[i] if some[i] < low[i] else low[i]
            high[i] = some[i] if some[i] > high[i] else high[i]
    half = STEP // 2
    while half:
        later_low, later_high = low[half:], high[half:]
        for i in range(half + count - 1):
            low[i], high[i] = min(low[i], later_low[i]), max(high[i], later_high[i])
        half //= 2


@part
def _forecast(sums: Float2D, x: Float1D, system: Float2D) -> float:
    """Return the forecast at ``x``; NaN with few pairs. ``system`` is scratch.

    ``sums`` (FEATURES + 2, FEATURES + 2) are of products of one, the features and the outcome, the upper half.
    """
    n = sums[0, 0]
    if n < MIN_ROWS:
        return np.nan
    mean = sums[0, 1:] / n
    for a in range(FEATURES):
        for b in range(FEATURES + 1):
            system[a, b] = sums[min(a, b) + 1, max(a, b) + 1] - n * mean[a] * mean[b]
    for a in range(FEATURES):
        if system[a, a] > STILL * sums[a + 1, a + 1]:
            system[a, a] *= 1.0 + 1e-10  # features of almost one direction: the solution stays finite
        else:  # a feature that does not move explains nothing
            system[a], system[:, a] = 0.0, 0.0
            system[a, a] = 1.0
    moment = system[:, -1].copy()
    for k in range(FEATURES):  # Gauss-Jordan; the matrix is positive definite
        for a in range(FEATURES):
            factor = system[a, k] / system[k, k] if a != k else 0.0
            for b in range(k, FEATURES + 1):
                system[a, b] -= factor * system[k, b]
    log_forecast, explained = mean[-1], 0.0
    for a in range(FEATURES):
        slope = system[a, -1] / system[a, a]
        log_forecast += (x[a] - mean[a]) * slope
        explained += slope * moment[a]
    noise = max(sums[-1, -1] - n * mean[-1] ** 2 - explained, 0.0) / (n - FEATURES - 1)
    return float(np.exp(log_forecast + CENTRE + noise / 2.0))


@part
def _logs(values: Float1D, out: Float1D) -> None:
    for i in range(len(values)):
        out[i] = natural_log(values[i]) - CENTRE


@part
def har_forecasts(
    variance: Float1D, means: Float2D, week_return: Float1D, start: int, s: Float2D, out: Float1D
) -> None:
    """Write the forecasts as of the last sessions; NaN is too little history.

    Parameters
    ----------
    variance : (T,) NaN is a gap.
    means : (3, T) its ``window_means``, used up. week_return : (T,) the first of those of returns.
    start : rows before it are not there.
    s : (SCRATCH, T). out : (T - LOOK_BACK + 1,).
    """
    sessions, pairs, steps = len(out), len(variance) - SHORTEST + 1, len(variance) - FIRST
    week, outcome, month = means[0, FIRST:], means[1, SHORTEST - 1 :], means[2, FIRST:]
    day, now, fallen = s[0, :steps], variance[FIRST:], week_return[FIRST:]
    x, sums = np.empty((FEATURES + 2, steps)), np.empty((FEATURES + 2, FEATURES + 2, sessions))
    system = np.empty((FEATURES, FEATURES + 1))
    for i in range(steps):
        day[i] = now[i] + 0.1 * month[i]
    _logs(day, x[1])
    _logs(week, x[2])
    _logs(month, x[3])
    of_day, of_week, of_month, leverage = x[1], x[2], x[3], x[4]
    for i in range(steps):
        leverage[i] = 0.0 if fallen[i] > 0.0 else PERCENT * fallen[i]
    used, y = x[0, :pairs], x[-1, :pairs]
    _logs(outcome, y)
    at_end = x[1:-1, -sessions:].copy()
    missing = 0
    for i in range(pairs):
        is_pair = i >= start and np.isfinite(of_day[i] + of_week[i] + of_month[i] + leverage[i] + y[i])
        used[i] = 1.0 if is_pair else 0.0
        missing += not is_pair
    if missing:
        for column in range(1, FEATURES + 2):
            values = x[column, :pairs]
            for i in range(pairs):
                values[i] = values[i] if used[i] > 0.0 else 0.0
        for i in range(pairs):
            outcome[i] = outcome[i] if used[i] > 0.0 else np.nan
    for a in range(FEATURES + 2):
        for b in range(a, FEATURES + 2):
            sums_of_products(x[a, :pairs], x[b, :pairs], s[0], sums[a, b])
    low, high = s[0], s[1]
    _bounds(outcome, low, high, sessions)
    for session in range(sessions):
        forecast = _forecast(sums[:, :, session], at_end[:, session], system)
        out[session] = np.nan if np.isnan(forecast) else min(max(forecast, low[session]), high[session])
