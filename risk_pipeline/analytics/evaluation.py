"""How good volatility forecasts were: losses, regressions and tests on pairs of forecast and outcome."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import Bool2D, Float1D, Float2D


def qlike(outcome: Float2D, forecast: Float2D) -> Float2D:
    """Return the QLIKE loss ``x/h - ln(x/h) - 1`` of variance forecasts ``h`` against outcomes ``x``.

    Zero for a perfect forecast; ranks forecasts correctly even where the outcome is a noisy proxy.

    References
    ----------
    Patton (2011), J. Econometrics 160(1).
    """
    ratio = outcome / forecast
    return np.asarray(ratio - np.log(ratio) - 1.0)


@dataclass(frozen=True)
class MincerZarnowitz:
    """Regression of outcomes on forecasts, each (N,): an unbiased forecast has intercept 0 and slope 1."""

    intercept: Float1D
    slope: Float1D
    r_squared: Float1D
    p_value: Float1D
    """Of the joint hypothesis intercept 0 and slope 1, robust to autocorrelation."""


def mincer_zarnowitz(outcome: Float2D, forecast: Float2D, *, lags: int) -> MincerZarnowitz:
    """Regress outcomes on forecasts, column by column, with Newey-West errors over ``lags``.

    Parameters
    ----------
    outcome, forecast : (T, N) in time; a pair with a NaN is left out. NaN where a forecast never moves.

    References
    ----------
    Mincer & Zarnowitz (1969).
    """
    from scipy.special import chdtrc

    (y, x), is_present = _closed_up(outcome, forecast)
    count = is_present.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        unit = x.sum(axis=0) / count  # so that all sums are of the order of the count
        x, y = x / unit, y / unit
        mean_x, mean_y = x.sum(axis=0) / count, y.sum(axis=0) / count
        centred = np.where(is_present, x - mean_x, 0.0)
        slope = (centred * y).sum(axis=0) / (centred**2).sum(axis=0)
        intercept = mean_y - slope * mean_x
        residual = np.where(is_present, y - intercept - slope * x, 0.0)
        total = np.where(is_present, y - mean_y, 0.0)
        # Wald statistic g' X'X S^-1 X'X g of the gap g, with S the long-run covariance of the moments
        gap = intercept + (slope - 1.0) * x  # fitted less forecast
        first, second = (np.where(is_present, gap * part, 0.0).sum(axis=0) for part in (1.0, x))
        moments = (residual, residual * x)
        s_aa, s_ab, s_bb = (_long_run(moments[a], moments[b], lags) for a, b in ((0, 0), (0, 1), (1, 1)))
        wald = (first**2 * s_bb - 2 * first * second * s_ab + second**2 * s_aa) / (s_aa * s_bb - s_ab**2)
        r_squared = 1.0 - (residual**2).sum(axis=0) / (total**2).sum(axis=0)
    return MincerZarnowitz(intercept * unit, slope, r_squared, np.asarray(chdtrc(2, wald)))


def diebold_mariano(loss: Float2D, other: Float2D, *, horizon: int) -> tuple[Float1D, Float1D]:
    """Return the statistic and two-sided p-value of equal expected losses, column by column, (N,) each.

    Negative: ``loss`` is smaller. Losses (T, N) are of forecasts that overlap by ``horizon`` periods: the variance
    of the mean difference takes ``horizon - 1`` autocovariances with Bartlett weights, and the small-sample
    correction of Harvey, Leybourne & Newbold (1997) is applied. A pair with a NaN is left out.

    References
    ----------
    Diebold & Mariano (1995), J. Business & Economic Statistics 13(3).
    """
    from scipy.special import stdtr

    (difference,), is_present = _closed_up(loss - other)
    count = is_present.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = difference.sum(axis=0) / count
        centred = np.where(is_present, difference - mean, 0.0)
        long_run = _long_run(centred, centred, horizon - 1) / count
        correction = (count + 1 - 2 * horizon + horizon * (horizon - 1) / count) / count
        statistic = mean / np.sqrt(long_run / count) * np.sqrt(np.maximum(correction, 0.0))
    return statistic, np.asarray(2.0 * stdtr(count - 1, -np.abs(statistic)))


def _closed_up(*columns: Float2D) -> tuple[list[Float2D], Bool2D]:
    """Move the rows that all arrays have to the end of each column, in order; zeros before, and where they are."""
    known = np.logical_and.reduce([np.isfinite(array) for array in columns])
    order = np.argsort(known, axis=0, kind="stable")
    is_present = np.take_along_axis(known, order, axis=0)
    return [np.where(is_present, np.take_along_axis(array, order, axis=0), 0.0) for array in columns], is_present


def _long_run(left: Float2D, right: Float2D, lags: int) -> Float1D:
    """Sum, by column, of the symmetric cross-covariances of moments with Bartlett weights."""
    total = np.einsum("tn,tn->n", left, right)
    for lag in range(1, lags + 1):
        cross = np.einsum("tn,tn->n", left[lag:], right[:-lag])
        other = cross if left is right else np.einsum("tn,tn->n", right[lag:], left[:-lag])
        total = total + (1.0 - lag / (lags + 1.0)) * (cross + other)
    return np.asarray(total)
