"""Every asset check passes on a good week, fails on rows that are made wrong, and blocks where it should."""

from __future__ import annotations

import shutil
from datetime import date

import dagster as dg
import pandas as pd
import pytest
import sqlalchemy as sa

from risk_pipeline.definitions import defs
from risk_pipeline.defs.automation.freshness import CHECK
from risk_pipeline.defs.checks import (
    benchmark,
    definitions,
    explain,
    exposures,
    limits,
    market,
    options,
    snapshots,
    stress,
    volatility,
)
from risk_pipeline.defs.checks.common import ERROR, WARN, Finding, evaluate
from risk_pipeline.defs.resources import Registries
from risk_pipeline.defs.run_tags import range_tags
from risk_pipeline.storage import tables as t
from risk_pipeline.storage.database import open_engine
from risk_pipeline_tests.support.homes import BENCHMARKED, FRAMES

SESSIONS = [date(2025, 6, 2), date(2025, 6, 3)]
DAY = SESSIONS[0]


QUOTES = pd.DataFrame([("AAPL C", SESSIONS[0], 0.3)], columns=["symbol", "date", "volatility"])


@pytest.fixture(scope="module")
def week(make_home):
    home = make_home({**BENCHMARKED, "limits": FRAMES["limits"], "implied_volatilities": QUOTES})
    home.result = home.run(str(SESSIONS[0]), str(SESSIONS[-1]))
    return home


@pytest.fixture
def engine(week, tmp_path):
    """A copy of the good database that a test may spoil."""
    with week.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(week.folder / "risk.db", tmp_path / "risk.db")
    engine = open_engine(f"sqlite:///{tmp_path / 'risk.db'}")
    yield engine
    engine.dispose()


def of(table: sa.Table, portfolio: str = "growth") -> sa.ColumnElement[bool]:
    return (table.c.session == DAY) & (table.c.portfolio_id == portfolio)


EXPOSURE, STRESS, SNAPSHOT = t.factor_exposures, t.stress_test_results, t.portfolio_snapshots
PRICES, MOVES, VOLATILITY = t.market_data_cache, t.scenario_factor_moves, t.portfolio_volatility
IR = of(EXPOSURE) & (EXPOSURE.c.factor_name == "IR Beta")
RATES = of(STRESS) & (STRESS.c.scenario_id == "rates_up_100bp")
AAPL = PRICES.c.symbol == "AAPL"
HELD = t.position_values
OPTION = of(HELD, "hedged") & (HELD.c.investment_class == "OPTIONS")
WRONG = {
    definitions.registry_and_table_agree: sa.update(t.factor_definitions).values(window=91),
    definitions.no_retired_name_left: sa.update(EXPOSURE).where(IR).values(factor_name="Interest Rate"),
    definitions.scenario_factors_resolve: sa.update(t.stress_scenarios).values(shocks={"Rates": {"return": 0.1}}),
    market.proxies_complete: sa.delete(PRICES).where(PRICES.c.symbol == "TLT", PRICES.c.session >= DAY),
    market.symbols_covered: sa.delete(PRICES).where(AAPL, PRICES.c.session == SESSIONS[-1]),
    market.no_stale_prices: sa.update(PRICES).where(AAPL, PRICES.c.session > date(2025, 5, 1)).values(close=200.0),
    market.no_unexplained_jumps: sa.update(PRICES).where(AAPL, PRICES.c.session == DAY).values(close=20.0),
    market.bars_on_sessions_only: sa.update(PRICES)
    .where(AAPL, PRICES.c.session == DAY)
    .values(session=date(2025, 6, 1)),
    exposures.ir_beta_present: sa.update(EXPOSURE).where(IR).values(dollar_exposure=None),
    exposures.factor_set_complete: sa.delete(EXPOSURE).where(of(EXPOSURE), EXPOSURE.c.factor_name == "Value"),
    exposures.coverage_sufficient: sa.update(EXPOSURE).where(of(EXPOSURE)).values(coverage=0.7),
    exposures.no_sudden_change: sa.update(EXPOSURE).where(IR).values(exposure=50.0),
    exposures.core_fits_explain: sa.update(t.symbol_factor_exposures).values(r_squared=-0.1),
    stress.expected_row_count: sa.delete(STRESS).where(RATES),
    stress.rates_scenarios_not_zero: sa.update(STRESS).where(RATES).values(direct_pnl=0.0),
    stress.contributions_sum_to_total: sa.update(STRESS).where(RATES).values(correlated_pnl=1e6),
    stress.shocks_plausible: sa.update(t.scenario_plausibility).values(reason="singular"),
    volatility.present_for_eligible: sa.delete(VOLATILITY).where(of(VOLATILITY)),
    volatility.forecast_finite_and_positive: sa.update(VOLATILITY).where(of(VOLATILITY)).values(forecast=-0.1),
    volatility.forecast_unbiased: sa.update(t.volatility_scores).values(forecast=9.0),
    volatility.value_at_risk_holds: sa.update(t.value_at_risk_outcomes).values(exceeded_99=True),
    snapshots.nav_is_cash_long_short: sa.update(SNAPSHOT).where(of(SNAPSHOT)).values(cash=1.0),
    snapshots.snapshots_complete: sa.update(SNAPSHOT).where(of(SNAPSHOT)).values(is_complete=False),
    snapshots.tails_are_possible: sa.update(SNAPSHOT).where(of(SNAPSHOT)).values(es_99=854.18),
    market.units_kept: sa.insert(t.quarantined_bars).values(session=DAY, symbol="AAPL", close=20_000.0, unit_level=1),
    snapshots.portfolios_valued: sa.insert(t.analytics_skips).values(
        session=DAY,
        analytic="portfolio_snapshots",
        entity_type="portfolio",
        entity="growth",
        reason="no_exchange_rate",
    ),
    explain.parts_sum_to_pnl: sa.update(t.pnl_explain).where(of(t.pnl_explain)).values(pnl=1.0),
    explain.greeks_explain_options: sa.insert(t.pnl_explain).values(
        session=DAY, portfolio_id="growth", kind="options", part="residual", pnl=1e6, options_pnl=1e6, currency_pnl=0
    ),
    options.option_quotes_recent: sa.update(HELD).where(OPTION).values(volatility_date=date(2025, 5, 1)),
    options.option_marks_within_bounds: sa.update(HELD).where(OPTION).values(refused_mark=0.01),
    options.no_special_dividend: sa.update(PRICES).where(AAPL, PRICES.c.session == DAY).values(dividend=25.0),
    benchmark.tracking_errors_add_up: sa.update(t.benchmark_risk).where(of(t.benchmark_risk)).values(factor_part=1.0),
    benchmark.benchmarks_are_compared: sa.update(t.benchmark_risk).values(reason="no_benchmark_weights"),
    limits.limits_kept: sa.update(t.limit_utilisations).where(of(t.limit_utilisations)).values(status="breach"),
    limits.limits_measured: sa.update(t.limit_utilisations).values(status="unknown", reason="unknown_measure"),
    snapshots.pnl_telescopes: sa.update(SNAPSHOT).where(of(SNAPSHOT)).values(nav=1.0),
}
BLOCKS = {
    *("registry_and_table_agree", "no_retired_name_left", "proxies_complete", "covers_look_back"),
    *("ir_beta_present", "factor_set_complete", "expected_row_count", "nav_is_cash_long_short"),
}
"""What makes each check fail. The day before a Sunday bar is looked at too, so its check sees June 1 and 2."""


def look(check, engine) -> Finding:
    days = [date(2025, 5, 30), *SESSIONS] if check is market.bars_on_sessions_only else SESSIONS
    return check(engine, Registries(), days)


@pytest.mark.parametrize("check", WRONG, ids=lambda check: check.__name__)
def test_check_passes_on_good_rows_and_fails_on_wrong_ones(check, engine):
    good = look(check, engine)
    assert good.bad.empty
    assert good.looked_at > 0
    with engine.begin() as connection:
        assert connection.execute(WRONG[check]).rowcount > 0
    bad = look(check, engine)
    assert not bad.bad.empty
    result = evaluate(bad, ERROR)
    assert not result.passed
    assert result.metadata["bad"].value == len(bad.bad)


def test_every_check_of_the_graph_is_tested_here_or_elsewhere():
    names = {key.name for key in defs.resolve_asset_graph().asset_check_keys}
    elsewhere = {"covers_look_back", "hash_matches_content", "pnl_is_explained", CHECK.name}
    assert names == {check.__name__ for check in WRONG} | elsewhere


def test_coverage_between_the_limits_warns_and_below_is_an_error(engine):
    for coverage, severity in ((0.9, WARN), (0.7, ERROR)):
        with engine.begin() as connection:
            connection.execute(sa.update(EXPOSURE).where(of(EXPOSURE)).values(coverage=coverage))
        assert exposures.coverage_sufficient(engine, Registries(), SESSIONS).severity is severity


def test_a_check_with_nothing_to_check_says_so(make_home):
    home = make_home(frames=None)
    result = home.run(str(DAY))
    texts = {e.check_name: e.description for e in result.get_asset_check_evaluations()}
    assert texts["ir_beta_present"] == "nothing to check: there are no eligible portfolios"
    assert texts["nav_is_cash_long_short"] == "nothing to check: there are no snapshots"


def test_blocking_checks_are_those_of_the_design_and_are_evaluated_by_session():
    specs = [spec for checks in defs.asset_checks or [] for spec in checks.check_specs]
    assert {spec.name for spec in specs if spec.blocking} == BLOCKS
    by_session = {spec.name for spec in specs if spec.partitions_def is not None}
    assert by_session == BLOCKS - {"registry_and_table_agree", "no_retired_name_left"} | {"limits_kept"}


DOWNSTREAM = {
    "market_data": ("market_data_coverage", "price_cache"),
    "price_cache": ("factor_exposures",),
    "factor_exposures": ("stress_tests", "volatility"),
    "stress_tests": ("portfolio_snapshots",),
    "portfolio_snapshots": ("risk_report",),
    "factor_definitions": ("factor_exposures",),
}
BLOCKING = {key.name: key.asset_key for key in defs.resolve_asset_graph().asset_check_keys}


@pytest.mark.parametrize("name", sorted(c.__name__ for c in WRONG if c.__name__ in BLOCKS))
def test_a_blocking_check_that_fails_stops_what_is_downstream(name, week, engine):
    """A real run of the check and of what depends on it, beside a database that was spoiled."""
    asset = BLOCKING[name].to_user_string()
    with engine.begin() as connection:
        connection.execute(next(WRONG[check] for check in WRONG if check.__name__ == name))
    result = run_spoiled(week, engine, f"checks_of_{asset}", *DOWNSTREAM[asset], succeeds=False)
    assert not result.get_asset_materialization_events()
    (stopped,) = [event for event in result.all_events if event.is_step_failure]
    said = stopped.step_failure_data.user_failure_data.description
    assert said.startswith(name)
    assert said.endswith("fix the rows on the check's page, then run these sessions again")
    found = {(e.check_name, e.partition): e for e in result.get_asset_check_evaluations()}
    if asset == "factor_definitions":
        assert not found[name, None].passed
        return
    assert {partition for check, partition in found if check == name} == {str(day) for day in SESSIONS}
    assert not found[name, str(DAY)].passed
    if name == "proxies_complete":  # with a later price, a missing one would only be warned of
        assert not found[name, str(SESSIONS[-1])].passed
    else:
        assert found[name, str(SESSIONS[-1])].passed
    assert {record.data["session"][:10] for record in found[name, str(DAY)].metadata["bad_rows"].records} == {str(DAY)}


def test_a_check_that_only_warns_stops_nothing(week, engine):
    with engine.begin() as connection:
        connection.execute(WRONG[exposures.no_sudden_change])
        connection.execute(sa.update(EXPOSURE).where(of(EXPOSURE)).values(coverage=0.9))
    result = run_spoiled(week, engine, "checks_of_factor_exposures", "stress_tests", succeeds=True)
    found = {e.check_name: e for e in result.get_asset_check_evaluations()}
    assert not found["no_sudden_change"].passed
    assert found["no_sudden_change"].severity is WARN
    assert found["coverage_sufficient"].severity is WARN
    assert len(result.get_asset_materialization_events()) == len(SESSIONS)


def test_each_session_s_evaluation_points_to_its_own_materialisation(week):
    """Without it Dagster's UI calls the session's check missing."""
    found = [e for e in week.result.get_asset_check_evaluations() if e.check_name == "ir_beta_present"]
    assert [e.partition for e in found] == [str(day) for day in SESSIONS]
    events = week.instance.fetch_materializations(dg.AssetKey("factor_exposures"), limit=10).records
    stored = {record.storage_id: record.partition_key for record in events}
    assert [stored[e.target_materialization_data.storage_id] for e in found] == [str(day) for day in SESSIONS]


def run_spoiled(week, engine, *steps: str, succeeds: bool) -> dg.ExecuteInProcessResult:
    """Run steps of the daily job over the sessions, with the panels of the good week and the spoiled database."""
    week.enter()
    week.environment.setenv("RISK_PIPELINE_DATABASE_URL", engine.url.render_as_string(hide_password=False))
    result = defs.resolve_job_def("daily_risk").execute_in_process(
        instance=week.instance,
        tags=range_tags(SESSIONS[0], SESSIONS[-1]),
        op_selection=list(steps),
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        raise_on_error=False,
    )
    assert result.success is succeeds
    return result


def test_a_proxy_without_a_price_that_will_not_come_any_more_is_warned_of(week, engine):
    with engine.begin() as connection:
        connection.execute(sa.delete(PRICES).where(PRICES.c.symbol == "TLT", PRICES.c.session == DAY))
    result = run_spoiled(week, engine, "checks_of_market_data", "market_data_coverage", succeeds=True)
    found = {(e.check_name, e.partition): e for e in result.get_asset_check_evaluations()}
    missing = found["proxies_complete", str(DAY)]
    assert (missing.passed, missing.severity) == (False, WARN)
    assert found["proxies_complete", str(SESSIONS[-1])].passed


def test_a_session_without_a_proxy_stops_the_run_before_the_panel(make_home, monkeypatch):
    from risk_pipeline.market.simulated import SimulatedMarket

    fetch = SimulatedMarket.fetch

    def without_rates_proxy(self, symbols, sessions):
        return fetch(self, [symbol for symbol in symbols if symbol != "TLT"], sessions)

    monkeypatch.setattr(SimulatedMarket, "fetch", without_rates_proxy)
    home = make_home()
    result = home.run(str(DAY), succeeds=False)
    done = {event.asset_key.to_user_string() for event in result.get_asset_materialization_events()}
    assert "market_data" in done
    assert "price_cache" not in done
    (failed,) = [e for e in result.get_asset_check_evaluations() if not e.passed and e.blocking]
    assert failed.check_name == "proxies_complete"
    (stopped,) = [event for event in result.all_events if event.is_step_failure]
    assert stopped.step_key == "checks_of_market_data"
    assert stopped.step_failure_data.user_failure_data.description == (
        f"proxies_complete on {DAY}: 1 of 2 proxy prices fail: TLT. Nothing after it was run: fix the rows on the "
        "check's page, then run these sessions again"
    )
    assert home.table("factor_exposures").empty


def test_a_session_without_any_price_fails_by_name_and_the_others_stay(make_home, monkeypatch):
    from risk_pipeline.market.simulated import SimulatedMarket

    fetch = SimulatedMarket.fetch

    def without_the_last(self, symbols, sessions):
        return fetch(self, symbols, sessions[sessions < "2025-06-04"])

    monkeypatch.setattr(SimulatedMarket, "fetch", without_the_last)
    home = make_home()
    result = home.run("2025-06-02", "2025-06-04", succeeds=False)
    (failure,) = [e for e in result.all_events if e.is_step_failure and e.step_key == "market_data"]
    assert "2025-06-04" in failure.step_failure_data.user_failure_data.description
    done = home.instance.get_materialized_partitions(dg.AssetKey("market_data"))
    assert done == {"2025-06-02", "2025-06-03"}
    assert home.table("portfolio_snapshots").empty


def test_a_damaged_panel_is_told_by_its_hash(week):
    import numpy as np

    from risk_pipeline.storage.market_data import panels_for
    from risk_pipeline.storage.price_panel import PanelError, open_panel

    name = panels_for(week.engine, [DAY])[DAY]
    path = week.folder / "panels" / name / "close.npy"
    saved = path.read_bytes()
    closes = np.load(path)
    closes[-1, 0] += 1.0
    np.save(path, closes)
    try:
        assert open_panel(week.folder / "panels", name).content_hash() != name
        with pytest.raises(PanelError, match="materialise price_cache"):
            open_panel(week.folder / "panels", name, verify=True)
    finally:
        path.write_bytes(saved)


def test_a_check_executed_by_itself_looks_at_the_latest_session(week):
    selection = dg.AssetSelection.checks_for_assets("portfolio_snapshots", "price_cache")
    selection -= dg.AssetSelection.checks(CHECK)  # it looks at the clock
    job = dg.define_asset_job("checks_only", selection=selection)
    alone = dg.Definitions(
        assets=defs.assets, asset_checks=defs.asset_checks, resources=defs.resources, jobs=[job]
    ).resolve_job_def("checks_only")
    week.enter()
    result = alone.execute_in_process(instance=week.instance)
    found = {e.check_name: e.description for e in result.get_asset_check_evaluations()}
    assert len(found) == 7
    assert found["nav_is_cash_long_short"] == "0 of 5 snapshots fail"


def test_a_partial_set_of_factors_is_not_accepted(engine):
    few = (EXPOSURE.c.session == DAY) & EXPOSURE.c.factor_name.not_in(["IR Beta", "Market Beta (90D)"])
    with engine.begin() as connection:
        connection.execute(sa.delete(EXPOSURE).where(few))
    assert exposures.ir_beta_present(engine, Registries(), SESSIONS).bad.empty
    found = exposures.factor_set_complete(engine, Registries(), SESSIONS).bad
    assert set(found["portfolio_id"]) == {"growth", "hedged", "private", "ruined"}
