"""Currency pairs that a source lacks, made of those that it has: the inverse, or two pairs against the dollar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd

from ..currencies import DOLLAR, pair_currencies, pair_symbol
from .source import MarketBars, MarketDataSource
from .validate import checked_bars

PIVOTS = ("EUR", "GBP", "JPY", "CHF")
"""Currencies through which a pair against the dollar is made where it can't be had itself."""


@dataclass(frozen=True)
class WithPairs:
    """A source whose currency pairs are completed.

    ``EURUSD=X`` is one over ``USDEUR=X`` where the source has only that, ``USDJPY=X`` is its short form ``JPY=X``,
    ``EURGBP=X`` is ``EURUSD=X`` over ``GBPUSD=X``, and ``EURUSD=X`` is ``EURGBP=X`` times ``GBPUSD=X``. A session on
    which one of two pairs has no price has none. A pair that can't be made stays an error.
    """

    source: MarketDataSource

    @property
    def name(self) -> str:
        """The name of the source itself."""
        return self.source.name

    def fetch(self, symbols: Sequence[str], sessions: pd.DatetimeIndex) -> MarketBars:
        """Return the bars of the symbols on the sessions; see :class:`~.source.MarketDataSource`."""
        fetched = self.source.fetch(symbols, sessions)
        errors, bars, asked = dict(fetched.errors), fetched.bars, {*symbols}
        made: list[pd.DataFrame] = []
        for ways_of in (_other_forms, _through_the_dollar, _through_a_pivot):  # the next only where the last gave none
            ways = {symbol: ways_of(symbol) for symbol in errors if pair_currencies(symbol) is not None}
            others = sorted({part for parts in ways.values() for way in parts for part, _ in way} - asked)
            if others:
                asked |= {*others}
                bars = pd.concat([bars, self.source.fetch(others, sessions).bars])
            for symbol, parts in ways.items():
                rows = next((rows for way in parts if (rows := _product(symbol, way, bars)) is not None), None)
                if rows is not None:
                    made.append(rows)
                    del errors[symbol]
        errors |= {
            symbol: f"{why}; nor can it be made of {_said(_other_forms(symbol) + _through_the_dollar(symbol))}"
            for symbol, why in errors.items()
            if pair_currencies(symbol) is not None
        }
        if not made:
            return replace(fetched, errors=errors)
        checked = checked_bars(pd.concat([fetched.bars, *made], ignore_index=True), sessions, errors)
        return replace(
            fetched, bars=checked.bars, errors=checked.errors, dropped={**fetched.dropped, **checked.dropped}
        )

    def profiles(self, symbols: Sequence[str], as_of: date | None = None) -> pd.DataFrame:
        """Return the profiles of the source."""
        return self.source.profiles(symbols, as_of)


Way = tuple[tuple[str, int], ...]


def _forms(base: str, quote: str) -> list[tuple[str, int]]:
    """Return the symbols under which a pair may stand, and the power of its price that is one base in the quote."""
    forms = [(pair_symbol(base, quote), 1), (pair_symbol(quote, base), -1)]
    short = {(DOLLAR, quote): (pair_symbol("", quote), 1), (base, DOLLAR): (pair_symbol("", base), -1)}
    return [*forms, *(form for ends, form in short.items() if ends == (base, quote))]


def _other_forms(symbol: str) -> list[Way]:
    """Return the other spellings of a pair, and its inverse."""
    return [(form,) for form in _forms(*(pair_currencies(symbol) or ("", ""))) if form != (symbol, 1)]


def _through_the_dollar(symbol: str) -> list[Way]:
    """Return the products of two pairs against the dollar that make a cross."""
    base, quote = pair_currencies(symbol) or ("", "")
    return [] if DOLLAR in (base, quote) else _products(base, DOLLAR, quote)


def _through_a_pivot(symbol: str) -> list[Way]:
    """Return the products of a cross and another pair against the dollar that make one against the dollar."""
    base, quote = pair_currencies(symbol) or ("", "")
    pivots = [pivot for pivot in PIVOTS if DOLLAR in (base, quote) and pivot not in (base, quote)]
    return [way for pivot in pivots for way in _products(base, pivot, quote)]


def _products(base: str, through: str, quote: str) -> list[Way]:
    return [(one, other) for one in _forms(base, through) for other in _forms(through, quote)]


def _said(ways: list[Way]) -> str:
    return " or ".join(" and ".join(part for part, _ in way) for way in ways[:3])


def _product(symbol: str, way: Way, bars: pd.DataFrame) -> pd.DataFrame | None:
    """Return the bars of a product of pairs, None if one of them has none."""
    wide = [bars[bars["symbol"] == part].set_index("session") for part, _ in way]
    if any(part.empty for part in wide):
        return None
    shared = wide[0].index
    for part in wide[1:]:
        shared = shared.intersection(part.index)
    close = np.ones(len(shared))
    for part, (_, power) in zip(wide, way, strict=True):
        close = close * part.loc[shared, "close"].to_numpy(dtype=float) ** float(power)
    # a range can't be made of two ranges, and Parkinson's variance of a wrong one would be wrong
    first = wide[0].loc[shared].reset_index()
    return first.assign(
        symbol=symbol, close=close, high=np.nan, low=np.nan, volume=np.nan, dividend=0.0, split_factor=1.0
    )
