"""Portfolios of several currencies are added up at the session's rates, or not at all."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from risk_pipeline.defs.resources import Registries
from risk_pipeline.reports.totals import fund
from risk_pipeline.risk.lookback import merged_needs, reporting_needs, required_history
from risk_pipeline.sessions import session_calendar

DAY = date(2026, 11, 13)
ROWS = [("USD", 1000.0, 10.0), ("EUR", 500.0, -4.0), ("JPY", 150_000.0, 3000.0), ("EUR", 300.0, 2.0)]
CLOSES = {"EURUSD=X": 1.25, "USDJPY=X": 150.0, "GBPUSD=X": 2.0}


def test_a_sum_by_hand():
    """1,000 + 800 × 1.25 + 150,000 / 150 dollars, which are 1,500 pounds at 2 dollars a pound."""
    dollars, pounds = (fund(ROWS, into, CLOSES, DAY) for into in ("USD", "GBP"))
    assert (dollars.total.currency, dollars.total.count) == ("USD", 4)
    assert dollars.total.nav == pytest.approx(3000.0, rel=1e-14)
    assert dollars.total.daily_pnl == pytest.approx(10.0 - 2.0 * 1.25 + 20.0, rel=1e-14)
    assert dollars.rates == {"EURUSD=X": 1.25, "USDJPY=X": 150.0}
    assert pounds.total.nav == pytest.approx(1500.0, rel=1e-14)
    assert [(group.currency, group.count, group.nav) for group in pounds.groups] == [
        *(("EUR", 2, 800.0), ("JPY", 1, 150_000.0), ("USD", 1, 1000.0)),
    ]


def test_the_currency_of_the_sum_does_not_change_its_worth():
    worth = {into: fund(ROWS, into, CLOSES, DAY).total for into in ("USD", "EUR", "GBP", "JPY")}
    in_dollars = {"USD": 1.0, "EUR": 1.25, "GBP": 2.0, "JPY": 1 / 150}
    for into, total in worth.items():
        assert total.nav * in_dollars[into] == pytest.approx(3000.0, rel=1e-12)


def test_several_currencies_without_a_setting_are_not_added_up():
    found = fund(ROWS, None, CLOSES, DAY)
    assert found.total is None
    assert len(found.groups) == 3
    for word in ("EUR, JPY, USD", "RISK_PIPELINE_REPORTING_CURRENCY"):
        assert word in found.why


@pytest.mark.parametrize("close", [None, float("nan"), 0.0])
def test_a_missing_pair_is_a_reason_and_no_rate_of_one(close):
    closes = {**CLOSES, "USDJPY=X": close}
    found = fund(ROWS, "USD", {name: value for name, value in closes.items() if value is not None}, DAY)
    assert found.total is None
    assert "USDJPY=X has no price on 2026-11-13" in found.why
    assert "EURUSD=X" not in found.why


def test_one_currency_needs_no_rate():
    found = fund(ROWS[:1] * 2, None, {}, DAY)
    assert (found.total.nav, found.total.daily_pnl, found.why, found.rates) == (2000.0, 20.0, "", {})


def test_nothing_is_no_sum():
    assert fund([], "EUR", {}, DAY).total.count == 0
    assert fund([], None, {}, DAY).total is None


def test_the_pairs_of_the_reporting_currency_are_needed_on_the_run_s_sessions(book_frame):
    calendar = session_calendar("XNYS")
    needs = reporting_needs(book_frame, "GBP", calendar, date(2026, 11, 9), DAY)
    assert sorted(set(needs["symbol"])) == ["EURUSD=X", "GBPUSD=X"]
    assert reporting_needs(book_frame, None, calendar, DAY, DAY).empty
    sessions = [date(2026, 11, 12), DAY]
    history = required_history(
        merged_needs(reporting_needs(book_frame, "EUR", calendar, *sessions)), Registries(), calendar, sessions
    )
    (row,) = history[history["symbol"] == "EURUSD=X"].to_dict("records")
    assert row["first"] <= sessions[0]
    assert row["last"] == DAY


@pytest.fixture
def book_frame():
    return pd.DataFrame(
        {
            "currency": ["USD", "EUR", "JPY", "AUD"],
            "inception_date": pd.to_datetime(["2026-01-02", "2026-01-02", "2026-12-01", "2026-01-02"]),
            "closed_date": pd.to_datetime([None, None, None, "2026-03-02"]),
        }
    )
