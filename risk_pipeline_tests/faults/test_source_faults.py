"""A vendor that fails in every way, over real HTTP: the run says so, stores nothing wrong, and one run repairs it."""

from __future__ import annotations

import dataclasses
import json
import socket
from collections import Counter
from datetime import date

import dagster as dg
import numpy as np
import pandas as pd
import pytest

from risk_pipeline.config.factors import load_factors
from risk_pipeline.defs.partitions import CALENDAR
from risk_pipeline.market.simulated import SimulatedMarket
from risk_pipeline.market.yahoo import YahooMarket
from risk_pipeline_tests.support.faults import FIRST, LAST, rows, run, same_numbers, words
from risk_pipeline_tests.support.homes import PORTFOLIOS, POSITIONS
from risk_pipeline_tests.support.yahoo import FakeYahoo, chart

NEXT = "2025-06-04"
BOOK = {"portfolios": PORTFOLIOS.iloc[:1], "positions": POSITIONS.iloc[:2]}
ATTEMPTS = 2


@pytest.fixture(scope="module")
def closes() -> dict[str, dict[str, float | None]]:
    """Closes of every symbol that the book needs, up to the last session: total returns of the simulated market."""
    symbols = sorted({*load_factors().proxies, "AAPL", "MSFT"})
    bars = SimulatedMarket().fetch(symbols, CALENDAR.index(date(2020, 6, 1), date.fromisoformat(LAST))).bars
    bars["growth"] = bars["close"] * bars["split_factor"] + bars["dividend"]
    bars["growth"] = (bars["growth"] / bars.groupby("symbol")["close"].shift()).fillna(100.0)
    bars["close"] = bars.groupby("symbol")["growth"].cumprod()
    return {
        symbol: dict(zip(own["session"].dt.strftime("%Y-%m-%d"), own["close"], strict=True))
        for symbol, own in bars.groupby("symbol")
    }


@pytest.fixture
def vendor(closes, yahoo, yahoo_session, patch) -> FakeYahoo:
    """The vendor with good answers, as the source of every run."""
    sound(yahoo, closes)
    source = YahooMarket(session=yahoo_session, attempts=ATTEMPTS, wait=0.0, timeout=0.5)
    patch.setattr("risk_pipeline.defs.resources.open_source", lambda *_, **__: source)
    return yahoo


def sound(yahoo: FakeYahoo, closes: dict[str, dict[str, float | None]]) -> None:
    yahoo.answers = {symbol: [(200, chart(symbol, own))] for symbol, own in closes.items()}


def broken(yahoo: FakeYahoo, *answer: tuple[int, bytes]) -> None:
    yahoo.answers = {symbol: list(answer) for symbol in yahoo.answers}


def repeated(answer: bytes) -> bytes:
    """Return a chart whose last bar comes twice."""
    content = json.loads(answer)
    (result,) = content["chart"]["result"]
    result["timestamp"].append(result["timestamp"][-1])
    for values in (*result["indicators"]["quote"][0].values(), result["indicators"]["adjclose"][0]["adjclose"]):
        values.append(values[-1])
    return json.dumps(content).encode()


@pytest.fixture(scope="module")
def kept_rows() -> dict[str, pd.DataFrame]:
    """The sound rows, once a test has asked for them."""
    return {}


@pytest.fixture
def sound_rows(make_home, vendor, kept_rows) -> dict[str, pd.DataFrame]:
    """The rows of a run on good answers."""
    if not kept_rows:
        home = make_home(frames=BOOK)
        assert run(home).success
        kept_rows |= rows(home)
    return kept_rows


def test_a_vendor_that_is_down_in_any_way_fails_the_run_with_its_cause_and_one_run_repairs_it(
    make_home, vendor, closes, sound_rows
):
    home = make_home(frames=BOOK)
    before = rows(home)
    for status, body in (
        (429, b"Too Many Requests"),
        (500, b"Internal Server Error"),
        (200, b'{"chart": {"result": [{"meta": {"curr'),
        (200, b"<html><body>Will you accept our cookies?</body></html>"),
    ):
        broken(vendor, (status, body))
        vendor.requests.clear()
        said = words(run(home, "market_data"))
        assert said.startswith("the source 'yahoo' has no bar at all for 2025-06-02, 2025-06-03 (Yahoo failed"), said
        assert said.endswith("run these sessions again when it has")
        assert max(Counter(vendor.requests).values()) <= ATTEMPTS * 4  # yfinance itself asks several times
        same_numbers(rows(home), before)
    with socket.socket() as silent:  # it takes connections and never answers
        silent.bind(("127.0.0.1", 0))
        silent.listen(64)
        address, vendor.address = vendor.address, f"http://127.0.0.1:{silent.getsockname()[1]}"
        said = words(run(home, "market_data"))
    vendor.address = address
    assert "imed out" in said
    same_numbers(rows(home), before)

    sound(vendor, closes)
    without_rates = {day: price for day, price in closes["TLT"].items() if day != LAST}
    vendor.answers["TLT"] = [(200, chart("TLT", without_rates))]
    failed = run(home)
    assert not failed.success  # the check stops what follows
    assert words(failed).startswith(f"proxies_complete on {LAST}: 1 of 2 proxy prices fail")
    assert words(failed).endswith("fix the rows on the check's page, then run these sessions again")
    assert home.table("price_panels").empty

    sound(vendor, closes)
    assert run(home).success
    same_numbers(rows(home), sound_rows)
    failed = run(home, first=LAST, last=NEXT)  # as by a clock that is a day ahead: the vendor has no such session
    assert f"no bar at all for {NEXT}" in words(failed)
    same_numbers(rows(home), sound_rows)


def test_values_that_cannot_be_are_never_stored_and_come_back_when_the_vendor_corrects_them(
    make_home, vendor, closes, sound_rows
):
    home = make_home(frames=BOOK)
    wrong = {symbol: dict(own) for symbol, own in closes.items()}
    wrong["AAPL"][LAST] = None
    wrong["MSFT"]["2025-06-02"] = 0.0
    wrong["IWM"]["2025-05-01"] = -5.0  # in the look-back, which no later run asks for by itself
    wrong["QUAL"][NEXT] = wrong["QUAL"]["2025-06-05"] = 1.0  # dates in the future
    sound(vendor, wrong)
    vendor.answers["VUG"] = [(200, repeated(chart("VUG", wrong["VUG"])))]
    del vendor.answers["USMV"]
    result = run(home)
    assert result.success
    stored = home.table("market_data_cache")
    assert (stored["close"] > 0).all()
    assert np.isfinite(stored["close"]).all()
    assert stored["session"].max() == pd.Timestamp(LAST)
    there = set(zip(stored["symbol"], stored["session"].dt.strftime("%Y-%m-%d"), strict=True))
    assert there.isdisjoint({("AAPL", LAST), ("MSFT", "2025-06-02"), ("IWM", "2025-05-01")})
    assert "USMV" not in set(stored["symbol"])
    said = " ".join(entry.user_message for entry in home.instance.all_logs(result.run_id))
    assert "MSFT: the close is not a positive number (2025-06-02)" in said
    assert "IWM: the close is not a positive number (2025-05-01)" in said
    assert "USMV: Yahoo has no prices of it" in said

    sound(vendor, closes)
    assert run(home).success
    same_numbers(rows(home), sound_rows)


def test_a_range_without_one_session_fails_for_it_alone_and_coverage_counts_what_was_required(make_home, patch):
    fetch = SimulatedMarket.fetch

    def with_holes(self, symbols, sessions):
        found = fetch(self, symbols, sessions)
        days = found.bars["session"].dt.strftime("%Y-%m-%d")
        hole = (found.bars["symbol"] == "AAPL") & (days == "2025-05-20")
        return dataclasses.replace(found, bars=found.bars[~hole & (days < LAST)])

    patch.setattr(SimulatedMarket, "fetch", with_holes)
    home = make_home(frames=BOOK)
    failed = run(home, "market_data")
    assert f"no bar at all for {LAST};" in words(failed)
    status = home.instance.get_status_by_partition(dg.AssetKey("market_data"), [FIRST, LAST], CALENDAR.partitions)
    assert {day: found.value for day, found in status.items()} == {FIRST: "MATERIALIZED", LAST: "FAILED"}
    assert run(home, "market_data_coverage").success
    coverage = home.table("market_data_coverage").set_index(["session", "symbol"])
    missing = coverage["missing_sessions"].loc[FIRST]
    assert missing[missing > 0].to_dict() == {"AAPL": 1}
    assert coverage["is_present"].loc[FIRST].all()
    assert not coverage["is_present"].loc[LAST].any()
