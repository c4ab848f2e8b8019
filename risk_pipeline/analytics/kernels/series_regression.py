"""Least squares of portfolios' series on factors, with HAC errors: one series after the other."""

from __future__ import annotations

import math

import numpy as np

from ..arrays import Float1D, Float2D
from .compiled import kernel, part
from .constants import NO_SPREAD
from .newey_west import bartlett_weights, long_run_sum
from .vectors import dot, has_other_sessions, subtract


@part
def _orthonormalise(q: Float2D, slopes: Float2D) -> bool:
    """Orthonormalise the rows of a design (K + 1, n), and write what makes of returns its slopes, (K + 1, n).

    Gram and Schmidt's, twice. A row that depends on those before it becomes zero; then there are no slopes: False.
    """
    triangle, independent = np.zeros((len(q), len(q))), True
    for k in range(len(q)):
        before = dot(q[k], q[k])
        for _ in range(2):
            for j in range(k):
                overlap = dot(q[j], q[k])
                subtract(overlap, q[j], q[k])
                triangle[j, k] += overlap
        squares = dot(q[k], q[k])
        moves = squares > NO_SPREAD * before
        independent = independent and moves
        triangle[k, k] = math.sqrt(squares) if moves else np.inf
        q[k] /= triangle[k, k]
    for k in range(len(q) - 1, -1, -1):
        slopes[k] = q[k]
        for j in range(k + 1, len(q)):
            subtract(triangle[k, j], slopes[j], slopes[k])
        slopes[k] /= triangle[k, k]
    return independent


@part
def _write_regression(
    y: Float1D, root: Float1D, q: Float2D, slopes: Float2D, recent: int, fit: Float1D, errors: Float1D
) -> None:
    """Write the regression of returns times the roots of weights; ``y`` becomes its residual, without the weights."""
    squares, spread, moment, scratch = dot(y, y), 0.0, np.empty(len(y)), np.empty(len(y))
    for k in range(len(q)):
        subtract(dot(q[k], y), q[k], y)
        if k == 0:
            spread = dot(y, y)
    if not dot(y, y) > NO_SPREAD * squares:
        y[:] = 0.0
    loss, degrees = dot(y, y), len(y) - len(q)
    kernel_weights = bartlett_weights(len(y))
    for k in range(len(errors)):
        for row in range(len(y)):
            moment[row] = slopes[k + 1, row] * y[row]
        errors[k] = math.sqrt(long_run_sum(moment, kernel_weights, scratch))
    y /= root
    fit[0] = 1.0 - loss / spread if spread > NO_SPREAD * squares else np.nan
    fit[1] = loss / degrees
    fit[2] = dot(y[len(y) - recent :], y[len(y) - recent :]) / recent
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
    """Regress each series on all factors and an intercept, over the sessions that it has.

    Parameters
    ----------
    series : (P, W); NaN is a gap, also where a factor lacks a return. factors : (K, W). weight : (W,) of the sessions.
    least : sessions of a regression. recent : last rows whose residuals' mean square is written too.
    fits : (4, P) R squared, squares by degree of freedom, mean square of the recent residuals, degrees of freedom.
    residual : (P, W). errors : (P, K) of the slopes, NaN where a factor depends on the others.
    """
    window, width = len(weight), len(factors) + 1
    present, independent = np.zeros(window, np.bool_), True
    rows, root, q, slopes = np.empty(0, np.int64), np.empty(0), np.empty((1, 0)), np.empty((1, 0))
    fits[:], residual[:], errors[:] = np.nan, np.nan, np.nan
    for p in range(len(series)):
        if has_other_sessions(series[p], present):
            rows = np.flatnonzero(present)
            root, q, slopes = np.sqrt(weight[rows]), np.empty((width, len(rows))), np.empty((width, len(rows)))
            q[0], q[1:] = root, root * factors[:, rows]
            independent = _orthonormalise(q, slopes)
        if len(rows) < max(least, width + 1):
            continue
        y, last = root * series[p, rows], int(np.count_nonzero(present[max(window - recent, 0) :]))
        _write_regression(y, root, q, slopes, last, fits[:, p], errors[p])
        for i in range(len(rows)):
            residual[p, rows[i]] = y[i]
        if not independent:
            errors[p] = np.nan
