"""Single-factor betas over trailing windows, with standard errors robust to autocorrelation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import Bool2D, Float1D, Float2D, Int1D, Int2D


@dataclass(frozen=True)
class RollingBeta:
    """OLS with intercept of each symbol on one factor; every field has shape (D, N), NaN is too few pairs.

    ``std_error`` is Newey-West's: Bartlett kernel, lag ``floor(4 (n / 100)^(2/9))``, no small-sample
    correction. ``observations`` counts the pairs in the window.
    """

    beta: Float2D
    std_error: Float2D
    t_stat: Float2D
    r_squared: Float2D
    observations: Int2D


def newey_west_lag(observations: int) -> int:
    """Return the lag of Newey & West (1994) for the Bartlett kernel."""
    return int(np.floor(4 * (observations / 100) ** (2 / 9)))


def rolling_beta(returns: Float2D, factor: Float1D, ends: Int1D, *, window: int, min_observations: int) -> RollingBeta:
    """Regress each symbol on the factor over the ``window`` sessions up to each end.

    Pairwise complete: a gap in one symbol leaves the others alone. Nothing is clipped. Each window is
    computed from its own rows, centred first, so no earlier print can reach it.

    Parameters
    ----------
    returns : (T, N) simple returns; NaN is a gap.
    factor : (T,) simple returns of the factor.
    ends : (D,) row of each window's last session.

    References
    ----------
    Newey & West (1987), Econometrica 55; (1994), Review of Economic Studies 61. Equal to statsmodels'
    ``OLS(...).fit(cov_type="HAC")``.
    """
    count = returns.shape[1]
    wide = _at_least_two_columns(returns)
    fits = [_fit(*_pairs(wide, factor, end, window)) for end in ends]
    enough = [fit[4] >= min_observations for fit in fits]
    beta, std_error, t_stat, r_squared = (
        np.stack([np.where(ok, fit[at], np.nan) for fit, ok in zip(fits, enough, strict=True)])[:, :count]
        if fits
        else np.empty((0, count))
        for at in range(4)
    )
    observations = np.stack([fit[4] for fit in fits])[:, :count] if fits else np.empty((0, count), dtype=np.int64)
    return RollingBeta(beta, std_error, t_stat, r_squared, observations)


def _at_least_two_columns(returns: Float2D) -> Float2D:
    """NumPy sums a single column pairwise and several row by row; with two or more it is always the latter."""
    if returns.shape[1] > 1:
        return returns
    return np.concatenate([returns, np.full((returns.shape[0], 2 - returns.shape[1]), np.nan)], axis=1)


def _pairs(returns: Float2D, factor: Float1D, end: int, window: int) -> tuple[Float2D, Float2D, Bool2D, Int1D]:
    """Return the window's pairs packed to the top of each column: y, x, which rows are pairs, how many."""
    rows = slice(max(end + 1 - window, 0), end + 1)
    y = returns[rows]
    x = np.broadcast_to(factor[rows, None], y.shape)
    paired = ~(np.isnan(y) | np.isnan(x))
    gappy = ~paired.all(axis=0)
    y, x = np.where(paired, y, 0.0), np.where(paired, x, 0.0)
    if gappy.any():  # lags count observations, so a gap's neighbours move together
        order = np.argsort(~paired[:, gappy], axis=0, kind="stable")
        for array in (y, x, paired):
            array[:, gappy] = np.take_along_axis(array[:, gappy], order, axis=0)
    return y, x, paired, paired.sum(axis=0)


def _fit(
    y: Float2D, x: Float2D, paired: Bool2D, observations: Int1D
) -> tuple[Float1D, Float1D, Float1D, Float1D, Int1D]:
    with np.errstate(invalid="ignore", divide="ignore"):
        x = np.where(paired, x - x.sum(axis=0) / observations, 0.0)
        y = np.where(paired, y - y.sum(axis=0) / observations, 0.0)
        spread = (x * x).sum(axis=0)
        spread = np.where(spread > 0, spread, np.nan)
        beta = (x * y).sum(axis=0) / spread
        residual = y - beta * x
        moment = x * residual
        meat = _long_run_variance(np.where(paired, moment, 0.0), observations)
        std_error = np.sqrt(meat) / spread
        r_squared = 1.0 - (residual * residual).sum(axis=0) / (y * y).sum(axis=0)
        return beta, std_error, beta / std_error, r_squared, observations


def _long_run_variance(moment: Float2D, observations: Int1D) -> Float1D:
    """Sum the moments' autocovariances with Bartlett weights, each column with the lag of its own length."""
    lags = np.array([newey_west_lag(int(n)) for n in observations])
    total = (moment * moment).sum(axis=0)
    for lag in range(1, int(lags.max(initial=0)) + 1):
        weight = np.where(lag <= lags, 1.0 - lag / (lags + 1.0), 0.0)
        total = total + 2.0 * weight * (moment[lag:] * moment[:-lag]).sum(axis=0)
    return np.asarray(np.maximum(total, 0.0))
