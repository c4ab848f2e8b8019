"""Books whose numbers are known without computing them, through a whole run: methodology's closed-form fixtures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from risk_pipeline.analytics.reasons import Reason
from risk_pipeline.analytics.returns import total_returns
from risk_pipeline.market.simulated import SimulatedMarket
from risk_pipeline.storage import tables
from risk_pipeline_tests.support.homes import KEPT_LIMITS

DAY = "2025-06-03"
PER_PORTFOLIO = [table.name for table in tables.ANALYTICS if "portfolio_id" in table.c]
COLUMNS = [
    *("position_id", "portfolio_id", "symbol", "investment_class", "quantity", "entry_date", "entry_price"),
    *("underlying", "option_type", "strike", "expiry"),
]
CURRENCY = dict.fromkeys(("three_lots", "one_lot", "mixed"), "EUR")  # the simulated market's shares are in dollars
BENCHMARK = dict.fromkeys(("three_lots", "one_lot"), "SPY")  # in dollars: no part of it is compared with euros
EQUITY = {"zero": 0.0, "merged": 200_000.0, "levered": 60_000.0}
CLOSE = SimulatedMarket().fetch(["SPY"], pd.DatetimeIndex([DAY])).bars["close"].item()


def lot(portfolio: str, symbol: str, quantity: float, *option: object, price: float = 150.0, entry: str = "2025-01-02"):
    kind = "OPTIONS" if option else "PRIVATE" if symbol.startswith("FUND") else "PUBLIC"
    return [portfolio, symbol, kind, quantity, entry, price, *(option or [""] * 4)]


LOTS = [
    lot("flat", "AAPL", 100),
    lot("flat", "AAPL", -100),
    *[lot("three_lots", "MSFT", 10)] * 3,
    lot("one_lot", "MSFT", 30),
    lot("index", "SPY", 200, price=500.0),
    lot("bonds", "TLT", 1000),
    lot("merged", "SPY", 200, price=500.0),
    lot("merged", "TLT", 1000),
    lot("levered", "SPY", 1000, price=500.0),
    lot("zero", "SPY", 100, price=CLOSE, entry=DAY),
    lot("private", "FUND A", 10),
    lot("expired", "AAPL C", 5, "AAPL", "CALL", 150, "2025-03-21"),
    lot("mixed", "NVDA", 300, price=50.0),
    lot("mixed", "JPM", -200),
    lot("mixed", "MSFT P", 10, "MSFT", "PUT", 350, "2025-12-19"),
]
POSITIONS = pd.DataFrame([[f"l{n}", *row] for n, row in enumerate(LOTS)], columns=COLUMNS)
POSITIONS = POSITIONS.assign(exit_date="", exit_price="")


def frames(*names: str) -> dict[str, pd.DataFrame]:
    rows = [(name, name, "2025-01-02", "", EQUITY.get(name, 100_000.0)) for name in names]
    portfolios = pd.DataFrame(
        rows, columns=["portfolio_id", "name", "inception_date", "closed_date", "starting_equity"]
    ).assign(
        currency=[CURRENCY.get(name, "USD") for name in names], benchmark=[BENCHMARK.get(name, "") for name in names]
    )
    positions = POSITIONS[POSITIONS["portfolio_id"].isin(names)]
    return {"portfolios": portfolios, "positions": positions, "limits": KEPT_LIMITS}


@pytest.fixture(scope="module")
def day(make_home):
    together = pd.DataFrame([("group", "index"), ("group", "bonds")], columns=["group", "portfolio"])
    home = make_home({**frames(*POSITIONS["portfolio_id"].unique(), "cash"), "groups": together})
    home.run(DAY)
    return home


def one(home, table: str, portfolio: str, key: str | None = None) -> pd.DataFrame:
    rows = home.table(table, portfolio=portfolio)
    return rows.set_index(key) if key else rows


def snapshot(home, portfolio: str) -> pd.Series:
    (row,) = (row for _, row in one(home, "portfolio_snapshots", portfolio).iterrows())
    return row


def test_long_and_short_of_one_symbol_is_nothing_in_every_measure(day):
    exposures = one(day, "factor_exposures", "flat").dropna(subset=["dollar_exposure"])
    assert len(exposures) == 15
    np.testing.assert_array_equal(exposures[["dollar_exposure", "exposure"]], 0.0)
    np.testing.assert_array_equal(exposures["std_error"].dropna(), 0.0)
    assert exposures["std_error"].notna().sum() == 14  # the vendor gives none
    np.testing.assert_array_equal(exposures["risk_contribution"].dropna(), 0.0)
    np.testing.assert_array_equal(exposures["coverage"], 1.0)
    stress = one(day, "stress_test_results", "flat")
    zero = ["direct_pnl", "correlated_pnl", "correlation_effect", "conditional_std", "return_on_equity"]
    np.testing.assert_array_equal(stress[zero], 0.0)
    assert not stress["exceeds_equity"].any()
    volatility = one(day, "portfolio_volatility", "flat")
    measured = ["realised_21", "realised_63", "realised_252", "factor_model_volatility"]
    np.testing.assert_array_equal(volatility[measured], 0.0)
    assert volatility["reason"].tolist() == [Reason.NO_VARIANCE.value]
    worth = snapshot(day, "flat")
    assert worth["net"] == 0.0
    assert worth["gross"] == 2 * worth["long_value"] == -2 * worth["short_value"] > 0


@pytest.mark.parametrize("table", PER_PORTFOLIO)
def test_three_lots_of_ten_are_one_of_thirty_in_every_table(day, table):
    three, single = (one(day, table, name) for name in ("three_lots", "one_lot"))
    counts = {"positions": 3.0, "public_positions": 3.0}
    if table == "position_values":
        sums = ["quantity", "value", "delta_value", "risk_contribution"]
        np.testing.assert_allclose(three[sums].sum(), single[sums].sum(), rtol=1e-12)
        assert len(three) == 3
        return
    assert len(three) == len(single) > 0 or table in ("volatility_scores", "option_grids", "active_exposures")
    numbers = three.select_dtypes("number").columns
    np.testing.assert_allclose(
        three[numbers], single[numbers].mul(pd.Series(counts).reindex(numbers, fill_value=1.0)), rtol=1e-9
    )


@pytest.mark.parametrize("table", PER_PORTFOLIO)
def test_a_group_is_the_portfolio_that_has_its_members_lots(day, table):
    of_group, merged = (one(day, table, name) for name in ("group", "merged"))
    assert len(of_group) == len(merged)
    own = {"portfolio_id", "position_id", "book"}  # names, and the hash of them
    columns = [name for name in merged if name not in own]
    pd.testing.assert_frame_equal(of_group[columns], merged[columns], rtol=1e-12)
    if table == "portfolio_snapshots":
        members = [snapshot(day, name) for name in ("index", "bonds")]
        assert snapshot(day, "group")["nav"] == pytest.approx(sum(row["nav"] for row in members), rel=1e-12)


def test_one_factor_and_no_more_is_lost_once(day):
    """A fund on the index has a beta of one: the shock times its value, directly and with the other factors moving."""
    worth = snapshot(day, "index")
    value, equity = worth["long_value"], worth["nav"]
    beta = one(day, "factor_exposures", "index", "factor_name").loc["Market Beta (90D)"]
    assert beta["dollar_exposure"] == pytest.approx(value, rel=1e-12)
    assert beta["exposure"] == pytest.approx(value / equity, rel=1e-12)
    stress = one(day, "stress_test_results", "index", "scenario_id")
    for scenario, shock in (("market_down_10", -0.10), ("market_up_25", 0.25)):
        assert stress.loc[scenario, "direct_pnl"] == pytest.approx(shock * value, rel=1e-12)
        assert stress.loc[scenario, "correlated_pnl"] == pytest.approx(shock * value, rel=1e-9)
        assert stress.loc[scenario, "conditional_std"] == pytest.approx(0.0, abs=1e-6 * value)


def test_bonds_lose_when_rates_rise_and_by_their_duration(day):
    value = snapshot(day, "bonds")["long_value"]
    stress = one(day, "stress_test_results", "bonds", "scenario_id")
    for scenario, share in (("rates_up_100bp", -0.146), ("rates_up_50bp", -0.07775), ("rates_down_100bp", 0.184)):
        assert stress.loc[scenario, "direct_pnl"] == pytest.approx(share * value, rel=1e-12)
        # the core model shrinks the coefficient of bonds on rates, as every coefficient
        assert 0.75 < stress.loc[scenario, "correlated_pnl"] / (share * value) < 1.05


def test_a_loss_beyond_equity_is_reported_as_it_is_and_flagged(day):
    worth = snapshot(day, "levered")
    crash = one(day, "stress_test_results", "levered", "scenario_id").loc["market_down_35"]
    assert crash["correlated_pnl"] == pytest.approx(-0.35 * worth["long_value"], rel=1e-9)
    assert crash["correlated_pnl"] < -worth["nav"]
    assert crash["return_on_equity"] == pytest.approx(crash["correlated_pnl"] / worth["nav"], rel=1e-12)
    assert crash["exceeds_equity"]
    mild = one(day, "stress_test_results", "levered", "scenario_id").loc["market_up_5"]
    assert not mild["exceeds_equity"]


def test_equity_of_exactly_nothing_keeps_dollars_and_has_no_shares(day):
    assert snapshot(day, "zero")["nav"] == 0.0
    rows = one(day, "factor_exposures", "zero", "factor_name")
    assert rows.loc["Market Beta (90D)", "dollar_exposure"] == pytest.approx(100 * CLOSE, rel=1e-12)
    assert rows["exposure"].isna().all()
    assert set(rows["reason"]) == {Reason.NON_POSITIVE_EQUITY.value}
    stress = one(day, "stress_test_results", "zero", "scenario_id")
    assert stress["return_on_equity"].isna().all()
    assert stress.loc["market_down_5", "exceeds_equity"]


@pytest.mark.parametrize(
    ("portfolio", "reason"),
    [
        ("cash", Reason.NO_ACTIVE_POSITIONS),
        ("expired", Reason.NO_ACTIVE_POSITIONS),
        ("private", Reason.NO_PUBLIC_POSITIONS),
    ],
)
def test_what_has_no_market_price_is_skipped_and_worth_something(day, portfolio, reason):
    skips = day.table("analytics_skips")
    own = skips[(skips["entity"] == portfolio) & (skips["entity_type"] == "portfolio")]
    assert dict(zip(own["analytic"], own["reason"], strict=True)) == dict.fromkeys(
        ("factor_exposures", "stress_tests", "volatility"), reason.value
    )
    for table in ("factor_exposures", "stress_test_results", "portfolio_volatility"):
        assert one(day, table, portfolio).empty
    assert snapshot(day, portfolio)["is_complete"]
    assert snapshot(day, portfolio)["nav"] > 0


def test_a_replay_loses_what_the_index_lost_and_its_returns_compound(day):
    prices = day.table("market_data_cache").query("symbol == 'SPY'").set_index("session").loc["2020-02-19":"2020-03-23"]
    gains = total_returns(*(prices[[name]].to_numpy() for name in ("close", "dividend", "split_factor")))[1:, 0]
    lost = np.prod(1.0 + gains) - 1.0
    assert len(gains) == 23
    replayed = one(day, "stress_test_results", "index", "scenario_id").loc["covid_2020"]
    value = snapshot(day, "index")["long_value"]
    assert replayed["correlated_pnl"] == pytest.approx(lost * value, rel=1e-6)
    path = np.concatenate([[1.0], np.cumprod(1.0 + gains)]) * value
    assert replayed["max_drawdown"] == pytest.approx((path - np.maximum.accumulate(path)).min(), rel=1e-6)
    (odds,) = day.table("scenario_plausibility").query("scenario_id == 'covid_2020'").to_dict("records")
    assert (odds["method"], odds["coverage"], len(odds["path"]["sessions"])) == ("realised", 1.0, 23)


def test_a_replay_that_misses_a_session_is_not_taken_for_the_whole(make_home, monkeypatch):
    """The session that is missing may have been the worst, so the stated shocks apply, and the row says so."""
    fetch = SimulatedMarket.fetch

    def with_a_gap(self, symbols, sessions):
        market = fetch(self, symbols, sessions)
        bars = market.bars
        return replace(market, bars=bars[(bars["symbol"] != "QUAL") | (bars["session"] != "2020-03-16")])

    monkeypatch.setattr(SimulatedMarket, "fetch", with_a_gap)
    home = make_home(frames("index"))
    home.run(DAY)
    (odds,) = home.table("scenario_plausibility").query("scenario_id == 'covid_2020'").to_dict("records")
    assert odds["method"] == "stated"
    assert odds["coverage"] == pytest.approx(21 / 23)
    assert odds["path"] is None
    result = one(home, "stress_test_results", "index", "scenario_id").loc["covid_2020"]
    stated = -0.34 * snapshot(home, "index")["long_value"]
    assert result["direct_pnl"] == pytest.approx(stated, rel=0.1)  # and a little of rates and styles


def test_a_new_listing_has_a_market_beta_before_styles_and_says_what_it_lacks(make_home):
    """Listed on 2024-06-12: 72 returns by 2024-09-25, enough for the betas on one factor and not for the ridge."""
    portfolios = frames("new")["portfolios"].assign(inception_date="2024-08-01")
    row = ["n1", *lot("new", "NOVR", 100, price=30.0, entry="2024-08-01")]
    positions = pd.DataFrame([row], columns=COLUMNS).assign(exit_date="", exit_price="")
    home = make_home({"portfolios": portfolios, "positions": positions})
    home.run("2024-09-25")
    rows = home.table("symbol_factor_exposures").query("symbol == 'NOVR'").set_index("factor_name")
    assert rows.loc["Market Beta (90D)", ["observations", "quality"]].tolist() == [72, "limited_history"]
    assert not {"Momentum", "core_market"} & set(rows.index)
    (skip,) = home.table("analytics_skips").query("entity == 'NOVR'").to_dict("records")
    assert skip["reason"] == Reason.TOO_SHORT.value
    assert "Momentum" in skip["detail"]
    assert "core_market" in skip["detail"]
    assert "IR Beta" not in skip["detail"]
    exposures = one(home, "factor_exposures", "new", "factor_name")
    assert exposures.loc["IR Beta", "coverage"] == 1.0
    assert exposures.loc["Momentum", ["coverage", "reason"]].tolist() == [0.0, Reason.TOO_SHORT.value]
    assert np.isnan(exposures.loc["Momentum", "dollar_exposure"])
    stress = one(home, "stress_test_results", "new", "scenario_id").loc["market_down_10"]
    assert stress["direct_pnl"] < 0
    assert np.isnan(stress["correlated_pnl"])
    assert stress["reason"] == Reason.TOO_SHORT.value


@pytest.mark.parametrize("names", [("mixed",), ("mixed", "flat", "bonds")])
def test_a_portfolio_has_the_same_rows_whatever_others_there_are(day, make_home, names):
    """To the last bit, in every table: other portfolios bring other symbols into the panel."""
    home = make_home(frames(*names))
    home.run(DAY)
    for table in PER_PORTFOLIO:
        expected, found = one(day, table, "mixed"), one(home, table, "mixed")
        pd.testing.assert_frame_equal(found, expected, check_exact=True, obj=table)
    for table in ("symbol_factor_exposures", "symbol_volatility"):
        both = home.table(table).merge(day.table(table), how="left", indicator=True)
        assert (both["_merge"] == "both").all(), table
        assert len(both) > 0
    for table in ("factor_covariance", "scenario_factor_moves", "scenario_plausibility"):
        pd.testing.assert_frame_equal(home.table(table), day.table(table), check_exact=True, obj=table)
