"""Which prior variances of the core model suit a universe: how much its symbols' true coefficients differ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import Float1D, Float2D


@dataclass(frozen=True)
class PriorVariances:
    """What one window of a universe says about the core model's prior.

    ``variance`` (K,) is the mean squared distance of the z-scored coefficients from the prior mean, the noise of their
    estimates taken off and not below zero. ``noise`` is the median residual variance of a day. A penalty is
    ``noise / variance``.
    """

    variance: Float1D
    noise: float
    symbols: int


def prior_variances(returns: Float2D, factors: Float2D, *, half_life: float, prior: Float1D) -> PriorVariances:
    """Estimate from returns (W, N) on the core factors (W, K), by weighted least squares.

    Symbols with a gap and sessions that lack a factor are left out; weights and z-scores are ``core_ridge``'s.

    Raises
    ------
    ValueError : fewer than ten symbols are left, or too few sessions.

    References
    ----------
    Hoerl, Kennard & Baldwin (1975), Communications in Statistics 4; Vasicek (1973), J. Finance 28.
    """
    usable = ~np.isnan(factors).any(axis=1)
    x, y = factors[usable], returns[usable]
    y = y[:, ~np.isnan(y).any(axis=0)]
    (count, width), symbols = x.shape, y.shape[1]
    if symbols < 10 or count < 2 * width + 2:
        raise ValueError(
            f"{symbols} symbols without a gap over {count} sessions are too few: at least 10 over {2 * width + 2}"
        )
    weight = 0.5 ** (np.arange(len(factors) - 1, -1, -1) / half_life)[usable, None]
    weight *= count / weight.sum()
    centred = x - (weight * x).mean(axis=0)
    root = np.sqrt(weight)
    scale = np.sqrt((weight * centred**2).mean(axis=0))
    z = root * centred / scale
    operator = np.linalg.pinv(z)
    target = root * (y - (weight * y).mean(axis=0))
    betas = operator @ target
    variance = ((target - z @ betas) ** 2).sum(axis=0) / (count - width - 1)
    sampling = ((operator * root.T) ** 2).sum(axis=1)[:, None] * variance
    away = (betas - (prior * scale)[:, None]) ** 2 - sampling
    return PriorVariances(np.maximum(away.mean(axis=1), 0.0), float(np.median(variance)), symbols)
