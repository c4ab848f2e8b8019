"""The numbers of ``analytics/volatility.py``: one series after the other, each of its own windows only."""

from __future__ import annotations

import numpy as np

from ..arrays import Float1D, Float2D, Float3D, Int1D
from .compiled import kernel, part
from .constants import EWMA_DECAY, LOOK_BACK, ROWS
from .har_regression import SCRATCH, har_forecasts, sums_of_products, window_means
from .vectors import dot

NUMBERS = 8
EWMA_MIN = 21
"""Least returns in a year."""
RANGE_COVERAGE = 0.95
"""Where fewer of the sessions with a return have a range, squared returns are used."""
YEAR, PERCENTILE_MIN = 252, 126
TOGETHER = 8
"""Series that are read at once."""


@part
def _transpose(values: Float2D, out: Float2D) -> None:
    """Write columns as rows: some at once, since a row of them is one line of the cache."""
    for row in range(len(values)):
        for column in range(values.shape[1]):
            out[column, row] = values[row, column]


@part
def _realised(r: Float1D, window: int, mean: Float1D, out: Float1D) -> None:
    """Write the sample variances of ``window`` returns up to each of the last; NaN unless all are there."""
    first = len(r) + 1 - window - len(out)
    mean[: len(out)], out[:] = 0.0, 0.0
    for lag in range(window):
        late = r[first + lag :]
        for i in range(len(out)):
            mean[i] += late[i]
    for i in range(len(out)):
        mean[i] /= window
    for lag in range(window):
        late = r[first + lag :]
        for i in range(len(out)):
            out[i] += (late[i] - mean[i]) * (late[i] - mean[i])
    for i in range(len(out)):
        out[i] /= window - 1


@part
def _percentile(year: Float1D) -> float:
    """Return the share of the values, at least ``PERCENTILE_MIN``, that are not above the last."""
    below, known, last = 0, 0, year[len(year) - 1]
    for i in range(len(year)):
        below += year[i] <= last
        known += not np.isnan(year[i])
    return below / known if known >= PERCENTILE_MIN and not np.isnan(last) else np.nan


@part
def _on_the_level_of_returns(
    har: Float1D, squares: Float1D, has_return: Float1D, ranges: Float1D, has_range: Float1D, s: Float2D
) -> None:
    """Scale forecasts from ranges to squared returns; NaN where too few of the returns have a range."""
    squared, ranged, both, returns = s[1, : len(har)], s[2, : len(har)], s[3, : len(har)], s[4, : len(har)]
    read = slice(len(squares) + 1 - ROWS - len(har), None)
    sums_of_products(squares[read], has_range[read], s[0], squared)
    sums_of_products(has_return[read], ranges[read], s[0], ranged)
    sums_of_products(has_return[read], has_range[read], s[0], both)
    sums_of_products(has_return[read], has_return[read], s[0], returns)
    for i in range(len(har)):
        scaled = har[i] * (squared[i] / ranged[i])
        har[i] = scaled if both[i] / returns[i] >= RANGE_COVERAGE and scaled > 0.0 else np.nan


@kernel("float64[:, :, ::1](Array(float64, 2, 'A', True), Array(float64, 2, 'A', True), Array(int64, 1, 'C', True))")
def volatilities(returns: Float2D, ranges: Float2D, ends: Int1D) -> Float3D:
    """Return numbers of each series as of each end, (NUMBERS, D, N); NaN is too little history.

    They are daily variances: realised over 21, 63 and 252 sessions, EWMA, HAR's forecast; then whether that is made
    from ranges (1) or squared returns (0), the percentile of the first, and the count of returns.

    Parameters
    ----------
    returns : (T, N); NaN is a gap.
    ranges : (T, N) Parkinson variances; NaN is a gap. Without rows where there are none.
    ends : (D,) rows. HAR is computed as of all sessions between the first and the last.
    """
    out = np.full((NUMBERS, len(ends), returns.shape[1]), np.nan)
    if not out.size:
        return out
    first = ends.min() + 1 - LOOK_BACK
    rows, start, sessions = ends.max() + 1 - first, max(-first, 0), ends.max() + 1 - ends.min()
    some_returns, some_ranges = np.full((TOGETHER, rows), np.nan), np.full((TOGETHER, rows), np.nan)
    variance, filled, squares = np.empty(rows), np.empty(rows), np.empty(rows)
    has_return, has_range = np.empty(rows), np.empty(rows)
    s, of_returns, means = np.empty((SCRATCH, rows)), np.empty((3, rows)), np.empty((3, rows))
    by_range, by_square, quarter, year = np.empty(sessions), np.empty(sessions), np.empty(sessions), np.empty(sessions)
    month, weights = np.empty(sessions + YEAR - 1), EWMA_DECAY ** np.arange(YEAR - 1.0, -1.0, -1.0)
    for n in range(returns.shape[1]):
        if n % TOGETHER == 0:
            _transpose(returns[max(first, 0) : first + rows, n : n + TOGETHER], some_returns[:, start:])
            _transpose(ranges[max(first, 0) : first + rows, n : n + TOGETHER], some_ranges[:, start:])
        r, ranged = some_returns[n % TOGETHER], some_ranges[n % TOGETHER]
        window_means(r, filled, has_return, s, of_returns)
        by_range[:] = np.nan
        if len(ranges):
            window_means(ranged, filled, has_range, s, means)
            har_forecasts(ranged, means, of_returns[0], start, s, by_range)
        for i in range(rows):
            variance[i] = r[i] * r[i]
        window_means(variance, squares, has_return, s, means)
        if len(ranges):
            _on_the_level_of_returns(by_range, squares, has_return, filled, has_range, s)
        if np.isnan(by_range).any():
            har_forecasts(variance, means, of_returns[0], start, s, by_square)
        _realised(r, 21, s[0], month)
        _realised(r, 63, s[0], quarter)
        _realised(r, YEAR, s[0], year)
        for d in range(len(ends)):
            session, end = ends[d] - ends.min(), ends[d] + 1 - first
            known = has_return[end - YEAR : end]
            from_ranges = not np.isnan(by_range[session])
            out[0, d, n], out[1, d, n], out[2, d, n] = month[session + YEAR - 1], quarter[session], year[session]
            if np.count_nonzero(known) >= EWMA_MIN:
                ewma = dot(weights, squares[end - YEAR : end]) / dot(weights, known)
                out[3, d, n] = ewma if ewma > 0.0 else np.nan
            out[4, d, n] = by_range[session] if from_ranges else by_square[session]
            out[5, d, n] = from_ranges
            out[6, d, n] = _percentile(month[session : session + YEAR])
            out[7, d, n] = np.count_nonzero(has_return[end - LOOK_BACK : end])
    return out
