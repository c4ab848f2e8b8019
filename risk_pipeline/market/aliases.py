"""One history of an instrument whose ticker changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import pandas as pd

from .source import MarketBars, MarketDataSource


@dataclass(frozen=True)
class TickerChange:
    """From ``change_date`` on, ``old`` is traded as ``new``; whatever ``old`` is afterwards is another instrument."""

    old: str
    new: str
    change_date: date


@dataclass(frozen=True)
class JoinedMarket:
    """A source that gives a symbol's bars from before a change under its new name.

    Where the source has the older bars under the new name already, those are taken.
    """

    source: MarketDataSource
    changes: Sequence[TickerChange]

    @property
    def name(self) -> str:
        """The name of the source."""
        return self.source.name

    def fetch(self, symbols: Sequence[str], sessions: pd.DatetimeIndex) -> MarketBars:
        """Return the bars of the symbols on the sessions; see :class:`~.source.MarketDataSource`."""
        chain = _former_names(symbols, self.changes)
        fetched = self.source.fetch(sorted({*symbols, *(change.old for _, change, _ in chain)}), sessions)
        if not chain:
            return fetched
        bars, days = fetched.bars, fetched.bars["session"]
        parts = [bars[bars["symbol"].isin(symbols)]]
        for symbol, change, since in chain:
            mine = (bars["symbol"] == change.old) & (days < pd.Timestamp(change.change_date))
            if since is not None:
                mine &= days >= pd.Timestamp(since)
            former = bars[mine].assign(symbol=symbol).astype({"symbol": bars["symbol"].dtype})
            known = pd.concat(parts, ignore_index=True)
            known = known[known["symbol"] == symbol]
            parts.append(former[~former["session"].isin(known["session"])])
        joined = pd.concat(parts, ignore_index=True).sort_values(["session", "symbol"], ignore_index=True)
        with_bars = set(joined["symbol"])
        errors = {
            symbol: text for symbol, text in fetched.errors.items() if symbol in symbols and symbol not in with_bars
        }
        return replace(fetched, bars=joined, errors=errors)

    def profiles(self, symbols: Sequence[str], as_of: date | None = None) -> pd.DataFrame:
        """Return the source's profiles of the symbols."""
        return self.source.profiles(symbols, as_of)


def _former_names(
    symbols: Sequence[str], changes: Sequence[TickerChange]
) -> list[tuple[str, TickerChange, date | None]]:
    """Return symbol, a change that led to it, and since when the older name was its own; newest change first."""
    out: list[tuple[str, TickerChange, date | None]] = []
    for symbol in symbols:
        name, before = symbol, date.max
        while True:
            led = [change for change in changes if change.new == name and change.change_date < before]
            if not led:
                break
            change = max(led, key=lambda change: change.change_date)
            taken = [other.change_date for other in changes if other.new == change.old]
            since = max((day for day in taken if day < change.change_date), default=None)
            out.append((symbol, change, since))
            name, before = change.old, change.change_date
    return out
