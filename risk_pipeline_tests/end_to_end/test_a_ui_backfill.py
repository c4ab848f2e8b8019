"""Backfills as the UI launches them, on a real webserver and daemon: one after another, then several at once.

Some minutes: Dagster's daemon looks every thirty seconds, and a backfill takes a few looks.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import dagster as dg
import pandas as pd
import pytest

from risk_pipeline.storage.database import open_engine
from risk_pipeline.storage.queries import read_table
from risk_pipeline.storage.tables import metadata
from risk_pipeline_tests.support.servers import Server, free_port, instance_of, serving, until

SELECTED = ["2025-06-02", "2025-06-03", "2025-06-05", "2025-06-06"]  # the fourth is left out
LEFT_OUT = "2025-06-04"
OF_THE_JOB = ["2025-06-09", "2025-06-11"]
ANALYTICS = {"factor_exposures", "stress_tests", "volatility", "portfolio_snapshots", "risk_report"}
PATIENCE = 1200


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
def backfill(server) -> list[dg.EventLogEntry]:
    """The whole graph over a selection with a hole; its materialisations."""
    identity = server.backfill(SELECTED, assets=server.assets())
    ended(server, identity)
    return events(server, tags={"dagster/backfill": identity})


@pytest.fixture(scope="module")
def at_once(backfill, server) -> dict[str, str]:
    """Launched in the same moment: what is missing, a part again, the job with a hole, and a session twice."""
    missing = list(pd.bdate_range("2025-06-02", "2025-06-06").strftime("%Y-%m-%d"))
    missing = [day for day in missing if server.partitions("portfolio_snapshots").get(day) != "MATERIALIZED"]
    part = [{"path": [name]} for name in ("volatility", "portfolio_snapshots", "risk_report")]
    found = {
        "missing": server.backfill(missing, assets=server.assets()),
        "part": server.backfill(SELECTED[:2], assets=part),
        "job": server.backfill(OF_THE_JOB),
        "run": server.launch(OF_THE_JOB[1]),
        "cancelled": server.launch(OF_THE_JOB[1]),
    }
    server.terminate(found["cancelled"])
    assert missing == [LEFT_OUT]
    ended(server, found["missing"], found["part"], found["job"])
    assert until("the run", lambda: server.status_of_run(found["run"]), seconds=PATIENCE) == "SUCCESS"
    assert until("the end", lambda: server.status_of_run(found["cancelled"]), seconds=PATIENCE) == "CANCELED"
    return found


def in_order(materialised: list[dg.EventLogEntry], selected: list[str]) -> None:
    """Every session's market data first, then the coverage, then panels, and those before the analytics."""
    at: dict[tuple[str, str | None], int] = {}
    for place, entry in enumerate(materialised):
        at.setdefault((entry.dagster_event.asset_key.to_user_string(), entry.dagster_event.partition), place)
    prices = max(at["market_data", day] for day in selected)
    panels = [at["price_cache", day] for day in selected]
    assert prices < at["market_data_coverage", None] < min(panels)
    for day in selected:
        for analytic in ANALYTICS:
            assert at["price_cache", day] < at[analytic, day]


def test_every_market_data_is_in_before_any_panel_and_that_before_any_analytic(backfill):
    in_order(backfill, SELECTED)


def test_a_backfill_from_the_job_s_page_with_a_hole_is_in_order_too(at_once, server):
    in_order(events(server, tags={"dagster/backfill": at_once["job"]}), OF_THE_JOB)


def test_only_what_is_missing_is_run_and_afterwards_nothing_is(at_once, server):
    ran = {entry.dagster_event.partition for entry in events(server, tags={"dagster/backfill": at_once["missing"]})}
    assert ran == {LEFT_OUT, None}
    for asset in ("market_data", "price_cache", *ANALYTICS):
        status = server.partitions(asset)
        assert {status[day] for day in (*SELECTED, LEFT_OUT, *OF_THE_JOB)} == {"MATERIALIZED"}


def test_an_asset_with_what_follows_it_is_one_run_of_those_only(at_once, server):
    found = events(server, tags={"dagster/backfill": at_once["part"]})
    assert len({entry.run_id for entry in found}) == 1
    names = [entry.dagster_event.asset_key.to_user_string() for entry in found]
    assert list(dict.fromkeys(names)) == ["volatility", "portfolio_snapshots", "risk_report"]


def test_runs_that_write_tables_never_overlap(at_once, server):
    with instance_of(server.home) as instance:
        records = [record for record in instance.get_run_records() if record.start_time and record.end_time]
    spans = sorted((record.start_time, record.end_time) for record in records)
    assert len(spans) >= 8
    for (_, end), (start, _) in itertools.pairwise(spans):
        assert end <= start


def test_its_rows_are_those_of_the_command_line(at_once, server, make_home):
    home = make_home()
    home.run(SELECTED[0], SELECTED[-1])
    for day in OF_THE_JOB:
        home.run(day)
    engine = open_engine(f"sqlite:///{server.home / 'risk.db'}")
    for name in sorted(set(metadata.tables) - {"price_panels", "batch_runs"}):
        pd.testing.assert_frame_equal(read_table(engine, name), home.table(name), check_exact=True, obj=name)
    engine.dispose()


def test_every_run_s_end_is_in_the_record_of_runs(at_once, server):
    engine = open_engine(f"sqlite:///{server.home / 'risk.db'}")

    def written() -> dict[str, str] | None:
        rows = read_table(engine, "batch_runs").set_index("run_id")["status"].to_dict()
        return rows if "started" not in rows.values() and at_once["cancelled"] in rows else None

    rows = until("the record of runs", written, seconds=120)
    assert rows.pop(at_once["cancelled"]) == "cancelled"
    assert set(rows.values()) == {"success"}
    assert len(rows) >= 8
    engine.dispose()
