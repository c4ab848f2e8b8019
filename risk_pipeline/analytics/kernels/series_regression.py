"""Least squares of portfolios' series on factors, with HAC errors: one series after the other."""

from __future__ import annotations

import math

import numpy as np

from ..arrays import Float1D, Float2D
from .compiled import kernel, part
from .newey_west import bartlett_weights, long_run_sum

NO_SPREAD = 1e-20
"""A sum of squares below this share of the one before is rounding error."""


@part
def _dot(left: Float1D, right: Float1D) -> float:
    total = 0.0
    for row in range(len(left)):
        total += left[row] * right[row]
    return total


@part
def _subtract(factor: float, column: Float1D, out: Float1D) -> None:
    for row in range(len(out)):
        out[row] -= factor * column[row]


@part
def _orthonormalise(q: Float2D, slopes: Float2D) -> bool:
    """Orthonormalise the rows of a design (K + 1, n), and write what makes of returns its slopes, (K + 1, n).

    Gram and Schmidt's, twice. A row that depends on those before it becomes zero; then there are no slopes: False.
    """
    triangle, independent = np.zeros((len(q), len(q))), True
    for k in range(len(q)):
        before = _dot(q[k], q[k])
        for _ in range(2):
            for j in range(k):
                overlap = _dot(q[j], q[k])
                _subtract(overlap, q[j], q[k])
                triangle[j, k] += overlap
        squares = _dot(q[k], q[k])
        moves = squares > NO_SPREAD * before
        independent = independent and moves
        triangle[k, k] = math.sqrt(squares) if moves else np.inf
        q[k] /= triangle[k, k]
    for k in range(len(q) - 1, -1, -1):
        slopes[k] = q[k]
        for j in range(k + 1, len(q)):
            _subtract(triangle[k, j], slopes[j], slopes[k])
        slopes[k] /= triangle[k, k]
    return independent


@part
def _write_regression(
    y: Float1D, root: Float1D, q: Float2D, slopes: Float2D, recent: int, fit: Float1D, errors: Float1D
) -> None:
    """Write the regression of returns times the roots of weights; ``y`` becomes its residual, without the weights."""
    squares, spread, moment, scratch = _dot(y, y), 0.0, np.empty(len(y)), np.empty(len(y))
    for k in range(len(q)):
        _subtract(_dot(q[k], y), q[k], y)
        if k == 0:
            spread = _dot(y, y)
    if not _dot(y, y) > NO_SPREAD * squares:
        y[:] = 0.0
    loss, degrees = _dot(y, y), len(y) - len(q)
    kernel_weights = bartlett_weights(len(y))
    for k in range(len(errors)):
        for row in range(len(y)):
            moment[row] = slopes[k + 1, row] * y[row]
        errors[k] = math.sqrt(long_run_sum(moment, kernel_weights, scratch))
    y /= root
    fit[0] = 1.0 - loss / spread if spread > NO_SPREAD * squares else np.nan
    fit[1] = loss / degrees
    fit[2] = _dot(y[len(y) - recent :], y[len(y) - recent :]) / recent
    fit[3] = degrees


@kernel(
    "void(Array(float64, 2, 'C', True), Array(float64, 2, 'C', True), Array(float64, 1, 'C', True), int64, int64, "
    "float64[:, ::1], float64[:, ::1], float64[:, ::1])"
)
def write_regressions(
    series: Float2D,
    factors: Float2D,
    weight: Float1D,
    least: int,
    recent: int,
    fits: Float2D,
    residual: Float2D,
    errors: Float2D,
) -> None:
    """Regress each series on all factors and an intercept, over the sessions that it and they have.

    Parameters
    ----------
    series : (P, W). factors : (K, W). weight : (W,) of the sessions.
    least : sessions of a regression. recent : last rows whose residuals' mean square is written too.
    fits : (4, P) R squared, squares by degree of freedom, mean square of the recent residuals, degrees of freedom.
    residual : (P, W). errors : (P, K) of the slopes, NaN where a factor depends on the others.
    """
    window, width = len(weight), len(factors) + 1
    usable, packed, independent = np.ones(window, np.bool_), np.zeros(window, np.bool_), True
    for k in range(width - 1):
        for row in range(window):
            usable[row] &= not np.isnan(factors[k, row])
    rows, y, root, q, slopes = np.empty(0, np.int64), np.empty(0), np.empty(0), np.empty((1, 0)), np.empty((1, 0))
    fits[:], residual[:], errors[:] = np.nan, np.nan, np.nan
    for p in range(len(series)):
        changes = 0
        for row in range(window):
            is_present = usable[row] and not np.isnan(series[p, row])
            changes += is_present != packed[row]
            packed[row] = is_present
        if changes:  # other sessions than those of the series before
            rows = np.flatnonzero(packed)
            y, root = np.empty(len(rows)), np.empty(len(rows))
            q, slopes = np.empty((width, len(rows))), np.empty((width, len(rows)))
            for i in range(len(rows)):
                root[i] = q[0, i] = math.sqrt(weight[rows[i]])
                for k in range(1, width):
                    q[k, i] = root[i] * factors[k - 1, rows[i]]
            independent = _orthonormalise(q, slopes)
        if len(rows) < max(least, width + 1):
            continue
        last = 0
        for i in range(len(rows)):
            y[i] = root[i] * series[p, rows[i]]
            last += rows[i] >= window - recent
        _write_regression(y, root, q, slopes, last, fits[:, p], errors[p])
        for i in range(len(rows)):
            residual[p, rows[i]] = y[i]
        if not independent:
            errors[p] = np.nan
