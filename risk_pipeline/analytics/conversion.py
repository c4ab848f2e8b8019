"""Conversion of a lot's money into its portfolio's currency, through currency pairs of the panel."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .arrays import Bool1D, Float1D, Int1D, Int2D
from .lots import SplitAdjusted

PATIENCE = 10
"""Sessions before a lot's entry from which on a pair's price may be carried to it."""
LEGS = 2
"""The most pairs between two currencies."""
PROXY = LEGS + 1
"""In place of a leg: the holding of the symbol that a private asset is assumed to follow."""


@dataclass(frozen=True)
class Conversion:
    """Exchange rates of L lots: of each the product of up to two pairs' prices, each (L, 2).

    ``column`` is the pair's in the panel, -1 for none; ``power`` is 1, or -1 for the inverse. A lot in its
    portfolio's currency has no pair and a rate of exactly one.
    """

    column: Int2D
    power: Int2D

    @staticmethod
    def none(lots: int) -> Conversion:
        """Return the conversion of lots that are all in their portfolio's currency."""
        return Conversion(np.full((lots, LEGS), -1), np.ones((lots, LEGS), dtype=np.int64))

    def take(self, rows: Bool1D | Int1D) -> Conversion:
        """Return the conversion of some of the lots."""
        return Conversion(self.column[rows], self.power[rows])

    @cached_property
    def is_foreign(self) -> Bool1D:
        """Which lots are in another currency than their portfolio, (L,)."""
        return np.asarray((self.column >= 0).any(axis=1))

    def rate(self, prices: SplitAdjusted, row: Int1D, lot: Int1D, entry: Int1D) -> tuple[Float1D, Bool1D]:
        """Return the rate of lots at rows, and whether it is an earlier session's.

        NaN where a pair has no price up to the row from ``PATIENCE`` sessions before the lot's entry on: a missing
        pair is never a rate of one. ``entry`` is the row of each lot's entry, as long as ``lot``.
        """
        rate, is_stale = np.ones(len(lot)), np.zeros(len(lot), dtype=bool)
        foreign = np.flatnonzero(self.is_foreign[lot])
        if len(foreign):
            panel_row, since = np.minimum(row[foreign], len(prices.close) - 1), np.maximum(entry[foreign] - PATIENCE, 0)
            for leg in range(LEGS):
                column = self.column[lot[foreign], leg]
                price, is_old = prices.price(panel_row, np.maximum(column, 0), since)
                factor = np.where(self.power[lot[foreign], leg] > 0, price, 1.0 / price)
                rate[foreign] *= np.where(column >= 0, factor, 1.0)
                is_stale[foreign] |= is_old & (column >= 0)
        return rate, is_stale
