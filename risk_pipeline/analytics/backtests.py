"""Backtests of value at risk and expected shortfall, one series or many side by side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import Float1D, Float2D, Int1D, Text1D

BASEL_SESSIONS, BASEL_LEVEL = 250, 0.01


@dataclass(frozen=True)
class LikelihoodRatio:
    """A test, each field (N,) or a number: the statistic and its chi-square p-value."""

    statistic: Float1D
    p_value: Float1D


def kupiec(exceedances: Int1D, observations: Int1D, level: float) -> LikelihoodRatio:
    """Test that exceedances happen with probability ``level`` (proportion of failures, one degree of freedom).

    References
    ----------
    Kupiec (1995), J. Derivatives 3(2).
    """
    return _test(-2.0 * (_log_likelihood(exceedances, observations, level) - _best(exceedances, observations)), 1)


def christoffersen(exceeded: Float2D) -> LikelihoodRatio:
    """Test that an exceedance doesn't make one on the next day likelier (independence, one degree of freedom).

    ``exceeded`` (T,) or (T, N) is true or false by day; NaN is a day without an outcome.

    References
    ----------
    Christoffersen (1998), International Economic Review 39(4).
    """
    hit = np.asarray(exceeded, dtype=float)
    before, after = hit[:-1], hit[1:]
    both = ~np.isnan(before) & ~np.isnan(after)
    after_hit, hits = (both & (before == 1) & (after == 1)).sum(axis=0), (both & (before == 1)).sum(axis=0)
    after_calm, calms = (both & (before == 0) & (after == 1)).sum(axis=0), (both & (before == 0)).sum(axis=0)
    apart = _best(after_hit, hits) + _best(after_calm, calms)
    return _test(2.0 * (apart - _best(after_hit + after_calm, hits + calms)), 1)


def conditional_coverage(exceeded: Float2D, level: float) -> LikelihoodRatio:
    """Test rate and independence together (two degrees of freedom)."""
    hit = np.asarray(exceeded, dtype=float)
    rate = kupiec(np.nansum(hit, axis=0), (~np.isnan(hit)).sum(axis=0), level)
    return _test(rate.statistic + christoffersen(hit).statistic, 2)


def dynamic_quantile(returns: Float2D, value_at_risk: Float2D, level: float, *, lags: int = 4) -> LikelihoodRatio:
    """Test that nothing known the day before predicts an exceedance (dynamic-quantile test).

    Exceedances less ``level`` are regressed on a constant, on themselves of the last ``lags`` days and on the value at
    risk of the day; the statistic is chi-square with as many degrees of freedom as regressors that are not collinear.

    Parameters
    ----------
    returns, value_at_risk : (T,) or (T, N) in time; a day with a NaN is left out. NaN with fewer than 100 days.

    References
    ----------
    Engle & Manganelli (2004), J. Business & Economic Statistics 22(4).
    """
    from scipy.special import chdtrc

    pairs = [(array[:, None] if array.ndim == 1 else array).T for array in (returns, value_at_risk)]
    statistic, p_value = np.full((2, len(pairs[0])), np.nan)
    for series, (outcome, risk) in enumerate(zip(*pairs, strict=True)):
        known = np.isfinite(outcome + risk)
        hits = (outcome[known] < -risk[known]) - level
        rows = len(hits) - lags
        if rows < 100:
            continue
        regressors = np.column_stack(
            [np.ones(rows), *(hits[lags - lag : len(hits) - lag] for lag in range(1, lags + 1)), risk[known][lags:]]
        )
        regressors /= np.maximum(np.abs(regressors).max(axis=0), np.finfo(float).tiny)
        slope, _, rank, _ = np.linalg.lstsq(regressors, hits[lags:], rcond=None)
        fitted = regressors @ slope
        statistic[series] = fitted @ fitted / (level * (1.0 - level))
        p_value[series] = chdtrc(rank, statistic[series])
    shape = np.shape(returns)[1:]
    return LikelihoodRatio(statistic.reshape(shape), p_value.reshape(shape))


def acerbi_szekely(returns: Float2D, value_at_risk: Float2D, shortfall: Float2D, level: float) -> Float1D:
    """Return Z2: near zero where expected shortfall is right, negative where losses were larger.

    ``value_at_risk`` and ``shortfall`` are positive shares forecast for the day of each return, all (T,) or
    (T, N); a day with a NaN is left out. At 250 days and 2.5 % it is below -0.70 in one case of twenty for
    normal returns.

    References
    ----------
    Acerbi & Szekely (2014), Risk.
    """
    known = np.isfinite(returns + value_at_risk + shortfall)
    with np.errstate(invalid="ignore", divide="ignore"):
        beyond = np.where(known & (returns < -value_at_risk), returns / shortfall, 0.0)
        return np.asarray(beyond.sum(axis=0) / (known.sum(axis=0) * level) + 1.0)


def traffic_light(exceedances: Int1D) -> Text1D:
    """Return the Basel zone of exceedances of a 99 % value at risk in 250 days: green, yellow or red.

    Yellow starts at the count that a correct model stays at or below in 95 % of cases, red at 99.99 %.
    """
    from scipy.special import bdtr

    likely = bdtr(np.asarray(exceedances, dtype=float), BASEL_SESSIONS, BASEL_LEVEL)
    return np.where(likely < 0.95, "green", np.where(likely < 0.9999, "yellow", "red"))


def _best(count: Int1D, total: Int1D) -> Float1D:
    """Return the log likelihood at the observed rate; zero of nothing."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return _log_likelihood(count, total, np.where(np.asarray(total) > 0, np.divide(count, total), 0.0))


def _log_likelihood(count: Int1D, total: Int1D, probability: Float1D | float) -> Float1D:
    from scipy.special import xlog1py, xlogy

    return np.asarray(xlogy(count, probability) + xlog1py(np.subtract(total, count), np.negative(probability)))


def _test(statistic: Float1D, degrees: int) -> LikelihoodRatio:
    from scipy.special import chdtrc

    statistic = np.maximum(statistic, 0.0)
    return LikelihoodRatio(statistic, np.asarray(chdtrc(degrees, statistic)))
