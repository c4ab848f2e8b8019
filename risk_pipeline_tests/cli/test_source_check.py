"""What the source knows of imported lots is said at the import."""

from __future__ import annotations

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
