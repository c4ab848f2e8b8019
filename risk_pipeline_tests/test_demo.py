"""The demo portfolios: of every kind, always the same, and alive on any day until 2035."""

from __future__ import annotations

from functools import cache

import exchange_calendars as xc
import numpy as np
import pandas as pd
import pytest

from risk_pipeline.demo import demo_frames, write_demo
from risk_pipeline.demo.books import BOOK_COLUMNS
from risk_pipeline.market.simulated import SimulatedMarket
from risk_pipeline.storage.imports import check_import, import_frames
from risk_pipeline_tests.support.databases import migrated_sqlite

SESSIONS = xc.get_calendar("XNYS", start="2009-01-01").sessions
MARKET = SimulatedMarket()


@cache
def frames() -> dict[str, pd.DataFrame]:
    return demo_frames()


def positions(portfolio: str | None = None) -> pd.DataFrame:
    rows = frames()["positions"]
    rows = rows.assign(**{name: pd.to_datetime(rows[name]) for name in ("entry_date", "exit_date", "expiry")})
    return rows if portfolio is None else rows[rows["portfolio_id"] == portfolio]


def held(rows: pd.DataFrame, day: pd.Timestamp) -> pd.DataFrame:
    over = (rows["exit_date"] <= day) | (rows["expiry"] <= day)
    return rows[(rows["entry_date"] <= day) & ~over]


def closes(day: str) -> pd.Series:
    days = pd.DatetimeIndex([day]).astype("datetime64[s]")
    return MARKET.fetch(MARKET.symbols, days).bars.set_index("symbol")["close"]


def test_eleven_portfolios_in_the_import_format_twice_the_same():
    for name, frame in demo_frames().items():
        assert tuple(frame.columns) == BOOK_COLUMNS[name]
        pd.testing.assert_frame_equal(frame, frames()[name])
    portfolios = frames()["portfolios"]
    assert len(portfolios) == 11
    assert portfolios["starting_equity"].between(200e3, 20e6).all()


def test_the_importer_takes_the_frames_and_the_written_files(tmp_path):
    engine = migrated_sqlite(tmp_path / "demo.db")
    summary = import_frames(engine, frames())
    assert summary.portfolios == 11
    paths = write_demo(tmp_path / "csv")
    assert [path.name for path in paths] == ["portfolios.csv", "positions.csv", "flows.csv", "marks.csv"]
    assert check_import(engine, paths) == summary
    engine.dispose()


def test_public_lots_are_entered_at_the_simulated_close_of_a_session():
    lots = positions()
    lots = lots[lots["investment_class"] == "PUBLIC"]
    assert set(lots["symbol"]) <= set(MARKET.symbols)
    known = lots[lots["entry_date"] <= SESSIONS[-1]]
    assert known["entry_date"].isin(SESSIONS).all()
    assert known["exit_date"].dropna()[lambda day: day <= SESSIONS[-1]].isin(SESSIONS).all()
    days = pd.DatetimeIndex(sorted(set(lots["entry_date"]))).astype("datetime64[s]")
    bars = MARKET.fetch(sorted(set(lots["symbol"])), days).bars
    close = bars.set_index(["session", "symbol"])["close"]
    at = pd.MultiIndex.from_frame(lots[["entry_date", "symbol"]])
    np.testing.assert_allclose(lots["entry_price"], close.reindex(at))


def test_weeks_of_any_year_hold_live_options_entries_and_exits():
    options = positions("long_short")
    options = options[options["investment_class"] == "OPTIONS"]
    trader = positions("trader")
    sessions = SESSIONS[(SESSIONS >= "2024-01-03")]
    for start in range(0, len(sessions) - 10, 7):
        window = sessions[start : start + 10]
        for day in window[[0, -1]]:
            alive = held(options, day)
            assert set(alive["option_type"]) == {"CALL", "PUT"}
            assert alive["implied_volatility"].isna().any()
            assert alive["implied_volatility"].notna().any()
        assert trader["entry_date"].isin(window).any()
        assert trader["exit_date"].isin(window).any() or start < 10
    assert positions("trader")["exit_date"].max() > pd.Timestamp("2035-12-01")
    assert positions("long_short")["expiry"].max() > pd.Timestamp("2035-12-31")


def test_the_overlay_always_has_a_covered_call_a_protective_put_and_a_short_straddle():
    lots = positions("overlay")
    for day in SESSIONS[SESSIONS >= "2024-01-03"][::13]:
        alive = held(lots, day)
        options = alive[alive["investment_class"] == "OPTIONS"].set_index(["underlying", "option_type"])["quantity"]
        shares = alive[alive["investment_class"] == "PUBLIC"].set_index("symbol")["quantity"]
        assert len(options) == 4
        assert 0 < -100 * options["MSFT", "CALL"] <= shares["MSFT"]
        assert 0 < 100 * options["SPY", "PUT"] <= shares["SPY"]
        assert options["AAPL", "CALL"] == options["AAPL", "PUT"] < 0


def test_flows_and_marks_go_on_until_the_end():
    flows = frames()["flows"]
    assert (flows["amount"] > 0).any()
    assert (flows["amount"] < 0).any()
    assert not flows.duplicated(["portfolio_id", "flow_date"]).any()
    by_month = pd.to_datetime(flows["flow_date"]).dt.to_period("M")
    assert by_month.nunique() == 12 * 12
    assert frames()["marks"]["mark_date"].max() == "2035-12-28"


@pytest.mark.parametrize("day", ["2024-01-10", "2026-11-18"])
def test_each_portfolio_is_of_its_kind(day):
    close = closes(day)
    equity = frames()["portfolios"].set_index("portfolio_id")["starting_equity"]
    lots = held(positions(), pd.Timestamp(day))
    share = lots[lots["investment_class"] == "PUBLIC"]
    splits = SimulatedMarket().paths
    units = [
        np.prod(
            splits.split_factor[
                (splits.days > np.datetime64(row.entry_date, "D")) & (splits.days <= np.datetime64(day)),
                splits.symbols.index(row.symbol),
            ]
        )
        * row.quantity
        for row in share.itertuples()
    ]
    value = pd.Series(np.array(units) * close.reindex(share["symbol"]).to_numpy(), index=share["portfolio_id"])
    gross, net = value.abs().groupby(level=0).sum(), value.groupby(level=0).sum()
    assert 1.4 < gross["long_short"] / equity["long_short"] < 2.1
    assert abs(net["neutral"]) < 0.15 * gross["neutral"]
    assert gross["growth"] == net["growth"]
    assert set(share[share["portfolio_id"] == "funds"]["symbol"]) >= {"SPY", "TLT", "USMV"}
    classes = lots.groupby("portfolio_id")["investment_class"].agg(set).to_dict()
    assert classes["private"] == {"PRIVATE"}
    assert classes["family"] == {"PUBLIC", "PRIVATE"}
    assert classes["long_short"] == {"PUBLIC", "OPTIONS"}
    assert "cash" not in classes
    several = lots[(lots["portfolio_id"] == "family") & (lots["symbol"] == "AAPL")]
    assert len(several) == (3 if day > "2025" else 1)


def test_the_failed_estate_has_less_than_nothing():
    lots = positions("failed")
    lost = lots[lots["investment_class"] == "PRIVATE"]
    loss = (lost["quantity"] * (lost["exit_price"] - lost["entry_price"])).sum()
    assert 200e3 + loss < -500e3
    assert lots[lots["investment_class"] == "PUBLIC"]["quantity"].gt(0).all()
