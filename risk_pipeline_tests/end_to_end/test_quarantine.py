"""One book that can't be computed has nulls with a reason and is named everywhere; nobody else notices.

Then the books are corrected: the pages say that they are stale, and the book of the day before can still be read.
"""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime

import dagster as dg
import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from risk_pipeline.cli.as_known import print_as_known
from risk_pipeline.cli.risk_table import print_risk_table
from risk_pipeline.defs.assets.stale import freshness
from risk_pipeline.defs.automation.catch_up import due
from risk_pipeline.defs.automation.run_history import watch
from risk_pipeline.reports.freshness import PRESENT
from risk_pipeline.reports.page_paths import page_path
from risk_pipeline.reports.page_rows import Provenance
from risk_pipeline.reports.risk_page import write_sessions
from risk_pipeline.sessions import session_calendar
from risk_pipeline.storage.imports import import_frames
from risk_pipeline.storage.market_data import store_bars
from risk_pipeline.storage.removal import remove_portfolio
from risk_pipeline_tests.support.homes import FRAMES

DAY = "2025-06-03"
IMPORTED = datetime(2025, 6, 3, 12)
BAD = {"mistyped": "AAPLX", "option": "NOBODY"}


@pytest.fixture(scope="module")
def home(make_home):
    portfolios, positions = FRAMES["portfolios"].copy(), FRAMES["positions"].astype({"quantity": float})
    for name in BAD:
        portfolios.loc[len(portfolios)] = (name, name, "2025-01-02", "", 10_000)
    positions.loc[len(positions)] = ("m1", "mistyped", "AAPLX", "PUBLIC", 10, "2025-05-20", 100, *[""] * 6)
    option = ("o1", "option", "NOBODY C", "OPTIONS", 1, "2025-05-20", 5, "", "", "NOBODY", "CALL", 100, "2026-01-16")
    positions.loc[len(positions)] = option
    portfolios.loc[len(portfolios)] = ("huge", "huge", "2025-01-02", "", 10_000)
    positions.loc[len(positions)] = ("x1", "huge", "AAPL", "PUBLIC", 1e200, "2025-05-20", 200, *[""] * 6)
    home = make_home(None)
    import_frames(home.engine, {**FRAMES, "portfolios": portfolios, "positions": positions}, made_at=IMPORTED)
    home.result = home.run(DAY)
    return home


def test_the_others_are_complete_and_the_bad_ones_have_nulls_with_a_reason(home):
    rows = home.table("portfolio_snapshots").set_index("portfolio_id")
    assert rows["is_complete"].all()
    numbers = ["market_beta", "ir_beta", "forecast", "worst_scenario_pnl"]
    assert rows.loc[["growth", "hedged"], numbers].notna().all(axis=None)
    assert rows.loc[list(BAD), ["market_beta", "ir_beta", "forecast"]].isna().all(axis=None)
    exposures = home.table("factor_exposures")
    assert exposures.loc[exposures["portfolio_id"].isin(list(BAD)), "reason"].notna().all()
    assert due(home.engine, datetime(2025, 6, 4, 2, tzinfo=UTC)).absent[-1] != pd.Timestamp(DAY).date()


def test_the_check_warns_and_names_portfolio_symbols_and_remedy(home):
    (found,) = [e for e in home.result.get_asset_check_evaluations() if e.check_name == "ir_beta_present"]
    assert not found.passed
    assert found.severity is dg.AssetCheckSeverity.WARN
    rows = {record.data["portfolio_id"]: record.data for record in found.metadata["bad_rows"].records}
    assert set(rows) == set(BAD)
    for name, symbol in BAD.items():
        assert rows[name]["symbols"] == f"{symbol} (0 prices)"
        assert "check the spelling" in rows[name]["remedy"]
        assert rows[name]["reason"] == "the price history is too short"


def test_the_alert_names_portfolio_symbols_reason_and_remedy_once(home, caplog):
    home.enter()
    record = home.instance.get_run_record_by_id(home.result.run_id)
    with caplog.at_level(logging.ERROR, "risk_pipeline.alerts"):
        watch(home.instance, home.engine, record)
        watch(home.instance, home.engine, record)
    (said,) = [entry.getMessage() for entry in caplog.records if entry.name == "risk_pipeline.alerts"]
    assert said.startswith(f"risk_pipeline: 3 portfolios lack numbers on {DAY}, all others are complete.")
    for name, symbol in BAD.items():
        assert f"{name}: {symbol} (0 prices): the price history is too short. Remedy: check the spelling" in said


def test_numbers_that_would_overflow_are_a_reason_of_their_portfolio_which_is_named(home):
    """1e200 shares: squares of it are no number, and no sum of portfolios would be one."""
    assert "huge" not in set(home.table("portfolio_snapshots")["portfolio_id"])
    rows = home.table("analytics_skips")
    assert set(rows.loc[rows["entity"] == "huge", "reason"]) == {"too_large"}
    numbers = home.table("portfolio_snapshots").select_dtypes("number")
    assert not np.isinf(numbers).any(axis=None)
    (found,) = [e for e in home.result.get_asset_check_evaluations() if e.check_name == "portfolios_valued"]
    (row,) = [record.data for record in found.metadata["bad_rows"].records]
    assert (row["portfolio_id"], row["detail"][:9]) == ("huge", "AAPL (x1)")


def test_the_terminal_and_the_pages_name_them_too(home):
    home.enter()
    console = Console(record=True, width=200)
    print_risk_table(console, home.engine, pd.Timestamp(DAY).date())
    said = console.export_text()
    for name, symbol in BAD.items():
        assert f"{name}: {symbol} (0 prices): the price history is too short. Remedy: check the spelling" in said
        page = page_path(pd.Timestamp(DAY).date(), name).read_text()
        assert f"No betas of {symbol} (0 prices): the price history is too short. What to do: check the" in page


def test_an_option_that_is_worth_nothing_is_no_exposure_and_stops_nobody(make_home):
    """Its delta is zero to the last digit, and so is that of a private asset whose proxy has a beta of zero."""
    names = ["growth", "hedge", "aloof"]
    portfolios = pd.DataFrame({"portfolio_id": names, "name": names, "starting_equity": 100_000}).assign(
        inception_date="2025-01-02"
    )
    growth = FRAMES["positions"][FRAMES["positions"]["portfolio_id"] == "growth"]
    put = ("w1", "hedge", "SPY P", "OPTIONS", 5, "2025-05-20", 0.1, "", "", "SPY", "PUT", 100, "2025-06-05")
    still = ("w2", "aloof", "HOUSE", "PRIVATE", 1, "2025-05-20", 50_000, *[""] * 6)
    others = pd.DataFrame([put, still], columns=growth.columns)
    positions = pd.concat([growth, others]).assign(proxy="", proxy_beta="")
    positions.loc[positions["position_id"] == "w2", ["proxy", "proxy_beta"]] = ["SPY", "0"]
    home = make_home({"portfolios": portfolios, "positions": positions})
    home.run(DAY)
    exposures = home.table("factor_exposures").set_index(["portfolio_id", "factor_name"])
    for name in ("hedge", "aloof"):
        beta = exposures.loc[(name, "IR Beta")]
        assert (beta["exposure"], beta["coverage"], beta["reason"]) == (0.0, 1.0, None)
    assert home.table("portfolio_snapshots").set_index("portfolio_id").loc[names, "is_complete"].all()


def test_prices_that_never_move_and_prices_with_gaps_stop_nobody_else(home, make_home):
    """Enough prices and few returns: equal closes are taken to be carried forward, and a gap costs two returns."""
    later, day = make_home(like=home), pd.Timestamp(DAY).date()
    days = pd.DatetimeIndex(
        session_calendar("XNYS", date(2015, 1, 2)).sessions_in_range(date(2024, 12, 2), day).astype("datetime64[s]")
    )
    bars = pd.DataFrame({"session": [*days, *days], "symbol": np.repeat([*BAD.values()], len(days)), "close": 100.0})
    moving = bars["symbol"].eq(BAD["option"])
    bars.loc[moving, "close"] += np.arange(moving.sum()) % 7
    bars = bars[~moving | (np.arange(len(bars)) % 5 > 0)]
    bars = bars.assign(
        high=bars["close"], low=bars["close"], volume=1e6, dividend=0.0, split_factor=1.0, basis="traded"
    )
    store_bars(later.engine, bars, known_at=IMPORTED)
    result = later.run(DAY)
    assert result.success
    assert later.table("portfolio_snapshots")["is_complete"].all()
    (found,) = [e for e in result.get_asset_check_evaluations() if e.check_name == "ir_beta_present"]
    assert found.severity is dg.AssetCheckSeverity.WARN
    said = {record.data["portfolio_id"]: record.data["symbols"] for record in found.metadata["bad_rows"].records}
    assert said == {"mistyped": "AAPLX (91 prices, 0 returns)", "option": "NOBODY (73 prices, 54 returns)"}


def test_a_portfolio_imported_since_is_not_said_to_lack_what_the_session_never_had(home, make_home):
    later = make_home(like=home)
    rows = {name: FRAMES[name][FRAMES[name]["portfolio_id"] == "growth"] for name in ("portfolios", "positions")}
    late = {name: frame.assign(portfolio_id="late") for name, frame in rows.items()}
    late["positions"]["position_id"] = "late " + late["positions"]["position_id"]
    import_frames(later.engine, late)
    console = Console(record=True, width=200)
    print_risk_table(console, later.engine, pd.Timestamp(DAY).date())
    said = console.export_text()
    assert "mistyped: AAPLX" in said
    assert "late" not in said


def test_a_portfolio_that_was_removed_since_is_not_said_to_lack_its_betas(home, make_home):
    later, day = make_home(like=home), pd.Timestamp(DAY).date()
    assert "growth" in set(later.table("factor_exposures")["portfolio_id"])
    remove_portfolio(later.engine, "growth")
    console = Console(record=True, width=200)
    print_risk_table(console, later.engine, day)
    said = console.export_text()
    assert "mistyped: AAPLX" in said
    assert "growth" not in said


def test_a_page_says_in_its_footer_when_its_numbers_are_stale_and_the_book_of_the_day_can_be_read(home):
    home.enter()
    day = pd.Timestamp(DAY).date()
    fresh = page_path(day, "growth")
    assert PRESENT in fresh.read_text()
    assert PRESENT in page_path(day).read_text()
    corrected = FRAMES["positions"][FRAMES["positions"]["portfolio_id"] == "growth"].copy()
    corrected.loc[corrected["position_id"] == "g1", "quantity"] = 1500
    import_frames(home.engine, {"positions": corrected}, made_at=datetime(2125, 6, 2))
    write_sessions(home.engine, [day], Provenance("code", freshness=freshness(home.engine, [day])))
    words = "These numbers are stale: its part of the book has changed since they were made."
    assert words in fresh.read_text()
    assert PRESENT in page_path(day, "hedged").read_text()
    assert "growth (its part of the book has changed" in page_path(day).read_text()
    console = Console(record=True, width=200)
    print_as_known(console, home.engine, date(2125, 5, 31), "growth", day)
    said = console.export_text()
    assert "version 1 of 2 of the book" in said
    (lot,) = [line for line in said.splitlines() if "1000.0" in line and "AAPL" in line]
    assert "changed" in lot
    assert f"The results of {DAY} are those that were known then." in said
