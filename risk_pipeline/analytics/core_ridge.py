"""The core model of every symbol: market, rates and relative styles jointly, then what lies beyond them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .arrays import Float1D, Float2D, Float3D, Int1D, Int2D
from .returns import by_symbol

LEAST_SHARE = 0.05
"""A factor beyond the core has to explain more of what is left than this,"""
LEVEL = 0.01
"""and to do so with this significance (F-test)."""


@dataclass(frozen=True)
class CoreSpec:
    """How the core model is estimated: window, half-life and minimum count sessions.

    ``prior`` (K,) is the prior mean in raw units, ``prior_variance`` (K,) the prior variance ``tau^2`` of the z-scored
    coefficient.
    """

    window: int
    half_life: float
    min_observations: int
    prior: Float1D
    prior_variance: Float1D

    @property
    def decay(self) -> Float1D:
        """Weights by age, oldest first, (W,)."""
        return np.asarray(0.5 ** (np.arange(self.window - 1, -1, -1) / self.half_life))


@dataclass(frozen=True)
class BeyondSpec:
    """The factors beyond the core: columns of their proxies among the symbols.

    ``cross`` (C,) and ``sectors`` (S,) are columns, ``prior_variance`` (C,) that of the z-scored coefficient on a
    cross-asset factor, ``sector_of`` (D, N) each symbol's sector as known on each session: its number, or
    ``UNKNOWN_SECTOR`` or ``NO_SECTOR`` of ``kernels/constants.py``.
    """

    cross: Int1D
    prior_variance: Float1D
    sectors: Int1D
    sector_of: Int2D


@dataclass(frozen=True)
class CoreRidge:
    """Coefficients in raw units, return per unit of factor return; NaN is too few observations or a still factor.

    ``coefficients`` and ``std_error`` are (D, N, K), the others (D, N) but for the cross-asset factors' (D, N, C).
    ``std_error`` is conditional on the penalty and does not cover the bias that it brings; 0 where the factors explain
    a symbol to the last digit. ``penalty`` is that of the first coefficient, in z-scored units. ``effective_df``
    leaves the intercept out. ``r_squared`` is weighted; NaN where the symbol did not move. ``condition_number`` is that
    of the z-scored factors' weighted Gram matrix. ``observations`` counts the sessions with a return and all factors.
    ``cross`` and ``sector_beta`` are 0 where the factor isn't taken, ``sector`` is then -1.
    """

    coefficients: Float3D
    std_error: Float3D
    penalty: Float2D
    effective_df: Float2D
    r_squared: Float2D
    condition_number: Float2D
    observations: Int2D
    cross: Float3D
    cross_error: Float3D
    cross_share: Float3D
    sector: Int2D
    sector_beta: Float2D
    sector_error: Float2D
    sector_share: Float2D


def core_ridge(
    returns: Float2D, factors: Float2D, ends: Int1D, spec: CoreSpec, beyond: BeyondSpec | None = None
) -> CoreRidge:
    """Fit every symbol on all factors jointly over the window up to each end, each with its own penalty.

    Exponential weights by age in sessions, scaled to sum to the number of observations ``n``; factors z-scored with
    them; a free intercept. The estimate is the posterior mean of a normal regression with the prior
    ``N(prior, prior_variance)``: the penalty of coefficient ``k`` is ``noise / prior_variance_k``, where ``noise`` is
    the residual variance of the symbol's own weighted least squares, with ``n - K - 1`` degrees of freedom. So a
    quiet symbol is hardly pulled and a noisy one is, and no beta depends on which other symbols there are.

    By the factors' eigenvectors, scaled by the prior, all symbols of a window are solved at once
    (``kernels/ridge.py``); symbols with the same gaps share a window. Equal to scikit-learn's ``Ridge`` with
    ``alpha`` an array, the noise of each symbol, on z-scored factors times the root of the prior variance.
    The standard error is ``s sqrt(diag(P P'))`` for the estimate ``P y``, returns of equal variance taken, with
    ``s^2 = sum_t w_t e_t^2 / (n - effective_df - 1)``.

    Parameters
    ----------
    returns : (T, N) simple returns; NaN or infinite is a gap.
    factors : (T, K) simple returns; a session that lacks any factor is left out.
    ends : (D,) row of each window's last session.
    beyond : what to fit to the residuals (``kernels/residual_factors.py``); None for nothing.

    References
    ----------
    Hoerl & Kennard (1970), Technometrics 12; Lindley & Smith (1972), J. Royal Statistical Society B 34.
    """
    from .kernels.residual_factors import write_residual_factors
    from .kernels.ridge import write_ridges

    shape, width, cross = (len(ends), returns.shape[1]), factors.shape[1], 0 if beyond is None else len(beyond.cross)
    coefficients, std_error = np.full((2, *shape, width), np.nan)
    numbers, observations = np.full((4, *shape), np.nan), np.zeros(shape, dtype=np.int64)
    of_cross, sector = np.full((3, *shape, cross), np.nan), np.full(shape, -1)
    of_sector = np.full((3, *shape), np.nan)
    y = by_symbol(returns)
    for day, end in enumerate(ends.tolist()):
        inside = np.arange(max(end + 1 - spec.window, 0), end + 1)
        inside = inside[~np.isnan(factors[inside]).any(axis=1)]
        x, residual = np.ascontiguousarray(factors[inside].T), np.take(y, inside, axis=1)
        decay = spec.decay[inside - end - 1]
        observations[day] = (~np.isnan(residual)).sum(axis=1)
        if len(decay) < spec.min_observations:
            continue
        order = np.argsort(-observations[day], kind="stable")
        estimates = coefficients[day], std_error[day], numbers[:, day]
        write_ridges(residual, order, x, decay, spec.prior, spec.prior_variance, spec.min_observations, *estimates)
        if beyond is not None:
            write_residual_factors(
                *(residual, decay * (len(decay) / decay.sum()), beyond.cross, beyond.prior_variance, beyond.sectors),
                *(beyond.sector_of[day], width, least_shares(spec.window, width, spec.min_observations)),
                *(of_cross[:, day], sector[day], of_sector[:, day]),
            )
            has_fit = ~np.isnan(coefficients[day, :, 0])
            of_cross[:, day, ~has_fit], of_sector[:, day, ~has_fit] = np.nan, np.nan
    penalty, df, r_squared, condition = numbers
    return CoreRidge(
        *(coefficients, std_error, penalty, df, r_squared, condition, observations),
        *(*of_cross, sector, *of_sector),
    )


@lru_cache
def least_shares(window: int, core: int, min_observations: int) -> Float1D:
    """Return the share that a factor beyond the core has to explain, by the sessions it is fitted to, (window + 1,)."""
    from scipy.special import fdtri

    sessions = np.arange(window + 1)
    degrees = np.maximum(sessions - core - 2.0, 1.0)
    critical = fdtri(1.0, degrees, 1.0 - LEVEL)
    least = np.maximum(LEAST_SHARE, critical / (critical + degrees))
    return np.where(sessions < min_observations, np.inf, least)
