"""An instrument whose ticker changed has one history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pandas as pd
import pytest

from risk_pipeline.market.aliases import JoinedMarket, TickerChange
from risk_pipeline.market.source import BAR_COLUMNS, MarketBars
from risk_pipeline.market.validate import checked_bars

SESSIONS = pd.DatetimeIndex(pd.bdate_range("2022-06-06", "2022-06-15")).astype("datetime64[s]")
CHANGED = date(2022, 6, 9)
CHANGE = TickerChange("FB", "META", CHANGED)


@dataclass
class Tape:
    """A source that has FB all along (another company's from the change on) and META since the change."""

    prices: dict[tuple[str, str], float]
    name = "tape"

    def fetch(self, symbols, sessions) -> MarketBars:
        rows = [
            {"session": day, "symbol": symbol, "close": price, "high": price, "low": price, "volume": 1.0}
            for (symbol, day), price in self.prices.items()
            if symbol in symbols
        ]
        frame = pd.DataFrame(rows, columns=["session", "symbol", "close", "high", "low", "volume"])
        frame = frame.assign(dividend=0.0, split_factor=1.0, basis="as_traded")
        frame["session"] = pd.to_datetime(frame["session"]).astype("datetime64[s]")
        known = {symbol for symbol, _ in self.prices}
        return checked_bars(frame[list(BAR_COLUMNS)], sessions, {s: "is unknown" for s in symbols if s not in known})

    def profiles(self, symbols, as_of=None):
        raise NotImplementedError


@pytest.fixture
def tape() -> Tape:
    days = [str(day.date()) for day in SESSIONS]
    old = {("FB", day): 100.0 + at for at, day in enumerate(days)}
    new = {("META", day): 200.0 + at for at, day in enumerate(days) if day >= str(CHANGED)}
    return Tape(old | new)


def closes(market, *symbols: str) -> pd.Series:
    found = market.fetch(list(symbols), SESSIONS)
    assert not found.errors
    return found.bars.set_index(["symbol", "session"])["close"]


def test_the_older_name_gives_the_bars_before_the_change_and_none_after(tape):
    joined = closes(JoinedMarket(tape, [CHANGE]), "META")
    assert set(joined.index.get_level_values("symbol")) == {"META"}
    assert joined.to_list() == [100, 101, 102, 203, 204, 205, 206, 207]


def test_a_symbol_that_a_new_company_took_over_keeps_all_its_own_bars(tape):
    joined = closes(JoinedMarket(tape, [CHANGE]), "META", "FB")
    pd.testing.assert_series_equal(joined["FB"], closes(tape, "FB")["FB"])


def test_where_the_source_has_the_older_bars_under_the_new_name_those_are_taken(tape):
    tape.prices |= {("META", "2022-06-07"): 55.0}
    assert closes(JoinedMarket(tape, [CHANGE]), "META").to_list()[:3] == [100, 55, 102]


def test_changes_follow_one_another_and_a_name_that_is_gone_is_no_error(tape):
    chain = [CHANGE, TickerChange("META", "MTA2", date(2022, 6, 14))]
    joined = closes(JoinedMarket(tape, chain), "MTA2")
    assert joined.to_list() == [100, 101, 102, 203, 204, 205]
    assert JoinedMarket(tape, chain).fetch(["NONE"], SESSIONS).errors == {"NONE": "is unknown"}


def test_without_a_change_nothing_is_touched(tape):
    pd.testing.assert_frame_equal(
        JoinedMarket(tape, []).fetch(["META", "FB"], SESSIONS).bars, tape.fetch(["META", "FB"], SESSIONS).bars
    )
