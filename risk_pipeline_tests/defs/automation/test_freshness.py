"""Freshness is that of the newest session that is due: no backfill of an old one makes it pass."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
import sqlalchemy as sa

from risk_pipeline.definitions import defs
from risk_pipeline.defs.automation import freshness as module
from risk_pipeline.defs.automation.freshness import ASSET, CHECK, freshness, report_freshness
from risk_pipeline.defs.partitions import CALENDAR
from risk_pipeline.sessions import session_calendar
from risk_pipeline.storage import tables as t

NEW_YORK = ZoneInfo("America/New_York")
MONDAY, TUESDAY, WEDNESDAY, OLD = "2025-06-02", "2025-06-03", "2025-06-04", "2025-05-29"
DAY = date.fromisoformat(MONDAY)
WARN, ERROR = dg.AssetCheckSeverity.WARN, dg.AssetCheckSeverity.ERROR


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK)


@pytest.fixture(scope="module")
def week(make_home):
    """A home that has every session from the old one to Wednesday, to be copied."""
    home = make_home()
    home.result = home.run(OLD, WEDNESDAY)
    return home


@pytest.fixture
def home(make_home, week):
    """A home whose last session is Monday: of the later ones it lacks the snapshots."""
    home = make_home(like=week)
    with home.engine.begin() as connection:
        connection.execute(sa.delete(t.portfolio_snapshots).where(t.portfolio_snapshots.c.session > DAY))
    return home


@pytest.mark.parametrize(
    ("moment", "passed", "severity", "said"),
    [
        ("2025-06-02T23:00", True, None, "2025-06-02 is complete"),
        ("2025-06-03T12:00", True, None, "2025-06-02 is complete"),
        ("2025-06-03T23:00", True, None, "2025-06-02 is complete; 2025-06-03 is not due yet"),
        ("2025-06-04T01:00", False, WARN, "2025-06-03 was due at 2025-06-04 00:30 EDT and is not complete; the newest"),
        (
            "2025-06-05T01:00",
            False,
            ERROR,
            "2025-06-04 was due at 2025-06-05 00:30 EDT and is not complete; the newest",
        ),
    ],
)
def test_one_late_session_is_warned_of_when_its_evening_is_over_and_more_are_an_error(
    home, moment, passed, severity, said
):
    found = freshness(home.engine, at(moment))
    assert found.passed is passed
    assert found.description.startswith(said)
    if not passed:
        assert found.severity is severity
        assert found.description.endswith("complete one is 2025-06-02")
        assert "risk-pipeline run" in found.metadata["remedy"].value
        assert found.metadata["late_sessions"].value.startswith(TUESDAY)


def test_a_long_weekend_makes_nothing_late():
    """From Thursday's run to Monday's: 2025-07-04 is a holiday."""
    assert CALENDAR.due_at(date(2025, 7, 3)) < at("2025-07-07T20:00")
    assert CALENDAR.last_closed(at("2025-07-07T19:00")) == date(2025, 7, 3)


def test_a_session_that_is_run_the_morning_after_is_due_that_morning():
    morning = session_calendar("XNYS", date(2015, 1, 2), is_ready_next_morning=True)
    assert morning.due_at(date(2025, 6, 6)) == at("2025-06-07T10:15")


def evaluations(home) -> list[dg.AssetCheckEvaluation]:
    records = home.instance.event_log_storage.get_asset_check_execution_history(CHECK, limit=20)
    return [record.event.dagster_event.asset_check_evaluation_data for record in reversed(records)]


def snapshots(home, first: str, last: str | None = None) -> None:
    """Make the snapshots, from the rows of the other assets that are there."""
    home.run(first, last, steps=[ASSET.to_user_string()])


def test_backfilling_an_old_session_makes_nothing_fresh_and_only_news_is_stored(home):
    snapshots(home, MONDAY)
    snapshots(home, OLD)
    assert home.instance.get_latest_materialization_event(ASSET).asset_materialization.partition == OLD
    for moment in ("2025-06-04T01:00", "2025-06-04T02:00", "2025-06-05T01:00"):
        report_freshness(home.instance, home.engine, at(moment))
    said = [(found.passed, found.severity, found.description[:10]) for found in evaluations(home)]
    assert said == [(False, WARN, TUESDAY), (False, ERROR, WEDNESDAY)]

    snapshots(home, TUESDAY, WEDNESDAY)
    for days in ([], [OLD]):  # an evaluation older than the snapshots would be shown as none
        for day in days:
            snapshots(home, day)
        report_freshness(home.instance, home.engine, at("2025-06-05T01:00"))
        last = evaluations(home)[-1]
        assert last.passed
        assert last.description == f"{WEDNESDAY} is complete"
        newest = home.instance.fetch_materializations(ASSET, limit=1).records[0]
        assert last.target_materialization_data.storage_id == newest.storage_id
    assert len(evaluations(home)) == 4


def test_a_session_whose_rows_are_deleted_is_late_again(home):
    with home.engine.begin() as connection:
        connection.execute(sa.delete(t.portfolio_snapshots))
    found = freshness(home.engine, at("2025-06-03T01:00"))
    assert not found.passed
    assert found.severity is ERROR  # none of the last sessions is there
    assert "none since" in found.description


def test_without_portfolios_nothing_is_due(make_home):
    home = make_home(frames=None)
    assert freshness(home.engine, at("2025-06-04T01:00")).passed


def test_it_is_a_check_that_a_person_can_run_and_no_part_of_a_batch(home, week, monkeypatch):
    """What a run stores must not depend on the time of day."""
    assert CHECK in defs.resolve_asset_graph().asset_check_keys
    assert CHECK.name not in {found.check_name for found in week.result.get_asset_check_evaluations()}
    monkeypatch.setattr(module, "now", lambda: at("2025-06-10T12:00"))
    job = dg.define_asset_job("fresh", selection=dg.AssetSelection.checks(CHECK))
    alone = dg.Definitions(
        assets=defs.assets, asset_checks=defs.asset_checks, resources=defs.resources, jobs=[job]
    ).resolve_job_def("fresh")
    home.enter()
    (found,) = alone.execute_in_process(instance=home.instance).get_asset_check_evaluations()
    assert not found.passed
    assert found.description.startswith("2025-06-09 was due")
