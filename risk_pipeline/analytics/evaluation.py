"""How good volatility forecasts were: losses, regressions and tests on pairs of forecast and outcome."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import Float1D, Float2D


def qlike(outcome: Float2D, forecast: Float2D) -> Float2D:
    """Return the QLIKE loss ``x/h - ln(x/h) - 1`` of variance forecasts ``h`` against outcomes ``x``.

    Zero for a perfect forecast; ranks forecasts rightly even where the outcome is a noisy proxy.

    References
    ----------
    Patton (2011), J. Econometrics 160(1).
    """
    ratio = outcome / forecast
    return np.asarray(ratio - np.log(ratio) - 1.0)


def bias_statistic(returns: Float1D, volatility: Float1D) -> float:
    """Return the standard deviation of returns over their forecast volatility: 1 is unbiased.

    Within ``1 +- sqrt(2 / T)`` at 95 % for T independent pairs; both are of the same period.
    """
    return float(np.std(returns / volatility, ddof=1))


@dataclass(frozen=True)
class MincerZarnowitz:
    """Regression of outcomes on forecasts: an unbiased forecast has intercept 0 and slope 1."""

    intercept: float
    slope: float
    r_squared: float
    p_value: float
    """Of the joint hypothesis intercept 0 and slope 1, robust to autocorrelation."""


def mincer_zarnowitz(outcome: Float1D, forecast: Float1D, *, lags: int) -> MincerZarnowitz:
    """Regress outcomes (T,) on forecasts (T,), with Newey-West errors over ``lags``.

    References
    ----------
    Mincer & Zarnowitz (1969).
    """
    from scipy.special import chdtrc

    design = np.column_stack([np.ones(len(forecast)), forecast])
    inverse = np.linalg.inv(design.T @ design)
    coefficients = inverse @ design.T @ outcome
    residual = outcome - design @ coefficients
    covariance = inverse @ _long_run(design * residual[:, None], lags) @ inverse
    gap = coefficients - np.array([0.0, 1.0])
    spread = outcome - outcome.mean()
    return MincerZarnowitz(
        intercept=float(coefficients[0]),
        slope=float(coefficients[1]),
        r_squared=float(1.0 - residual @ residual / (spread @ spread)),
        p_value=float(chdtrc(2, gap @ np.linalg.solve(covariance, gap))),
    )


def diebold_mariano(loss: Float1D, other: Float1D, *, horizon: int) -> tuple[float, float]:
    """Return the statistic and two-sided p-value of equal expected losses; negative: ``loss`` is smaller.

    Losses (T,) of forecasts that overlap by ``horizon`` periods: the variance of the mean difference takes
    ``horizon - 1`` autocovariances with Bartlett weights, and the small-sample correction of Harvey,
    Leybourne & Newbold (1997) is applied.

    References
    ----------
    Diebold & Mariano (1995), J. Business & Economic Statistics 13(3).
    """
    from scipy.special import stdtr

    difference = loss - other
    count = len(difference)
    long_run = float(_long_run((difference - difference.mean())[:, None], horizon - 1)[0, 0]) / count
    correction = (count + 1 - 2 * horizon + horizon * (horizon - 1) / count) / count
    statistic = float(difference.mean() / np.sqrt(long_run / count) * np.sqrt(max(correction, 0.0)))
    return statistic, float(2.0 * stdtr(count - 1, -abs(statistic)))


def _long_run(moments: Float2D, lags: int) -> Float2D:
    """Sum of autocovariances of moments (T, K) with Bartlett weights."""
    total = moments.T @ moments
    for lag in range(1, lags + 1):
        cross = moments[lag:].T @ moments[:-lag]
        total = total + (1.0 - lag / (lags + 1.0)) * (cross + cross.T)
    return np.asarray(total)
