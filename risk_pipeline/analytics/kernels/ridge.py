"""The core model's regressions over one window: one symbol after the other, each with its own penalty.

The method is described in ``analytics/core_ridge.py``. In the axes of the factors' scaled Gram matrix every penalty is
diagonal; symbols with the same sessions share the axes.
"""

from __future__ import annotations

import math

import numpy as np

from ..arrays import Float1D, Float2D, Int1D
from .compiled import kernel, part
from .constants import NO_SPREAD
from .vectors import dot, has_other_sessions, subtract

SINGULAR = 1e-13
"""An eigenvalue below this share of the largest is rounding error: two factors can't be told apart."""
SWEEPS = 20
"""Sweeps of rotations at most; eight factors take six."""


@part
def _rotate(c: float, s: float, left: Float1D, right: Float1D) -> None:
    for k in range(len(left)):
        left[k], right[k] = c * left[k] - s * right[k], s * left[k] + c * right[k]


@part
def _diagonalise(matrix: Float2D, vectors: Float2D) -> float:
    """Leave the eigenvalues of a positive definite matrix on its diagonal, and rotate the rows of ``vectors`` likewise.

    Returns the largest over the smallest.

    References
    ----------
    Jacobi's method: Golub & Van Loan, Matrix Computations, 8.5.
    """
    turned, sweep = True, 0
    while turned and sweep < SWEEPS:
        turned, sweep = False, sweep + 1
        for p in range(len(matrix)):
            for q in range(p + 1, len(matrix)):
                off = matrix[p, q]
                if off * off <= 1e-34 * abs(matrix[p, p] * matrix[q, q]):
                    continue
                turned = True
                half = (matrix[q, q] - matrix[p, p]) / (2.0 * off)
                tangent = math.copysign(1.0, half) / (abs(half) + math.sqrt(half * half + 1.0))
                c = 1.0 / math.sqrt(tangent * tangent + 1.0)
                _rotate(c, tangent * c, matrix[p], matrix[q])
                _rotate(c, tangent * c, matrix[:, p], matrix[:, q])
                _rotate(c, tangent * c, vectors[p], vectors[q])
    least, most = np.inf, 0.0
    for k in range(len(matrix)):
        least, most = min(least, matrix[k, k]), max(most, matrix[k, k])
    return most / least if least > 0.0 else np.inf


@part
def _design(
    factors: Float2D, decay: Float1D, rows: Int1D, prior: Float1D, prior_variance: Float1D
) -> tuple[Float1D, Float1D, Float2D, Float2D, Float2D, Float2D, float]:
    """Return what regressions over some sessions share; n are the sessions.

    ``root`` (n,) are the roots of the weights, which sum to n; what follows is times it. ``prior_part`` (n,) is what
    the prior makes of the centred factors. ``axes`` (K, n) are the factors z-scored, scaled by the prior's standard
    deviations and rotated; ``gram`` (K, K) has their eigenvalues on its diagonal. ``back`` (K, K) turns coefficients
    on the axes into raw units, ``products`` (K, K) are those of the axes times the weights. The condition number is
    that of the z-scored factors' Gram matrix; NaN if a factor does not move, or can't be told from the others.
    """
    width, n, moves = len(factors), len(rows), True
    root = np.sqrt(decay[rows] * (n / decay[rows].sum()))
    x, scale, prior_part, axes = root * factors[:, rows], np.empty(width), np.zeros(n), np.zeros((width, n))
    gram, plain, products, back, turned = np.zeros((5, width, width))
    for k in range(width):
        before = dot(x[k], x[k])
        subtract(dot(root, x[k]) / n, root, x[k])
        after = dot(x[k], x[k])
        moves = moves and after > NO_SPREAD * before
        scale[k] = math.sqrt(after / n)
        subtract(-prior[k], x[k], prior_part)
    if not moves:
        return root, prior_part, axes, gram, back, products, np.nan
    for k in range(width):
        turned[k, k] = 1.0
        for j in range(k + 1):
            plain[k, j] = plain[j, k] = dot(x[k], x[j]) / (scale[k] * scale[j])
            gram[k, j] = gram[j, k] = plain[k, j] * math.sqrt(prior_variance[k] * prior_variance[j])
    condition = _diagonalise(plain, turned[:, :0])
    if _diagonalise(gram, turned) >= 1.0 / SINGULAR:
        condition = np.nan
    for k in range(width):
        for j in range(width):
            back[j, k] = turned[k, j] * math.sqrt(prior_variance[j]) / scale[j]
            subtract(-back[j, k], x[j], axes[k])
    weighted = root * axes
    for k in range(width):
        for j in range(k + 1):
            products[k, j] = products[j, k] = dot(weighted[k], weighted[j])
    return root, prior_part, axes, gram, back, products, condition


@part
def _fit(
    y: Float1D, rest: Float1D, root: Float1D, prior_part: Float1D, axes: Float2D, gram: Float2D, pull: Float2D
) -> tuple[float, float, float, float]:
    """Return noise, residual variance, effective degrees of freedom and R squared; ``y`` becomes the residual.

    ``pull`` (2, K) becomes the coefficients on the axes, less the prior's, and what makes them of products; ``rest``
    (n,) is scratch.
    """
    n, width, shrunk, gain = len(y), len(axes), pull[0], pull[1]
    squares = dot(y, y)
    subtract(dot(root, y) / n, root, y)
    total = dot(y, y)
    for i in range(n):
        y[i] -= prior_part[i]
        rest[i] = y[i]
    for k in range(width):
        shrunk[k] = dot(axes[k], y)
        subtract(shrunk[k] / gram[k, k], axes[k], rest)
    loss, df = dot(rest, rest), 0.0
    if not loss > NO_SPREAD * max(squares, dot(y, y)):  # of returns of zero the prior's part is all there is
        loss = 0.0
    noise = loss / (n - width - 1)
    for k in range(width):  # the pull adds to the squares that least squares leaves, axis by axis
        gain[k] = 1.0 / (gram[k, k] + noise)
        loss += (shrunk[k] * noise * gain[k]) ** 2 / gram[k, k]
        df += gram[k, k] * gain[k]
        shrunk[k] *= gain[k]
        subtract(shrunk[k], axes[k], y)
    if noise == 0.0:
        y[:] = 0.0
    return noise, loss / (n - df - 1.0), df, 1.0 - loss / total if total > NO_SPREAD * squares else np.nan


@kernel(
    "void(float64[:, ::1], Array(int64, 1, 'C', True), Array(float64, 2, 'C', True), Array(float64, 1, 'C', True), "
    "Array(float64, 1, 'C', True), Array(float64, 1, 'C', True), int64, "
    "float64[:, ::1], float64[:, ::1], float64[:, :])"
)
def write_ridges(
    returns: Float2D,
    order: Int1D,
    factors: Float2D,
    decay: Float1D,
    prior: Float1D,
    prior_variance: Float1D,
    least: int,
    coefficients: Float2D,
    errors: Float2D,
    numbers: Float2D,
) -> None:
    """Regress each symbol on all factors over the sessions of a window that it has; at least ``least``.

    Parameters
    ----------
    returns : (N, n); NaN is a gap. They become the residuals, NaN where there is no fit, zero where one is exact.
    order : (N,) symbols; neighbours with the same sessions share what is made of the factors.
    factors : (K, n) without gaps. decay : (n,) weights. prior, prior_variance : (K,) as in ``CoreSpec``.
    coefficients, errors : (N, K) in raw units. numbers : (4, N) penalty of the first coefficient, effective degrees of
        freedom, R squared, condition number. All are left as they are where there is no fit.
    """
    width, window = factors.shape
    present, rows, pull, pulled = np.ones(window, np.bool_), np.arange(window), np.empty((2, width)), np.empty(width)
    y, rest = np.empty(window), np.empty(window)
    root, prior_part, axes, gram, back, products, condition = _design(factors, decay, rows, prior, prior_variance)
    for symbol in order:
        if has_other_sessions(returns[symbol], present):
            rows, condition = np.flatnonzero(present), np.nan
            if len(rows) >= least:
                design = _design(factors, decay, rows, prior, prior_variance)
                root, prior_part, axes, gram, back, products, condition = design
                y, rest = np.empty(len(rows)), np.empty(len(rows))
        if np.isnan(condition):
            returns[symbol] = np.nan
            continue
        for i in range(len(rows)):
            y[i] = root[i] * returns[symbol, rows[i]]
        noise, variance, df, r_squared = _fit(y, rest, root, prior_part, axes, gram, pull)
        for i in range(len(rows)):
            returns[symbol, rows[i]] = y[i] / root[i]
        numbers[0, symbol], numbers[1, symbol] = noise / prior_variance[0], df
        numbers[2, symbol], numbers[3, symbol] = r_squared, condition
        for k in range(width):
            spread = 0.0
            for a in range(width):
                pulled[a] = back[k, a] * pull[1, a]
            for a in range(width):
                spread += pulled[a] * dot(products[a], pulled)
            coefficients[symbol, k] = prior[k] + dot(back[k], pull[0])
            errors[symbol, k] = math.sqrt(variance * max(spread, 0.0))
