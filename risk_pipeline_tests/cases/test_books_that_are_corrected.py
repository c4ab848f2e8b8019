"""Whole runs on real prices: one book can't be computed and the others are; a correction reaches the past."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime

import pandas as pd
import pytest

from risk_pipeline.defs.automation.catch_up import changed_portfolios, due
from risk_pipeline.desk.inputs import StoredRegistries, is_of_present_book
from risk_pipeline.desk.stress import own_scenario, own_stress
from risk_pipeline.storage.imports import run_import
from risk_pipeline_tests.support.cases import CASES
from risk_pipeline_tests.support.homes import Home, make_home, module_environment
from risk_pipeline_tests.support.real_prices import PATH as REAL_PRICES
from risk_pipeline_tests.support.real_prices import real_prices

__all__ = ["make_home", "module_environment"]  # fixtures

FIRST, LAST = "2022-12-27", "2022-12-28"
EVENING = datetime(2022, 12, 29, 3, tzinfo=UTC)
WRONG, RIGHT = "p,AAPL,STOCK,100,", "p,AAPL,STOCK,1000,"


@pytest.fixture(scope="module")
def home(make_home, module_environment, tmp_path_factory) -> Home:
    """Cases 16 and 21 in one book, the latter with a tenth of its shares; two sessions."""
    folder = tmp_path_factory.mktemp("prices")
    shutil.copy(REAL_PRICES, folder)
    shutil.copy(CASES / "16_one_ipo_blocks_all" / "own_prices_tail.csv", folder)
    module_environment.setenv("RISK_PIPELINE_MARKET__SOURCE", "files")
    module_environment.setenv("RISK_PIPELINE_MARKET__PATH", str(folder))
    home = make_home(None)
    run_import(home.engine, sorted((CASES / "16_one_ipo_blocks_all").glob("po*.csv")))
    case = CASES / "21_reimport_correction"
    positions = tmp_path_factory.mktemp("book") / "positions.csv"
    positions.write_text((case / "positions.csv").read_text().replace(RIGHT, WRONG))
    run_import(home.engine, [case / "portfolios.csv", positions])
    home.result = home.run(FIRST, LAST)
    return home


def test_a_month_old_stock_in_a_small_book_is_its_own_reason_and_the_pension_is_complete(home):
    rows = home.table("portfolio_snapshots", first=pd.Timestamp(LAST).date()).set_index("portfolio_id")
    assert rows["is_complete"].all()
    assert rows.loc["pension", ["market_beta", "ir_beta", "forecast", "worst_scenario_pnl"]].notna().all()
    assert pd.isna(rows.loc["small", "ir_beta"])
    exposures = home.table("factor_exposures", portfolio="small")
    assert exposures.loc[exposures["dollar_exposure"].isna(), "reason"].notna().all()
    found = [e for e in home.result.get_asset_check_evaluations() if e.check_name == "ir_beta_present"]
    named = {record.data["portfolio_id"] for one in found for record in one.metadata["bad_rows"].records}
    assert named == {"small"}
    assert rows.loc["small", "nav"] == pytest.approx(10_000 + 100 * (15.977938261914788 - 17.7651))


def test_a_corrected_quantity_makes_the_stored_sessions_stale_names_them_and_reaches_them(home):
    closes = real_prices(["AAPL"], FIRST, LAST)["AAPL"].to_numpy()
    session, registries = date.fromisoformat(LAST), StoredRegistries.of_settings()
    shock = own_scenario(["Market=-10%"], None, registries)
    before = own_stress(home.engine, registries, session, shock)["stress_test_results"]
    assert before["direct_pnl"].abs().sum() > 0
    assert is_of_present_book(home.engine, session)
    run_import(home.engine, sorted((CASES / "21_reimport_correction").glob("po*.csv")))
    after = own_stress(home.engine, registries, session, shock)["stress_test_results"]
    pd.testing.assert_frame_equal(after, before)  # of one book, not half of the new one
    assert not is_of_present_book(home.engine, session)
    (changed,) = changed_portfolios(home.engine, EVENING).to_dict("records")
    assert (changed["portfolio_id"], changed["sessions"], str(changed["first"].date())) == ("p", 2, FIRST)
    assert [str(day) for day in due(home.engine, EVENING).run[-2:]] == [FIRST, LAST]
    home.run(FIRST, LAST)
    rows = home.table("portfolio_snapshots", portfolio="p").sort_values("session")
    assert rows["nav"].tolist() == pytest.approx((100_000 + 1000 * (closes - 147)).tolist())
    assert changed_portfolios(home.engine, EVENING).empty
    assert is_of_present_book(home.engine, session)
    changes = home.table("risk_changes", portfolio="p", first=pd.Timestamp(LAST).date())
    assert len(changes)
    assert changes["by_positions"].abs().max() == pytest.approx(0.0, abs=1e-12)  # it had them on both sessions
