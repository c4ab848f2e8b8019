"""How fast a book can be sold: its shares against the volume that usually trades."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import Float1D, Float2D, Int1D
from .sums import sum_by

WINDOW, LEAST = 63, 21
"""Sessions of the median volume, and how many of them must have one."""
SHARE_OF_VOLUME = 0.2
"""Of the median volume that is sold a session."""
HORIZONS = (1, 5, 20)


@dataclass(frozen=True)
class Liquidity:
    """By cell, (C,): sessions until everything is sold, and money sold within 1, 5 and 20 sessions; NaN of none.

    ``covered`` is the gross value of what has a volume.
    """

    days: Float1D
    sold: dict[int, Float1D]
    covered: Float1D


def median_volume(volume: Float2D, split_ratio: Float2D) -> Float1D:
    """Return the median volume of each symbol, (N,), in shares of the last session.

    NaN with fewer than 21 known volumes, or where the median is zero: nothing can be sold at a price that is stored.

    Parameters
    ----------
    volume : (W, N) shares traded; NaN is unknown. Only the last 63 rows are read.
    split_ratio : (W, N) shares of the last session per share of the row's.
    """
    recent = (volume * split_ratio)[-WINDOW:]
    count = (~np.isnan(recent)).sum(axis=0)
    ordered = np.sort(recent, axis=0)  # NaN last
    columns = np.arange(recent.shape[1])
    low, high = (ordered[np.maximum(place, 0), columns] for place in ((count - 1) // 2, count // 2 - (count == 0)))
    middle = (low + high) / 2.0
    return np.asarray(np.where((count >= LEAST) & (middle > 0), middle, np.nan))


def liquidity(cell: Int1D, shares: Float1D, value: Float1D, volume: Float1D, cells: int) -> Liquidity:
    """Sell each position at a fifth of the median volume a session.

    Parameters
    ----------
    cell : (n,) the session and portfolio of each position, lots of a symbol netted; its ``shares``, ``value`` in money,
        and median ``volume``; NaN volume is unknown and infinite is cash.
    """
    known = ~np.isnan(volume)
    with np.errstate(invalid="ignore", divide="ignore"):
        days = np.abs(shares) / (SHARE_OF_VOLUME * volume)
    held = known & (shares != 0)
    longest = np.full(cells, -np.inf)
    np.maximum.at(longest, cell[held], days[held])
    gross = np.abs(value)
    any_known = np.bincount(cell[held], minlength=cells) > 0
    sold = {}
    for horizon in HORIZONS:
        with np.errstate(divide="ignore"):
            part = np.where(held, np.minimum(horizon / np.maximum(days, 1e-300), 1.0), 0.0)
        sold[horizon] = np.where(any_known, sum_by(cell, gross * part, cells), np.nan)
    return Liquidity(
        days=np.where(any_known, longest, np.nan),
        sold=sold,
        covered=sum_by(cell, np.where(held, gross, 0.0), cells),
    )
