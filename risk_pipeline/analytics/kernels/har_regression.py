"""The regression of ``analytics/har.py``: one series after the other, one session after the other."""

from __future__ import annotations

import numpy as np

from ..arrays import Float1D, Float2D, Int1D
from .compiled import kernel, part
from .constants import (
    CENTRE,
    FEATURES,
    HORIZON,
    MIN_ROWS,
    MONTH,
    PERCENT,
    ROWS,
    SHORTEST,
    STILL,
    WEEK,
)


@part
def window_mean(values: Float1D, window: int, out: Float1D, powers: Float1D, before: Float1D) -> None:
    """Write the mean of the present values of each ``window`` rows; NaN with less than two thirds of them, and before.

    Sums are made by doubling: always the same additions, whatever the first row. ``powers`` and ``before`` are scratch.
    """
    for row in range(len(values)):
        powers[row] = 0.0 if np.isnan(values[row]) else values[row]
    out[:] = 0.0
    length, span = 0, 1
    while length < window:
        if window & span:
            later, earlier = out[length:], powers[: max(len(out) - length, 0)]
            for row in range(len(later)):
                later[row] += earlier[row]
            length += span
        before[:] = powers
        later, earlier = powers[span:], before[: max(len(powers) - span, 0)]
        for row in range(len(later)):
            later[row] += earlier[row]
        span *= 2
    count = 0
    for row in range(len(values)):
        count += not np.isnan(values[row])
        if row >= window:
            count -= not np.isnan(values[row - window])
        enough = row >= window - 1 and count >= window * 2 / 3
        out[row] = out[row] / count if enough else np.nan


@part
def _solve(gram: Float2D, moment: Float1D) -> None:
    """Turn ``moment`` into the solution; ``gram``, positive definite, is used up."""
    for k in range(FEATURES):
        for i in range(k + 1, FEATURES):
            factor = gram[i, k] / gram[k, k]
            for j in range(k + 1, FEATURES):
                gram[i, j] -= factor * gram[k, j]
            moment[i] -= factor * moment[k]
    for k in range(FEATURES - 1, -1, -1):
        for j in range(k + 1, FEATURES):
            moment[k] -= gram[k, j] * moment[j]
        moment[k] /= gram[k, k]


@part
def _forecast(x: Float2D, y: Float1D, ahead: Float1D, end: int, gram: Float2D, moment: Float1D, mean: Float1D) -> float:
    """Return the forecast as of one session; ``gram``, ``moment`` and ``mean`` are scratch."""
    gram[:], moment[:], mean[:] = 0.0, 0.0, 0.0
    n, total, squares, low, high = 0, 0.0, 0.0, np.inf, -np.inf
    for row in range(max(end + 1 - ROWS, SHORTEST - 1), end + 1):
        outcome = y[row]
        if np.isnan(outcome):
            continue
        n += 1
        total += outcome
        squares += outcome * outcome
        low, high = min(low, ahead[row]), max(high, ahead[row])
        for a in range(FEATURES):
            feature = x[row - HORIZON, a]
            mean[a] += feature
            moment[a] += feature * outcome
            for b in range(a, FEATURES):
                gram[a, b] += feature * x[row - HORIZON, b]
    if n < MIN_ROWS:
        return np.nan
    middle = total / n
    mean /= n
    for a in range(FEATURES):
        raw = gram[a, a]
        moment[a] -= n * mean[a] * middle
        for b in range(a, FEATURES):
            gram[a, b] -= n * mean[a] * mean[b]
            gram[b, a] = gram[a, b]
        if not gram[a, a] > STILL * raw:  # a feature that does not move explains nothing
            gram[a, a] = np.nan
    for a in range(FEATURES):
        if np.isnan(gram[a, a]):
            gram[a], gram[:, a], moment[a] = 0.0, 0.0, 0.0
            gram[a, a] = 1.0
        else:  # features of almost one direction: a little on the diagonal keeps the solution finite
            gram[a, a] *= 1.0 + 1e-10
    slope = moment.copy()
    _solve(gram, slope)
    log_forecast, explained = middle, 0.0
    for a in range(FEATURES):
        log_forecast += (x[end, a] - mean[a]) * slope[a]
        explained += slope[a] * moment[a]
    noise = max(squares - n * middle**2 - explained, 0.0) / (n - FEATURES - 1)
    forecast = np.exp(log_forecast + CENTRE + noise / 2.0)
    return np.nan if np.isnan(forecast) else float(min(max(forecast, low), high))


@kernel("float64[:, ::1](Array(float64, 2, 'C', True), Array(float64, 2, 'C', True), Array(int64, 1, 'C', True))")
def har_forecasts(variance: Float2D, returns: Float2D, ends: Int1D) -> Float2D:
    """Return the forecasts as of each end, (N, D); NaN is too little history.

    Parameters
    ----------
    variance, returns : (N, T) of the same sessions; NaN is a gap.
    ends : (D,) rows; each reads the ``LOOK_BACK`` rows up to it.
    """
    series, rows = variance.shape
    out = np.full((series, len(ends)), np.nan)
    x = np.empty((rows, FEATURES))
    y, month, week, ahead, week_return, powers, before = np.empty((7, rows))
    gram, moment, mean = np.empty((FEATURES, FEATURES)), np.empty(FEATURES), np.empty(FEATURES)
    for n in range(series):
        window_mean(variance[n], MONTH, month, powers, before)
        window_mean(variance[n], WEEK, week, powers, before)
        window_mean(variance[n], HORIZON, ahead, powers, before)
        window_mean(returns[n], WEEK, week_return, powers, before)
        for row in range(rows):
            x[row, 0] = np.log(variance[n, row] + 0.1 * month[row]) - CENTRE
            x[row, 1] = np.log(week[row]) - CENTRE
            x[row, 2] = np.log(month[row]) - CENTRE
            x[row, 3] = PERCENT * min(week_return[row], 0.0)
            y[row] = np.log(ahead[row]) - CENTRE
            if row < HORIZON or not np.isfinite(x[row - HORIZON].sum() + y[row]):
                y[row] = np.nan  # no pair
        for d in range(len(ends)):
            out[n, d] = _forecast(x, y, ahead, ends[d], gram, moment, mean)
    return out
