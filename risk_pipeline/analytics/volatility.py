"""Volatility of return series: realised, EWMA and the forecast 21 sessions ahead."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import Bool2D, BySession, Float2D, Int1D, Int2D, Text2D
from .threads import in_parts

SESSIONS_A_YEAR = 252
HAR_SHARE = 2.0 / 3.0
"""Weight of HAR in the mean of its variance and EWMA's."""
TREND_BAND = 0.10
WORTH_A_THREAD = 2048
"""Series times ends: some milliseconds at least."""


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
    Corsi (2009), J. Financial Econometrics 7(2); leverage: Corsi & Reno (2012), J. Business & Economic Statistics
    30(3); the filter: Bollerslev, Patton & Quaedvlieg (2016); Parkinson (1980), J. Business 53; RiskMetrics (1996).
    """
    from .kernels.volatility import volatilities

    rows = np.asarray(ends, dtype=np.int64)
    all_ranges = np.empty((0, returns.shape[1])) if ranges is None else ranges
    numbers = in_parts(
        lambda part: volatilities(returns[:, part], all_ranges[:, part], rows),
        returns.shape[1],
        least=max(WORTH_A_THREAD // max(len(rows), 1), 1),
        axis=2,
    )
    realised_21, realised_63, realised_252, ewma = np.sqrt(numbers[:4] * SESSIONS_A_YEAR)
    har, is_ranged, percentile, observations = numbers[4:]
    known, is_har = ~np.isnan(ewma), ~np.isnan(ewma + har)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(realised_63 > 0, realised_21 / realised_63, np.nan)
        strength = np.where(ratio > 0, np.abs(np.log(ratio)), np.nan)
    trend = np.where(ratio > 1 + TREND_BAND, "increasing", np.where(ratio < 1 - TREND_BAND, "decreasing", "stable"))
    return VolatilityEstimates(
        realised_21=realised_21,
        realised_63=realised_63,
        realised_252=realised_252,
        ewma=ewma,
        forecast=np.where(is_har, np.sqrt(blend(har, numbers[3]) * SESSIONS_A_YEAR), ewma),
        model=_text(known, np.where(is_har, "har_ewma", "ewma")),
        variance_input=_text(known, np.where(is_har & (is_ranged == 1.0), "parkinson", "squared")),
        trend=_text(~np.isnan(ratio), trend),
        trend_strength=strength,
        percentile=percentile,
        observations=observations.astype(np.int64),
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


def _text(known: Bool2D, values: Text2D) -> Text2D:
    out = np.full(known.shape, None, dtype=object)
    out[known] = values[known]
    return out
