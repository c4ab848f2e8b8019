"""A vendor of prices that is late, corrects itself, changes its base and forgets sessions, evening by evening."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import pandas as pd

from risk_pipeline.defs.resources import MarketData
from risk_pipeline.market.simulated import SimulatedMarket
from risk_pipeline.market.source import MarketBars

Change = Callable[[pd.DataFrame], pd.DataFrame]


@dataclass
class Vendor:
    """The simulated market as it is known on an evening: ``changes`` are applied to what it would answer.

    ``closed`` are sessions without any bar, ``until`` the last session that has bars at all.
    """

    truth: SimulatedMarket = field(default_factory=SimulatedMarket)
    changes: dict[str, Change] = field(default_factory=dict)
    closed: set[date] = field(default_factory=set)
    until: date = date.max
    name: str = "simulated"

    def fetch(self, symbols: Sequence[str], sessions: pd.DatetimeIndex) -> MarketBars:
        """Return the bars of the symbols as they are known now."""
        found = self.truth.fetch(symbols, sessions)
        bars = found.bars
        for change in self.changes.values():
            bars = change(bars)
        days = bars["session"].dt.date
        bars = bars[~days.isin(list(self.closed)) & (days <= self.until)]
        return replace(found, bars=bars.reset_index(drop=True))

    def profiles(self, symbols: Sequence[str], as_of: date | None = None) -> pd.DataFrame:
        """Return the simulated market's profiles."""
        return self.truth.profiles(symbols, as_of)


def without(symbol: str, day: date) -> Change:
    """Leave out the bar of a symbol on a session."""
    return lambda bars: bars[(bars["symbol"] != symbol) | (bars["session"].dt.date != day)]


def times(symbol: str, ratio: float, *, on: date | None = None, before: date = date.max) -> Change:
    """Multiply the prices of a symbol: on a session, or on all before a day."""

    def change(bars: pd.DataFrame) -> pd.DataFrame:
        days = bars["session"].dt.date
        there = (bars["symbol"] == symbol) & ((days == on) if on else (days < before))
        fields = ["high", "low", "close", "dividend"]
        bars = bars.copy()
        bars.loc[there, fields] = bars.loc[there, fields] * ratio
        return bars

    return change


class VendorMarket(MarketData):
    """The resource that gives the vendor of a test in place of the one of the settings."""

    @property
    def source(self) -> Vendor:
        """Return the vendor."""
        return PRESENT[0]


PRESENT: list[Vendor] = []
"""The vendor of the running test; Dagster makes copies of resources."""
