"""The core model of every symbol: market, rates and relative styles jointly, then what lies beyond them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import Bool1D, Bool2D, Float1D, Float2D, Float3D, Int1D, Int2D
from .blocks import column_blocks
from .residual_factors import ResidualFactors, residual_factors
from .ridge_model import RidgeFit, RidgeModel, apply_model, fit_model

IMPOSSIBLE = 1e100
"""A return beyond this is a gap: its square's square would overflow."""


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
    ``residual_factors.UNKNOWN_SECTOR`` or ``NO_SECTOR``.
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
    (``ridge_model.py``); symbols with the same gaps share a window. Equal to scikit-learn's ``Ridge`` with
    ``alpha`` an array, the noise of each symbol, on z-scored factors times the root of the prior variance.
    The standard error is ``s sqrt(diag(P P'))`` for the estimate ``P y``, returns of equal variance taken, with
    ``s^2 = sum_t w_t e_t^2 / (n - effective_df - 1)``.

    Parameters
    ----------
    returns : (T, N) simple returns; NaN or infinite is a gap.
    factors : (T, K) simple returns; a session that lacks any factor is left out.
    ends : (D,) row of each window's last session.
    beyond : what to fit to the residuals; None for nothing.

    References
    ----------
    Hoerl & Kennard (1970), Technometrics 12; Lindley & Smith (1972), J. Royal Statistical Society B 34.
    """
    usable = np.asarray(~np.isnan(factors).any(axis=1))
    fitted = _Filled.empty(len(ends), returns.shape[1], factors.shape[1], 0 if beyond is None else len(beyond.cross))
    for day, end in enumerate(ends.tolist()):
        rows = slice(max(end + 1 - spec.window, 0), end + 1)
        inside = usable[rows]
        x, y = factors[rows][inside], returns[rows][inside]
        decay = spec.decay[-len(inside) :][inside]
        present = np.abs(y) < IMPOSSIBLE
        residual = _fit_session(fitted, day, x, y, decay, present, spec)
        if beyond is not None and len(y):
            residual_fit = residual_factors(
                residual,
                decay * (len(decay) / decay.sum()),
                beyond.cross,
                beyond.prior_variance,
                beyond.sectors,
                beyond.sector_of[day],
                core=factors.shape[1],
                min_observations=spec.min_observations,
            )
            fitted.put_beyond(day, residual_fit)
    return fitted.finished()


def _fit_session(
    fitted: _Filled, day: int, x: Float2D, y: Float2D, decay: Float1D, present: Bool2D, spec: CoreSpec
) -> Float2D:
    """Fit all symbols over one window and return the residuals, NaN at gaps and of symbols without a fit."""
    residual = np.full(y.shape, np.nan)
    fitted.observations[day] = present.sum(axis=0)
    for members, pattern in _patterns(present):
        if pattern.sum() < spec.min_observations:
            continue
        model = fit_model(x[pattern], decay[pattern], spec.prior_variance, spec.prior)
        if model is None:
            continue
        for place, block in column_blocks(y[np.ix_(pattern, members)]):
            columns = members[place]
            fit = apply_model(model, block)
            fitted.put(day, columns, model, fit)
            residual[np.ix_(pattern, columns)] = fit.residual[:, : len(columns)]
    return residual


def _patterns(present: Bool2D) -> list[tuple[Int1D, Bool1D]]:
    """Group columns by which rows they have."""
    groups: dict[bytes, list[int]] = {}
    for column, key in enumerate(np.packbits(present, axis=0).T):
        groups.setdefault(key.tobytes(), []).append(column)
    return [(np.array(columns), present[:, columns[0]]) for columns in groups.values()]


@dataclass(frozen=True)
class _Filled:
    """The fields of a ``CoreRidge`` while they are filled."""

    observations: Int2D
    coefficients: Float3D
    std_error: Float3D
    penalty: Float2D
    effective_df: Float2D
    r_squared: Float2D
    condition_number: Float2D
    beyond: dict[str, np.ndarray]

    @staticmethod
    def empty(days: int, symbols: int, factors: int, cross: int) -> _Filled:
        shape = (days, symbols)
        beyond = {name: np.full((*shape, cross), np.nan) for name in ("cross", "cross_error", "cross_share")}
        beyond["sector"] = np.full(shape, -1)
        for name in ("sector_beta", "sector_error", "sector_share"):
            beyond[name] = np.full(shape, np.nan)
        numbers = np.full((4, *shape), np.nan)
        return _Filled(
            np.zeros(shape, dtype=np.int64),
            *(np.full((*shape, factors), np.nan), np.full((*shape, factors), np.nan)),
            *(numbers[0], numbers[1], numbers[2], numbers[3]),
            beyond,
        )

    def put(self, day: int, columns: Int1D, model: RidgeModel, fit: RidgeFit) -> None:
        width = len(columns)
        self.coefficients[day, columns] = fit.coefficients[:, :width].T
        self.std_error[day, columns] = fit.std_error[:, :width].T
        self.penalty[day, columns] = fit.noise[:width] / model.prior_variance[0]
        self.effective_df[day, columns] = fit.effective_df[:width]
        self.r_squared[day, columns] = fit.r_squared[:width]
        self.condition_number[day, columns] = model.condition_number

    def put_beyond(self, day: int, residual_fit: ResidualFactors) -> None:
        fits = ~np.isnan(self.coefficients[day, :, 0])
        for name in ("cross", "cross_error", "cross_share"):
            self.beyond[name][day] = np.where(fits, getattr(residual_fit, name), np.nan).T
        self.beyond["sector"][day] = np.where(fits, residual_fit.sector, -1)
        for name in ("sector_beta", "sector_error", "sector_share"):
            self.beyond[name][day] = np.where(fits, getattr(residual_fit, name), np.nan)
        self.beyond["sector_beta"][day][fits & (residual_fit.sector < 0)] = 0.0

    def finished(self) -> CoreRidge:
        return CoreRidge(
            *(self.coefficients, self.std_error, self.penalty, self.effective_df, self.r_squared),
            *(self.condition_number, self.observations),
            **self.beyond,
        )
