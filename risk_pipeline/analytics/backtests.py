"""Backtests of value at risk and expected shortfall."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import Bool1D, Float1D


@dataclass(frozen=True)
class LikelihoodRatio:
    """A likelihood-ratio test: the statistic and its chi-square p-value."""

    statistic: float
    p_value: float


def kupiec(exceedances: int, observations: int, level: float) -> LikelihoodRatio:
    """Test that exceedances happen with probability ``level`` (proportion of failures, one degree of freedom).

    References
    ----------
    Kupiec (1995), J. Derivatives 3(2).
    """
    rate = exceedances / observations
    statistic = -2.0 * (
        _log_likelihood(exceedances, observations, level) - _log_likelihood(exceedances, observations, rate)
    )
    return _test(statistic, 1)


def christoffersen(exceeded: Bool1D) -> LikelihoodRatio:
    """Test that an exceedance doesn't make one on the next day likelier (independence, one degree of freedom).

    References
    ----------
    Christoffersen (1998), International Economic Review 39(4).
    """
    before, after = exceeded[:-1], exceeded[1:]
    after_hit, hits = int((before & after).sum()), int(before.sum())
    after_calm, calms = int((~before & after).sum()), int((~before).sum())
    apart = sum(
        _log_likelihood(count, total, count / total)
        for count, total in ((after_hit, hits), (after_calm, calms))
        if total
    )
    pooled = (after_hit + after_calm) / (hits + calms)
    return _test(2.0 * (apart - _log_likelihood(after_hit + after_calm, hits + calms, pooled)), 1)


def conditional_coverage(exceeded: Bool1D, level: float) -> LikelihoodRatio:
    """Test rate and independence together (two degrees of freedom)."""
    rate = kupiec(int(exceeded.sum()), len(exceeded), level)
    return _test(rate.statistic + christoffersen(exceeded).statistic, 2)


def acerbi_szekely(returns: Float1D, value_at_risk: Float1D, shortfall: Float1D, level: float) -> float:
    """Return Z2: near zero where expected shortfall is right, negative where losses were larger.

    ``value_at_risk`` and ``shortfall`` are positive shares forecast for the day of each return. At 250 days
    and 2.5 % it is below -0.70 in one case of twenty for normal returns.

    References
    ----------
    Acerbi & Szekely (2014), Risk.
    """
    beyond = returns < -value_at_risk
    return float((returns * beyond / shortfall).sum() / (len(returns) * level) + 1.0)


def traffic_light(exceedances: int) -> str:
    """Return the Basel zone of exceedances of a 99 % value at risk in 250 days: green, yellow or red."""
    return "green" if exceedances <= 4 else "yellow" if exceedances <= 9 else "red"


def _log_likelihood(count: int, total: int, probability: float) -> float:
    hits = count * np.log(probability) if count else 0.0
    misses = (total - count) * np.log1p(-probability) if total > count else 0.0
    return float(hits + misses)


def _test(statistic: float, degrees: int) -> LikelihoodRatio:
    from scipy.special import chdtrc

    statistic = max(statistic, 0.0)
    return LikelihoodRatio(statistic, float(chdtrc(degrees, statistic)))
