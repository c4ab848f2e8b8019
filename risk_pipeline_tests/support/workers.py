"""Workers on homes of their own, as on several machines, and a backfill for them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import dagster as dg
from dagster._core.execution.backfill import PartitionBackfill

from risk_pipeline.definitions import defs
from risk_pipeline_tests.support.homes import Home
from risk_pipeline_tests.support.servers import until

ROOT = Path(__file__).parents[2]


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

    def daemon(self, prelude: str = "") -> None:
        """Start the daemon."""
        words = ["dagster-daemon", "run", "--workspace", str(ROOT / "workspace.yaml")]
        code = f"{prelude}\nimport sys; sys.argv = {words}\nfrom dagster._daemon.cli import main\nmain()"
        self.start("daemon", "-c", code)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process group, gently first."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            os.killpg(process.pid, number)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                continue


def ask_for_backfill(
    instance: dg.DagsterInstance, name: str, sessions: list[str], without: tuple[str, ...] = ()
) -> None:
    """Ask for a backfill of the whole graph, or nearly."""
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


def backfill(
    instance: dg.DagsterInstance, name: str, sessions: list[str], without: tuple[str, ...] = ()
) -> list[dg.DagsterRun]:
    """Ask for a backfill of the whole graph, or nearly, wait for its success; returns its runs."""
    ask_for_backfill(instance, name, sessions, without)

    def ended() -> str | None:
        status = instance.get_backfill(name).status.value
        return None if status in ("REQUESTED", "COMPLETING") else status

    assert until("the end of the backfill", ended, seconds=1200) == "COMPLETED_SUCCESS"
    return list(instance.get_runs(dg.RunsFilter(tags={"dagster/backfill": name})))
