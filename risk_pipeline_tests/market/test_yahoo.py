"""Yahoo's answers, good and bad, over real HTTP from a server on this machine."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest

from risk_pipeline.market.open import open_source
from risk_pipeline.market.source import SourceError
from risk_pipeline.market.yahoo import PATIENCE, YahooMarket


def market(session: Any, attempts: int = 3) -> YahooMarket:
    return YahooMarket(session=session, attempts=attempts, wait=0.0)


def sessions(*days: str) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(list(days)).astype("datetime64[s]")


WEEK = sessions("2024-01-08", "2024-01-09", "2024-01-10", "2024-01-11", "2024-01-12")


def test_later_splits_and_dividends_come_back_as_traded(yahoo, yahoo_session, chart_answer):
    """4:1 on the 10th and 2:1 on the 22nd, beyond the sessions asked for; dividends on the 9th and the 11th."""
    in_todays_shares = {
        "2024-01-08": 50.0,
        "2024-01-09": 51.0,
        "2024-01-10": 52.0,
        "2024-01-11": 53.0,
        "2024-01-12": 54.0,
        "2024-01-22": 55.0,
    }
    yahoo.answers["AAPL"] = [
        chart_answer(
            "AAPL",
            in_todays_shares,
            dividends={"2024-01-09": 0.125, "2024-01-11": 0.25},
            splits={"2024-01-10": (4, 1), "2024-01-22": (2, 1)},
        )
    ]
    found = market(yahoo_session).fetch(["AAPL"], WEEK)
    assert not found.errors
    bars = found.bars.set_index("session")
    assert bars["close"].tolist() == [400.0, 408.0, 104.0, 106.0, 108.0]
    assert bars["high"].tolist() == [408.0, 416.0, 106.0, 108.0, 110.0]
    assert bars["dividend"].tolist() == [0.0, 1.0, 0.0, 0.5, 0.0]
    assert bars["split_factor"].tolist() == [1.0, 1.0, 4.0, 1.0, 1.0]
    assert bars["volume"].tolist() == [500.0, 500.0, 2000.0, 2000.0, 2000.0]
    as_traded = (bars["close"] * bars["split_factor"] + bars["dividend"]) / bars["close"].shift() - 1
    adjusted = pd.Series(in_todays_shares)
    expected = (adjusted + np.array([0, 0.125, 0, 0.25, 0, 0])) / adjusted.shift() - 1
    np.testing.assert_allclose(as_traded.iloc[1:], expected.iloc[1:5], rtol=1e-9)


def test_a_share_class_is_asked_for_in_yahoos_spelling(yahoo, yahoo_session, chart_answer):
    yahoo.answers["BRK-B"] = [chart_answer("BRK-B", {"2024-01-08": 360.0, "2024-01-09": None})]
    found = market(yahoo_session).fetch(["BRK.B"], WEEK)
    assert found.bars["symbol"].tolist() == ["BRK.B"]
    assert found.bars["close"].tolist() == [360.0]


def test_a_symbol_that_yahoo_does_not_know_is_an_error_by_value(yahoo, yahoo_session, chart_answer):
    yahoo.answers["SPY"] = [chart_answer("SPY", {"2024-01-08": 470.0})]
    found = market(yahoo_session).fetch(["SPY", "NOSUCH"], WEEK)
    assert found.bars["symbol"].tolist() == ["SPY"]
    assert "check the symbol" in found.errors["NOSUCH"]


def test_asked_too_often_and_then_answered(yahoo, yahoo_session, chart_answer):
    good = chart_answer("SPY", {"2024-01-08": 470.0})
    yahoo.answers["SPY"] = [(429, b"Too Many Requests"), (429, b"Too Many Requests"), good]
    found = market(yahoo_session).fetch(["SPY"], WEEK)
    assert not found.errors
    assert found.bars["close"].tolist() == [470.0]


@pytest.mark.parametrize(
    "broken",
    [
        (500, b"Internal Server Error"),
        (200, b'{"chart": {"result": [{"meta": {"curr'),
        (200, b"<html><body>Will you accept our cookies?</body></html>"),
        (429, b"Too Many Requests"),
    ],
    ids=["server error", "truncated", "html", "asked too often"],
)
def test_a_broken_answer_is_asked_for_a_bounded_number_of_times(yahoo, yahoo_session, broken):
    yahoo.answers["SPY"] = [broken]
    found = market(yahoo_session).fetch(["SPY"], WEEK)
    assert found.bars.empty
    assert "Yahoo failed" in found.errors["SPY"]
    assert 3 <= len(yahoo.requests) <= 3 * 4  # yfinance asks for the time zone too, and again on an error


def test_a_service_that_is_down_is_not_asked_for_every_symbol(yahoo, yahoo_session):
    symbols = [f"S{number}" for number in range(9)]
    for symbol in symbols:
        yahoo.answers[symbol] = [(500, b"down")]
    found = market(yahoo_session, attempts=1).fetch(symbols, WEEK)
    assert sorted(found.errors) == symbols
    assert len(set(yahoo.requests)) == PATIENCE
    assert "not asked for" in found.errors["S8"]


def test_profiles_are_todays_and_say_so(yahoo, yahoo_session):
    yahoo.profiles["JPM"] = {
        "assetProfile": {"sector": "Financial Services"},
        "quoteType": {"symbol": "JPM", "longName": "JPMorgan Chase & Co."},
        "summaryDetail": {"beta": 1.1},
    }
    profiles = market(yahoo_session).profiles(["JPM", "NOSUCH"])
    assert yahoo.requests.count("NOSUCH") <= 2  # an unknown symbol is not asked for again
    (row,) = profiles.to_dict("records")
    assert (row["symbol"], row["sector"], row["vendor_beta"]) == ("JPM", "Financial Services", 1.1)
    assert row["name"] == "JPMorgan Chase & Co."
    assert pd.isna(row["as_of"])


def test_without_the_library_the_remedy_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "yfinance", None)
    with pytest.raises(SourceError, match=r"pip install 'risk_pipeline\[yahoo\]'"):
        open_source("yahoo")


def test_nothing_asked_for_is_nothing_found(yahoo, yahoo_session):
    assert market(yahoo_session).fetch(["SPY"], sessions()).bars.empty
    assert market(yahoo_session).fetch([], WEEK).bars.empty
    assert not yahoo.requests
