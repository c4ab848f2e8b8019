"""Factors beyond the core: cross-asset proxies, then one sector, on what is left of each symbol.

Both are regressions of residuals on residuals over one window, each factor by itself, so the core coefficients stay
as they are. The residuals of factor and symbol are taken over the sessions on which both are there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .arrays import Bool1D, Bool2D, Float1D, Float2D, Float3D, Int1D
from .blocks import column_blocks

LEAST_SHARE = 0.05
"""A factor has to explain more of what is left than this,"""
LEVEL = 0.01
"""and to do so with this significance (F-test)."""
SECTOR_SHRINKAGE = 0.8
"""What the coefficient on the sector is multiplied by: its noise taken off, on average over stocks."""
UNKNOWN_SECTOR, NO_SECTOR = -1, -2
NO_SPREAD = 1e-20
"""A sum of squares below this share of the one before is rounding error."""


@dataclass(frozen=True)
class ResidualFactors:
    """Coefficients of N symbols on C cross-asset factors and on one sector, over one window.

    ``cross``, ``cross_error`` and ``cross_share`` are (C, N): 0, NaN and NaN where the factor isn't taken; the share is
    of the squares that were left before it. ``sector`` (N,) is the sector's number, -1 none; ``sector_beta``,
    ``sector_error`` and ``sector_share`` (N,) its coefficient. ``rest`` (n, N) is what is left in the end.
    """

    cross: Float2D
    cross_error: Float2D
    cross_share: Float2D
    sector: Int1D
    sector_beta: Float1D
    sector_error: Float1D
    sector_share: Float1D
    rest: Float2D


@dataclass(frozen=True)
class _Sums:
    """Sums over the sessions that a factor and a symbol share, each (F, N)."""

    product: Float2D
    factor: Float2D
    symbol: Float2D
    error: Float2D
    count: Float2D

    def share(self) -> Float2D:
        """Return the share of the symbol's squares that the factor explains; 0 where there is nothing to explain."""
        with np.errstate(invalid="ignore", divide="ignore"):
            share = self.product**2 / (self.factor * self.symbol)
        return np.where((self.factor > 0) & (self.symbol > 0), np.minimum(share, 1.0), 0.0)


def residual_factors(
    residual: Float2D,
    weight: Float1D,
    cross: Int1D,
    prior_variance: Float1D,
    sectors: Int1D,
    sector_of: Int1D,
    *,
    core: int,
    min_observations: int,
) -> ResidualFactors:
    """Fit the cross-asset factors, the one that explains most first, then the sector.

    A cross-asset coefficient has the prior ``N(0, prior_variance)`` in units of the z-scored factor, as the core's
    have; it is taken where the factor explains more than ``LEAST_SHARE`` of what is left, significantly. A symbol is
    regressed on its own sector; where that is unknown, on the sector that explains most, by the same test. A proxy's
    coefficient on itself is 1.

    Parameters
    ----------
    residual : (n, N) of the core model; NaN is a gap, a column of zeros a symbol that the core explains wholly.
    weight : (n,) of the sessions.
    cross, sectors : columns of the proxies. prior_variance : of the cross-asset factors.
    sector_of : (N,) number of the symbol's sector, ``UNKNOWN_SECTOR`` or ``NO_SECTOR``.
    core : how many coefficients the core model has; they count in the degrees of freedom.
    """
    present = ~np.isnan(residual)
    start = np.where(present, residual, 0.0)
    before = _squares(start, weight)
    regressors = _Regressors.of(start[:, cross], present[:, cross], weight)
    rest, estimates = _cross(start, present, regressors, prior_variance, core, min_observations)
    factor_of = np.full(residual.shape[1], -1)
    factor_of[cross] = np.arange(len(cross))
    proxy_columns = np.flatnonzero(factor_of >= 0)
    moving_proxies = proxy_columns[before[proxy_columns] > 0]
    estimates[:, :, proxy_columns] = np.array([0.0, np.nan, np.nan])[:, None, None]
    estimates[:, factor_of[moving_proxies], moving_proxies] = np.array([1.0, 0.0, 1.0])[:, None]
    rest[:, proxy_columns] = 0.0
    rest = np.where(_squares(rest, weight) > NO_SPREAD * before, rest, 0.0)
    sector = _sector(rest, present, weight, sectors, sector_of, core, min_observations)
    return ResidualFactors(estimates[0], estimates[1], estimates[2], *sector)


def _squares(residual: Float2D, weight: Float1D) -> Float1D:
    return np.asarray((weight[:, None] * (residual * residual)).sum(axis=0))


@dataclass(frozen=True)
class _Regressors:
    """Factors (n, F), zero where absent, and the sums of theirs that a symbol without gaps needs."""

    factors: Float2D
    is_present: Bool2D
    weight: Float1D
    weighted: Float2D  # (F, n)
    squares: Float1D
    errors: Float1D
    counts: Float1D

    @staticmethod
    def of(factors: Float2D, is_present: Bool2D, weight: Float1D) -> _Regressors:
        w = weight[:, None]
        return _Regressors(
            *(factors, is_present, weight, np.ascontiguousarray((w * factors).T)),
            squares=(w * factors * factors).sum(axis=0),
            errors=((w * factors) ** 2).sum(axis=0),
            counts=is_present.sum(axis=0).astype(np.float64),
        )

    def sums(self, residual: Float2D, present: Bool2D) -> _Sums:
        """Sum over the sessions that both have; a symbol's sums don't depend on the others' gaps."""
        shape = (len(self.squares), residual.shape[1])
        product = self.weighted @ residual
        residual_squares = _squares(residual, self.weight)
        factor, error, count = (
            np.broadcast_to(sums[:, None], shape).copy() for sums in (self.squares, self.errors, self.counts)
        )
        symbol = np.broadcast_to(residual_squares, shape).copy()
        gappy = ~present.all(axis=0)
        if gappy.any():
            known = present.astype(np.float64)
            for sums, each in ((factor, self.weighted * self.factors.T), (error, self.weighted**2)):
                sums[:, gappy] = (each @ known)[:, gappy]
            count[:, gappy] = (np.ascontiguousarray(self.is_present.T.astype(np.float64)) @ known)[:, gappy]
        partial = ~self.is_present.all(axis=0)
        if partial.any():
            mask = np.ascontiguousarray(self.is_present.T.astype(np.float64))
            symbol[partial] = (mask @ (self.weight[:, None] * residual * residual))[partial]
        return _Sums(product, factor, symbol, error, count)


@lru_cache
def _least_shares(most: int, core: int) -> Float1D:
    """Return the share that is significant, by the number of sessions from 0 to ``most``."""
    from scipy.special import fdtri

    degrees = np.maximum(np.arange(most + 1) - core - 2.0, 1.0)
    critical = fdtri(1.0, degrees, 1.0 - LEVEL)
    return np.asarray(np.maximum(LEAST_SHARE, critical / (critical + degrees)))


def _significant(share: Float1D, count: Float1D, core: int, least: int) -> Bool1D:
    sessions = count.astype(np.int64)
    return np.asarray((sessions >= least) & (share > _least_shares(int(sessions.max(initial=0)), core)[sessions]))


def _cross(
    rest: Float2D, present: Bool2D, regressors: _Regressors, prior_variance: Float1D, core: int, least: int
) -> tuple[Float2D, Float3D]:
    """Return what is left (n, N) and coefficient, error and share (3, C, N): round by round the best factor."""
    factors = regressors.factors
    count, symbols = factors.shape[1], rest.shape[1]
    rest = rest.copy()
    estimates = np.full((3, count, symbols), np.nan)
    estimates[0] = 0.0
    is_open = np.ones((count, symbols), dtype=bool)
    active = np.arange(symbols)
    for _ in range(count):
        still = []
        for place, block in column_blocks(rest[:, active]):
            columns_tried = active[place]
            known = np.ones(block.shape, dtype=bool)
            known[:, : len(columns_tried)] = present[:, columns_tried]
            sums = regressors.sums(block, known)
            share = sums.share()
            share[:, : len(columns_tried)][~is_open[:, columns_tried]] = 0.0
            best = share.argmax(axis=0)
            cell = (best, np.arange(len(best)))
            taken = _significant(share[cell], sums.count[cell], core, least)
            taken[len(columns_tried) :] = False
            if not taken.any():
                continue
            with np.errstate(invalid="ignore", divide="ignore"):
                noise = sums.symbol[cell] * (1.0 - share[cell]) / (sums.count[cell] - core - 2.0)
                pull = sums.factor[cell] * (1.0 + noise / (prior_variance[best] * sums.count[cell]))
                beta, error = sums.product[cell] / pull, np.sqrt(noise * sums.error[cell]) / pull
            columns, which = columns_tried[taken[: len(columns_tried)]], best[taken]
            for row, values in enumerate((beta, error, share[cell])):
                estimates[row, which, columns] = values[taken]
            is_open[which, columns] = False
            rest[:, columns] -= np.where(present[:, columns], factors[:, which] * beta[taken], 0.0)
            still.append(columns)
        if not still:
            break
        active = np.concatenate(still)
    return rest, estimates


def _sector(
    rest: Float2D,
    present: Bool2D,
    weight: Float1D,
    sectors: Int1D,
    sector_of: Int1D,
    core: int,
    least: int,
) -> tuple[Int1D, Float1D, Float1D, Float1D, Float2D]:
    """Return the sector's number, coefficient, error and share (N,), and what is left (n, N)."""
    symbols = rest.shape[1]
    chosen, estimates = np.full(symbols, -1), np.full((3, symbols), np.nan)
    out = np.empty_like(rest)
    regressors = _Regressors.of(rest[:, sectors], present[:, sectors], weight)
    factors = regressors.factors
    for place, block in column_blocks(rest):
        width = place.stop - place.start
        if not len(sectors):
            out[:, place] = block[:, :width]
            continue
        columns = np.arange(block.shape[1])
        known = np.ones(block.shape, dtype=bool)
        known[:, :width] = present[:, place]
        stated = np.full(len(columns), NO_SECTOR)
        stated[:width] = sector_of[place]
        sums = regressors.sums(block, known)
        share = sums.share()
        best = np.where(stated >= 0, np.maximum(stated, 0), np.where(sums.product > 0, share, 0.0).argmax(axis=0))
        cell = (best, columns)
        judged = (sums.product[cell] > 0) & _significant(share[cell], sums.count[cell], core, least)
        able = (sums.count[cell] >= least) & (sums.factor[cell] > 0) & (sums.symbol[cell] > 0)
        taken = np.where(stated >= 0, able, (stated == UNKNOWN_SECTOR) & judged)
        with np.errstate(invalid="ignore", divide="ignore"):
            beta = np.where(taken, SECTOR_SHRINKAGE * sums.product[cell] / sums.factor[cell], 0.0)
            noise = sums.symbol[cell] * (1.0 - share[cell]) / (sums.count[cell] - core - 2.0)
            error = SECTOR_SHRINKAGE * np.sqrt(noise * sums.error[cell]) / sums.factor[cell]
        left = np.where(known, block - factors[:, best] * beta, 0.0)
        chosen[place] = np.where(taken, best, -1)[:width]
        for row, values in enumerate((beta, error, share[cell])):
            estimates[row, place] = np.where(taken, values, np.nan)[:width]
        out[:, place] = left[:, :width]
    moved = _squares(factors, weight) > 0
    proxies = sectors[moved]
    chosen[proxies], estimates[:, proxies], out[:, proxies] = (
        np.flatnonzero(moved),
        np.array([1.0, 0.0, 1.0])[:, None],
        0.0,
    )
    return chosen, *estimates, out
