"""Regressions on one factor over trailing windows, each from the pairs that it has: symbol by symbol."""

from __future__ import annotations

import math

import numpy as np

from ..arrays import Float1D, Float2D, Float3D, Int1D, Int2D
from .compiled import kernel, part
from .constants import NO_SPREAD
from .newey_west import bartlett_weights, long_run_sum


@part
def _mean(x: Float1D) -> float:
    total = 0.0
    for row in range(len(x)):
        total += x[row]
    return total / len(x)


@part
def _centre(x: Float1D, out: Float1D) -> float:
    """Write deviations from the mean and return the sum of their squares; NaN where ``x`` does not move."""
    mean, squares = _mean(x), 0.0
    for row in range(len(x)):
        out[row] = x[row] - mean
        squares += out[row] * out[row]
    return squares if squares > NO_SPREAD * len(x) * mean * mean else np.nan


@part
def _fit(
    a: Float1D, spread: float, y: Float1D, kernel_weights: Float1D, moment: Float1D, scratch: Float1D
) -> tuple[float, float, float, float]:
    """Return beta, HAC error, t statistic and R squared of ``y`` on a centred factor with a sum of squares.

    A residual that is only rounding is none: it has no error, and no t statistic.
    """
    mean, product, total, loss = _mean(y), 0.0, 0.0, 0.0
    for row in range(len(y)):
        deviation = y[row] - mean
        product += a[row] * deviation
        total += deviation * deviation
    beta = product / spread
    for row in range(len(y)):
        rest = y[row] - mean - beta * a[row]
        loss += rest * rest
        moment[row] = a[row] * rest
    if not total > NO_SPREAD * len(y) * mean * mean:
        total = np.nan
    if loss <= NO_SPREAD * total:
        return beta, 0.0, np.nan, 1.0
    error = math.sqrt(long_run_sum(moment, kernel_weights, scratch)) / spread
    return beta, error, beta / error if error > 0.0 else np.nan, 1.0 - loss / total


@kernel(
    "void(Array(float64, 2, 'C', True), Array(float64, 1, 'C', True), Array(int64, 1, 'C', True), int64, int64, "
    "float64[:, :, ::1], int64[:, ::1])"
)
def write_rolling_betas(
    returns: Float2D, factor: Float1D, ends: Int1D, window: int, least: int, fields: Float3D, observations: Int2D
) -> None:
    """Regress each symbol on the factor over the window up to each end.

    Parameters
    ----------
    returns : (N, T) and factor : (T,); NaN is a gap. ends : (D,) rows. least : pairs of a regression.
    fields : (4, D, N) beta, HAC error, t statistic, R squared. observations : (D, N) pairs.
    """
    a, spreads = np.zeros((len(ends), window)), np.empty(len(ends))
    for d in range(len(ends)):
        x = factor[max(ends[d] + 1 - window, 0) : ends[d] + 1]
        spreads[d] = _centre(x, a[d, : len(x)])
    full_weights = bartlett_weights(window)
    x, y, b, moment, scratch = np.empty((5, window))
    known = np.zeros(returns.shape[1] + 1, np.int64)
    for symbol in range(len(returns)):
        r = returns[symbol]
        for row in range(len(r)):
            known[row + 1] = known[row] + (not np.isnan(r[row] + factor[row]))
        for d in range(len(ends)):
            start, stop = max(ends[d] + 1 - window, 0), ends[d] + 1
            n = known[stop] - known[start]
            observations[d, symbol] = n
            found = np.nan, np.nan, np.nan, np.nan
            if n == window and n >= least:
                found = _fit(a[d], spreads[d], r[start:stop], full_weights, moment, scratch)
            elif n >= least:
                n = 0
                for row in range(start, stop):
                    if known[row + 1] > known[row]:
                        x[n], y[n] = factor[row], r[row]
                        n += 1
                spread = _centre(x[:n], b[:n])
                found = _fit(b[:n], spread, y[:n], bartlett_weights(n), moment[:n], scratch)
            fields[0, d, symbol], fields[1, d, symbol], fields[2, d, symbol], fields[3, d, symbol] = found
