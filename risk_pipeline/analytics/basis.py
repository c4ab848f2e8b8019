"""Whether a lot's entry price and the market's price of that day can both be right."""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from .arrays import Bool1D, Date1D, Float1D, Int1D
from .lots import InvestmentClass, LotRows, Lots, SplitAdjusted

WIDEST = 3.0
"""An entry price is within a third and three times the close of its session."""
WIDEST_ADJUSTED = 1.15
"""The same where the series is adjusted: dividends since have taken so much from the price of that day at most."""
LARGEST_PREMIUM = 1.5
"""An option costs at most so many times what it can be worth at the close of the day."""
UNIT = (80.0, 125.0)
"""A ratio of two prices between these, or its inverse, is that of a currency to its hundredth."""
SWITCH = (50.0, 200.0)
"""The same from one session to the next with a close, which moves by itself too."""


LARGEST = 1e18
"""Units, or money at the entry price: beyond it a lot has no cents, and squares of sums of it soon no number."""


class Cause(StrEnum):
    """What is probably wrong with a lot whose prices contradict each other."""

    UNIT = "unit"
    SPLIT = "split"
    ADJUSTED = "adjusted"
    CURRENCY = "currency"
    OTHER = "other"
    SIZE = "size"
    PREMIUM = "premium"

    def explain(self) -> str:
        """Return the cause and the remedy in a few words."""
        return _WORDS[self]


_WORDS = {
    Cause.UNIT: "one is in pence or cents: give the currency of the quotes (GBX) or correct the entry price",
    Cause.SPLIT: "a split lies between them: give quantity and price of the entry date",
    Cause.ADJUSTED: "the series is adjusted for dividends or splits: give closes as traded",
    Cause.CURRENCY: "the source quotes another currency than the position's: correct one of them",
    Cause.SIZE: "it is too large to compute with: correct quantity, price or multiplier",
    Cause.PREMIUM: "no option is worth that much: give the premium of one share, not of a contract",
    Cause.OTHER: "another ticker, date or currency: correct the position or the price",
}


def entry_ratio(lots: Lots, dates: Date1D, prices: SplitAdjusted) -> Float1D:
    """Return entry price over the close of the entry session, (L,), of PUBLIC lots; NaN where either is not there.

    An entry price of zero, of shares that came out of a spin-off, is none.
    """
    judged = (lots.kind == InvestmentClass.PUBLIC) & (lots.entry_price > 0)
    return np.where(judged, lots.entry_price / _entry_close(lots, dates, prices), np.nan)


def impossible_premiums(lots: Lots, dates: Date1D, prices: SplitAdjusted) -> Bool1D:
    """Whether an option's entry price is far above all that it can be worth, (L,).

    A call is worth its underlying at most, a put its strike; a half is left for a day's move. Where the entry session
    has no close a call isn't judged.
    """
    most = np.where(lots.is_call, _entry_close(lots, dates, prices), lots.strike)
    return np.asarray(lots.is_option & (lots.entry_price > LARGEST_PREMIUM * most))


def _entry_close(lots: Lots, dates: Date1D, prices: SplitAdjusted) -> Float1D:
    """Return the close of the entry session of each lot's symbol, (L,); NaN beyond the ends of the panel."""
    entry = LotRows.of(lots, dates).entry
    known = (entry < len(dates)) & (lots.entry_date >= dates[0])
    return np.where(known, prices.close[np.minimum(entry, len(dates) - 1), np.maximum(lots.symbol, 0)], np.nan)


def doubtful_lots(ratio: Float1D, is_option: Bool1D, is_adjusted: Bool1D, is_foreign_quote: Bool1D) -> np.ndarray:
    """Return the cause of each lot's doubt, (L,) of :class:`Cause` or None.

    Parameters
    ----------
    ratio : from :func:`entry_ratio`. is_adjusted : the series is. is_foreign_quote : its currency is not the lot's.
    """
    out = np.full(len(ratio), None, dtype=object)
    size = np.exp(np.abs(np.log(ratio)))
    out[size > WIDEST] = Cause.OTHER
    whole = np.round(size)
    out[(size > WIDEST) & (whole <= 50) & (np.abs(size / whole - 1.0) < 0.02)] = Cause.SPLIT
    out[(size > UNIT[0]) & (size < UNIT[1])] = Cause.UNIT
    out[is_adjusted & ((size > WIDEST_ADJUSTED) | is_option)] = Cause.ADJUSTED
    out[is_foreign_quote] = Cause.CURRENCY
    return out


def is_too_large(lots: Lots) -> Bool1D:
    """Whether a lot is too large to compute with, (L,): judged by what was bought, whatever prices do later."""
    price = np.fmax(np.fmax(np.abs(lots.entry_price), np.nan_to_num(lots.strike)), 1.0)
    with np.errstate(over="ignore"):
        return np.asarray(~(np.abs(lots.quantity) * lots.multiplier * price <= LARGEST))


def unit_levels(symbol: Int1D, close: Float1D, split: Float1D, start: Int1D, reference: Float1D) -> Int1D:
    """Return how many steps of a hundred each bar's unit is above that of its series, (B,).

    A series that jumps by a hundred, or to a hundredth, without a split has switched its unit; it stays at that level
    until it jumps back. The unit of a series is that of the bars before these, else that of most of them: which is the
    first depends on how far back somebody asked.

    Parameters
    ----------
    symbol : (B,) number of each bar's symbol; bars are in the order of symbol and session.
    start : (S,) level of each symbol before its first bar. reference : (S,) the close before it, NaN if none.
    """
    first = np.flatnonzero(np.diff(symbol, prepend=-1))
    before = np.roll(close, 1)
    before[first] = reference[symbol[first]]
    jump = close * split / before
    up, down = (jump > SWITCH[0]) & (jump < SWITCH[1]), (jump < 1 / SWITCH[0]) & (jump > 1 / SWITCH[1])
    steps = np.cumsum(up.astype(np.int64) - down)
    offset = np.concatenate([[0], steps[first[1:] - 1]]) if len(first) else first
    runs = np.diff(np.append(first, len(close)))
    levels = np.asarray(steps - np.repeat(offset, runs) + start[symbol], dtype=np.int64)
    switched = np.unique(symbol[levels != 0])
    for one in switched[np.isnan(reference[switched])].tolist():
        rows = slice(*np.searchsorted(symbol, [one, one + 1]))
        found, count = np.unique(levels[rows], return_counts=True)
        levels[rows] -= found[np.argmax(count)]
    return levels
