"""Which prior variances of the core model suit a universe: how much its symbols' true coefficients differ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import Float1D, Float2D
from .core_ridge import CoreSpec, core_ridge

FLAT = 1e6
"""A prior variance that pulls nothing: the regression is least squares."""


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

    Symbols with a gap and sessions that lack a factor are left out; ``core_ridge`` is fitted with a flat prior.

    Raises
    ------
    ValueError : fewer than ten symbols are left, or too few sessions.

    References
    ----------
    Hoerl, Kennard & Baldwin (1975), Communications in Statistics 4; Vasicek (1973), J. Finance 28.
    """
    usable = ~np.isnan(factors).any(axis=1)
    x, y = factors[usable], returns[:, ~np.isnan(returns[usable]).any(axis=0)]
    (count, width), symbols = x.shape, y.shape[1]
    if symbols < 10 or count < 2 * width + 2:
        raise ValueError(
            f"{symbols} symbols without a gap over {count} sessions are too few: at least 10 over {2 * width + 2}"
        )
    spec = CoreSpec(len(factors), half_life, count, prior, np.full(width, FLAT))
    fit = core_ridge(y, factors, np.array([len(factors) - 1]), spec)
    weight = spec.decay[usable]
    scaled = np.average((x - np.average(x, axis=0, weights=weight)) ** 2, axis=0, weights=weight)
    away = ((fit.coefficients[0] - prior) ** 2 - fit.std_error[0] ** 2) * scaled
    return PriorVariances(np.maximum(away.mean(axis=0), 0.0), FLAT * float(np.median(fit.penalty)), symbols)
