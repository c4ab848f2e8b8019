"""A backfill as the UI launches it, with a hole in the selection, on a real webserver and daemon.

About three minutes: Dagster's daemon looks every thirty seconds, and a backfill takes a few looks.
"""

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
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pytest

ROOT = Path(__file__).parents[2]
SELECTED = ["2025-06-02", "2025-06-03", "2025-06-05", "2025-06-06"]  # the fourth is left out
ANALYTICS = {"factor_exposures", "stress_tests", "volatility", "portfolio_snapshots", "risk_report"}


def until(what: str, found: Callable[[], Any], *, seconds: int) -> Any:
    """Ask until there is an answer, at most so many seconds."""
    pause = threading.Event()
    for _ in range(seconds):
        answer = found()
        if answer:
            return answer
        pause.wait(1.0)
    raise AssertionError(f"{what}: not within {seconds} s")


class Server:
    """Dagster's webserver and daemon on a home of their own."""

    def __init__(self, home: Path, port: int) -> None:
        self.home, self.port = home, port

    def ask(self, query: str, **variables: Any) -> dict[str, Any] | None:
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/graphql", body, {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)["data"]
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            return None


@pytest.fixture(scope="module")
def server(make_home) -> Iterator[Server]:
    home = make_home()
    shutil.copy(ROOT / "dagster_home" / "dagster.yaml", home.folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (home.folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "dagster", "dev", "--port", str(port)),
                *("--workspace", str(ROOT / "workspace.yaml")),
            ],
            cwd=ROOT,
            env={**os.environ, "DAGSTER_HOME": str(home.folder), "OMP_NUM_THREADS": "1"},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield Server(home.folder, port)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(60)


@pytest.fixture(scope="module")
def backfill(server) -> list[dg.EventLogEntry]:
    """Launch the backfill as the asset graph's page does; return its materialisations in order of time."""
    nodes = until(
        "the code location",
        lambda: (server.ask("{assetNodes{assetKey{path} partitionKeys}}") or {}).get("assetNodes"),
        seconds=120,
    )
    launched = server.ask(
        "mutation($p: LaunchBackfillParams!){launchPartitionBackfill(backfillParams: $p)"
        "{__typename ... on LaunchBackfillSuccess{backfillId}}}",
        p={"assetSelection": [node["assetKey"] for node in nodes], "partitionNames": SELECTED, "tags": []},
    )
    identity = launched["launchPartitionBackfill"]["backfillId"]

    def ended() -> str | None:
        answer = server.ask(
            "query($b: String!){partitionBackfillOrError(backfillId: $b){... on PartitionBackfill{status}}}",
            b=identity,
        )
        status = answer and answer["partitionBackfillOrError"]["status"]
        return None if status in (None, "REQUESTED", "COMPLETING") else status

    assert until("the end of the backfill", ended, seconds=420) == "COMPLETED_SUCCESS"
    with dg.DagsterInstance.from_config(str(server.home)) as instance:
        runs = instance.get_runs(dg.RunsFilter(tags={"dagster/backfill": identity}))
        events = [
            entry
            for run in runs
            for entry in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
        ]
    return sorted(events, key=lambda entry: entry.timestamp)


def test_every_market_data_is_in_before_any_panel_and_that_before_any_analytic(backfill):
    names = [entry.dagster_event.asset_key.to_user_string() for entry in backfill]
    places = {name: [at for at, other in enumerate(names) if other == name] for name in set(names)}
    assert len(places["market_data"]) == len(places["price_cache"]) == len(SELECTED)
    assert max(places["market_data"]) < places["market_data_coverage"][0] < min(places["price_cache"])
    partition = {
        (entry.dagster_event.asset_key.to_user_string(), entry.dagster_event.partition): entry.timestamp
        for entry in backfill
    }
    for day in SELECTED:
        for analytic in ANALYTICS:
            assert partition["price_cache", day] < partition[analytic, day]


def test_its_rows_are_those_of_the_command_line(backfill, server, make_home):
    from risk_pipeline.storage.database import open_engine
    from risk_pipeline.storage.queries import read_table
    from risk_pipeline.storage.tables import metadata

    home = make_home()
    home.run("2025-06-02", "2025-06-03")
    home.run("2025-06-05", "2025-06-06")
    engine = open_engine(f"sqlite:///{server.home / 'risk.db'}")
    for name in sorted(set(metadata.tables) - {"price_panels"}):
        pd.testing.assert_frame_equal(read_table(engine, name), home.table(name), check_exact=True, obj=name)
    engine.dispose()
