"""The record of runs and the one alert hook, on real runs, and on one that is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import uuid
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import dagster as dg
import pytest

from risk_pipeline.definitions import defs
from risk_pipeline.defs.automation.dead_runs import end_dead_runs
from risk_pipeline.defs.automation.jobs import LAST_TRY, TRY_TAG
from risk_pipeline.defs.automation.run_history import run_records
from risk_pipeline.defs.resources import Database
from risk_pipeline.defs.run_tags import range_tags
from risk_pipeline.storage import tables
from risk_pipeline.storage.queries import read_table
from risk_pipeline_tests.support.databases import migrated_sqlite

SECRET = "sentinel-token"


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("RISK_PIPELINE_HOME", str(tmp_path))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.delenv("RISK_PIPELINE_DATABASE_URL", raising=False)
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n", encoding="utf-8")
    engine = migrated_sqlite(tmp_path / "risk.db")
    yield engine
    engine.dispose()


@pytest.fixture
def hook(monkeypatch):
    """A webhook on this machine; yields what was posted to it and what it will answer, last first."""
    posted: list[dict] = []

    answers = [200]

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(answers.pop() if len(answers) > 1 else answers[0])
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("RISK_PIPELINE_ALERT_WEBHOOK", f"http://127.0.0.1:{server.server_port}/{SECRET}")
    yield posted, answers
    server.shutdown()


def execute(instance, *assets: str, **tags: str) -> dg.ExecuteInProcessResult:
    day = date(2025, 6, 2)
    return defs.resolve_job_def("daily_risk").execute_in_process(
        instance=instance,
        tags=range_tags(day, day) | tags,
        op_selection=list(assets),
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        raise_on_error=False,
    )


def look(instance) -> str | None:
    with dg.build_sensor_context(instance=instance, resources={"db": Database()}, cursor=None) as context:
        run_records(context)
        return context.cursor


def test_success_and_failure_are_recorded_with_their_sessions_and_cause(home, hook):
    posted, _ = hook
    with dg.DagsterInstance.get() as instance:
        good = execute(instance, "factor_definitions")
        bad = execute(instance, "factor_exposures")  # there is no panel
        for _ in range(2):
            look(instance)
    rows = read_table(home, "batch_runs").set_index("run_id")
    assert rows.loc[good.run_id, ["status", "launched_by"]].tolist() == ["success", "ui"]
    assert str(rows.loc[good.run_id, "first_session"].date()) == "2025-06-02"
    assert rows.loc[good.run_id, "ended_at"] >= rows.loc[good.run_id, "started_at"]
    assert rows.loc[bad.run_id, "status"] == "failed"
    assert "materialise price_cache" in rows.loc[bad.run_id, "error"]
    (alert,) = posted  # once, though the sensor looked twice
    assert alert["run_id"] == bad.run_id
    assert alert["text"].startswith(f"risk_pipeline: run {bad.run_id[:8]} failed: ")
    assert alert["sessions"] == "2025-06-02 to 2025-06-02"


def test_a_run_that_dagster_starts_again_by_itself_is_recorded_but_no_news(home, hook):
    posted, _ = hook
    with dg.DagsterInstance.get() as instance:
        bad = execute(instance, "factor_exposures", **{"dagster/will_retry": "true"})
        look(instance)
    assert read_table(home, "batch_runs").set_index("run_id").loc[bad.run_id, "status"] == "failed"
    assert posted == []


def test_a_webhook_that_fails_is_tried_again_and_its_address_stays_out_of_the_log(home, hook, caplog):
    posted, answers = hook
    answers[:] = [200, 500, 500]
    with dg.DagsterInstance.get() as instance:
        execute(instance, "factor_exposures")
        look(instance)
        assert len(posted) == 3
        answers[:] = [500]
        execute(instance, "factor_exposures")
        look(instance)
        assert len(posted) == 6
        assert "the alert's webhook failed" in caplog.text
        answers[:] = [200]
        look(instance)  # what did not get out is sent by the next look
    assert len(posted) == 7
    assert SECRET not in caplog.text
    assert read_table(home, "batch_runs")["is_alerted"].all()


def test_an_evening_s_failure_alerts_only_after_its_last_try(home, hook):
    posted, _ = hook
    with dg.DagsterInstance.get() as instance:
        execute(instance, "factor_exposures", **{TRY_TAG: "1"})
        look(instance)
        assert posted == []
        execute(instance, "factor_exposures", **{TRY_TAG: LAST_TRY})
        look(instance)
    assert len(posted) == 1


def test_a_session_still_incomplete_after_the_last_try_alerts_though_the_run_succeeded(home, hook):
    import sqlalchemy as sa

    posted, _ = hook
    row = {"portfolio_id": "a", "name": "a", "currency": "USD", "starting_equity": 1.0}
    with home.begin() as connection:
        connection.execute(sa.insert(tables.portfolios).values(**row, inception_date=date(2025, 1, 2)))
    with dg.DagsterInstance.get() as instance:
        execute(instance, "factor_definitions", **{TRY_TAG: LAST_TRY})
        look(instance)
    (alert,) = posted
    assert "session 2025-06-02 is still incomplete after the last try" in alert["text"]


def test_a_run_that_waited_in_the_queue_and_is_just_starting_is_not_taken_for_dead(home):
    run = dg.DagsterRun(job_name="daily_risk", run_id=str(uuid.uuid4()), status=dg.DagsterRunStatus.NOT_STARTED)
    starting = dg.DagsterEvent(dg.DagsterEventType.PIPELINE_STARTING.value, job_name="daily_risk")
    with dg.DagsterInstance.get() as instance:
        instance.run_storage.add_historical_run(run, datetime.now(UTC) - timedelta(hours=1))
        instance.report_dagster_event(starting, run.run_id)
        assert instance.get_run_by_id(run.run_id).status is dg.DagsterRunStatus.STARTING
        assert end_dead_runs(instance, home) == []


SLOW = """
import os, sys, threading
import risk_pipeline.risk.volatility as rows
def wait(*args, **kwargs):
    print("in volatility", flush=True)
    threading.Event().wait()
rows.portfolio_risk = wait
from risk_pipeline.cli import main
sys.argv = ["risk-pipeline", "run", "--date", "2025-06-02"]
main()
"""


@pytest.mark.slow
def test_a_killed_run_is_recorded_as_crashed_and_the_next_run_repairs_it(home, hook):
    posted, _ = hook
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    )
    assert any("in volatility" in line for line in process.stdout)
    os.kill(process.pid, signal.SIGKILL)
    process.wait(30)
    assert read_table(home, "portfolio_snapshots").empty
    with dg.DagsterInstance.get() as instance:
        look(instance)
        (row,) = read_table(home, "batch_runs").to_dict("records")
        assert (row["status"], row["launched_by"]) == ("crashed", "command line")
        assert "the process of the run is gone" in row["error"]
        assert instance.get_runs()[0].status is dg.DagsterRunStatus.FAILURE
    assert len(posted) == 1
    again = subprocess.run(
        [Path(sys.executable).with_name("risk-pipeline"), "run", "--date", "2025-06-02"],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert again.returncode == 0, again.stdout + again.stderr
    assert read_table(home, "portfolio_snapshots")["is_complete"].all()
    assert sorted(read_table(home, "batch_runs")["status"]) == ["crashed", "success"]
