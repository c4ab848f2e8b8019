"""Books in euros, pounds and dollars over real prices and exchange rates, through real runs."""

from __future__ import annotations

import io
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from risk_pipeline.analytics.reasons import Reason
from risk_pipeline.cli.tables import print_portfolio
from risk_pipeline.reports.page_paths import page_path
from risk_pipeline.storage.completeness import incomplete_sessions
from risk_pipeline_tests.support.real_prices import PATH, real_prices

DATA = Path(PATH).parent
DAY, BEFORE, ENTRY = "2022-06-16", "2022-06-15", "2022-06-09"
PORTFOLIOS = pd.DataFrame(
    [
        ("eur", "Euros", "EUR"),
        ("gbp", "Pounds", "GBP"),
        ("usd", "Dollars", "USD"),
        ("cash", "Foreign cash", "USD"),
        ("home", "Euros at home", "EUR"),
    ],
    columns=["portfolio_id", "name", "currency"],
).assign(inception_date="2022-06-01", starting_equity=100_000)
POSITIONS = pd.DataFrame(
    [
        ("e1", "eur", "SPY", 200, 400.0, None),
        ("e2", "eur", "KO", -300, 60.0, None),
        ("g1", "gbp", "SPY", 200, 400.0, None),
        ("g2", "gbp", "JNJ", 100, 170.0, "EUR"),  # as if it were bought in euros
        ("u1", "usd", "SPY", 200, 400.0, None),
        ("u2", "usd", "KO", -300, 60.0, None),
        ("c1", "cash", "EURUSD=X", 50_000, 1.06, None),
        ("h1", "home", "PG", 100, 135.0, "EUR"),
    ],
    columns=["position_id", "portfolio_id", "symbol", "quantity", "entry_price", "currency"],
).assign(investment_class="PUBLIC", entry_date=ENTRY)
PROFILES = "symbol,name,sector,vendor_beta,currency\nKO,Coca-Cola,Consumer Staples,0.6,USD\n"
SCENARIOS = """
scenarios:
  - {id: dollar_up, name: Dollar up against the euro, category: currency, shocks: {FX: {EURUSD: -0.10}}}
  - {id: crash_and_dollar, name: Crash and dollar, category: currency,
     shocks: {Market: {return: -0.10}, FX: {EURUSD: -0.05, USDGBP: 0.04}}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("prices")
    shutil.copy(PATH, folder)
    (folder / "profiles.csv").write_text(PROFILES)
    return folder


def source(home, folder: Path) -> None:
    home.environment.setenv("RISK_PIPELINE_MARKET__SOURCE", "files")
    home.environment.setenv("RISK_PIPELINE_MARKET__PATH", str(folder))
    home.environment.delenv("RISK_PIPELINE_SCENARIOS_PATH", raising=False)


@pytest.fixture(scope="module")
def with_pairs(folder, tmp_path_factory) -> Path:
    """The prices with their exchange rates, and scenarios that shock them beside."""
    whole = tmp_path_factory.mktemp("with_pairs")
    shutil.copytree(folder, whole, dirs_exist_ok=True)
    shutil.copy(DATA / "exchange_rates.parquet", whole)
    (whole.parent / "scenarios.yaml").write_text(SCENARIOS)
    return whole


def run_with(home, whole: Path, *sessions: str) -> None:
    source(home, whole)
    home.environment.setenv("RISK_PIPELINE_SCENARIOS_PATH", str(whole.parent / "scenarios.yaml"))
    home.run(*sessions)


@pytest.fixture(scope="module")
def day(make_home, with_pairs):
    """A home with both sessions run at once."""
    home = make_home({"portfolios": PORTFOLIOS, "positions": POSITIONS})
    run_with(home, with_pairs, BEFORE, DAY)
    return home


@pytest.fixture(scope="module")
def rates() -> pd.DataFrame:
    return pd.read_parquet(DATA / "exchange_rates.parquet").pivot(index="date", columns="symbol", values="close")


def rows(home, table: str, portfolio: str, index: str = "session", session: str = DAY) -> pd.DataFrame:
    found = home.table(table, portfolio=portfolio)
    return found[found["session"] == session].set_index(index)


def test_a_session_alone_has_the_scenarios_of_a_range(make_home, with_pairs, day):
    """The windows in which a pair moved as far are counted in the session's own history."""
    alone = make_home({"portfolios": PORTFOLIOS, "positions": POSITIONS})
    run_with(alone, with_pairs, DAY)
    for table in ("scenario_plausibility", "scenario_factor_moves", "stress_test_results"):
        found, expected = (home.table(table, first=pd.Timestamp(DAY).date()) for home in (alone, day))
        pd.testing.assert_frame_equal(found, expected, check_exact=True, obj=table)
    counted = alone.table("scenario_plausibility").set_index("scenario_id")["history_windows"]
    assert counted["crash_and_dollar"] > 800


def test_the_net_asset_value_of_a_euro_book_by_hand(day, rates):
    spy, ko = (real_prices(["SPY", "KO"]).loc[DAY, name] for name in ("SPY", "KO"))
    then, now = (rates.loc[pd.Timestamp(at).date(), "EURUSD=X"] for at in (ENTRY, DAY))
    expected = 100_000 + (200 * spy - 300 * ko) / now - (200 * 400 - 300 * 60) / then
    assert rows(day, "portfolio_snapshots", "eur")["nav"].item() == pytest.approx(expected, rel=1e-12)


def test_a_lots_own_currency_wins_and_two_pairs_make_a_cross(day, rates):
    jnj, now = real_prices(["JNJ"]).loc[DAY, "JNJ"], rates.loc[pd.Timestamp(DAY).date()]
    lot = rows(day, "position_values", "gbp", "position_id").loc["g2"]
    assert lot["currency"] == "EUR"
    assert lot["price"] == jnj
    assert lot["exchange_rate"] == pytest.approx(now["EURUSD=X"] / now["GBPUSD=X"], rel=1e-14)
    assert lot["value"] == pytest.approx(100 * jnj * lot["exchange_rate"], rel=1e-14)


def test_currency_risk_has_a_name_and_is_a_part_of_the_whole(day):
    values = rows(day, "position_values", "eur", "position_id")
    exposure = rows(day, "currency_exposures", "eur", "pair")
    assert exposure.index.tolist() == ["FX EURUSD"]
    assert exposure["dollar_exposure"].item() == pytest.approx(-values["value"].sum(), rel=1e-12)
    nav = rows(day, "portfolio_snapshots", "eur")["nav"].item()
    assert exposure["exposure"].item() == pytest.approx(-values["value"].sum() / nav, rel=1e-12)
    total = rows(day, "portfolio_volatility", "eur")["factor_model_volatility"].item()
    assert values["risk_contribution"].sum() == pytest.approx(total, rel=1e-9)
    assert 0 < abs(exposure["risk_contribution"].item()) < total
    pounds = rows(day, "currency_exposures", "gbp", "pair")["dollar_exposure"]
    lots = rows(day, "position_values", "gbp", "position_id")["value"]
    assert pounds.to_dict() == pytest.approx({"FX GBPUSD": -lots.sum(), "FX EURUSD": lots["g2"]})


def test_the_page_names_currency_risk_in_exposures_and_in_volatility(day):
    day.enter()
    page = page_path(pd.Timestamp(DAY).date(), "eur").read_text()
    exposure = rows(day, "currency_exposures", "eur", "pair").loc["FX EURUSD"]
    for column in ("exposure", "dollar_exposure", "risk_contribution"):
        (value,) = re.findall(rf'<data value="([^"]+)" data-k="currency_exposures.{column}:FX EURUSD"', page)
        assert float(value) == pytest.approx(exposure[column], rel=1e-8)
    assert "FX " not in page_path(pd.Timestamp(DAY).date(), "usd").read_text()


def test_the_terminal_and_the_correlations_name_the_pair(day):
    day.enter()
    printed = io.StringIO()
    print_portfolio(Console(file=printed, width=200), day.engine, "eur", pd.Timestamp(DAY).date())
    exposure = rows(day, "currency_exposures", "eur", "pair")["exposure"].item()
    words = " ".join(printed.getvalue().split("Currency exposures")[1].split())
    assert f"FX EURUSD │ {exposure:.2f}".replace("-", "−") in words
    pairs = rows(day, "position_correlations", "eur")
    assert {"SPY", "KO", "EURUSD=X"} == {*pairs["symbol_a"], *pairs["symbol_b"]}
    assert pairs["correlation"].between(-1, 1).all()
    page = page_path(pd.Timestamp(DAY).date(), "eur").read_text()
    assert "FX EURUSD" in page.split('id="correlations"')[1].split("</section>")[0]


def test_foreign_cash_is_a_holding_of_the_pair(day, rates):
    nav = rows(day, "portfolio_snapshots", "cash")["nav"].item()
    assert nav == pytest.approx(100_000 + 50_000 * (rates.loc[pd.Timestamp(DAY).date(), "EURUSD=X"] - 1.06))
    assert rows(day, "currency_exposures", "cash", "pair").index.tolist() == ["FX EURUSD"]
    own = rows(day, "portfolio_volatility", "cash")["realised_21"].item()
    pair = day.table("symbol_volatility").query("symbol == 'EURUSD=X'").set_index("session").loc[DAY, "realised_21"]
    share = rows(day, "position_values", "cash")["value"].item() / nav
    assert own == pytest.approx(pair * share, rel=1e-9)


def test_the_dollar_makes_a_euro_book_of_american_shares_calmer_or_wilder_than_the_same_in_dollars(day):
    """The holdings' returns in euros, from prices and rates alone, have the volatility that is stored."""
    closes = real_prices(["SPY", "KO"]).loc[:DAY]
    pairs = pd.read_parquet(DATA / "exchange_rates.parquet").pivot(index="date", columns="symbol", values="close")
    pair = pairs["EURUSD=X"].reindex(closes.index.date).to_numpy()
    local = closes.pct_change(fill_method=None).to_numpy()
    move = pair[1:] / pair[:-1] - 1
    snapshot, values = (rows(day, table, "eur") for table in ("portfolio_snapshots", "position_values"))
    weights = values.set_index("symbol")["value"][["SPY", "KO"]].to_numpy() / snapshot["nav"].item()
    series = local[1:] @ weights - move * weights.sum()
    expected = np.std(series[-21:], ddof=1) * np.sqrt(252)
    assert rows(day, "portfolio_volatility", "eur")["realised_21"].item() == pytest.approx(expected, rel=1e-9)
    dollars = rows(day, "portfolio_volatility", "usd")["realised_21"].item()
    assert abs(expected / dollars - 1) > 0.02


def stress(home, portfolio: str, scenario: str) -> pd.Series:
    return rows(home, "stress_test_results", portfolio, "scenario_id").loc[scenario]


def test_a_shocked_pair_moves_by_its_shock_and_its_inverse_by_the_inverse(day):
    held = rows(day, "position_values", "cash")["value"].item()
    cash = stress(day, "cash", "dollar_up")
    assert cash["direct_pnl"] == pytest.approx(-0.10 * held)
    assert cash["correlated_pnl"] == pytest.approx(-0.10 * held)  # nothing else is held
    lots = rows(day, "position_values", "eur")["value"].sum()
    euro = stress(day, "eur", "dollar_up")
    assert euro["direct_pnl"] == pytest.approx(lots * (1 / 0.9 - 1))


def test_a_book_without_currencies_feels_what_a_currency_shock_says_of_the_factors(day):
    dollars = stress(day, "usd", "dollar_up")
    assert (dollars["direct_pnl"], dollars["currency_pnl"]) == (0.0, 0.0)
    moves = day.table("scenario_factor_moves").query("scenario_id == 'dollar_up'")
    moves = moves[moves["session"] == DAY].set_index("factor_name")["move"]
    exposures = rows(day, "factor_exposures", "usd", "factor_name")["dollar_exposure"]
    assert dollars["correlated_pnl"] == pytest.approx((moves * exposures[moves.index]).sum(), rel=1e-9)
    assert dollars["correlated_pnl"] < 0  # in these years shares fell when the dollar rose


def test_market_and_currencies_shocked_together_keep_their_shocks(day):
    """Pounds in dollars fall by 1/1.04: the pound book gains on its dollars, beside what the market takes."""
    both = stress(day, "cash", "crash_and_dollar")
    assert both["correlated_pnl"] == pytest.approx(-0.05 * rows(day, "position_values", "cash")["value"].item())
    lots = rows(day, "position_values", "gbp", "position_id")["value"]
    pounds = stress(day, "gbp", "crash_and_dollar")
    by_pairs = lots.sum() * (1.04 - 1) + lots["g2"] * -0.05
    betas = rows(day, "factor_exposures", "gbp", "factor_name")["dollar_exposure"]
    assert pounds["direct_pnl"] == pytest.approx(-0.10 * betas["Market Beta (90D)"] + by_pairs, rel=1e-9)
    moves = day.table("scenario_factor_moves").query("scenario_id == 'crash_and_dollar'")
    moves = moves[moves["session"] == DAY].set_index("factor_name")["move"]
    assert moves["core_market"] == -0.10
    parts = (moves * betas[moves.index]).sum() + pounds["option_revaluation"] + pounds["currency_pnl"]
    assert pounds["correlated_pnl"] == pytest.approx(parts, rel=1e-9)


def test_a_session_alone_has_the_rows_of_a_range(day, make_home, with_pairs):
    home = make_home({"portfolios": PORTFOLIOS, "positions": POSITIONS})
    run_with(home, with_pairs, DAY)
    tables = ("position_values", "currency_exposures", "portfolio_snapshots", "portfolio_volatility")
    for table in (*tables, "stress_test_results"):
        expected = day.table(table)
        expected = expected[expected["session"] == DAY].reset_index(drop=True)
        pd.testing.assert_frame_equal(home.table(table), expected, check_exact=True, obj=table)


def test_without_the_pair_a_book_is_left_out_with_a_reason_and_others_are_as_before(day, make_home, folder):
    home = make_home({"portfolios": PORTFOLIOS[:-2], "positions": POSITIONS[:-2]})
    source(home, folder)
    home.run(DAY)
    skips = home.table("analytics_skips").query("entity_type == 'portfolio'")
    assert set(skips["entity"]) == {"eur", "gbp"}
    assert set(skips["reason"]) == {Reason.NO_EXCHANGE_RATE.value}
    analytics = {"factor_exposures", "stress_tests", "volatility", "portfolio_snapshots", "pnl_explain"}
    assert set(skips.loc[skips["entity"] == "eur", "analytic"]) == analytics
    assert skips.loc[skips["entity"] == "eur", "detail"].unique().tolist() == ["EURUSD=X"]
    assert home.table("portfolio_snapshots")["portfolio_id"].tolist() == ["usd"]
    for table in ("portfolio_snapshots", "portfolio_volatility", "stress_test_results"):
        expected = rows(day, table, "usd").reset_index()
        if table == "portfolio_snapshots":
            expected = expected.drop(columns=["worst_scenario", "worst_scenario_pnl"])
        if "scenario_id" in expected:
            expected = expected[~expected["scenario_id"].isin(["dollar_up", "crash_and_dollar"])].reset_index(drop=True)
        found = home.table(table)[expected.columns]
        pd.testing.assert_frame_equal(found, expected, check_exact=True, obj=table)
    assert incomplete_sessions(home.engine, [pd.Timestamp(DAY).date()]) == []


def test_a_book_that_holds_its_own_currency_alone_needs_no_pair(make_home, folder):
    home = make_home({"portfolios": PORTFOLIOS[-1:], "positions": POSITIONS[-1:]})
    source(home, folder)
    home.run(DAY)
    price = real_prices(["PG"]).loc[DAY, "PG"]
    assert rows(home, "portfolio_snapshots", "home")["nav"].item() == pytest.approx(100_000 + 100 * (price - 135))
    assert home.table("currency_exposures").empty
