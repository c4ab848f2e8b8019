"""How far portfolios may move away from their benchmarks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import Bool2D, Float1D, Float2D
from .sums import column_sums, weighted_sums

SESSIONS_A_YEAR = 252
WINDOW, MIN_OBSERVATIONS = 252, 126
HALF_LIFE = 42
"""Of the weights of active returns: that of the factors' volatilities."""
BURN_IN = 42
"""Sessions before the first forecast that the volatility regime looks back on."""
FARTHEST = 4.0
"""A return beyond so many forecast standard deviations counts as one of so many in the volatility regime."""


@dataclass(frozen=True)
class TrackingHistory:
    """From the returns of a window, each (P,): tracking error, annualised; beta and correlation to the benchmark.

    NaN with fewer than ``MIN_OBSERVATIONS`` sessions on which both have a return; beta of a benchmark that never moves.
    """

    tracking_error: Float1D
    beta: Float1D
    correlation: Float1D


def tracking_history(own: Float2D, benchmark: Float2D) -> TrackingHistory:
    """Measure constant-weight returns against the benchmark's, both (W, P); NaN is a gap."""
    own, benchmark = (np.ascontiguousarray(values) for values in (own, benchmark))
    known = ~(np.isnan(own) | np.isnan(benchmark))
    count = known.sum(axis=0)

    def centred(values: Float2D) -> Float2D:
        mean = column_sums(np.where(known, values, 0.0)) / count
        return np.where(known, values - mean, 0.0)

    with np.errstate(invalid="ignore", divide="ignore"):
        one, other, active = centred(own), centred(benchmark), centred(own - benchmark)
        variance, common = column_sums(other**2), column_sums(one * other)
        moves = variance > 0
        beta = np.where(moves, common / variance, np.nan)
        correlation = np.where(moves, common / np.sqrt(variance * column_sums(one**2)), np.nan)
        error = np.sqrt(column_sums(active**2) / (count - 1) * SESSIONS_A_YEAR)
    enough = count >= MIN_OBSERVATIONS
    return TrackingHistory(*(np.where(enough, values, np.nan) for values in (error, beta, correlation)))


@dataclass(frozen=True)
class TrackingModel:
    """Tracking error by the factor model, annualised: ``total² = factor² + specific²``, each (P,).

    ``contribution`` (P, K) are the factors' Euler parts of ``total``; they sum to ``factor² / total``. ``regime`` (P,)
    is in all of them, see :func:`volatility_regime`. NaN where an exposure is, or with fewer than
    ``MIN_OBSERVATIONS`` active returns. The rest is what :func:`position_contributions` takes: the window's active
    returns split into ``systematic`` and ``residual``, both (W, P), their weights ``decay`` (W, P), which sum to one
    and are zero in gaps; the covariance of each factor with the systematic part, ``pull`` (P, K); and of which
    portfolios the specific part ``has_cross`` (P,) terms.
    """

    total: Float1D
    factor: Float1D
    specific: Float1D
    regime: Float1D
    contribution: Float2D
    systematic: Float2D
    residual: Float2D
    decay: Float2D
    pull: Float2D
    has_cross: Bool2D


def tracking_model(exposure: Float2D, covariance: Float2D, active: Float2D, factors: Float2D) -> TrackingModel:
    """Split the risk of active returns into what active exposures to factors make and what they leave.

    The specific variance is the exponentially weighted variance of the active returns less that of their systematic
    part, and no less than the residual's. So it holds what the residuals of different positions have in common, and
    the covariance of the residual with the systematic part, which is there because the betas' prior pulls active
    exposures to styles towards zero. Without it forecasts were 5 % too low. Both parts are scaled by the
    volatility regime.

    Parameters
    ----------
    exposure : (P, K) active, of equity. covariance : (K, K) of daily factor returns.
    active : (W, P) constant-weight returns less the benchmark's. factors : (W, K) returns of the factors.
    """
    active = np.ascontiguousarray(active)
    with np.errstate(invalid="ignore", divide="ignore"):
        pull = (covariance * exposure[:, None, :]).sum(axis=2)
        factor = np.maximum((exposure * pull).sum(axis=1), 0.0)
        systematic = weighted_sums(factors, exposure.T)
        known = ~np.isnan(active - systematic)
        systematic = np.where(known, systematic, 0.0)
        residual = np.where(known, active, 0.0) - systematic
        decay = np.where(known, 0.5 ** (np.arange(len(active))[::-1, None] / HALF_LIFE), 0.0)
        decay = decay / column_sums(decay)
        left = column_sums(decay * residual**2)
        crossed = left + 2.0 * column_sums(decay * residual * systematic)
        specific = np.where(known.sum(axis=0) >= MIN_OBSERVATIONS, np.maximum(left, crossed), np.nan) + 0.0 * factor
        regime = volatility_regime(active)
        scale = regime**2 * SESSIONS_A_YEAR
        total = np.sqrt((factor + specific) * scale)
        contribution = np.where(total[:, None] == 0.0, 0.0, exposure * pull * (scale / total)[:, None])
        parts = np.sqrt((factor + 0.0 * specific) * scale), np.sqrt(specific * scale)
    return TrackingModel(
        total, *parts, regime + 0.0 * specific, contribution, systematic, residual, decay, pull, crossed > left
    )


def volatility_regime(returns: Float2D) -> Float1D:
    """Return by how much volatility has lately been above its exponentially weighted forecasts, (P,).

    The root of the exponentially weighted mean of squared returns over the forecast variance of the session before,
    so that forecasts which have been too low are raised. One of a series that has never moved.

    Parameters
    ----------
    returns : (W, P); NaN is a gap. The first ``BURN_IN`` sessions are only forecast from.

    References
    ----------
    Menchero, Orr & Wang (2011), "The Barra US equity model (USE4)", volatility regime adjustment; there from a cross
    section of factors or stocks, here from each series' own past, with surprises of at most ``FARTHEST``.
    """
    fade = 0.5 ** (1.0 / HALF_LIFE)
    square, weight, surprise, count = (np.zeros(returns.shape[1]) for _ in range(4))
    for session, row in enumerate(returns):
        known = ~np.isnan(row)
        squared = np.where(known, row, 0.0) ** 2
        if session >= BURN_IN:
            moved = known & (square > 0.0)
            ratio = squared * weight / np.where(moved, square, 1.0)
            surprise = fade * surprise + np.where(moved, np.minimum(ratio, FARTHEST**2), 0.0)
            count = fade * count + moved
        square, weight = fade * square + squared, fade * weight + known
    return np.sqrt(np.where(count > 0.0, surprise / np.where(count > 0.0, count, 1.0), 1.0))


def position_contributions(
    model: TrackingModel, portfolio: int, weight: Float1D, beta: Float2D, returns: Float2D, factors: Float2D
) -> Float1D:
    """Return the Euler parts of a portfolio's model tracking error by position, (n,); they sum to the whole.

    Parameters
    ----------
    portfolio : its row in the model.
    weight : (n,) active weights. beta : (n, K), zero where there is none.
    returns : (W, n) what each position adds to the active return: they sum to it.
    factors : (W, K) returns of the factors.
    """
    total, decay = model.total[portfolio], model.decay[:, portfolio]
    if total == 0.0:
        return np.zeros(len(weight))
    known = (decay > 0.0)[:, None]
    systematic = np.where(known, weighted_sums(factors, (weight[:, None] * beta).T), 0.0)
    left = np.where(known, returns, 0.0) - systematic
    residual, of_factors = model.residual[:, portfolio, None], model.systematic[:, portfolio, None]
    parts = left * residual
    if model.has_cross[portfolio]:
        parts = parts + left * of_factors + systematic * residual
    specific = (decay[:, None] * parts).sum(axis=0)
    by_factors = weight * (beta * model.pull[portfolio]).sum(axis=1)
    return np.asarray((by_factors + specific) * (model.regime[portfolio] ** 2 * SESSIONS_A_YEAR / total))
