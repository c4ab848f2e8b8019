"""How concentrated a portfolio is, by name and by sector."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import Float1D, Float2D, Int1D
from .sums import sum_by


@dataclass(frozen=True)
class Concentration:
    """Concentration of gross value by name, each (D, P); NaN without positions.

    ``herfindahl`` is 10,000 times the sum of squared weights, ``effective_positions`` its inverse in names,
    ``top_3`` and ``top_10`` shares of gross.
    """

    herfindahl: Float2D
    effective_positions: Float2D
    top_3: Float2D
    top_10: Float2D


def concentration(cell: Int1D, name: Int1D, value: Float1D, shape: tuple[int, int]) -> Concentration:
    """Measure concentration; the lots of a name are netted first.

    Parameters
    ----------
    cell : (H,) session times P plus portfolio. name : (H,) number of the position's name.
    value : (H,) signed dollars. shape : (D, P).
    """
    span = int(name.max(initial=0)) + 1
    pair, inverse = np.unique(cell * span + name, return_inverse=True)
    size = np.abs(sum_by(inverse, value, len(pair)))
    owner = pair // span
    cells = shape[0] * shape[1]
    total = sum_by(owner, size, cells)
    order = np.lexsort((-size, owner))
    ranked_owner = owner[order]
    rank = np.arange(len(order)) - np.searchsorted(ranked_owner, ranked_owner)

    def top(count: int) -> Float1D:
        inside = rank < count
        return sum_by(ranked_owner[inside], size[order][inside], cells)

    with np.errstate(invalid="ignore", divide="ignore"):
        herfindahl = 10_000.0 * sum_by(owner, size**2, cells) / total**2
        return Concentration(
            herfindahl=herfindahl.reshape(shape),
            effective_positions=(10_000.0 / herfindahl).reshape(shape),
            top_3=(top(3) / total).reshape(shape),
            top_10=(top(10) / total).reshape(shape),
        )


@dataclass(frozen=True)
class SectorExposure:
    """Value by session, portfolio and sector, rows in that order, each (R,); shares of gross sum to one."""

    session: Int1D
    portfolio: Int1D
    sector: Int1D
    net: Float1D
    gross: Float1D
    gross_share: Float1D


def sector_exposure(cell: Int1D, sector: Int1D, value: Float1D, shape: tuple[int, int]) -> SectorExposure:
    """Sum signed and absolute values by sector; parameters as in :func:`concentration`."""
    span = int(sector.max(initial=0)) + 1
    pair, inverse = np.unique(cell * span + sector, return_inverse=True)
    net = sum_by(inverse, value, len(pair))
    gross = sum_by(inverse, np.abs(value), len(pair))
    owner = pair // span
    total = sum_by(owner, gross, shape[0] * shape[1])[owner]
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(total > 0, gross / total, np.nan)
    return SectorExposure(owner // shape[1], owner % shape[1], pair % span, net, gross, share)
