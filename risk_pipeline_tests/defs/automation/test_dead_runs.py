"""A run lives as long as its lease is renewed; the number of its process proves nothing but an end."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
import sqlalchemy as sa
from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin
from dagster._core.remote_origin import (
    InProcessCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

from risk_pipeline.defs.automation.dead_runs import START_WITHIN, dead_runs, end_dead_runs
from risk_pipeline.defs.automation.run_history import run_records
from risk_pipeline.defs.own_runs import other_databases
from risk_pipeline.defs.resources import Database
from risk_pipeline.defs.run_tags import DATABASE_TAG, HOST_TAG, PID_TAG, this_place
from risk_pipeline.storage import tables
from risk_pipeline.storage.batch_runs import LEASE
from risk_pipeline.storage.book_versions import pinned_book
from risk_pipeline.storage.database import place_of
from risk_pipeline.storage.errors import StorageError
from risk_pipeline.storage.fencing import of_run
from risk_pipeline.storage.queries import read_table
from risk_pipeline_tests.support.databases import migrated_sqlite

STARTED, NOT_STARTED = dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.NOT_STARTED
HERE = {HOST_TAG: this_place()}


@pytest.fixture
def engine(tmp_path, monkeypatch):
    monkeypatch.setenv("RISK_PIPELINE_HOME", str(tmp_path))
    engine = migrated_sqlite(tmp_path / "risk.db")
    yield engine
    engine.dispose()


@pytest.fixture
def instance(tmp_path):
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        yield instance


def add_run(instance, status=STARTED, location: str | None = None, module: str | None = None, **tags: str) -> str:
    origin = None
    pointer = module and ModuleCodePointer(module, "defs")
    if location is not None:
        code = InProcessCodeLocationOrigin(LoadableTargetOrigin(), location_name=location)
        origin = RemoteJobOrigin(RemoteRepositoryOrigin(code, "theirs"), "daily_risk")
    run = dg.DagsterRun(
        job_name="daily_risk",
        run_id=str(uuid.uuid4()),
        status=status,
        tags=tags,
        remote_job_origin=origin,
        job_code_origin=JobPythonOrigin("daily_risk", RepositoryPythonOrigin(sys.executable, pointer))
        if module
        else None,
    )
    instance.run_storage.add_historical_run(run, datetime.now(UTC))
    return run.run_id


def let_expire(engine, run_id: str, age: timedelta) -> None:
    past = datetime.now(UTC).replace(tzinfo=None) - age
    with engine.begin() as connection:
        runs = tables.batch_runs
        connection.execute(sa.update(runs).where(runs.c.run_id == run_id).values(lease_renewed_at=past))


def test_a_run_is_dead_without_a_renewal_though_another_process_has_its_number(engine, instance):
    run_id = add_run(instance, **HERE, **{PID_TAG: str(os.getpid())})
    pinned_book(engine, run_id)
    let_expire(engine, run_id, LEASE)
    assert dead_runs(instance, engine) == []
    let_expire(engine, run_id, 2 * LEASE + timedelta(seconds=1))
    assert end_dead_runs(instance, engine) == [run_id]
    assert instance.get_run_by_id(run_id).status is dg.DagsterRunStatus.FAILURE
    with pytest.raises(StorageError, match="it writes nothing more"):  # should its process go on after all
        pinned_book(of_run(engine, run_id), run_id)


def test_a_run_of_another_machine_is_judged_by_its_lease_alone(engine, instance):
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    run_id = add_run(instance, **{HOST_TAG: "another machine", PID_TAG: gone.stdout.decode().strip()})
    pinned_book(engine, run_id)
    let_expire(engine, run_id, timedelta())
    assert dead_runs(instance, engine) == []
    let_expire(engine, run_id, timedelta(hours=1))
    assert [run.run_id for run in dead_runs(instance, engine)] == [run_id]


def test_a_run_whose_process_is_gone_from_here_is_dead_at_once(engine, instance):
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    run_id = add_run(instance, **HERE, **{PID_TAG: gone.stdout.decode().strip()})
    pinned_book(engine, run_id)
    let_expire(engine, run_id, timedelta())
    assert end_dead_runs(instance, engine) == [run_id]


@pytest.mark.parametrize("status", [STARTED, NOT_STARTED])
def test_a_run_that_was_killed_before_its_first_step_does_not_wait_for_ever(engine, instance, status, monkeypatch):
    run_id, minute = add_run(instance, status), timedelta(minutes=1)
    for waited, dead in ((START_WITHIN - minute, []), (START_WITHIN + minute, [run_id])):
        later = datetime.now(UTC) + waited
        monkeypatch.setattr("risk_pipeline.defs.automation.dead_runs.now", lambda later=later: later)
        assert [run.run_id for run in dead_runs(instance, engine)] == dead


OURS = "risk_pipeline.definitions"


@pytest.mark.parametrize(
    ("location", "module", "asked_by", "dead"),
    [
        ("ours", OURS, "ours", True),
        ("theirs", OURS, "ours", False),
        ("theirs", "theirs.definitions", "ours", False),
        ("theirs", "theirs.definitions", None, False),  # by the command line, which knows no location
        ("ours", OURS, None, False),  # it never opened a database: the daemon that launched it ends it
        (None, "theirs.definitions", None, False),  # `dagster job execute` of another project
        (None, OURS, None, True),
    ],
)
def test_runs_of_other_code_locations_are_left_alone_however_long_they_take(
    engine, instance, monkeypatch, location, module, asked_by, dead
):
    run_id = add_run(instance, location=location, module=module, **{"dagster/partition": "2026-01-02|europe"})
    later = datetime.now(UTC) + timedelta(days=1)
    monkeypatch.setattr("risk_pipeline.defs.automation.dead_runs.now", lambda: later)
    assert end_dead_runs(instance, engine, asked_by) == [run_id] * dead
    assert instance.get_run_by_id(run_id).status is (dg.DagsterRunStatus.FAILURE if dead else STARTED)


def test_a_run_whose_partition_is_no_session_is_recorded_without_one(engine, instance):
    odd = add_run(instance, dg.DagsterRunStatus.SUCCESS, **{"dagster/partition": "europe"})
    with dg.build_sensor_context(instance=instance, resources={"db": Database()}) as context:
        run_records(context)
    rows = read_table(engine, "batch_runs").set_index("run_id")
    assert rows["first_session"].isna().loc[odd]


@pytest.mark.parametrize(("location", "asked_by"), [("theirs", "ours"), ("theirs", None), (None, None), (None, "ours")])
@pytest.mark.parametrize("is_own", [True, False])
def test_a_run_belongs_to_the_database_that_it_opened(engine, instance, monkeypatch, location, asked_by, is_own):
    place = place_of(engine) if is_own else "/another/home/risk.db"
    run_id = add_run(instance, location=location, module=OURS if location else None, **{DATABASE_TAG: place})
    monkeypatch.setattr("risk_pipeline.defs.automation.dead_runs.now", lambda: datetime.now(UTC) + timedelta(days=1))
    with dg.build_sensor_context(instance=instance, resources={"db": Database()}) as context:
        run_records(context)
    assert instance.get_run_by_id(run_id).status is (dg.DagsterRunStatus.FAILURE if is_own else STARTED)
    assert read_table(engine, "batch_runs")["run_id"].tolist() == [run_id] * is_own
    assert end_dead_runs(instance, engine, asked_by) == []
    assert other_databases(instance, place_of(engine)) == ([] if is_own else [place])
