"""Backfills as the UI launches them, on a real webserver and daemon: one after another, then several at once.

What came in which order is read from the event log.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import dagster as dg
import pandas as pd
import pytest
import sqlalchemy as sa

from risk_pipeline.definitions import defs
from risk_pipeline.defs.assets.stale import stale_rows
from risk_pipeline.defs.automation.missing_rows import mark_missing
from risk_pipeline.defs.run_tags import SESSIONS_TAG
from risk_pipeline.storage import tables
from risk_pipeline.storage.database import open_engine
from risk_pipeline.storage.imports import import_frames
from risk_pipeline.storage.queries import read_table
from risk_pipeline.storage.tables import metadata
from risk_pipeline_tests.support.homes import FRAMES, OF_RUNS, timeless
from risk_pipeline_tests.support.servers import Server, free_port, instance_of, serving, until

SELECTED = ["2025-06-02", "2025-06-03", "2025-06-05", "2025-06-06"]  # the fourth is left out
LEFT_OUT = "2025-06-04"
LOST = "2025-06-03"
CORRECTED = "2025-06-06"
"""The day on which a lot left at a price that is corrected: earlier sessions do not know of it."""
OF_THE_JOB = ["2025-06-09", "2025-06-11"]
CONTIGUOUS = ["2025-06-12", "2025-06-13", "2025-06-16"]
ALONE = "2025-06-17"
REFERENCE = {"factor_definitions", "company_profiles"}
MARKET = {"market_data", "market_data_coverage", "price_cache"}
ANALYTICS = {key.to_user_string() for key in defs.resolve_asset_graph().materializable_asset_keys} - REFERENCE - MARKET
PATIENCE = 1200
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(make_home) -> Iterator[Server]:
    home = make_home()
    port = free_port()
    with serving(home.folder, "-m", "dagster", "dev", "--port", str(port)):
        yield Server(home.folder, port)


def events(server: Server, **filters: object) -> list[dg.EventLogEntry]:
    """Return the materialisations of runs in order of time."""
    with instance_of(server.home) as instance:
        found = [
            entry
            for run in instance.get_runs(dg.RunsFilter(**filters))
            for entry in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
        ]
    return sorted(found, key=lambda entry: entry.timestamp)


def ended(server: Server, *backfills: str) -> None:
    for identity in backfills:
        assert until("the end of a backfill", lambda b=identity: server.status_of_backfill(b), seconds=PATIENCE) == (
            "COMPLETED_SUCCESS"
        )


@pytest.fixture(scope="module")
def holes(server) -> list[dg.EventLogEntry]:
    """The whole graph over a selection with a hole; its materialisations."""
    identity = server.backfill(SELECTED, assets=server.assets())
    ended(server, identity)
    return events(server, tags={"dagster/backfill": identity})


def corrected() -> pd.DataFrame:
    """The lots of growth, one of which was sold for more than had been written down."""
    lots = FRAMES["positions"][FRAMES["positions"]["portfolio_id"] == "growth"].copy()
    lots.loc[lots["position_id"] == "g3", "exit_price"] = "250"
    return lots


@pytest.fixture(scope="module")
def failed_and_missing(holes, server) -> list[str]:
    """What the dialog's button selects, once a session's rows were deleted, one's book corrected and one never run."""
    engine = open_engine(f"sqlite:///{server.home / 'risk.db'}")
    import_frames(engine, {"positions": corrected()})
    with engine.begin() as connection:
        table = tables.portfolio_snapshots
        connection.execute(sa.delete(table).where(table.c.session == pd.Timestamp(LOST).date()))
    with instance_of(server.home) as instance:  # as the sensor does, which looks every five minutes
        mark_missing(instance, engine)
    engine.dispose()
    status = {name: server.partitions(name) for name in (*REFERENCE, *MARKET, *ANALYTICS)}
    week = pd.bdate_range(SELECTED[0], SELECTED[-1]).strftime("%Y-%m-%d")
    return [day for day in week if {of.get(day) for of in status.values()} != {"MATERIALIZED"}]


@pytest.fixture(scope="module")
def at_once(failed_and_missing, server) -> dict[str, str]:
    """Launched in the same moment: failed and missing, a part again, the job with a hole, a session twice, and more."""
    part = [{"path": [name]} for name in ("volatility", "portfolio_snapshots", "risk_report")]
    found = {
        "failed and missing": server.backfill(failed_and_missing, assets=server.assets()),
        "part": server.backfill(SELECTED[:1], assets=part),
        "job": server.backfill(OF_THE_JOB),
        "contiguous": server.backfill(CONTIGUOUS, assets=server.assets()),
        "run": server.launch(ALONE),
        "cancelled": server.launch(ALONE),
    }
    server.terminate(found["cancelled"])
    ended(server, found["failed and missing"], found["part"], found["job"], found["contiguous"])
    assert until("the run", lambda: server.status_of_run(found["run"]), seconds=PATIENCE) == "SUCCESS"
    assert until("the end", lambda: server.status_of_run(found["cancelled"]), seconds=PATIENCE) == "CANCELED"
    return found


def in_order(materialised: list[dg.EventLogEntry], selected: list[str]) -> None:
    """Every session's market data before any panel; of each session its coverage, its panel, its analytics."""
    at: dict[tuple[str, str | None], int] = {}
    for place, entry in enumerate(materialised):
        at.setdefault((entry.dagster_event.asset_key.to_user_string(), entry.dagster_event.partition), place)
    assert set(at) == {(name, day) for name in (*REFERENCE, *MARKET, *ANALYTICS) for day in selected}
    assert max(at["market_data", day] for day in selected) < min(at["price_cache", day] for day in selected)
    for day in selected:
        assert at["market_data_coverage", day] < at["price_cache", day]
        for analytic in ANALYTICS:
            assert at["price_cache", day] < at[analytic, day]


def runs_of(materialised: list[dg.EventLogEntry]) -> int:
    return len({entry.run_id for entry in materialised})


def test_with_a_hole_every_market_data_is_in_before_any_panel_and_that_before_any_analytic(holes):
    in_order(holes, SELECTED)
    assert runs_of(holes) == 2


def test_the_first_run_of_a_backfill_with_a_hole_asks_for_all_prices_and_the_second_for_none(holes):
    asked = {
        entry.run_id: entry.dagster_event.step_materialization_data.materialization.metadata["sessions_fetched"].value
        for entry in holes
        if entry.dagster_event.asset_key.to_user_string() == "market_data"
        if entry.dagster_event.step_materialization_data.materialization.metadata
    }
    assert list(asked.values()) == [len(SELECTED), 0]


def test_a_contiguous_backfill_is_one_run_in_order(at_once, server):
    found = events(server, tags={"dagster/backfill": at_once["contiguous"]})
    in_order(found, CONTIGUOUS)
    assert runs_of(found) == 1


def test_a_backfill_from_the_job_s_page_with_a_hole_is_in_order_too(at_once, server):
    in_order(events(server, tags={"dagster/backfill": at_once["job"]}), OF_THE_JOB)


def test_failed_and_missing_are_run_and_afterwards_nothing_is(failed_and_missing, at_once, server):
    assert failed_and_missing == [LOST, LEFT_OUT, CORRECTED]
    found = events(server, tags={"dagster/backfill": at_once["failed and missing"]})
    in_order(found, failed_and_missing)
    assert runs_of(found) == 2  # a run a stretch
    for asset in (*REFERENCE, *MARKET, *ANALYTICS):
        status = server.partitions(asset)
        assert {status[day] for day in (*SELECTED, LEFT_OUT, *OF_THE_JOB, *CONTIGUOUS)} == {"MATERIALIZED"}


def test_a_corrected_session_was_stale_until_failed_and_missing_repaired_it(at_once, server):
    engine = open_engine(f"sqlite:///{server.home / 'risk.db'}")
    day = pd.Timestamp(CORRECTED).date()
    assert stale_rows(engine, day, day).empty
    (row,) = read_table(engine, "position_values", first=day, last=day).query("position_id == 'g3'").to_dict("records")
    assert row["price"] == 250
    engine.dispose()


def test_an_asset_with_what_follows_it_is_one_run_of_those_only(at_once, server):
    found = events(server, tags={"dagster/backfill": at_once["part"]})
    assert runs_of(found) == 1
    names = [entry.dagster_event.asset_key.to_user_string() for entry in found]
    assert list(dict.fromkeys(names)) == ["volatility", "portfolio_snapshots", "risk_report"]


def test_every_run_says_which_sessions_it_covers(at_once, server):
    with instance_of(server.home) as instance:
        said = {
            run.tags.get(SESSIONS_TAG)
            for run in instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.SUCCESS]))
        }
    assert {"2025-06-02…2025-06-03", "2025-06-05…2025-06-06", ALONE, "2025-06-12…2025-06-16"} <= said
    assert None not in said


def test_runs_that_write_tables_never_overlap(at_once, server):
    with instance_of(server.home) as instance:
        records = [record for record in instance.get_run_records() if record.start_time and record.end_time]
    spans = sorted((record.start_time, record.end_time) for record in records)
    assert len(spans) >= 8
    for (_, end), (start, _) in itertools.pairwise(spans):
        assert end <= start


def test_its_rows_are_those_of_the_command_line(at_once, server, make_home):
    home = make_home()
    import_frames(home.engine, {"positions": corrected()})
    home.run(SELECTED[0], SELECTED[-1])
    for day in OF_THE_JOB:
        home.run(day)
    home.run(CONTIGUOUS[0], CONTIGUOUS[-1])
    home.run(ALONE)
    engine = open_engine(f"sqlite:///{server.home / 'risk.db'}")
    for name in sorted(set(metadata.tables) - {"price_panels", *OF_RUNS}):
        told = ["book_version"] if name == "session_inputs" else []  # sessions before the correction had the first
        left, right = (timeless(rows).drop(columns=told) for rows in (read_table(engine, name), home.table(name)))
        pd.testing.assert_frame_equal(left, right, check_exact=True, obj=name)
    engine.dispose()


def test_every_run_s_end_is_in_the_record_of_runs(at_once, server):
    engine = open_engine(f"sqlite:///{server.home / 'risk.db'}")

    def written() -> dict[str, str] | None:
        rows = read_table(engine, "batch_runs").set_index("run_id")["status"].to_dict()
        return rows if "started" not in rows.values() and at_once["cancelled"] in rows else None

    rows = until("the record of runs", written, seconds=120)
    assert rows.pop(at_once["cancelled"]) == "cancelled"
    assert sorted(rows.values()) == ["failed", "failed", *["success"] * 9]  # rows deleted, and stale
    engine.dispose()
