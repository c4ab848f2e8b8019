"""One covariance matrix of the core factors a session, shared by all portfolios."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import Bool1D, Float1D, Float2D, Float3D, Int1D

WINDOW = 504
CORRELATION_HALF_LIFE = 126.0
VOLATILITY_HALF_LIFE = 42.0
MIN_OBSERVATIONS = 60
FEW_OBSERVATIONS = 126


@dataclass(frozen=True)
class FactorCovariance:
    """Covariance of daily factor returns as of each session; all NaN where history is too short.

    ``covariance`` and ``correlation`` are (D, K, K), symmetric positive definite; the others are (D,).
    ``shrunk`` tells that observations were few and Ledoit-Wolf's correlation was used.
    """

    covariance: Float3D
    correlation: Float3D
    condition_number: Float1D
    observations: Int1D
    shrunk: Bool1D


def factor_covariance(factors: Float2D, ends: Int1D) -> FactorCovariance:
    """Estimate the covariance over the sessions up to each end, correlations decaying slower than volatilities.

    Sessions on which any factor lacks a return are left out. ``factors`` is (T, K).

    References
    ----------
    RiskMetrics (1996); separate half-lives as in Barra's USE4; Ledoit & Wolf (2004) where there are fewer
    than ``FEW_OBSERVATIONS`` sessions.
    """
    days, count = len(ends), factors.shape[1]
    covariance = np.full((days, count, count), np.nan)
    correlation = np.full((days, count, count), np.nan)
    condition = np.full(days, np.nan)
    observations = np.zeros(days, dtype=np.int64)
    for day, end in enumerate(ends):
        window = factors[max(end + 1 - WINDOW, 0) : end + 1]
        age = np.arange(len(window) - 1, -1, -1)
        usable = ~np.isnan(window).any(axis=1)
        observations[day] = usable.sum()
        if observations[day] < MIN_OBSERVATIONS:
            continue
        x, age = window[usable], age[usable]
        x = x - x.mean(axis=0)
        volatility = np.sqrt(np.diag(_weighted(x, age, VOLATILITY_HALF_LIFE)))
        if observations[day] < FEW_OBSERVATIONS:
            from sklearn.covariance import ledoit_wolf

            estimate = ledoit_wolf(x / x.std(axis=0), assume_centered=True)[0]
        else:
            estimate = _weighted(x, age, CORRELATION_HALF_LIFE)
        root = np.sqrt(np.diag(estimate))
        correlation[day] = estimate / np.outer(root, root)
        np.fill_diagonal(correlation[day], 1.0)
        covariance[day] = correlation[day] * np.outer(volatility, volatility)
        condition[day] = np.linalg.cond(covariance[day])
    return FactorCovariance(covariance, correlation, condition, observations, observations < FEW_OBSERVATIONS)


def _weighted(x: Float2D, age: Int1D, half_life: float) -> Float2D:
    weight = 0.5 ** (age / half_life)
    estimate = (weight[:, None] * x).T @ x / weight.sum()
    return np.asarray((estimate + estimate.T) / 2.0)
