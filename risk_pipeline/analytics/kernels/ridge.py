"""The core model's regressions over one window: one symbol after the other, each with its own penalty.

The method is described in ``analytics/core_ridge.py``. In the axes of the factors' scaled Gram matrix every penalty is
diagonal; symbols with the same sessions share the axes.
"""

from __future__ import annotations

import math

import numpy as np

from ..arrays import Float1D, Float2D, Int1D
from .compiled import kernel, part

NO_SPREAD = 1e-20
"""A sum of squared deviations below this share of the sum of squares is rounding error, not movement."""
SINGULAR = 1e-13
"""An eigenvalue below this share of the largest is rounding error: two factors can't be told apart."""
SWEEPS = 20
"""Sweeps of rotations at most; eight factors take six."""


@part
def _sum(weight: Float1D, values: Float1D, others: Float1D) -> float:
    total = 0.0
    for row in range(len(weight)):
        total += weight[row] * values[row] * others[row]
    return total


@part
def _add(factor: float, column: Float1D, out: Float1D) -> None:
    for row in range(len(out)):
        out[row] += factor * column[row]


@part
def _centre(weight: Float1D, values: Float1D) -> None:
    """Take off the mean; the weights sum to their number."""
    total = 0.0
    for row in range(len(values)):
        total += weight[row] * values[row]
    for row in range(len(values)):
        values[row] -= total / len(values)


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

    The weights (n,) sum to n. ``prior_part`` (n,) is what the prior makes of the centred factors. ``axes`` (K, n) are
    the factors z-scored, scaled by the prior's standard deviations and rotated; ``gram`` (K, K) has their eigenvalues
    on its diagonal. ``back`` (K, K) turns coefficients on the axes into raw units, ``products`` (K, K) are those of
    the axes times the weights. The condition number is that of the z-scored factors' Gram matrix; NaN if a factor does
    not move, or can't be told from the others.
    """
    width, n, total = len(factors), len(rows), 0.0
    weight, prior_part, squares = np.empty(n), np.zeros(n), np.empty(n)
    x, axes, scale, moves = np.empty((width, n)), np.zeros((width, n)), np.empty(width), True
    gram, plain, products, back, turned = np.zeros((5, width, width))
    for row in rows:
        total += decay[row]
    for i in range(n):
        weight[i] = decay[rows[i]] * (n / total)
        squares[i] = weight[i] * weight[i]
    for k in range(width):
        for i in range(n):
            x[k, i] = factors[k, rows[i]]
        before = _sum(weight, x[k], x[k])
        _centre(weight, x[k])
        after = _sum(weight, x[k], x[k])
        moves = moves and after > NO_SPREAD * before
        scale[k] = math.sqrt(after / n)
        _add(prior[k], x[k], prior_part)
    if not moves:
        return weight, prior_part, axes, gram, back, products, np.nan
    for k in range(width):
        turned[k, k] = 1.0
        for j in range(width):
            plain[k, j] = _sum(weight, x[k], x[j]) / (scale[k] * scale[j])
            gram[k, j] = plain[k, j] * math.sqrt(prior_variance[k] * prior_variance[j])
    condition = _diagonalise(plain, turned[:, :0])
    if _diagonalise(gram, turned) >= 1.0 / SINGULAR:
        condition = np.nan
    for k in range(width):
        for j in range(width):
            back[j, k] = turned[k, j] * math.sqrt(prior_variance[j]) / scale[j]
            _add(back[j, k], x[j], axes[k])
    for k in range(width):
        for j in range(width):
            products[k, j] = _sum(squares, axes[k], axes[j])
    return weight, prior_part, axes, gram, back, products, condition


@part
def _fit(
    y: Float1D, rest: Float1D, weight: Float1D, prior_part: Float1D, axes: Float2D, gram: Float2D, shrunk: Float1D
) -> tuple[float, float, float, float]:
    """Return noise, residual variance, effective degrees of freedom and R squared; ``y`` becomes the residual.

    ``shrunk`` (K,) become the coefficients on the axes, less the prior's; ``rest`` (n,) is scratch.
    """
    n, width = len(y), len(axes)
    squares = _sum(weight, y, y)
    _centre(weight, y)
    total = _sum(weight, y, y)
    for i in range(n):
        y[i] -= prior_part[i]
        rest[i] = y[i]
    for k in range(width):
        shrunk[k] = _sum(weight, axes[k], y)
        _add(-shrunk[k] / gram[k, k], axes[k], rest)
    loss, df = _sum(weight, rest, rest), 0.0
    if not loss > NO_SPREAD * squares:
        loss = 0.0
    noise = loss / (n - width - 1)
    for k in range(width):  # the pull adds to the squares that least squares leaves, axis by axis
        gain = 1.0 / (gram[k, k] + noise)
        loss += (shrunk[k] * noise * gain) ** 2 / gram[k, k]
        df += gram[k, k] * gain
        shrunk[k] *= gain
        _add(-shrunk[k], axes[k], y)
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
    returns : (n, N); NaN is a gap. They become the residuals, NaN where there is no fit, zero where one is exact.
    order : (N,) symbols; neighbours with the same sessions share what is made of the factors.
    factors : (K, n) without gaps. decay : (n,) weights. prior, prior_variance : (K,) as in ``CoreSpec``.
    coefficients, errors : (N, K) in raw units. numbers : (4, N) penalty of the first coefficient, effective degrees of
        freedom, R squared, condition number. All are left as they are where there is no fit.
    """
    width, window = factors.shape
    packed, rows = np.ones(window, np.bool_), np.arange(window)
    shrunk, y, rest = np.empty(width), np.empty(window), np.empty(window)
    weight, prior_part, axes, gram, back, products, condition = _design(factors, decay, rows, prior, prior_variance)
    for symbol in order:
        changes = 0
        for row in range(window):
            is_present = not np.isnan(returns[row, symbol])
            changes += is_present != packed[row]
            packed[row] = is_present
        if changes:  # other sessions than those of the symbol before
            rows, condition = np.flatnonzero(packed), np.nan
            if len(rows) >= least:
                design = _design(factors, decay, rows, prior, prior_variance)
                weight, prior_part, axes, gram, back, products, condition = design
                y, rest = np.empty(len(rows)), np.empty(len(rows))
        if np.isnan(condition):
            returns[:, symbol] = np.nan
            continue
        for i in range(len(rows)):
            y[i] = returns[rows[i], symbol]
        noise, variance, df, r_squared = _fit(y, rest, weight, prior_part, axes, gram, shrunk)
        for i in range(len(rows)):
            returns[rows[i], symbol] = y[i]
        numbers[0, symbol], numbers[1, symbol] = noise / prior_variance[0], df
        numbers[2, symbol], numbers[3, symbol] = r_squared, condition
        for k in range(width):
            coefficient, spread = prior[k], 0.0
            for a in range(width):
                coefficient += back[k, a] * shrunk[a]
                part_a = back[k, a] / (gram[a, a] + noise)
                for b in range(width):
                    spread += part_a * products[a, b] * (back[k, b] / (gram[b, b] + noise))
            coefficients[symbol, k] = coefficient
            errors[symbol, k] = math.sqrt(variance * max(spread, 0.0))
