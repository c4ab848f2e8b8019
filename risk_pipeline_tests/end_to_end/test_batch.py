"""The founding behaviours, each on a real Dagster run of the whole graph."""

from __future__ import annotations

import logging
from datetime import date

import dagster as dg
import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from risk_pipeline.analytics.reasons import Reason
from risk_pipeline.config.factors import load_factors
from risk_pipeline.definitions import defs
from risk_pipeline.reports.page_rows import replay_paths
from risk_pipeline.storage import tables

FIRST, LAST = "2025-06-02", "2025-06-06"
KEY = ["session", "portfolio_id"]


@pytest.fixture(scope="module")
def week(make_home):
    home = make_home()
    home.result = home.run(FIRST, LAST)
    return home


def order_of(home, run_id: str) -> list[tuple[str, str]]:
    """Return asset and partition of each materialisation, in the order of the event log."""
    records = home.instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
    return [(e.dagster_event.asset_key.to_user_string(), e.dagster_event.partition) for e in records]


def test_every_asset_and_check_of_the_design_is_in_the_run(week):
    assets = {name for name, _ in order_of(week, week.result.run_id)}
    assert assets == {
        *("factor_definitions", "company_profiles", "market_data", "market_data_coverage"),
        *("price_cache", "factor_exposures", "stress_tests", "volatility", "portfolio_snapshots"),
        *("pnl_explain", "benchmark_risk", "risk_limits", "risk_report"),
    }
    failed = [e.check_name for e in week.result.get_asset_check_evaluations() if not e.passed and e.blocking]
    assert failed == []


def test_all_market_data_then_the_cache_then_analytics(week):
    order = [name for name, _ in order_of(week, week.result.run_id)]
    last_market_data = max(at for at, name in enumerate(order) if name == "market_data")
    cache = [at for at, name in enumerate(order) if name == "price_cache"]
    analytics = [
        at
        for at, name in enumerate(order)
        if name in ("factor_exposures", "stress_tests", "volatility", "portfolio_snapshots")
    ]
    assert order.count("market_data") == order.count("price_cache") == 5
    assert last_market_data < order.index("market_data_coverage") < min(cache)
    assert {order.count(name) for name in set(order)} == {5}
    assert max(cache) < min(analytics)


def test_the_panel_holds_the_prices_of_the_last_session(week):
    from risk_pipeline.storage.market_data import panels_for
    from risk_pipeline.storage.price_panel import open_panel

    days = [pd.Timestamp(day).date() for day in pd.bdate_range(FIRST, LAST)]
    hashes = set(panels_for(week.engine, days).values())
    assert len(hashes) == 1
    panel = open_panel(week.folder / "panels", hashes.pop(), verify=True)
    assert str(panel.dates[-1]) == LAST
    stored = week.table("market_data_cache", first=days[-1], last=days[-1]).set_index("symbol")["close"]
    for symbol in ("SPY", "TLT", "AAPL"):
        assert panel.close[-1, panel.symbols.index(symbol)] == stored[symbol]


def test_the_panel_is_opened_once_per_step(make_home, monkeypatch):
    from risk_pipeline.storage import panel_store

    home, opened = make_home(), []
    original = panel_store.open_panel
    monkeypatch.setattr(panel_store, "open_panel", lambda *args, **kw: opened.append(args[1]) or original(*args, **kw))
    result = home.run(FIRST, "2025-06-03")
    reading = {"factor_exposures", "stress_tests", "volatility", "portfolio_snapshots", "risk_report"}
    checks = {"checks_of_price_cache"}
    steps = {event.step_key for event in result.all_events if event.is_step_success}
    assert reading | checks <= steps
    assert len(opened) <= len(reading | checks)
    assert len(set(opened)) == 1


def test_one_name_for_the_rates_factor_everywhere(week):
    factor = week.table("factor_definitions").set_index("factor_name").loc["IR Beta"]
    assert (factor["factor_type"], factor["method"], factor["proxy"], factor["factor_order"]) == (
        *("macro", "rolling_regression", "TLT", 2),
    )
    for name in ("factor_exposures", "symbol_factor_exposures", "scenario_factor_moves"):
        assert "Interest Rate" not in set(week.table(name)["factor_name"])
    page = (week.folder / "reports" / f"{LAST}.html").read_text()
    assert "IR Beta" in page
    assert "Interest Rate" not in page


def test_an_old_database_with_two_names_is_healed_by_the_next_run(make_home, week):
    home = make_home(like=week)
    definitions, exposures = tables.factor_definitions, tables.factor_exposures
    with home.engine.begin() as connection:
        rates = (
            connection.execute(sa.select(definitions).where(definitions.c.factor_name == "IR Beta")).mappings().one()
        )
        connection.execute(sa.insert(definitions).values({**rates, "factor_name": "Interest Rate"}))
        connection.execute(
            sa.update(exposures)
            .where(exposures.c.factor_name == "IR Beta", exposures.c.portfolio_id == "growth")
            .values(factor_name="Interest Rate")
        )
    home.run(LAST)
    assert "Interest Rate" not in set(home.table("factor_definitions")["factor_name"])
    rows = home.table("factor_exposures", portfolio="growth")
    assert (rows["factor_name"] == "IR Beta").sum() == 5
    assert "Interest Rate" not in set(rows["factor_name"])


def test_private_and_empty_portfolios_are_skipped_with_a_reason_at_info_level(week):
    skips = week.table("analytics_skips")
    skips = skips[skips["entity_type"] == "portfolio"]
    for portfolio, reason in (("private", Reason.NO_PUBLIC_POSITIONS), ("empty", Reason.NO_ACTIVE_POSITIONS)):
        own = skips[skips["entity"] == portfolio]
        assert set(own["reason"]) == {reason.value}
        assert set(own["analytic"]) == {"factor_exposures", "stress_tests", "volatility"}
        assert len(own) == 3 * 5
        assert week.table("factor_exposures", portfolio=portfolio).empty
    snapshots = week.table("portfolio_snapshots")
    assert snapshots["is_complete"].astype(bool).all()
    assert {"private", "empty"} <= set(snapshots["portfolio_id"])
    levels = {
        record.level
        for record in week.instance.all_logs(week.result.run_id)
        if "skipped on" in (record.user_message or "")
    }
    assert levels == {logging.INFO}


def test_rates_scenarios_are_not_zero_where_ir_beta_is(week):
    exposures = week.table("factor_exposures")
    rates = exposures[exposures["factor_name"] == "IR Beta"]
    assert rates["dollar_exposure"].notna().all()
    stress = week.table("stress_test_results")
    shocked = stress[stress["scenario_id"].str.startswith("rates_up")].merge(
        rates[rates["dollar_exposure"] != 0][KEY], on=KEY
    )
    assert len(shocked) == 4 * len(rates)
    assert (shocked["direct_pnl"] != 0).all()
    assert (shocked["correlated_pnl"] != 0).all()


def test_every_eligible_portfolio_has_every_scenario(week):
    stress, snapshots = week.table("stress_test_results"), week.table("portfolio_snapshots")
    eligible = snapshots[snapshots["public_positions"] + snapshots["option_positions"] > 0]
    assert (stress.groupby(KEY).size() == 23).all()
    assert len(stress) == 23 * len(eligible)


def test_volatility_and_betas_are_in_the_snapshots(week):
    rows = week.table("portfolio_snapshots").query("portfolio_id in ('growth', 'hedged')")
    numbers = ["market_beta", "provider_beta", "ir_beta", "realised_21", "forecast", "var_99", "worst_scenario_pnl"]
    assert rows[numbers].notna().all(axis=None)
    assert (rows["forecast"] > 0).all()


def test_nav_is_cash_plus_long_plus_short(week):
    rows = week.table("portfolio_snapshots")
    np.testing.assert_allclose(rows["nav"], rows["cash"] + rows["long_value"] + rows["short_value"], rtol=1e-12)


def test_negative_equity_keeps_dollars_and_has_no_shares_of_equity(week):
    rows = week.table("factor_exposures", portfolio="ruined")
    assert rows["dollar_exposure"].notna().all()
    assert rows["exposure"].isna().all()
    assert set(rows["reason"]) == {Reason.NON_POSITIVE_EQUITY.value}
    stress = week.table("stress_test_results", portfolio="ruined")
    assert stress["correlated_pnl"].notna().all()
    assert stress["return_on_equity"].isna().all()


def test_a_portfolio_starts_on_its_inception_and_a_lot_comes_and_goes(week):
    late = week.table("portfolio_snapshots", portfolio="late")
    assert late["session"].dt.strftime("%m-%d").tolist() == ["06-04", "06-05", "06-06"]
    assert late["is_opening"].astype(bool).tolist() == [True, False, False]
    growth = week.table("portfolio_snapshots", portfolio="growth")
    assert growth["positions"].tolist() == [2, 3, 3, 3, 2]
    private = week.table("portfolio_snapshots", portfolio="private")
    assert private["daily_pnl"].tolist() == [0.0, 0.0, 10_000.0, 0.0, 0.0]


def test_risk_contributions_sum_to_the_model_s_volatility_less_the_specific_part(week):
    every = week.table("factor_exposures").dropna(subset=["risk_contribution"])
    factors = load_factors()
    rows = every[every["factor_name"].isin(factors.core_names)]
    assert (rows.groupby(KEY).size() == 8).all()
    assert set(every["factor_name"]) - set(factors.core_names) <= set(factors.beyond_names)
    systematic = rows.groupby(KEY)["risk_contribution"].sum()
    residual = rows.groupby(KEY)["residual_volatility"].first()
    total = week.table("portfolio_volatility").set_index(KEY)["factor_model_volatility"].reindex(systematic.index)
    np.testing.assert_allclose(systematic + residual**2 / total, total, rtol=1e-9)
    beyond = every[every["factor_name"].isin(factors.beyond_names)].groupby(KEY)["risk_contribution"].sum()
    assert len(beyond) > 0  # a part of what the core leaves, and not all of it
    assert (beyond < (residual**2 / total).reindex(beyond.index)).all()
    measured = week.table("portfolio_volatility").set_index(KEY)["realised_252"].reindex(systematic.index)
    assert (total / measured).between(0.5, 2.0).all()


def test_contributions_by_factor_sum_to_the_stress_total(week):
    impacts = week.table("stress_factor_impacts").groupby([*KEY, "scenario_id"])["impact"].sum()
    stress = week.table("stress_test_results").set_index([*KEY, "scenario_id"])
    expected = stress["correlated_pnl"] - stress["option_revaluation"] - stress["compounding_pnl"]
    np.testing.assert_allclose(impacts.reindex(expected.index), expected, rtol=1e-9, atol=1e-6)


def test_each_materialisation_says_which_code_made_it(week):
    event = week.instance.get_latest_materialization_event(dg.AssetKey("factor_exposures"))
    version = defs.resolve_asset_graph().get(dg.AssetKey("factor_exposures")).code_version
    assert event.asset_materialization.tags["dagster/code_version"] == version


def test_positions_are_valued_and_their_parts_of_the_risk_sum_to_the_portfolio_s(week):
    positions = week.table("position_values")
    snapshots = week.table("portfolio_snapshots").set_index(KEY)
    values = positions.groupby(KEY)["value"].sum()
    np.testing.assert_allclose(values, (snapshots["long_value"] + snapshots["short_value"])[values.index], rtol=1e-12)
    volatility = week.table("portfolio_volatility").set_index(KEY)["factor_model_volatility"].dropna()
    parts = positions.dropna(subset=["risk_contribution"]).groupby(KEY)["risk_contribution"].sum()
    np.testing.assert_allclose(parts[volatility.index], volatility, rtol=1e-12)
    assert {"growth", "hedged"} <= set(volatility.index.get_level_values("portfolio_id"))
    private = positions[positions["position_id"] == "p1"]
    assert private[["delta_value", "risk_contribution"]].isna().all(axis=None)
    option = positions[positions["position_id"] == "h3"]
    assert (option[["gamma", "vega", "volatility"]] > 0).all(axis=None)
    assert (option["theta"] < 0).all()


def test_the_replayed_path_ends_where_the_stored_loss_is(week):
    session = pd.Timestamp(LAST).date()
    stored = week.table("stress_test_results", first=session, portfolio="growth").set_index("scenario_id")
    exposures = week.table("factor_exposures", first=session, portfolio="growth").to_dict("records")
    plausible = week.table("scenario_plausibility", first=session)
    paths = replay_paths(exposures, plausible.to_dict("records"))
    assert set(paths) == set(plausible.loc[plausible["method"] == "realised", "scenario_id"]) != set()
    for scenario, path in paths.items():
        row = stored.loc[scenario]
        beside = row["option_revaluation"] + row["compounding_pnl"]
        assert path[-1] == pytest.approx(row["correlated_pnl"] - beside, rel=1e-9)
        assert row["max_drawdown"] <= min(row["correlated_pnl"] - row["option_revaluation"], 0.0) + 1e-6
        running = np.array([0.0, *path])
        drawdown = (running - np.maximum.accumulate(running)).min()
        assert row["compounding_pnl"] != 0.0
        assert drawdown == pytest.approx(row["max_drawdown"], rel=0.1)


def test_the_gains_of_the_lots_sum_to_the_portfolio_s(week):
    snapshots = week.table("portfolio_snapshots").set_index(KEY)
    gains = week.table("position_values").groupby(KEY)["daily_pnl"].sum().reindex(snapshots.index, fill_value=0.0)
    assert (np.abs(gains - snapshots["daily_pnl"]) <= 1e-9 * snapshots["nav"].abs()).all()
    assert (gains != 0).any()


def test_a_lot_that_left_has_a_row_of_its_last_session_at_the_price_it_left(week):
    lots = week.table("position_values", portfolio="growth")
    last = lots[lots["position_id"] == "g3"].iloc[-1]
    assert last["session"] == pd.Timestamp("2025-06-06")
    assert last[["quantity", "value", "delta_value"]].tolist() == [0.0, 0.0, 0.0]
    closes = week.table("market_data_cache", first=date(2025, 6, 6), last=date(2025, 6, 6)).set_index("symbol")["close"]
    assert last["price"] == closes["AAPL"]  # sold without a stated price
    assert last[["gamma", "vega", "theta", "risk_contribution"]].isna().all()
    assert (lots.loc[lots["position_id"] != "g3", "quantity"] != 0).all()


def test_a_private_position_says_which_mark_values_it(week):
    private = week.table("position_values", portfolio="private")
    assert set(private["investment_class"]) == {"PRIVATE"}
    marked = pd.Timestamp("2025-06-04")
    before = private[private["session"] < marked]
    assert (len(before), before["mark_date"].notna().sum(), set(before["price"])) == (2, 0, {1000.0})
    after = private[private["session"] >= marked]
    assert (len(after), set(after["mark_date"]), set(after["price"])) == (3, {marked}, {1100.0})


def test_the_factors_returns_are_the_proxies(week):
    factors = load_factors()
    returns = week.table("factor_returns").set_index(["session", "factor_name"])["daily_return"].unstack()
    assert set(returns) == {*factors.model_names, *(factor.name for factor in factors.single_factor)}
    market, rates = (returns[factor.name] for factor in (factors.market, factors.rates))
    prices = week.table("market_data_cache").set_index(["symbol", "session"])
    spy = prices.loc[factors.market.proxy]
    total = (spy["close"] * spy["split_factor"] + spy["dividend"]) / spy["close"].shift() - 1
    np.testing.assert_allclose(market, total[market.index], rtol=1e-12)
    np.testing.assert_array_equal(returns[factors.core_names[0]], market)
    np.testing.assert_array_equal(returns[factors.core_names[1]], rates)


def test_the_reverse_stress_loses_a_fifth_of_equity(week):
    rows = week.table("factor_exposures").dropna(subset=["reverse_move"])
    loss = (rows["reverse_move"] * rows["dollar_exposure"]).groupby([rows[name] for name in KEY]).sum()
    nav = week.table("portfolio_snapshots").set_index(KEY)["nav"]
    np.testing.assert_allclose(loss, -0.20 * nav[loss.index], rtol=1e-9)
    assert "ruined" not in loss.index.get_level_values("portfolio_id")


def test_a_change_of_risk_is_split_without_residual_and_ends_at_the_stored_numbers(week):
    changes = week.table("risk_changes")
    parts = changes[["by_positions", "by_prices", "by_model"]].sum(axis=1)
    np.testing.assert_allclose(changes["previous"] + parts, changes["current"], rtol=1e-12)
    exposures = week.table("factor_exposures").set_index([*KEY, "factor_name"])["exposure"]
    forecasts = week.table("portfolio_volatility").set_index(KEY)["forecast"]
    key = [*KEY, "measure"]
    for row in changes.itertuples(index=False):
        is_forecast = row.measure == "forecast"
        stored = forecasts if is_forecast else exposures
        now = (row.session, row.portfolio_id, *(() if is_forecast else (row.measure,)))
        assert row.current == stored[now]
        before = (row.session - pd.offsets.BDay(1), *now[1:])
        if before in stored.index:
            assert row.previous == stored[before]
    assert set(changes["measure"]) == {"forecast", load_factors().market.name, load_factors().rates.name}
    traded = changes[changes["by_positions"] != 0].groupby("portfolio_id")["session"].unique()
    assert {name: [str(day.date()) for day in days] for name, days in traded.items()} == {
        "growth": ["2025-06-03", "2025-06-06"],  # g3 is bought and sold
    }
    assert not changes.duplicated(key).any()


def test_value_at_risk_is_held_against_what_the_holdings_then_did(week):
    outcomes = week.table("value_at_risk_outcomes")
    stored = week.table("portfolio_volatility").set_index(KEY)
    later = outcomes[outcomes["session"] > pd.Timestamp(FIRST)]
    before = pd.MultiIndex.from_arrays([later["session"] - pd.offsets.BDay(1), later["portfolio_id"]], names=KEY)
    known = before.isin(stored.index)
    assert known.sum() >= 8
    for name in ("var_95", "var_99", "es_95", "es_99"):
        np.testing.assert_array_equal(later.loc[known, name], stored.loc[before[known], name])
    np.testing.assert_array_equal(outcomes["exceeded_95"], outcomes["outcome"] < -outcomes["var_95"])
    snapshots = week.table("portfolio_snapshots").set_index(KEY)["daily_return"]
    held = later[(later["portfolio_id"] == "growth") & ~later["session"].isin(pd.to_datetime(["2025-06-03"]))]
    np.testing.assert_allclose(
        held["outcome"], snapshots[pd.MultiIndex.from_frame(held[KEY])], atol=2e-5
    )  # apart from the lot bought below its price


def test_the_record_of_forecasts_and_of_value_at_risk_is_read_from_the_outcomes(week):
    from risk_pipeline.reports.scorecards import value_at_risk_scorecard, volatility_scorecard

    last = pd.Timestamp(LAST).date()
    record = volatility_scorecard(week.engine, last).set_index("entity")
    scores = week.table("volatility_scores")
    own = scores[(scores["entity"] == "growth") & (scores["entity_type"] == "portfolio")]
    assert record.loc["growth", "forecasts"] == 5
    assert record.loc["growth", "qlike_ewma"] == pytest.approx(own.loc[own["model"] == "ewma", "qlike"].mean())
    assert np.isnan(record.loc["growth", "dm_ewma"])  # five overlapping forecasts test nothing
    tail = value_at_risk_scorecard(week.engine, last).set_index("portfolio_id")
    assert tail.loc["growth", "outcomes"] == 5
    assert tail.loc["growth", "zone"] is None
    (event,) = [
        e
        for e in week.result.get_asset_materialization_events()
        if e.asset_key.to_user_string() == "volatility" and e.partition == LAST
    ]
    shown = event.materialization.metadata["value_at_risk_against_outcomes"].value.records
    assert {record.data["portfolio_id"] for record in shown} == set(tail.index)


def test_every_partition_s_event_has_numbers_of_its_own_for_the_plots(week):
    events = {
        (e.asset_key.to_user_string(), e.partition): e.materialization.metadata
        for e in week.result.get_asset_materialization_events()
    }
    for day in pd.bdate_range(FIRST, LAST):
        of = {name: events[name, str(day.date())] for name in ("factor_exposures", "stress_tests", "volatility")}
        stored = week.table("portfolio_volatility", first=day.date(), last=day.date())
        assert of["volatility"]["median_forecast_volatility"].value == round(stored["forecast"].median(), 6)
        worst = week.table("stress_test_results", first=day.date(), last=day.date())["return_on_equity"].min()
        assert of["stress_tests"]["worst_return_on_equity"].value == round(worst, 6)
        assert of["factor_exposures"]["median_coverage"].value == 1.0
        rows = sum(
            len(week.table(name, first=day.date(), last=day.date())) for name in ("factor_exposures", "position_values")
        )
        assert of["factor_exposures"]["rows"].value > rows
        for metadata in of.values():
            assert len(metadata["panel"].value) == 64
            assert metadata["seconds"].value > 0
        nav = week.table("portfolio_snapshots", first=day.date(), last=day.date())["nav"].sum()
        assert events["portfolio_snapshots", str(day.date())]["nav"].value == pytest.approx(nav)
    records = events["factor_exposures", LAST]["exposures"].value.records
    assert {record.data["portfolio_id"] for record in records} == {"growth", "hedged", "late", "ruined"}
    assert load_factors().rates.name in records[0].data
    worst = events["stress_tests", LAST]["worst_scenarios"].value.records
    assert all(record.data["scenario_id"] for record in worst)
