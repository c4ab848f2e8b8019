"""One covariance matrix of the core factors a session, shared by all portfolios."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import Bool1D, Float1D, Float2D, Float3D, Int1D
from .kernels.constants import NO_SPREAD

WINDOW = 504
"""Sessions that an estimate reads."""
SINGULAR = 1e8
"""Beyond this condition number of the correlations, two factors are taken to be one and shrunk apart."""


@dataclass(frozen=True)
class FactorCovariance:
    """Covariance of daily factor returns as of each session.

    ``covariance`` and ``correlation`` are (D, K, K), symmetric positive definite, of decimals a day; all NaN where
    there are too few sessions with every factor, or a factor did not move. ``condition_number`` (D,) is the
    covariance's, NaN with it. ``observations`` (D,) counts those sessions. ``shrunk`` (D,) tells that the
    correlations are Ledoit and Wolf's.
    """

    covariance: Float3D
    correlation: Float3D
    condition_number: Float1D
    observations: Int1D
    shrunk: Bool1D


def factor_covariance(
    factors: Float2D,
    ends: Int1D,
    *,
    window: int = WINDOW,
    correlation_half_life: float = 126.0,
    volatility_half_life: float = 42.0,
    min_observations: int = 60,
    shrink_below: int = 126,
) -> FactorCovariance:
    """Estimate the covariance over the window up to each end, correlations decaying slower than volatilities.

    Only sessions on which every factor has a return count, since correlations from different sessions need not be
    positive definite together; so a proxy listed late shortens the history of all, and one without any leaves
    no matrix. Deviations are from the plain mean of those sessions. Where there are fewer than
    ``shrink_below`` of them, or two factors are all but the same, the correlations are shrunk instead, without decay.

    Parameters
    ----------
    factors : (T, K) simple returns.
    ends : (D,) row of each window's last session.
    correlation_half_life, volatility_half_life : sessions after which a weight has halved.

    References
    ----------
    RiskMetrics (1996); separate half-lives as in Barra's USE4; Ledoit & Wolf (2004), J. Multivariate Analysis 88.
    """
    days, count = len(ends), factors.shape[1]
    covariance = np.full((days, count, count), np.nan)
    correlation = np.full((days, count, count), np.nan)
    condition = np.full(days, np.nan)
    observations = np.zeros(days, dtype=np.int64)
    shrunk = np.zeros(days, dtype=bool)
    for day, end in enumerate(ends):
        x = factors[max(end + 1 - window, 0) : end + 1]
        usable = ~np.isnan(x).any(axis=1)
        observations[day] = usable.sum()
        if observations[day] < min_observations:
            continue
        x, age = x[usable], np.arange(len(x) - 1, -1, -1)[usable]
        centred = x - x.mean(axis=0)
        plain = (centred**2).mean(axis=0)
        if (plain <= NO_SPREAD * (x**2).mean(axis=0)).any():
            continue
        volatility = np.sqrt(np.average(centred**2, axis=0, weights=0.5 ** (age / volatility_half_life)))
        estimate = _decayed_correlation(centred, 0.5 ** (age / correlation_half_life))
        shrunk[day] = observations[day] < shrink_below or np.linalg.cond(estimate) > SINGULAR
        correlation[day] = _shrunk_correlation(centred / np.sqrt(plain)) if shrunk[day] else estimate
        covariance[day] = correlation[day] * np.outer(volatility, volatility)
        condition[day] = np.linalg.cond(covariance[day])
    return FactorCovariance(covariance, correlation, condition, observations, shrunk)


def _decayed_correlation(centred: Float2D, weight: Float1D) -> Float2D:
    scaled = centred * np.sqrt(weight)[:, None]
    return _as_correlation(scaled.T @ scaled)


def _shrunk_correlation(standardised: Float2D) -> Float2D:
    from sklearn.covariance import ledoit_wolf

    return _as_correlation(ledoit_wolf(standardised, assume_centered=True)[0])


def _as_correlation(covariance: Float2D) -> Float2D:
    root = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(root, root)
    correlation = (correlation + correlation.T) / 2.0
    np.fill_diagonal(correlation, 1.0)
    return np.asarray(correlation)
