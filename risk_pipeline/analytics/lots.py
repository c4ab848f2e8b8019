"""Positions as arrays of lots, and when each begins and ends on a grid of sessions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np

from .arrays import Bool1D, Date1D, Float1D, Float2D, Int1D, Int2D

CONTRACT = 100.0
"""Shares per option contract."""


class InvestmentClass(IntEnum):
    """What a lot is."""

    PUBLIC = 0
    OPTIONS = 1
    PRIVATE = 2


@dataclass(frozen=True)
class Lots:
    """Lots in the order of portfolio and position id, each field (L,).

    ``symbol`` is the panel's column of the priced symbol (an option's underlying), -1 for PRIVATE; ``name``
    numbers the lot's own symbol. ``quantity`` is signed, in units of the entry date, contracts for options;
    prices are per share. NaT and NaN mean none. ``contract_size``: units of the priced thing per unit of quantity,
    NaN for the usual one. ``fees`` are paid on the entry date, ``exit_fees`` on the exit date, money; NaN is 0.
    ``is_american``: may be exercised at any time; None if all options may. ``proxy`` is the panel's column that the
    risk of a PRIVATE lot is assumed to follow, -1 for none, with ``proxy_beta``; None if no lot has any.
    """

    portfolio: Int1D
    symbol: Int1D
    name: Int1D
    kind: Int1D
    quantity: Float1D
    entry_date: Date1D
    entry_price: Float1D
    exit_date: Date1D
    exit_price: Float1D
    is_call: Bool1D
    strike: Float1D
    expiry: Date1D
    implied_volatility: Float1D
    contract_size: Float1D | None = None
    fees: Float1D | None = None
    exit_fees: Float1D | None = None
    is_american: Bool1D | None = None
    proxy: Int1D | None = None
    proxy_beta: Float1D | None = None

    def take(self, rows: Bool1D | Int1D) -> Lots:
        """Return some of the lots."""
        chosen: dict[str, Any] = {k: None if values is None else values[rows] for k, values in vars(self).items()}
        return Lots(**chosen)

    @property
    def is_option(self) -> Bool1D:
        """Which lots are options."""
        return np.asarray(self.kind == InvestmentClass.OPTIONS)

    @property
    def is_private(self) -> Bool1D:
        """Which lots have no market price."""
        return np.asarray(self.kind == InvestmentClass.PRIVATE)

    @property
    def multiplier(self) -> Float1D:
        """Units of the priced thing per unit of quantity."""
        usual = np.where(self.is_option, CONTRACT, 1.0)
        size = usual if self.contract_size is None else self.contract_size
        return np.where(np.isnan(size), usual, size)

    @property
    def cost(self) -> Float1D:
        """Money paid for each lot, its fees included; negative where a short sale brought some in."""
        price = self.quantity * self.entry_price * self.multiplier
        return price if self.fees is None else price + np.nan_to_num(self.fees)

    @property
    def is_sold(self) -> Bool1D:
        """Which lots were sold at a stated price by their expiry: that price wins over any other."""
        in_time = np.isnat(self.expiry) | (self.exit_date <= self.expiry)
        return np.asarray(~np.isnat(self.exit_date) & ~np.isnan(self.exit_price) & in_time)


@dataclass(frozen=True)
class LotRows:
    """Rows of the session grid on which lots begin and end, each (L,); the grid's length is "not yet".

    A day that is no session counts as the next one. ``end`` is the earlier of exit and expiry; a lot is held
    on rows ``entry <= row < end``. An option settles at the price of ``settlement``, the last row up to its expiry.
    """

    entry: Int1D
    exit: Int1D
    expiry: Int1D
    end: Int1D
    settlement: Int1D

    @staticmethod
    def of(lots: Lots, dates: Date1D) -> LotRows:
        """Locate lots on consecutive sessions."""
        days = lots.entry_date, lots.exit_date, lots.expiry
        entry, exit_, expiry = (np.searchsorted(dates, day) for day in days)  # NaT comes after all
        settlement = np.maximum(np.searchsorted(dates, lots.expiry, "right") - 1, 0)
        return LotRows(entry, exit_, expiry, np.minimum(exit_, expiry), settlement)


@dataclass(frozen=True)
class SplitAdjusted:
    """Prices and split factors of a panel, looked up by row and column."""

    close: Float2D
    cumulative_split: Float2D
    last_priced: Int2D  # (T, N) row of the last close so far, -1 before any

    @staticmethod
    def of(close: Float2D, split: Float2D) -> SplitAdjusted:
        """Prepare a panel's closes and split factors, both (T, N)."""
        rows = np.where(np.isnan(close), -1, np.arange(len(close))[:, None])
        return SplitAdjusted(close, np.cumprod(split, axis=0, dtype=np.float64), np.maximum.accumulate(rows, axis=0))

    def ratio(self, row: Any, since: Any, column: Int1D) -> Any:
        """Return shares at ``row`` per share at ``since``, arrays that broadcast; splits after ``since`` count.

        Rounded to thirteen significant digits, so that splits before both leave no trace in the last bit. The shares
        themselves are never rounded: a fraction that a broker pays out in cash is kept.
        """
        top = len(self.cumulative_split) - 1
        later = self.cumulative_split[np.minimum(row, top), column]
        ratio = np.asarray(later / self.cumulative_split[np.minimum(since, top), column])
        split = ratio[ratio != 1.0]
        scale = 10.0 ** (12 - np.floor(np.log10(split)))
        ratio[ratio != 1.0] = np.round(split * scale) / scale
        return ratio

    def price(self, row: Int1D, column: Int1D, not_before: Int1D) -> tuple[Float1D, Bool1D]:
        """Return the price at ``row`` and whether it is an earlier session's (split-adjusted) one.

        NaN where there is none on or after row ``not_before``.
        """
        source = self.last_priced[row, column]
        known = source >= not_before
        price_row = np.where(known, source, 0)
        price = np.where(known, self.close[price_row, column], np.nan)
        is_stale = known & (source < row)
        return np.where(is_stale, price / self.ratio(row, price_row, column), price), is_stale


def private_prices(lots: Lots, days: Date1D, mark_name: Int1D, mark_date: Date1D, mark_price: Float1D) -> Float2D:
    """Return the price of PRIVATE lots on each day, (D, L): the last mark since entry, else the entry price.

    Marks are sorted by date within a name. NaN for other lots.
    """
    mark = newest_marks(lots, days, mark_name, mark_date)
    unmarked = np.where(lots.is_private, lots.entry_price, np.nan)
    return np.where(mark >= 0, np.append(mark_price, np.nan)[mark], unmarked)


def newest_marks(lots: Lots, days: Date1D, mark_name: Int1D, mark_date: Date1D) -> Int2D:
    """Return the row of the last mark of PRIVATE lots since entry on each day, (D, L); -1 of none, and of other lots.

    Lots of one asset entered on one day have the same marks, which are sorted by date within a name.
    """
    out = np.full((len(days), len(lots.portfolio)), -1)
    private = np.flatnonzero(lots.is_private)
    asset = np.stack([lots.name[private], lots.entry_date[private].astype(np.int64)], axis=1)
    assets, place = np.unique(asset, axis=0, return_inverse=True)
    newest = np.empty((len(days), len(assets)), dtype=np.int64)
    for column, (name, entry) in enumerate(assets.tolist()):
        of_asset = np.flatnonzero((mark_name == name) & (mark_date.astype(np.int64) >= entry))
        newest[:, column] = np.append(-1, of_asset)[np.searchsorted(mark_date[of_asset], days, side="right")]
    out[:, private] = newest[:, place]
    return out
