"""What a person sees of a run is true: coverage, complete snapshots, what is stale, what made a row."""

from __future__ import annotations

import dagster as dg
import pandas as pd
import pytest
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContextForTest
from dagster._core.storage.tags import TagType, get_tag_type

from risk_pipeline.analytics.reasons import Reason
from risk_pipeline.config.factors import load_factors
from risk_pipeline.definitions import defs
from risk_pipeline.defs.automation.jobs import EARLIER_TAG, TRY_TAG
from risk_pipeline.defs.run_tags import BOOK_TAG, HOST_TAG, PID_TAG, range_tags
from risk_pipeline_tests.support.homes import FRAMES, POSITIONS

DAY = "2025-06-05"
UNKNOWN = ("g9", "growth", "NOSUCH", "PUBLIC", 4000, "2025-01-02", 100, "", "", "", "", "", "")


@pytest.fixture(scope="module")
def home(make_home):
    """One session, with a symbol that the market doesn't know in one portfolio."""
    positions = pd.concat([POSITIONS, pd.DataFrame([UNKNOWN], columns=POSITIONS.columns)])
    home = make_home(frames=FRAMES | {"positions": positions})
    home.result = home.run(DAY)
    return home


def test_coverage_is_of_what_was_required_and_not_of_what_was_found(home):
    values = home.table("position_values", portfolio="growth").set_index("symbol")["value"].abs()
    required = values.sum()
    if "NOSUCH" not in values.index:
        required += 4000 * 100
    covered = values.drop("NOSUCH", errors="ignore").sum() / required
    assert 0.3 < covered < 0.8
    rows = home.table("factor_exposures", portfolio="growth").set_index("factor_name")
    assert rows.loc[load_factors().market.name, "coverage"] == pytest.approx(covered)
    snapshots = home.table("portfolio_snapshots").set_index("portfolio_id")
    assert snapshots.loc["growth", "coverage"] == pytest.approx(covered)
    found = {e.check_name: e for e in home.result.get_asset_check_evaluations()}
    assert not found["coverage_sufficient"].passed
    assert found["coverage_sufficient"].severity is dg.AssetCheckSeverity.ERROR
    assert not found["symbols_covered"].passed
    (growth,) = found["coverage_sufficient"].metadata["bad_rows"].records
    assert growth.data["portfolio_id"] == "growth"
    assert growth.data["coverage"] == pytest.approx(covered, rel=1e-3)
    assert growth.data["symbols"] == "NOSUCH"
    assert growth.data["reason"] == Reason.MISSING_DATA.explain()


def test_every_field_of_a_snapshot_is_there_and_is_its_analytic_s(home):
    row = home.table("portfolio_snapshots").set_index("portfolio_id").loc["hedged"]
    young = ["missing", "return_1y"]  # nothing is missing; the portfolio is not a year old
    assert row.drop(young).notna().all(), row[row.isna()].index.tolist()
    factors = load_factors()
    exposures = home.table("factor_exposures", portfolio="hedged").set_index("factor_name")["exposure"]
    names = {"market_beta": factors.market, "provider_beta": factors.provider, "ir_beta": factors.rates}
    for column, factor in names.items():
        assert row[column] == exposures[factor.name]
    volatility = home.table("portfolio_volatility", portfolio="hedged").iloc[0]
    for column in ("realised_21", "realised_63", "forecast", "trend", "percentile", "var_95", "var_99", "es_99"):
        assert row[column] == volatility[column]
    stress = home.table("stress_test_results", portfolio="hedged").sort_values("correlated_pnl").iloc[0]
    assert (row["worst_scenario"], row["worst_scenario_pnl"]) == (stress["scenario_id"], stress["correlated_pnl"])


def status(home, name: str, partition: str | None = DAY) -> StaleStatus:
    """Return Dagster's own answer, as the UI shows it."""
    resolver = CachingStaleStatusResolver(
        home.instance, defs.resolve_asset_graph(), LoadingContextForTest(home.instance)
    )
    return resolver.get_status(dg.AssetKey(name), partition)


def test_a_changed_registry_marks_what_is_downstream_stale_until_it_is_run_again(home, tmp_path, monkeypatch):
    analytics = ("factor_exposures", "stress_tests")
    for name in analytics:
        assert status(home, name) is StaleStatus.FRESH
    own = tmp_path / "own.yaml"
    own.write_text("scenarios:\n- {id: own_one, name: Own, category: own, shocks: {Market: {return: -0.5}}}\n")
    monkeypatch.setenv("RISK_PIPELINE_SCENARIOS_PATH", str(own))
    home.enter()
    defs.resolve_job_def("daily_risk").execute_in_process(
        instance=home.instance,
        op_selection=["factor_definitions"],
        tags=range_tags(pd.Timestamp(DAY).date(), pd.Timestamp(DAY).date()),
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
    )
    for name in analytics:
        assert status(home, name) is StaleStatus.STALE
    assert status(home, "price_cache") is StaleStatus.FRESH
    home.run(DAY)
    for name in analytics:
        assert status(home, name) is StaleStatus.FRESH


def test_every_materialisation_says_which_code_and_which_inputs_made_it(home):
    versions = defs.resolve_asset_graph()
    for event in home.result.get_asset_materialization_events():
        tags = event.materialization.tags
        assert tags["dagster/code_version"] == versions.get(event.asset_key).code_version, event.asset_key
        assert len(tags["dagster/data_version"]) >= 16
        name = event.asset_key.to_user_string()
        parents = [key.to_user_string() for key in defs.resolve_asset_graph().get(event.asset_key).parent_keys]
        for parent in parents:
            assert f"dagster/input_data_version/{parent}" in tags, name


def test_the_list_of_runs_shows_the_sessions_of_a_run_and_no_tag_that_is_only_for_the_program(home):
    (run,) = home.instance.get_runs(limit=1)
    of_ours = [name for name in run.tags if not name.startswith("dagster/")]
    shown = {name: run.tags[name] for name in of_ours if get_tag_type(name) is not TagType.HIDDEN}
    assert set(shown) == {"sessions"}
    assert BOOK_TAG in of_ours
    for name in (BOOK_TAG, HOST_TAG, PID_TAG, TRY_TAG, EARLIER_TAG):
        assert get_tag_type(name) is TagType.HIDDEN
