"""Dagster's webserver and daemon as processes on a home of a test's own, asked as the UI asks them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

ROOT = Path(__file__).parents[2]
DAEMON_AT = Path(__file__).with_name("daemon_at.py")
REPOSITORY = {"repositoryName": "__repository__", "repositoryLocationName": "risk_pipeline"}
ENDED = ("SUCCESS", "FAILURE", "CANCELED")


def until(what: str, found: Callable[[], Any], *, seconds: int) -> Any:
    """Ask until there is an answer, at most so many seconds."""
    pause = threading.Event()
    for _ in range(seconds):
        answer = found()
        if answer:
            return answer
        pause.wait(1.0)
    raise AssertionError(f"{what}: not within {seconds} s")


@contextmanager
def instance_of(home: Path) -> Iterator[dg.DagsterInstance]:
    """Open the Dagster instance of a home, whose event log is where ``DAGSTER_HOME`` is."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("DAGSTER_HOME", str(home))
        with dg.DagsterInstance.get() as instance:
            yield instance


@contextmanager
def serving(home: Path, *command: str, **environment: str) -> Iterator[None]:
    """Run a command of Dagster's on a home; its whole group of processes is ended afterwards."""
    if not (home / "dagster.yaml").exists():
        shutil.copy(ROOT / "dagster_home" / "dagster.yaml", home)
    with (home / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, *command, "--workspace", str(ROOT / "workspace.yaml")],
            cwd=ROOT,
            env={**os.environ, "DAGSTER_HOME": str(home), "OMP_NUM_THREADS": "1", **environment},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(60)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class Server:
    """What the UI asks of a webserver, and the mutations by which it launches."""

    def __init__(self, home: Path, port: int) -> None:
        self.home, self.port = home, port

    def ask(self, query: str, **variables: Any) -> dict[str, Any] | None:
        """Send a query; None where the server does not answer yet."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/graphql", body, {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["data"]
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            return None

    def assets(self) -> list[dict[str, Any]]:
        """Return the key of every asset that can be materialised, as soon as the code location is loaded."""
        nodes = until(
            "the code location",
            lambda: (self.ask("{assetNodes{isMaterializable assetKey{path}}}") or {}).get("assetNodes"),
            seconds=300,
        )
        return [node["assetKey"] for node in nodes if node["isMaterializable"]]

    def backfill(self, partitions: list[str], *, assets: list[dict[str, Any]] | None = None) -> str:
        """Launch a backfill as the asset graph's page does, or the page of the job where no assets are given."""
        selected = (
            {"selector": {"partitionSetName": "daily_risk_partition_set", "repositorySelector": REPOSITORY}}
            if assets is None
            else {"assetSelection": assets}
        )
        launched = self.ask(
            "mutation($p: LaunchBackfillParams!){launchPartitionBackfill(backfillParams: $p)"
            "{__typename ... on LaunchBackfillSuccess{backfillId} ... on PythonError{message}}}",
            p={**selected, "partitionNames": partitions, "tags": []},
        )
        return launched["launchPartitionBackfill"]["backfillId"]

    def launch(self, partition: str) -> str:
        """Launch a run of the job over one session; returns its id."""
        launched = self.ask(
            "mutation($p: ExecutionParams!){launchRun(executionParams: $p)"
            "{__typename ... on LaunchRunSuccess{run{runId}} ... on PythonError{message}}}",
            p={
                "selector": {**REPOSITORY, "jobName": "daily_risk"},
                "mode": "default",
                "runConfigData": {},
                "executionMetadata": {"tags": [{"key": "dagster/partition", "value": partition}]},
            },
        )
        return launched["launchRun"]["run"]["runId"]

    def terminate(self, run: str) -> None:
        """Terminate a run as the UI's button does."""
        self.ask("mutation($r: String!){terminateRun(runId: $r){__typename}}", r=run)

    def status_of_backfill(self, identity: str) -> str | None:
        """Return the status of a backfill that has ended, None of one that has not."""
        answer = self.ask(
            "query($b: String!){partitionBackfillOrError(backfillId: $b){... on PartitionBackfill{status}}}",
            b=identity,
        )
        status = answer and answer["partitionBackfillOrError"]["status"]
        return None if status in (None, "REQUESTED", "COMPLETING") else status

    def status_of_run(self, run: str) -> str | None:
        """Return the status of a run that has ended, None of one that has not."""
        answer = self.ask("query($r: ID!){runOrError(runId: $r){... on Run{status}}}", r=run)
        status = answer and answer["runOrError"].get("status")
        return status if status in ENDED else None

    def partitions(self, asset: str) -> dict[str, str]:
        """Return the status of each partition that has one, as the UI colours it."""
        answer = self.ask(
            "query($k: AssetKeyInput!){assetNodeOrError(assetKey: $k){... on AssetNode{"
            "partitionKeys assetPartitionStatuses{... on TimePartitionStatuses{ranges{startKey endKey status}}}}}}",
            k={"path": [asset]},
        )
        node = answer["assetNodeOrError"]
        return {
            key: part["status"]
            for part in node["assetPartitionStatuses"]["ranges"]
            for key in node["partitionKeys"]
            if part["startKey"] <= key <= part["endKey"]
        }
