"""Deleted rows are missing again, for the schedule and for the partitions that the UI shows."""

from __future__ import annotations

from datetime import UTC, date, datetime

import dagster as dg
import pytest
import sqlalchemy as sa

from risk_pipeline.defs.automation.catch_up import described, sessions_to_run
from risk_pipeline.defs.automation.missing_rows import missing_rows
from risk_pipeline.defs.partitions import CALENDAR
from risk_pipeline.defs.resources import Database
from risk_pipeline.storage import tables as t
from risk_pipeline.storage.imports import import_frames
from risk_pipeline_tests.support.homes import FRAMES

DAYS = ["2025-06-02", "2025-06-03"]
EVENING = datetime(2025, 6, 4, 2, tzinfo=UTC)
ASSETS = (
    "factor_exposures",
    "stress_tests",
    "volatility",
    "portfolio_snapshots",
    "pnl_explain",
    "risk_limits",
    "benchmark_risk",
)


@pytest.fixture(scope="module")
def home(make_home, module_environment):
    module_environment.setenv("RISK_PIPELINE_CATCH_UP_SESSIONS", "2")
    home = make_home()
    home.run(*DAYS)
    return home


def shown(home) -> dict[str, list[str | None]]:
    """Return the status of the sessions' partitions, as the UI has it."""
    found = {}
    for name in ASSETS:
        status = home.instance.get_status_by_partition(dg.AssetKey(name), DAYS, CALENDAR.partitions)
        found[name] = [status[day] and status[day].value for day in DAYS]
    return found


def look(home) -> str:
    home.enter()
    with dg.build_sensor_context(instance=home.instance, resources={"db": Database()}) as context:
        return missing_rows(context).skip_message


@pytest.mark.parametrize("table", [t.stress_test_results, t.portfolio_snapshots, t.pnl_explain], ids=str)
def test_deleted_rows_are_missing_for_the_schedule_and_failed_in_the_ui_until_a_run_brings_them_back(home, table):
    name = {t.stress_test_results: "stress_tests"}.get(table, table.name)
    good = {asset: ["MATERIALIZED", "MATERIALIZED"] for asset in ASSETS}
    assert shown(home) == good
    assert look(home) == "every materialised session has its rows, from the present inputs"
    assert sessions_to_run(home.engine, EVENING) == []

    with home.engine.begin() as connection:
        connection.execute(sa.delete(table).where(table.c.session == date(2025, 6, 3)))
    assert described(sessions_to_run(home.engine, EVENING)) == DAYS[1]
    assert look(home) == f"sessions whose rows are gone or stale: 1 of {name}"
    assert shown(home) == {**good, name: ["MATERIALIZED", "FAILED"]}
    (run,) = home.instance.get_runs(dg.RunsFilter(job_name="rows_found_missing"), limit=1)
    (failure,) = home.instance.all_logs(run.run_id, of_type=dg.DagsterEventType.RUN_FAILURE)
    assert f"no longer in the database: {name} of 2025-06-03; run these sessions again" in failure.message
    assert look(home) == "every materialised session has its rows, from the present inputs"  # said once

    home.run(DAYS[1], steps=[name])
    assert shown(home) == good
    assert sessions_to_run(home.engine, EVENING) == []


def test_a_corrected_session_is_failed_in_the_ui_for_every_analytic_and_a_run_of_it_repairs_that(home):
    good = {asset: ["MATERIALIZED", "MATERIALIZED"] for asset in ASSETS}
    assert shown(home) == good
    lots = FRAMES["positions"][FRAMES["positions"]["portfolio_id"] == "growth"].copy()
    lots.loc[lots["position_id"] == "g3", "quantity"] = 5000  # entered on the second session
    import_frames(home.engine, {"positions": lots})
    assert look(home) == "sessions whose rows are gone or stale: " + ", ".join(
        f"1 of {name}" for name in sorted(ASSETS)
    )
    assert shown(home) == {asset: ["MATERIALIZED", "FAILED"] for asset in ASSETS}
    (run,) = home.instance.get_runs(dg.RunsFilter(job_name="rows_found_missing"), limit=1)
    (failure,) = home.instance.all_logs(run.run_id, of_type=dg.DagsterEventType.RUN_FAILURE)
    assert "made from a book, prices or registries that have changed since" in failure.message
    home.run(DAYS[1])
    assert shown(home) == good
    assert look(home) == "every materialised session has its rows, from the present inputs"


def test_partitions_that_another_database_has_materialised_are_left_alone(home, make_home):
    """Two code locations on one Dagster instance, each with a database of its own: their assets have the same keys."""
    other = make_home()
    other.instance.dispose()
    other.instance = home.instance
    assert look(other) == "every materialised session has its rows, from the present inputs"
    assert shown(home) == {asset: ["MATERIALIZED", "MATERIALIZED"] for asset in ASSETS}
