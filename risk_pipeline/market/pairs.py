"""Currency pairs that a source lacks, made of those that it has: the inverse, or two pairs against the dollar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd

from ..currencies import DOLLAR, legs, pair_currencies, pair_symbol
from .source import MarketBars, MarketDataSource
from .validate import checked_bars


@dataclass(frozen=True)
class WithPairs:
    """A source whose currency pairs are completed.

    ``EURUSD=X`` is one over ``USDEUR=X`` where the source has only that, and ``EURGBP=X`` is ``EURUSD=X`` over
    ``GBPUSD=X``. A session on which one of two pairs has no price has none. A pair that can't be made stays an error.
    """

    source: MarketDataSource

    @property
    def name(self) -> str:
        """The name of the source itself."""
        return self.source.name

    def fetch(self, symbols: Sequence[str], sessions: pd.DatetimeIndex) -> MarketBars:
        """Return the bars of the symbols on the sessions; see :class:`~.source.MarketDataSource`."""
        fetched = self.source.fetch(symbols, sessions)
        missing = [symbol for symbol in fetched.errors if pair_currencies(symbol) is not None]
        if not missing:
            return fetched
        ways = {symbol: _ways(symbol) for symbol in missing}
        others = sorted({part for parts in ways.values() for way in parts for part, _ in way} - {*symbols})
        more = self.source.fetch(others, sessions) if others else fetched
        bars = pd.concat([fetched.bars, more.bars]) if others else fetched.bars
        made, errors = [], dict(fetched.errors)
        for symbol, parts in ways.items():
            for way in parts:
                rows = _product(symbol, way, bars)
                if rows is not None:
                    made.append(rows)
                    del errors[symbol]
                    break
            else:
                errors[symbol] = f"{errors[symbol]}; nor can it be made of {_said(parts)}"
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


def _ways(symbol: str) -> list[Way]:
    """Return the products of pairs and powers that make a pair, the shortest first."""
    base, quote = pair_currencies(symbol) or ("", "")
    ways: list[Way] = [((pair_symbol(base, quote), 1),), ((pair_symbol(quote, base), -1),)]
    if DOLLAR not in (base, quote):
        ways.append(tuple(legs(base, quote)))
    return [way for way in ways if way != ((symbol, 1),)]


def _said(ways: list[Way]) -> str:
    return " or ".join(" and ".join(part for part, _ in way) for way in ways)


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
