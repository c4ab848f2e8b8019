"""Volatility of return series: realised, EWMA and the forecast 21 sessions ahead."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import Bool2D, BySession, Float1D, Float2D, Int1D, Int2D, Text2D
from .har import Sums, har_forecast, separate_sums, trailing_sums
from .kernels.constants import HORIZON, LOOK_BACK, ROWS
from .rolling_sums import COLUMNS_AT_ONCE

__all__ = [
    "HORIZON",
    "LOOK_BACK",
    "VolatilityEstimates",
    "estimate_many",
    "estimate_volatility",
    "forecast_volatility",
    "parkinson_variance",
]

SESSIONS_A_YEAR = 252
EWMA_DECAY = 0.94
EWMA_WINDOW = 252
HAR_SHARE = 2.0 / 3.0
"""Weight of HAR in the mean of its variance and EWMA's."""
PERCENTILE_WINDOW, PERCENTILE_MIN = 252, 126
TOGETHER = 64
"""Series of a block of ``estimate_many``."""
TREND_BAND = 0.10
RANGE_COVERAGE = 0.95
"""Where fewer of the sessions with a return have a range, squared returns are used."""


@dataclass(frozen=True)
class VolatilityEstimates(BySession):
    """Annualised volatilities as of each end, each (D, N); NaN (None in texts) is too little history.

    ``forecast`` is of the mean over the next 21 sessions; ``model`` says which model made it (``har_ewma``, of both
    variances, see :func:`blend`, or ``ewma`` where history is too short), ``variance_input`` what daily variance it was
    made from (``parkinson`` or ``squared``). ``trend`` compares 21 with 63 sessions, ``trend_strength`` is
    |ln ratio|, ``percentile`` ranks the present 21-session volatility in those of the trailing year, from 0 to 1.
    ``observations`` counts returns in the window.
    """

    realised_21: Float2D
    realised_63: Float2D
    realised_252: Float2D
    ewma: Float2D
    forecast: Float2D
    model: Text2D
    variance_input: Text2D
    trend: Text2D
    trend_strength: Float2D
    percentile: Float2D
    observations: Int2D


def estimate_volatility(returns: Float2D, ends: Int1D, *, ranges: Float2D | None = None) -> VolatilityEstimates:
    """Estimate every volatility at each end from the ``LOOK_BACK`` rows up to it.

    Parameters
    ----------
    returns : (T, N) simple returns; NaN is a gap, never zero-filled.
    ends : (D,) row of each estimate's session.
    ranges : (T, N) Parkinson variances, on whatever level; NaN is a gap. Where nearly every return of the window
        has one, HAR is fitted to them and its forecast scaled to the level of squared returns.

    References
    ----------
    Corsi (2009), J. Financial Econometrics 7(2); Parkinson (1980), J. Business 53; RiskMetrics (1996).
    """
    return _estimate(returns, np.asarray(ends), ranges, trailing_sums)


def estimate_many(returns: Float2D, ends: Int1D) -> VolatilityEstimates:
    """Estimate every volatility of many series without ranges at one or two ends.

    The numbers of ``estimate_volatility`` but for rounding, block by block: a block stays in the processor's cache.

    Parameters
    ----------
    returns : (T, N) simple returns; NaN is a gap.
    ends : (D,) row of each estimate's session.
    """
    parts = []
    for start in range(0, max(returns.shape[1], 1), TOGETHER):
        some = returns[:, start : start + TOGETHER]
        block = np.full((len(returns), TOGETHER), np.nan)
        block[:, : some.shape[1]] = some
        block_estimates = _estimate(block, ends, None, separate_sums)
        parts.append({name: values[:, : some.shape[1]] for name, values in vars(block_estimates).items()})
    return VolatilityEstimates(**{name: np.concatenate([part[name] for part in parts], axis=1) for name in parts[0]})


def forecast_volatility(returns: Float2D, ends: Int1D, *, ranges: Float2D | None = None) -> Float2D:
    """Return the forecast of :func:`estimate_volatility` alone, (D, N), to the last bit; arguments as there."""
    r, ends, ranges = _read(returns, np.asarray(ends), ranges)
    ewma, har, _ = _variances(r, ends, ranges, trailing_sums, returns.shape[1])
    return _forecast(ewma, har)


def _read(returns: Float2D, ends: Int1D, ranges: Float2D | None) -> tuple[Float2D, Int1D, Float2D | None]:
    """Return the rows that estimates as of the ends read, and the ends among them."""
    r = _padded(returns)
    first = max(int(ends.min(initial=len(r))) + 1 - LOOK_BACK, 0)
    return r[first:], ends - first, None if ranges is None else ranges[first:]


def _variances(
    r: Float2D, ends: Int1D, ranges: Float2D | None, sums: Sums, count: int
) -> tuple[Float2D, Float2D, Text2D]:
    """Return the EWMA and HAR variances of the first ``count`` series, (D, count), and what HAR's is made from."""
    ewma = _ewma(r, ends, sums)[:, :count]
    by_range, covered = np.full((len(ends), count), np.nan), np.zeros((len(ends), count), dtype=bool)
    if ranges is not None:
        by_range, covered = _har_of_ranges(r[:, :count], ranges, ends)
    har = np.full((len(ends), count), np.nan)
    left = np.flatnonzero(~covered.all(axis=0))
    har[:, left] = har_forecast(r[:, left] ** 2, r[:, left], ends)
    variance_input = np.where(covered, "parkinson", "squared").astype(object)
    har = np.where(covered, by_range, har)
    return ewma, har, variance_input


def _forecast(ewma: Float2D, har: Float2D) -> Float2D:
    return np.asarray(np.sqrt(np.where(~np.isnan(ewma + har), blend(har, ewma), ewma) * SESSIONS_A_YEAR))


def _estimate(returns: Float2D, ends: Int1D, ranges: Float2D | None, sums: Sums) -> VolatilityEstimates:
    r, ends, ranges = _read(returns, ends, ranges)
    count = returns.shape[1]
    year = max(int(ends.min(initial=len(r))) + 1 - PERCENTILE_WINDOW - 21, 0)
    short = _rolling_std(r[year:], 21)
    realised = {f"realised_{w}": _by_end([_realised(r[: end + 1], w) for end in ends], count) for w in (21, 63, 252)}
    ewma, har, variance_input = _variances(r, ends, ranges, sums, count)
    is_har, known = ~np.isnan(ewma + har), ~np.isnan(ewma)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = realised["realised_21"] / realised["realised_63"]
        strength = np.where(ratio > 0, np.abs(np.log(ratio)), np.nan)
    trend = np.where(ratio > 1 + TREND_BAND, "increasing", np.where(ratio < 1 - TREND_BAND, "decreasing", "stable"))
    observed = [(~np.isnan(r[max(end + 1 - LOOK_BACK, 0) : end + 1])).sum(axis=0) for end in ends]
    return VolatilityEstimates(
        **realised,
        ewma=np.sqrt(ewma * SESSIONS_A_YEAR),
        forecast=_forecast(ewma, har),
        model=_text(known, np.where(is_har, "har_ewma", "ewma")),
        variance_input=_text(known, np.where(is_har, variance_input, "squared")),
        trend=_text(~np.isnan(ratio), trend),
        trend_strength=strength,
        percentile=_by_end([_percentile(short[: end + 1 - year]) for end in ends], count),
        observations=_by_end(observed, count).astype(np.int64),
    )


def blend(har: Float2D, ewma: Float2D) -> Float2D:
    """Return the variance that is shipped as the forecast: two thirds HAR's and one third EWMA's.

    HAR alone returns to its mean too soon, EWMA alone too late. The weights were chosen on 2014 to 2018 and held
    against 2019 to 2022 (``docs/validation.md``).
    """
    return np.asarray(HAR_SHARE * har + (1.0 - HAR_SHARE) * ewma)


def parkinson_variance(high: Float2D, low: Float2D) -> Float2D:
    """Return the daily variance ``ln(high / low)^2 / (4 ln 2)`` of each range; NaN where there is none.

    It leaves out what happens overnight.

    References
    ----------
    Parkinson (1980), J. Business 53.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        log_range = np.log(np.where((low > 0) & (high >= low), high / low, np.nan))
    return np.asarray(log_range**2 / (4.0 * np.log(2.0)))


def _har_of_ranges(r: Float2D, ranges: Float2D, ends: Int1D) -> tuple[Float2D, Bool2D]:
    """Return HAR of ranges on the level of squared returns, and where ranges cover nearly all returns."""
    out, covered = np.full((2, len(ends), r.shape[1]), np.nan)
    some = np.flatnonzero((~np.isnan(ranges)).any(axis=0))
    for start in range(0, len(some), COLUMNS_AT_ONCE):
        block = some[start : start + COLUMNS_AT_ONCE]
        has_return, both = ~np.isnan(r[:, block]), ~np.isnan(r[:, block]) & ~np.isnan(ranges[:, block])
        parts = [
            np.where(both, r[:, block] ** 2, 0.0),
            np.where(both, ranges[:, block], 0.0),
            1.0 * both,
            1.0 * has_return,
        ]
        squares, ranged, pairs, returns = trailing_sums(parts, ends, np.ones(ROWS))
        with np.errstate(invalid="ignore", divide="ignore"):
            out[:, block] = har_forecast(ranges[:, block], r[:, block], ends) * (squares / ranged)
            covered[:, block] = pairs / returns
    return out, (covered >= RANGE_COVERAGE) & (out > 0)


def _by_end(rows: list[Float1D], count: int) -> Float2D:
    return np.stack(rows)[:, :count] if rows else np.empty((0, count))


def _text(known: Bool2D, values: Text2D) -> Text2D:
    out = np.full(known.shape, None, dtype=object)
    out[known] = values[known]
    return out


def _padded(array: Float2D) -> Float2D:
    """At least two columns: NumPy sums a single one in another order."""
    if array.shape[1] > 1:
        return array
    return np.concatenate([array, np.full((array.shape[0], 2 - array.shape[1]), np.nan)], axis=1)


def _percentile(short: Float2D) -> Float1D:
    """Rank the last 21-session volatility in those of the trailing year."""
    year = short[-PERCENTILE_WINDOW:]
    ranked = ~np.isnan(year)
    with np.errstate(invalid="ignore", divide="ignore"):
        rank = (year <= year[-1]).sum(axis=0) / ranked.sum(axis=0)
    return np.where((ranked.sum(axis=0) >= PERCENTILE_MIN) & ranked[-1], rank, np.nan)


def _realised(r: Float2D, window: int) -> Float1D:
    """Annualised standard deviation of the last ``window`` returns; NaN unless all are there."""
    if len(r) < window:
        return np.full(r.shape[1], np.nan)
    last = r[-window:]
    deviation = last - last.sum(axis=0) / window
    return np.asarray(np.sqrt((deviation * deviation).sum(axis=0) / (window - 1) * SESSIONS_A_YEAR))


def _rolling_std(r: Float2D, window: int) -> Float2D:
    """Standard deviation of each ``window`` rows, NaN before; each from its own rows, no running sums."""
    out = np.full(r.shape, np.nan)
    if len(r) < window:
        return out
    views = [r[offset : len(r) - window + 1 + offset] for offset in range(window)]
    mean, total = views[0].copy(), np.zeros(views[0].shape)
    for view in views[1:]:
        mean += view
    mean /= window
    gap = np.empty(mean.shape)
    for view in views:
        np.subtract(view, mean, out=gap)
        total += np.multiply(gap, gap, out=gap)
    np.sqrt(total / (window - 1), out=out[window - 1 :])
    return out


def _ewma(r: Float2D, ends: Int1D, sums: Sums) -> Float2D:
    """Exponentially weighted mean square over a finite window as of each end; NaN with fewer than 21 returns."""
    out = np.empty((len(ends), r.shape[1]))
    weights = EWMA_DECAY ** np.arange(EWMA_WINDOW - 1, -1, -1.0)
    for start in range(0, r.shape[1], COLUMNS_AT_ONCE):
        block = r[:, start : start + COLUMNS_AT_ONCE]
        present = ~np.isnan(block)
        parts = [np.where(present, block, 0.0) ** 2, present.astype(float)]
        squares, weight = sums(parts, ends, weights)
        (count,) = sums(parts[1:], ends, np.ones(EWMA_WINDOW))
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = squares / weight
        out[:, start : start + COLUMNS_AT_ONCE] = np.where((count >= 21) & (mean > 0), mean, np.nan)
    return out
