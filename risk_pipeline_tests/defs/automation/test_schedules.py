"""The evening schedule at frozen times: one session, a range after an outage, a holiday, a new portfolio."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import dagster as dg
import pandas as pd
import pytest
import sqlalchemy as sa

from risk_pipeline.definitions import defs
from risk_pipeline.defs.assets.made_from import MadeFrom
from risk_pipeline.defs.automation.catch_up import due
from risk_pipeline.defs.automation.jobs import LAST_TRY, TRY_TAG
from risk_pipeline.defs.automation.schedules import evening
from risk_pipeline.defs.partitions import CALENDAR
from risk_pipeline.defs.resources import Database, Registries
from risk_pipeline.storage import tables
from risk_pipeline.storage.completeness import TABLE_OF_ANALYTIC
from risk_pipeline.storage.database import insert_rows, replace_sessions, transaction
from risk_pipeline.storage.result_inputs import pass_over
from risk_pipeline.storage.tables import by_table
from risk_pipeline_tests.support.databases import migrated_sqlite

NEW_YORK = ZoneInfo("America/New_York")
START, END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"


@pytest.fixture
def engine(tmp_path, monkeypatch):
    engine = migrated_sqlite(tmp_path / "risk.db")
    monkeypatch.setenv("RISK_PIPELINE_DATABASE_URL", str(engine.url))
    yield engine
    engine.dispose()


def add_portfolio(engine, name: str, inception: str, closed: str | None = None) -> None:
    row = {
        "portfolio_id": name,
        "name": name,
        "currency": "USD",
        "starting_equity": 1.0,
        "inception_date": date.fromisoformat(inception),
        "closed_date": closed and date.fromisoformat(closed),
    }
    with transaction(engine) as connection:
        connection.execute(sa.insert(tables.portfolios).values(row))


def complete(engine, name: str, first: str, last: str, *, is_complete: bool = True) -> None:
    """Store snapshots of a portfolio, and the skips behind them, as a finished run of private assets leaves them."""
    sessions = CALENDAR.sessions_in_range(date.fromisoformat(first), date.fromisoformat(last)).tolist()
    columns = tables.portfolio_snapshots.columns
    row = {c.name: None if c.nullable else 0 for c in columns} | {"portfolio_id": name, "is_complete": is_complete}
    with transaction(engine) as connection:
        insert_rows(connection, tables.portfolio_snapshots, pd.DataFrame([{**row, "session": day} for day in sessions]))
        if is_complete:
            skip = {"entity_type": "portfolio", "entity": name, "reason": "no_public_positions", "detail": None}
            skips = [
                {**skip, "session": day, "analytic": analytic} for day in sessions for analytic in TABLE_OF_ANALYTIC
            ]
            insert_rows(connection, tables.analytics_skips, pd.DataFrame(skips))
    made_from = MadeFrom(engine, Registries()).rows("portfolio_snapshots", sessions, "code", set())
    replace_sessions(engine, sessions, by_table(made_from), analytic="portfolio_snapshots")


def tick(at: str) -> list[dg.RunRequest] | dg.SkipReason:
    with dg.build_schedule_context(
        scheduled_execution_time=datetime.fromisoformat(at).replace(tzinfo=NEW_YORK), resources={"db": Database()}
    ) as context:
        return evening(context)


def asked(result) -> tuple[str, str]:
    """Return first and last session of the one run that a tick asked for."""
    ((first, last),) = stretches(result)
    return first, last


def stretches(result) -> list[tuple[str, str]]:
    assert isinstance(result, list), result
    return [(request.tags[START], request.tags[END]) for request in result]


def test_friday_evening_asks_for_friday(engine):
    add_portfolio(engine, "a", "2026-01-02")
    complete(engine, "a", "2026-01-02", "2026-11-19")
    assert asked(tick("2026-11-20T20:30")) == ("2026-11-20", "2026-11-20")


def test_with_nothing_missing_it_says_so(engine):
    add_portfolio(engine, "a", "2026-01-02")
    complete(engine, "a", "2026-01-02", "2026-11-20")
    result = tick("2026-11-20T20:30")
    assert isinstance(result, dg.SkipReason)
    assert "nothing is missing" in result.skip_message


@pytest.mark.parametrize("day", ["2026-11-26T20:30", "2025-01-09T20:30", "2026-11-21T20:30"])
def test_a_holiday_or_a_saturday_skips_with_a_reason(engine, day):
    add_portfolio(engine, "a", "2024-01-02")
    result = tick(day)
    assert isinstance(result, dg.SkipReason)
    assert day[:10] in result.skip_message
    assert "no session of XNYS" in result.skip_message


def test_a_week_of_outage_is_one_run_over_the_range(engine):
    add_portfolio(engine, "a", "2026-01-02")
    complete(engine, "a", "2026-01-02", "2026-11-13")
    assert asked(tick("2026-11-20T20:30")) == ("2026-11-16", "2026-11-20")


@pytest.mark.parametrize(
    ("day", "expected"),
    [("2026-03-06", "2026-03-06"), ("2026-03-09", "2026-03-09"), ("2026-10-30", "2026-10-30"), ("2026-11-02",) * 2],
)
def test_on_both_sides_of_daylight_saving_the_evening_asks_for_its_own_day(engine, day, expected):
    add_portfolio(engine, "a", "2025-06-02")
    complete(engine, "a", "2025-06-02", str(CALENDAR.look_back_from(date.fromisoformat(day), 1)))
    assert asked(tick(f"{day}T20:30")) == (expected, expected)


def test_a_new_portfolio_with_an_earlier_inception_is_caught_up(engine):
    add_portfolio(engine, "a", "2026-01-02")
    complete(engine, "a", "2026-01-02", "2026-11-20")
    add_portfolio(engine, "b", "2026-11-11")
    assert asked(tick("2026-11-20T20:30")) == ("2026-11-11", "2026-11-20")


def test_portfolios_that_stopped_on_different_days_are_all_caught_up(engine):
    for name, last in (("a", "2026-11-19"), ("b", "2026-11-12"), ("c", "2026-11-17")):
        add_portfolio(engine, name, "2026-01-02")
        complete(engine, name, "2026-01-02", last)
    assert asked(tick("2026-11-20T20:30")) == ("2026-11-13", "2026-11-20")


def prices(engine, session: str, *symbols: str) -> None:
    row = {
        "close": 1.0,
        "dividend": 0.0,
        "split_factor": 1.0,
        "basis": "as_traded",
        "session": date.fromisoformat(session),
    }
    with transaction(engine) as connection:
        connection.execute(sa.insert(tables.market_data_cache), [{**row, "symbol": symbol} for symbol in symbols])


def test_a_session_whose_data_is_late_is_tried_again_that_evening_and_the_last_try_says_so(engine):
    add_portfolio(engine, "a", "2026-01-02")
    complete(engine, "a", "2026-01-02", "2026-11-20")
    prices(engine, "2026-11-19", "SPY", "TLT", "OLD")
    prices(engine, "2026-11-20", "SPY")  # TLT, a proxy, is late; nobody holds OLD
    tries = [tick(f"2026-11-20T{at:%H:%M}") for at in CALENDAR.evening_tries]
    assert [asked(result) for result in tries] == [("2026-11-20", "2026-11-20")] * 4
    assert [request.tags[TRY_TAG] for (request,) in tries] == ["1", "2", "3", LAST_TRY]
    assert len({request.run_key for (request,) in tries}) == 4
    prices(engine, "2026-11-20", "TLT")
    assert isinstance(tick("2026-11-20T21:30"), dg.SkipReason)


def test_a_symbol_without_a_price_for_two_sessions_is_not_waited_for(engine):
    add_portfolio(engine, "a", "2026-01-02")
    complete(engine, "a", "2026-01-02", "2026-11-20")
    prices(engine, "2026-11-18", "SPY", "TLT")
    prices(engine, "2026-11-19", "SPY")
    prices(engine, "2026-11-20", "SPY")
    assert isinstance(tick("2026-11-20T20:30"), dg.SkipReason)


def test_a_deleted_or_incomplete_snapshot_is_missing_again(engine):
    add_portfolio(engine, "a", "2026-01-02")
    complete(engine, "a", "2026-01-02", "2026-11-20")
    snapshots = tables.portfolio_snapshots
    with engine.begin() as connection:
        connection.execute(sa.delete(snapshots).where(snapshots.c.session == date(2026, 11, 18)))
    assert asked(tick("2026-11-20T20:30")) == ("2026-11-18", "2026-11-18")  # not the sessions around it
    complete(engine, "a", "2026-11-18", "2026-11-18", is_complete=False)
    assert asked(tick("2026-11-20T20:30")) == ("2026-11-18", "2026-11-18")
    with engine.begin() as connection:
        connection.execute(sa.delete(snapshots).where(snapshots.c.session == date(2026, 11, 11)))
    assert stretches(tick("2026-11-20T20:30")) == [("2026-11-11",) * 2, ("2026-11-18",) * 2]


def test_a_corrected_lot_makes_the_sessions_since_its_entry_stale_within_the_bound_oldest_first(engine, monkeypatch):
    add_portfolio(engine, "a", "2026-11-02")
    complete(engine, "a", "2026-11-02", "2026-11-20")
    lot = {"position_id": "1", "portfolio_id": "a", "symbol": "F", "investment_class": "PRIVATE", "quantity": 1.0}
    with transaction(engine) as connection:
        connection.execute(
            sa.insert(tables.positions).values(**lot, entry_date=date(2026, 11, 12), entry_price=1.0, is_deleted=False)
        )
    assert asked(tick("2026-11-20T20:30")) == ("2026-11-12", "2026-11-20")
    monkeypatch.setenv("RISK_PIPELINE_STALE_SESSIONS", "2")
    assert asked(tick("2026-11-20T20:30")) == ("2026-11-12", "2026-11-13")
    assert (
        due(engine, datetime(2026, 11, 21, 2, tzinfo=UTC)).beyond
        == CALENDAR.sessions_in_range(date(2026, 11, 16), date(2026, 11, 20)).tolist()
    )


def test_a_session_without_data_is_asked_for_again_with_growing_intervals(engine):
    add_portfolio(engine, "a", "2026-11-20")
    evening = datetime(2026, 11, 21, 2, tzinfo=UTC)
    for hour in range(4):
        assert due(engine, evening + timedelta(hours=hour)).run == [date(2026, 11, 20)]
        pass_over(engine, [date(2026, 11, 20)], "no bar", (evening + timedelta(hours=hour)).replace(tzinfo=None))
    assert due(engine, evening + timedelta(hours=4)).waiting == [date(2026, 11, 20)]
    assert due(engine, evening + timedelta(days=1)).run == [date(2026, 11, 20)]
    pass_over(engine, [date(2026, 11, 20)], "no bar", (evening + timedelta(days=1)).replace(tzinfo=None))
    assert due(engine, evening + timedelta(days=2)).run == []
    assert date(2026, 11, 20) in due(engine, evening + timedelta(days=3)).run
    prices(engine, "2026-11-20", "SPY")
    assert due(engine, evening + timedelta(days=2)).run == [date(2026, 11, 20)]  # its data came on the way


def test_a_closed_portfolio_is_not_waited_for(engine):
    add_portfolio(engine, "a", "2026-01-02", closed="2026-11-16")
    complete(engine, "a", "2026-01-02", "2026-11-13")
    assert isinstance(tick("2026-11-20T20:30"), dg.SkipReason)


def test_the_look_back_is_bounded_by_the_setting(engine, monkeypatch):
    add_portfolio(engine, "a", "2020-01-02")
    monkeypatch.setenv("RISK_PIPELINE_CATCH_UP_SESSIONS", "5")
    assert asked(tick("2026-11-20T20:30")) == ("2026-11-16", "2026-11-20")


def test_an_empty_database_still_gets_its_definitions(engine):
    assert asked(tick("2026-11-20T20:30")) == ("2026-11-20", "2026-11-20")


def test_a_fortnight_of_ticks_asks_for_each_session_once(engine):
    add_portfolio(engine, "a", "2026-11-16")
    runs = []
    for day in pd.date_range("2026-11-16", "2026-11-29"):
        if day.day_of_week < 5:  # the cron fires on weekdays
            result = tick(f"{day:%Y-%m-%d}T20:30")
            if isinstance(result, list):
                runs.append(asked(result))
                complete(engine, "a", *asked(result))
    sessions = [str(day) for day in CALENDAR.sessions_in_range(date(2026, 11, 16), date(2026, 11, 29))]
    assert runs == [(day, day) for day in sessions]


def test_it_ships_stopped_and_one_setting_turns_it_on():
    schedule = defs.resolve_schedule_def("evening")
    assert schedule.default_status is dg.DefaultScheduleStatus.STOPPED
    assert schedule.cron_schedule == [f"30 {hour} * * 1-5" for hour in (20, 21, 22, 23)]
    assert schedule.execution_timezone == "America/New_York"
    assert schedule.job_name == "daily_risk"


def test_the_tick_s_run_request_is_one_run_that_dagster_accepts(engine):
    add_portfolio(engine, "a", "2026-11-16")
    (request,) = tick("2026-11-20T20:30")
    result = defs.resolve_job_def("daily_risk").execute_in_process(
        tags=request.tags,
        op_selection=["market_data"],
        raise_on_error=False,
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
    )
    partitions = [event.partition for event in result.get_asset_materialization_events()]
    assert partitions == ["2026-11-16", "2026-11-17", "2026-11-18", "2026-11-19", "2026-11-20"]
