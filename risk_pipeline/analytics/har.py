"""The HAR forecast of variance 21 sessions ahead, with a leverage term, for many series and sessions at once.

The regression of every session is built from sums over its window (``rolling_sums.py``), so a range of sessions
costs little more than one, and each sum is of its own rows only.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .arrays import Float1D, Float2D, Float3D, Int1D
from .rolling_sums import COLUMNS_AT_ONCE, SESSIONS, bands, window_sums

HORIZON = 21
WEEK, MONTH = 5, 22
LOOK_BACK = 778
"""Sessions that an estimate reads, its own included."""
SHORTEST = MONTH + HORIZON
"""Sessions of one pair of features and outcome."""
ROWS = LOOK_BACK - SHORTEST + 1
"""Pairs of features and outcome in a regression without gaps."""
MIN_ROWS = 461
CENTRE = float(np.log(1e-4))
"""A usual log of a daily variance, taken off so that sums of squares keep their digits."""
PERCENT = 100.0
"""Scale of the leverage term, so that its squares are of the others' order."""
STILL = 1e-9
"""Features that spread less than this share of their squares do not move."""

Sums = Callable[[list[Float2D], Int1D, Float1D], Float3D]
"""``trailing_sums`` or ``separate_sums``."""


def har_forecast(variance: Float2D, returns: Float2D, ends: Int1D, sums: Sums | None = None) -> Float2D:
    """Forecast the mean daily variance of the next ``HORIZON`` sessions as of each end, (D, N).

    Log of the mean variance ahead on the logs of the daily, weekly and monthly means, and on the week's mean return
    where it is negative (leverage: losses raise volatility more than gains). A squared return can be zero, so a tenth
    of the monthly mean is added to the daily term. The log forecast is turned back with the lognormal correction, and
    kept within what the sample has seen. NaN with fewer than ``MIN_ROWS`` pairs.

    Parameters
    ----------
    variance : (T, N) daily variances; NaN is a gap.
    returns : (T, N) simple returns of the same sessions; NaN is a gap.
    ends : (D,) row of each forecast's session; it reads the ``LOOK_BACK`` rows up to it.
    sums : how windows are summed, ``trailing_sums`` unless given.

    References
    ----------
    Corsi (2009), J. Financial Econometrics 7(2); leverage: Corsi & Reno (2012), J. Business & Economic Statistics
    30(3); the filter: Bollerslev, Patton & Quaedvlieg (2016).
    """
    out = np.full((len(ends), variance.shape[1]), np.nan)
    long = np.flatnonzero(ends >= SHORTEST - 1)
    if len(long):
        ends = ends[long]
        first = max(int(ends.min()) + 1 - LOOK_BACK, 0)
        rows = slice(first, int(ends.max()) + 1)
        for start in range(0, variance.shape[1], COLUMNS_AT_ONCE):
            columns = slice(start, start + COLUMNS_AT_ONCE)
            read = (variance[rows, columns], returns[rows, columns])
            out[long, columns] = _forecast(*read, ends - first, sums or trailing_sums)
    return out


def trailing_sums(arrays: list[Float2D], ends: Int1D, weights: Float1D) -> Float3D:
    """Return the weighted sums of each array over the rows up to each end, (arrays, D, columns).

    ``weights`` (W,) are by row, oldest first; rows before the first count as zero. Each array has at most
    ``COLUMNS_AT_ONCE`` columns and is finite.
    """
    laid = bands(np.broadcast_to(weights, (1, SESSIONS, len(weights))))
    width = arrays[0].shape[1]
    out = np.empty((len(arrays), len(ends), width))
    if not len(ends):
        return out
    lead = len(weights) - 1 - int(ends.min())  # rows to add before the first, or to leave out
    kept = [array[max(-lead, 0) : int(ends.max()) + 1] for array in arrays]
    padded = np.zeros((len(arrays), max(lead, 0) + len(kept[0]) + SESSIONS - 1, COLUMNS_AT_ONCE))
    for index, rows in enumerate(kept):
        padded[index, max(lead, 0) : max(lead, 0) + len(rows), :width] = rows
    ends = ends - ends.min()
    left = np.unique(ends)
    while len(left):
        start = int(left[0])
        days = np.flatnonzero((ends >= start) & (ends < start + SESSIONS))
        left = left[left >= start + SESSIONS]
        spanned = slice(start, start + len(weights) + SESSIONS - 1)
        for index, array in enumerate(padded):
            out[index, days] = window_sums(laid, array[spanned])[0][ends[days] - start, :width]
    return out


def separate_sums(arrays: list[Float2D], ends: Int1D, weights: Float1D) -> Float3D:
    """Return ``trailing_sums`` window by window, (arrays, D, columns): cheaper for one or two ends of many series.

    The number of columns must be fixed and at least two: NumPy's order of addition depends on it.
    """
    out = np.empty((len(arrays), len(ends), arrays[0].shape[1]))
    for index, array in enumerate(arrays):
        for place, end in enumerate(ends):
            rows = array[max(end + 1 - len(weights), 0) : end + 1]
            out[index, place] = np.einsum("t,tn->n", weights[len(weights) - len(rows) :], rows)
    return out


def _forecast(variance: Float2D, returns: Float2D, ends: Int1D, sum_windows: Sums) -> Float2D:
    month = window_mean(variance, MONTH)
    with np.errstate(invalid="ignore", divide="ignore"):
        levels = [variance + 0.1 * month, window_mean(variance, WEEK), month]
        features = [np.log(level) - CENTRE for level in levels]
        ahead = window_mean(variance, HORIZON)[SHORTEST - 1 :]
        y = np.log(ahead) - CENTRE
    features.append(PERCENT * np.minimum(window_mean(returns, WEEK), 0.0))
    count = len(features)
    # a row pairs the outcome of the sessions up to it with the features of HORIZON sessions before
    x = [feature[MONTH - 1 : len(feature) - HORIZON] for feature in features]
    usable = np.isfinite(y)
    for feature in x:
        usable &= np.isfinite(feature)
    low = high = ahead
    if not usable.all():
        x, y = [np.where(usable, feature, 0.0) for feature in x], np.where(usable, y, 0.0)
        low, high = np.where(usable, ahead, np.inf), np.where(usable, ahead, -np.inf)
    paired = ends - (SHORTEST - 1)
    pairs = [(a, b) for a in range(count) for b in range(a, count)]
    products = [usable.astype(float), *x, y, *(x[a] * x[b] for a, b in pairs), *(a * y for a in x), y * y]
    sums = sum_windows(products, paired, np.ones(ROWS))
    observations, raw = sums[0], sums[count + 2 : count + 2 + len(pairs)]
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        centre, middle = sums[1 : count + 1] / observations, sums[count + 1] / observations
        gram = np.empty((*observations.shape, count, count))
        for (a, b), square in zip(pairs, raw, strict=True):
            gram[..., a, b] = gram[..., b, a] = square - observations * centre[a] * centre[b]
        moment = np.moveaxis(sums[-1 - count : -1] - observations * centre * middle, 0, -1)
        enough = (observations >= MIN_ROWS) & np.isfinite(gram).all(axis=(-1, -2))
        diagonal, square_of = np.arange(count), np.array([pairs.index((a, a)) for a in range(count)])
        spreads = gram[..., diagonal, diagonal]
        moves = spreads > STILL * np.moveaxis(raw[square_of], 0, -1)  # a feature that does not move explains nothing
        still = ~moves | ~enough[..., None]
        gram[still[..., :, None] | still[..., None, :]] = 0.0
        # features of almost one direction: a little on the diagonal keeps the solution finite
        gram[..., diagonal, diagonal] = np.where(still, 1.0, spreads * (1.0 + 1e-10))
        moment = np.where(still, 0.0, moment)
        slope = np.linalg.solve(gram, moment[..., None])[..., 0]
        spread = sums[-1] - observations * middle**2
        noise = np.maximum(spread - (slope * moment).sum(axis=-1), 0.0) / (observations - count - 1)
        latest = [feature[ends] for feature in features]
        log_forecast = middle + sum((latest[k] - centre[k]) * slope[..., k] for k in range(count))
        forecast = np.exp(log_forecast + CENTRE + noise / 2.0)
        windows = [slice(max(int(end) + 1 - ROWS, 0), int(end) + 1) for end in paired]
        lowest = np.stack([low[window].min(axis=0) for window in windows])
        highest = np.stack([high[window].max(axis=0) for window in windows])
        return np.where(enough, np.minimum(np.maximum(forecast, lowest), highest), np.nan)


def window_mean(rows: Float2D, window: int) -> Float2D:
    """Mean of the present values of each ``window`` rows; NaN with less than two thirds of them, and before."""
    present = ~np.isnan(rows)
    if present.all():  # the same numbers, in half the time
        out = window_sum(rows, window) / window
    else:
        total = window_sum(np.where(present, rows, 0.0), window)
        present_count = window_sum(present.astype(float), window)
        with np.errstate(invalid="ignore", divide="ignore"):
            out = np.where(present_count >= window * 2 / 3, total / present_count, np.nan)
    out[: window - 1] = np.nan
    return np.asarray(out)


def window_sum(rows: Float2D, window: int) -> Float2D:
    """Sum each ``window`` rows, by doubling: always the same additions, whatever the first row."""
    total, length, power = None, 0, rows
    for bit in range(window.bit_length()):
        if window >> bit & 1:
            total = power if total is None else _plus_shifted(total, power, length)
            length += 1 << bit
        if length < window:
            power = _plus_shifted(power, power, 1 << bit)
    assert total is not None  # noqa: S101 (window is at least one)
    return total


def _plus_shifted(rows: Float2D, other: Float2D, by: int) -> Float2D:
    """Add to each row the one ``by`` rows before it, zero before the first."""
    out = rows.copy()
    if by < len(rows):
        out[by:] += other[: len(rows) - by]
    return out
