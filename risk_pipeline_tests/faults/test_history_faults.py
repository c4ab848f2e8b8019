"""Dagster's own storage fails in mid-run: full, and read-only after a failover. What is said, and that it goes on."""

from __future__ import annotations

import resource
import shutil
import signal
from datetime import date
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest
import sqlalchemy as sa

from risk_pipeline.cli.places import examine_history
from risk_pipeline.cli.run import execute
from risk_pipeline.dagster_ext.instance import open_instance, prepare_home
from risk_pipeline.defs.assets import volatility
from risk_pipeline.defs.automation.catch_up import SessionRange
from risk_pipeline.storage.database import open_engine
from risk_pipeline_tests.support.faults import FIRST, LAST, in_a_process, rows, run, same
from risk_pipeline_tests.support.servers import serving, until
from risk_pipeline_tests.support.workers import ask_for_backfill

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "dagster_home" / "postgres" / "dagster.yaml"
FULL = (
    "Dagster's storage in its home",
    "its disk is full or failing",
    "Free space",
    "run these sessions again",
)


def test_a_disk_that_is_full_for_dagster_in_mid_run_is_told_on_the_terminal_and_the_next_run_repairs(
    make_home, clean, new_postgres, capfd, monkeypatch
):
    home = make_home(url=new_postgres())  # the tables are elsewhere, as on a disk of their own
    monkeypatch.setenv("DAGSTER_HOME", str(home.folder))
    prepare_home()
    sessions = SessionRange(date.fromisoformat(FIRST), date.fromisoformat(LAST))
    compute = volatility.compute_volatility

    def full(inputs):
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))  # until the end of this process
        return compute(inputs)

    def task() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        volatility.compute_volatility = full
        assert not execute(sessions)

    assert in_a_process(task) == 0
    terminal = " ".join(capfd.readouterr().err.split())
    (record,) = home.table("batch_runs").to_dict("records")
    assert record["status"] == "failed"
    assert "Traceback" not in terminal
    assert f"The run failed: {record['error']}" in terminal
    assert execute(sessions)
    for name in ("symbol_volatility", "stress_test_results", "portfolio_snapshots", "pnl_explain"):
        pd.testing.assert_frame_equal(rows(home)[name], clean[name], check_exact=True, obj=name)
    with open_instance() as instance:
        page = [entry.message for entry in instance.all_logs(record["run_id"])]
    for text in (record["error"], page[-1]):
        assert all(words in text for words in FULL), text


class Failover:
    """Turns a database read-only for whoever connects, and breaks the connections that there are."""

    def __init__(self, url: str) -> None:
        self.name = sa.make_url(url).database
        over_all = sa.make_url(url).update_query_dict({"options": "-c default_transaction_read_only=off"})
        self.operator = open_engine(over_all.render_as_string(hide_password=False))

    def turn(self, word: str) -> None:
        with self.operator.begin() as connection:
            connection.exec_driver_sql(f'ALTER DATABASE "{self.name}" SET default_transaction_read_only = {word}')
        with self.operator.begin() as connection:
            connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )


@pytest.fixture
def dagsters_postgres(new_postgres, monkeypatch) -> str:
    """The URL of a database for Dagster's storage, as the environment names it."""
    url = new_postgres()
    monkeypatch.setenv("DAGSTER_PG_URL", url.replace("+psycopg:", "+psycopg2:"))
    return url


READ_ONLY = (
    "Dagster's storage in its Postgres (DAGSTER_PG_URL): Postgres is read-only",
    "?target_session_attrs=read-write",
    "run these sessions again",
)


def test_a_failover_under_dagster_s_postgres_in_mid_run_is_told_in_the_log_and_then_on_the_run_s_page(
    make_home, clean, dagsters_postgres, monkeypatch
):
    home = make_home()
    shutil.copy(SHIPPED, home.folder)
    monkeypatch.setenv("DAGSTER_HOME", str(home.folder))
    failover = Failover(dagsters_postgres)
    with serving(home.folder, "-m", "dagster._daemon", "run"), open_instance() as instance:
        ask_for_backfill(instance, "fails", [FIRST, LAST], without=("risk_report",))
        run_id = until("a run's first rows", lambda: begun(instance), seconds=120)
        failover.turn("on")

        def recorded(column: str) -> str:
            return home.table("batch_runs").set_index("run_id").loc[run_id, column]

        for text in (until("its last words", lambda: recorded("error"), seconds=120), examine_history().text):
            assert all(words in text for words in READ_ONLY), text
        assert not examine_history().is_fine
        log = (home.folder / "server.log").read_text()
        assert f"run {run_id[:8]}: {READ_ONLY[0]}" in log
        failover.turn("off")
        until("its end", lambda: recorded("status") == "crashed", seconds=120)
        page = [entry.message for entry in instance.all_logs(run_id)]
        assert any(all(words in text for words in READ_ONLY) for text in page), page
        assert recorded("error").startswith("the process of the run is gone: Dagster's storage")
        assert instance.get_run_by_id(run_id).status is dg.DagsterRunStatus.FAILURE
        assert examine_history().is_fine
    assert run(home).success
    same(rows(home), clean)


def begun(instance: dg.DagsterInstance) -> str | None:
    """Return the id of a run that has stored rows."""
    for one in instance.get_runs():
        if instance.all_logs(one.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION):
            return one.run_id
    return None
