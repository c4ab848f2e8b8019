"""What the source knows of imported lots is said at the import."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pandas as pd
import pytest

from risk_pipeline.cli.source_check import lot_findings
from risk_pipeline.market.simulated import SimulatedMarket
from risk_pipeline.sessions import session_calendar

CALENDAR = session_calendar("XNYS", date(2015, 1, 2))
NEWEST = date(2025, 6, 30)
MARKET = SimulatedMarket()
CLOSE = MARKET.fetch(["AAPL"], CALENDAR.index(date(2025, 1, 2), date(2025, 1, 2))).bars["close"].item()


def findings(symbol: str = "AAPL", entry: date = date(2025, 1, 2), price: float = CLOSE, **changes) -> list[str]:
    lot = {
        "symbol": symbol,
        "investment_class": "PUBLIC",
        "underlying": None,
        "entry_date": entry,
        "entry_price": price,
        "exit_date": None,
        "expiry": None,
        "is_deleted": False,
        "place": "positions.csv, line 2",
    }
    return lot_findings(pd.DataFrame([lot | changes]), MARKET, CALENDAR, NEWEST)


def test_a_sound_lot_needs_no_word():
    assert findings() == []
    assert findings(symbol="FUND A", investment_class="PRIVATE") == []
    assert findings(symbol="AAPLX", is_deleted=True) == []
    assert findings(symbol="AAPLX", entry=date(2025, 8, 1)) == []  # not held yet


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"symbol": "AAPLX"}, "has no price of AAPLX"),
        ({"underlying": "AAPLX", "investment_class": "OPTIONS"}, "has no price of AAPLX"),
        ({"entry": date(2025, 1, 4)}, "2025-01-04 is no session of XNYS"),
        ({"price": CLOSE * 100}, "is far from its close on 2025-01-02"),
        ({"price": CLOSE / 100}, "is far from its close on 2025-01-02"),
        ({"entry": date(2001, 1, 3)}, "its first price is of 2009-01-02"),
    ],
)
def test_what_is_odd_is_named_by_file_and_line(changes, says):
    found = findings(**changes)
    assert any(text.startswith("positions.csv, line 2") and says in text for text in found), found


def test_a_symbol_that_ended_or_has_just_begun_is_named():
    later = lot_findings_of("OLDM", date(2026, 3, 2), date(2025, 1, 2))
    assert any("has no price of OLDM after" in text for text in later)


def lot_findings_of(symbol: str, newest: date, entry: date) -> list[str]:
    lot = dict.fromkeys(("underlying", "exit_date", "expiry")) | {"symbol": symbol, "investment_class": "PUBLIC"}
    lot |= {"entry_date": entry, "entry_price": 0.0, "is_deleted": False, "place": "p.csv, line 2"}
    return lot_findings(pd.DataFrame([lot]), MARKET, CALENDAR, newest)


def test_a_thousand_unknown_symbols_are_not_a_thousand_lines():
    lots = pd.DataFrame(
        {
            "symbol": [f"ZZ{number}" for number in range(1_000)],
            "investment_class": "PUBLIC",
            "underlying": None,
            "entry_date": date(2025, 1, 2),
            "entry_price": 1.0,
            "exit_date": None,
            "expiry": None,
            "is_deleted": False,
            "place": "p.csv, line 2",
        }
    )
    found = lot_findings(lots, MARKET, CALENDAR, NEWEST)
    assert len(found) == 21
    assert found[-1] == "and 980 more like these"


class Quoting:
    """The simulated market, whose AAPL is quoted otherwise: in a currency, a unit, or with a jump."""

    name = "other"

    def __init__(self, currency="USD", unit=None, jump=1.0, remarks=()):
        self.currency, self.unit, self.jump, self.remarks = currency, unit, jump, remarks

    def fetch(self, symbols, sessions):
        found = MARKET.fetch([name for name in symbols if not name.endswith("=X")], sessions)
        late = found.bars["session"] >= pd.Timestamp(2025, 3, 3)
        bars = found.bars.assign(close=found.bars["close"].where(~late, found.bars["close"] * self.jump))
        errors = {**found.errors, **{name: "is unknown" for name in symbols if name.endswith("=X")}}
        units = {"AAPL": self.unit} if self.unit else {}
        return replace(
            found, bars=bars, errors=errors, currencies={"AAPL": self.currency}, units=units, remarks=self.remarks
        )


def told(market: Quoting, **changes) -> list[str]:
    lot = dict.fromkeys(("underlying", "exit_date", "expiry", "currency")) | {"symbol": "AAPL", "is_deleted": False}
    lot |= {"investment_class": "PUBLIC", "entry_date": date(2025, 1, 2), "entry_price": CLOSE, "portfolio_id": "mine"}
    lots = pd.DataFrame([lot | {"place": "positions.csv, line 2"} | changes])
    return lot_findings(lots, market, CALENDAR, NEWEST, {"mine": "USD"})


def test_a_currency_that_contradicts_the_source_is_said_before_the_run_refuses_it():
    assert told(Quoting(), currency="USD") == []
    contradicts, without_pair = told(Quoting(), currency="EUR")
    assert contradicts.startswith("positions.csv, line 2: AAPL is in EUR here, but the source 'other' quotes it in USD")
    assert "AAPL of mine is in EUR, and the source 'other' has no EURUSD=X (is unknown): give it" in without_pair


def test_a_missing_pair_of_the_quote_is_said():
    (found,) = told(Quoting("JPY"))
    assert "AAPL of mine is in JPY, and the source 'other' has no USDJPY=X" in found


def test_a_quote_in_pence_is_shown_as_quoted_and_as_converted():
    (found,) = told(Quoting(unit="GBX"), entry_price=CLOSE * 100)
    assert f"{CLOSE:g} GBP (quoted as {CLOSE * 100:g} GBX)" in found


def test_a_jump_by_a_hundred_and_an_unused_column_are_said():
    column, jump = told(Quoting(jump=100.0, remarks=("prices.csv: not used: column open",)))
    assert column == "prices.csv: not used: column open"
    assert "on 2025-03-03 without a split: if its unit changed there" in jump
