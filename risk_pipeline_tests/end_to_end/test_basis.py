"""Cases from the field: prices in another unit, basis or currency than the lot's, by real runs."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from risk_pipeline.analytics.reasons import Reason
from risk_pipeline.cli.risk_table import print_risk_table
from risk_pipeline.cli.tables import print_portfolio
from risk_pipeline.reports.page_paths import index_path, page_path
from risk_pipeline.storage.imports import run_import
from risk_pipeline_tests.support.real_prices import PATH, real_prices

CASES = Path(__file__).parents[1] / "cases"
FIRST, LAST = "2022-12-12", "2022-12-14"


@pytest.fixture(scope="module")
def home_of(make_home, tmp_path_factory):
    """Return a function that makes a home of a case: its book, its prices and the real ones, and a profiles file."""

    def make(case: str, profiles: str | None = None):
        folder = tmp_path_factory.mktemp(case)
        shutil.copy(PATH, folder)
        if (CASES / case / "own_prices_tail.csv").exists():
            shutil.copy(CASES / case / "own_prices_tail.csv", folder)
        if profiles:
            (folder / "profiles.csv").write_text(profiles)
        home = make_home(None)
        home.environment.setenv("RISK_PIPELINE_MARKET__SOURCE", "files")
        home.environment.setenv("RISK_PIPELINE_MARKET__PATH", str(folder))
        run_import(home.engine, [CASES / case / "portfolios.csv", CASES / case / "positions.csv"])
        return home, folder

    return make


def navs(home, session: str = LAST) -> dict[str, float]:
    rows = home.table("portfolio_snapshots")
    return rows[rows["session"] == session].set_index("portfolio_id")["nav"].to_dict()


def price(symbol: str) -> float:
    return float(real_prices([symbol]).loc[LAST, symbol])


def check(result, name: str):
    """Return whether a check of a run passed, and what it found."""
    (found,) = [each for each in result.get_asset_check_evaluations() if each.check_name == name]
    rows = found.metadata.get("bad_rows")
    return found.passed, [] if rows is None else [record.data for record in rows.records]


@pytest.fixture(scope="module")
def values(home_of):
    home, folder = home_of("04_basis")
    return home, folder, home.run(FIRST, LAST)


def test_pence_against_pounds_is_refused_and_named(values):
    """1,000 VOD.L at 118, entry 1.16: no NAV of 218,630 but a reason; the portfolio beside it is valued."""
    home, _, result = values
    assert "gbx" not in navs(home)
    assert "sound" in navs(home)
    skips = home.table("analytics_skips").query("entity == 'gbx'")
    assert set(skips["reason"]) == {Reason.IMPLAUSIBLE_PRICE.value}
    (detail,) = skips["detail"].unique()
    for word in ("VOD.L", "1.16145", "116.145", "pence", "GBX"):
        assert word in detail
    passed, rows = check(result, "portfolios_valued")
    assert not passed
    assert {row["portfolio_id"] for row in rows} == {"gbx"}


def test_the_terminal_names_a_portfolio_that_is_not_valued(values):
    text = io.StringIO()
    print_risk_table(Console(file=text, width=200), values[0].engine, None)
    (line,) = [line for line in text.getvalue().splitlines() if "gbx" in line]
    assert "is not valued" in line
    assert "VOD.L" in text.getvalue()


def test_the_terminal_says_why_a_portfolio_is_not_valued_and_what_to_do(values):
    text = said(values[0].engine, "gbx")
    for words in ("not valued", "VOD.L", "1.16145", "What to do:", f"risk-pipeline run --date {LAST}"):
        assert words in text


def said(engine, portfolio: str) -> str:
    text = io.StringIO()
    assert str(print_portfolio(Console(file=text, width=200), engine, portfolio, None)) == LAST
    return text.getvalue()


def test_the_overview_names_a_portfolio_that_is_not_valued_and_its_page_says_what_to_do(values):
    values[0].enter()
    day = pd.Timestamp(LAST).date()
    overview, page = page_path(day).read_text(), page_path(day, "gbx").read_text()
    assert "1 more not valued" in overview
    assert f'href="{LAST}/gbx.html"' in overview
    assert "VOD.L" in overview
    assert "VOD.L" in page
    assert f"risk-pipeline run --date {LAST}" in page
    assert "<data" not in page  # no number of it


def test_a_session_whose_portfolios_are_all_refused_has_pages_and_is_shown(home_of):
    home, _ = home_of("04_basis")
    with home.engine.begin() as connection:
        for table in ("positions", "portfolios"):
            connection.exec_driver_sql(f"DELETE FROM {table} WHERE portfolio_id <> 'gbx'")
    home.run(LAST)
    assert home.table("portfolio_snapshots").empty
    text = io.StringIO()
    assert str(print_risk_table(Console(file=text, width=200), home.engine, None)) == LAST
    assert "no portfolio could be valued" in text.getvalue()
    assert "gbx is not valued" in text.getvalue()
    assert "What to do:" in said(home.engine, "gbx")
    day = pd.Timestamp(LAST).date()
    assert "No portfolio could be valued on this session" in page_path(day).read_text()
    assert page_path(day, "gbx").exists()
    assert f'href="{LAST}.html"' in index_path().read_text()


def test_with_its_unit_it_is_worth_about_what_was_paid(home_of):
    """In a book in pounds, whose TLT is in dollars."""
    home, folder = home_of("04_basis", "symbol,name,sector,vendor_beta,currency\nVOD.L,Vodafone,,,GBX\n")
    shutil.copy(Path(PATH).parent / "exchange_rates.parquet", folder)
    with home.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE portfolios SET currency = 'GBP' WHERE portfolio_id = 'gbx'")
    home.run(LAST)
    rates = pd.read_parquet(Path(PATH).parent / "exchange_rates.parquet").query("symbol == 'GBPUSD=X'")
    pound = rates.set_index("date")["close"]
    then, now = (pound[pd.Timestamp(day).date()] for day in ("2022-12-01", LAST))
    bonds = 10 * (price("TLT") / now - 100 / then)
    own = pd.read_csv(CASES / "04_basis" / "own_prices_tail.csv").query("symbol == 'VOD.L'")
    pence = own.set_index("date")["close"]
    assert navs(home)["gbx"] == pytest.approx(100_000 + 1000 * (pence[LAST] / 100 - 1.161453) + bonds)
    stored = home.table("market_data_cache").query("symbol == 'VOD.L'").set_index("session")["close"]
    np.testing.assert_allclose(stored, pence[stored.index.strftime("%Y-%m-%d")].to_numpy() / 100, rtol=1e-11)


def test_a_switch_from_pence_to_pounds_is_quarantined_and_named(values):
    """From 2022-12-13 on EZJ.L is quoted in pounds: no loss of 76,302, the last price in pence stands as stale."""
    home, _, result = values
    rows = home.table("quarantined_bars")
    assert rows["symbol"].unique().tolist() == ["EZJ.L"]
    assert [str(day.date()) for day in rows["session"]] == ["2022-12-13", "2022-12-14"]
    assert rows["unit_level"].tolist() == [-1, -1]
    pence = 770.800942826437  # the close of 2022-12-12
    assert navs(home)["unit"] == pytest.approx(100_000 + 100 * (pence - 780.275197) + 10 * (price("SPY") - 400))
    stale = home.table("portfolio_snapshots").query("portfolio_id == 'unit'").set_index("session")["stale_positions"]
    assert stale[["2022-12-12", "2022-12-13", "2022-12-14"]].tolist() == [0, 1, 1]
    passed, named = check(result, "units_kept")
    assert not passed
    assert {row["symbol"] for row in named} == {"EZJ.L"}


def test_day_by_day_quarantines_what_a_range_does_and_a_corrected_source_clears_it(values, home_of):
    home, folder = home_of("04_basis")
    for session in ("2022-12-12", "2022-12-13", "2022-12-14"):
        home.run(session)
    pd.testing.assert_frame_equal(home.table("quarantined_bars"), values[0].table("quarantined_bars"))
    pd.testing.assert_frame_equal(
        home.table("portfolio_snapshots"), values[0].table("portfolio_snapshots"), check_exact=True
    )
    path = folder / "own_prices_tail.csv"
    rows = pd.read_csv(path)
    in_pounds = (rows["symbol"] == "EZJ.L") & (rows["date"] >= "2022-12-13")
    rows.loc[in_pounds, "close"] *= 100
    rows.to_csv(path, index=False)
    home.run("2022-12-13", "2022-12-14")
    assert home.table("quarantined_bars").empty
    corrected = 100_000 + 100 * (761.6827387675255 - 780.275197) + 10 * (price("SPY") - 400)
    assert navs(home)["unit"] == pytest.approx(corrected)


def test_an_adjusted_series_does_not_value_shares_or_strikes_as_traded(home_of):
    """400 SPY bought at 205.43 on 2015-01-02, and a put and a call: refused, with the remedy."""
    home, _ = home_of("11_adjusted_basis")
    home.run("2015-01-30")
    skips = home.table("analytics_skips").query("analytic == 'portfolio_snapshots'").set_index("entity")
    assert set(skips.index) == {"shares", "opt"}
    assert set(skips["reason"]) == {Reason.IMPLAUSIBLE_PRICE.value}
    assert skips["detail"].str.contains("give closes as traded").all()
    assert "205.43 against a close of 176.789" in skips.loc["shares", "detail"]


def test_a_dollar_share_in_a_euro_book_is_a_reason_and_no_euro(home_of, tmp_path):
    """19 eur: 100 SPY in a book in euros without any pair; a proxy's currency is known."""
    home, _ = home_of("04_basis")
    portfolios, positions = tmp_path / "portfolios.csv", tmp_path / "positions.csv"
    portfolios.write_text("portfolio_id,name,inception_date,starting_equity,currency\neur,eur,2022-12-01,100000,EUR\n")
    positions.write_text(
        "portfolio_id,symbol,investment_class,quantity,entry_date,entry_price\neur,SPY,ETF,100,2022-12-01,400\n"
    )
    run_import(home.engine, [portfolios, positions])
    home.run(LAST)
    assert "eur" not in navs(home)
    (skip,) = (
        home.table("analytics_skips").query("entity == 'eur' and analytic == 'portfolio_snapshots'").to_dict("records")
    )
    assert (skip["reason"], skip["detail"]) == (Reason.NO_EXCHANGE_RATE.value, "EURUSD=X")
    assert navs(home)["sound"] == pytest.approx(100_000 + 100 * (price("SPY") - 400))
