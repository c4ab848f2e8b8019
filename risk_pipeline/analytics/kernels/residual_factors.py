"""What the core leaves of each symbol on what it leaves of proxies: one factor after the other.

Each factor is fitted by itself, so the core coefficients stay as they are, over the sessions that it and the symbol
both have. On itself a proxy comes out with a coefficient of 1, without error, and nothing is left of it.
"""

from __future__ import annotations

import math

import numpy as np

from ..arrays import Float1D, Float2D, Float3D, Int1D
from .compiled import kernel, part
from .constants import NO_SPREAD, SECTOR_SHRINKAGE, UNKNOWN_SECTOR


@part
def _squares(r: Float1D, weight: Float1D) -> float:
    total = 0.0
    for i in range(len(r)):
        total += 0.0 if np.isnan(r[i]) else weight[i] * r[i] * r[i]
    return total


@part
def _regression(
    r: Float1D, f: Float1D, weight: Float1D, core: int, prior_variance: float
) -> tuple[float, float, float, int]:
    """Return the coefficient, its error, the share of the squares that it explains, and how many sessions."""
    product, factor, symbol, moment, n = 0.0, 0.0, 0.0, 0.0, 0
    for i in range(len(r)):
        if not np.isnan(f[i] + r[i]):
            weighted = weight[i] * f[i]
            product += weighted * r[i]
            factor += weighted * f[i]
            moment += weighted * weighted
            symbol += weight[i] * r[i] * r[i]
            n += 1
    if n <= core + 2 or not (factor > 0.0 and symbol > 0.0):
        return 0.0, 0.0, 0.0, n
    share = min(product * product / (factor * symbol), 1.0)
    noise = symbol * (1.0 - share) / (n - core - 2)
    pull = factor * (1.0 + noise / (prior_variance * n))
    return product / pull, math.sqrt(noise * moment) / pull, share, n


@part
def _write_cross(
    r: Float1D,
    factors: Float2D,
    weight: Float1D,
    core: int,
    least_share: Float1D,
    prior_variance: Float1D,
    numbers: Float2D,
) -> None:
    """Write the cross-asset factors' numbers, the one that explains most first; ``r`` becomes what they leave."""
    before = _squares(r, weight)
    numbers[0], numbers[1:] = 0.0, np.nan
    for _ in range(len(factors)):
        best, beta, error, share, n = 0, 0.0, 0.0, 0.0, 0
        for c in range(len(factors)):
            if np.isnan(numbers[2, c]):
                found = _regression(r, factors[c], weight, core, prior_variance[c])
                if found[2] > share:
                    best, (beta, error, share, n) = c, found
        if not share > least_share[n]:
            break
        numbers[0, best], numbers[1, best], numbers[2, best] = beta, error, share
        for i in range(len(r)):
            r[i] -= 0.0 if np.isnan(factors[best, i]) else beta * factors[best, i]
    if not _squares(r, weight) > NO_SPREAD * before:  # only rounding is left
        r *= 0.0


@part
def _sector(
    r: Float1D, factors: Float2D, weight: Float1D, core: int, least_share: Float1D, stated: int
) -> tuple[int, float, float, float]:
    """Return the symbol's sector, -1 for none, with coefficient, error and share."""
    best, beta, error, share, n = -1, 0.0, 0.0, 0.0, 0
    if stated >= 0:
        beta, error, share, n = _regression(r, factors[stated], weight, core, np.inf)
        best = stated if share > 0.0 and least_share[n] < np.inf else -1
    elif stated == UNKNOWN_SECTOR:
        for s in range(len(factors)):
            found = _regression(r, factors[s], weight, core, np.inf)
            if found[0] > 0.0 and found[2] > share:
                best, (beta, error, share, n) = s, found
        best = best if share > least_share[n] else -1
    if best < 0:
        return -1, 0.0, np.nan, np.nan
    return best, SECTOR_SHRINKAGE * beta, SECTOR_SHRINKAGE * error, share


@kernel(
    "void(float64[:, ::1], Array(float64, 1, 'C', True), Array(int64, 1, 'C', True), Array(float64, 1, 'C', True), "
    "Array(int64, 1, 'C', True), Array(int64, 1, 'C', True), int64, Array(float64, 1, 'C', True), "
    "float64[:, :, :], int64[:], float64[:, :])"
)
def write_residual_factors(
    residual: Float2D,
    weight: Float1D,
    cross: Int1D,
    prior_variance: Float1D,
    sectors: Int1D,
    sector_of: Int1D,
    core: int,
    least_share: Float1D,
    cross_numbers: Float3D,
    sector: Int1D,
    sector_numbers: Float2D,
) -> None:
    """Fit the cross-asset factors, the one that explains most first, then the sector.

    A cross-asset coefficient has the prior ``N(0, prior_variance)`` in units of the z-scored factor, as the core's
    have; it is taken where the factor explains more than ``least_share`` of what is left. A symbol is regressed on its
    own sector; where that is unknown, on the sector that explains most, by the same test.

    Parameters
    ----------
    residual : (N, n) of the core model; NaN is a gap, zeros are a symbol that the core explains wholly. They become
        what the cross-asset factors leave.
    weight : (n,) of the sessions.
    cross, sectors : rows of the proxies. prior_variance : of the cross-asset factors. sector_of : (N,).
    core : how many coefficients the core model has; they count in the degrees of freedom.
    least_share : (n + 1,) what a factor must explain, by the number of sessions; infinite for too few.
    cross_numbers : (3, N, C) coefficient, error, share. sector : (N,) number. sector_numbers : (3, N) as of the others.
    """
    factors = residual[cross]
    for symbol in range(len(residual)):
        numbers = cross_numbers[:, symbol]
        _write_cross(residual[symbol], factors, weight, core, least_share, prior_variance, numbers)
    factors = residual[sectors]
    for symbol in range(len(residual)):
        found = _sector(residual[symbol], factors, weight, core, least_share, sector_of[symbol])
        sector[symbol], sector_numbers[0, symbol], sector_numbers[1, symbol], sector_numbers[2, symbol] = found
    for s in range(len(sectors)):
        if _squares(factors[s], weight) > 0.0:  # a proxy is its own sector, whatever the profile says
            sector[sectors[s]] = s
            sector_numbers[0, sectors[s]], sector_numbers[1, sectors[s]], sector_numbers[2, sectors[s]] = 1.0, 0.0, 1.0
