"""The shipped queue is Dagster's, with the limits that keep two runs from writing at once, and a daemon in a hurry."""

import shutil
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.run_coordinator.queued_run_coordinator import QueuedRunCoordinator
from dagster._daemon import controller

from risk_pipeline.dagster_ext import run_queue

SHIPPED = Path(__file__).parents[2] / "risk_pipeline" / "dagster_ext" / "instances" / "sqlite.yaml"


@pytest.fixture
def instance(tmp_path, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.setattr(controller, run_queue.INTERVAL, 30)
    shutil.copy(SHIPPED, tmp_path / "dagster.yaml")
    with dg.DagsterInstance.get() as opened:
        yield opened


def test_the_shipped_instance_keeps_its_limits_and_does_not_wait(instance):
    assert isinstance(instance.run_coordinator, QueuedRunCoordinator)
    assert instance.run_coordinator.dequeue_interval_seconds == 1
    assert controller.DEFAULT_DAEMON_INTERVAL_SECONDS == run_queue.LOOK_EVERY
    limits = instance.get_concurrency_config()
    assert limits.run_queue_config.max_concurrent_runs == 4
    assert limits.run_queue_config.tag_concurrency_limits[0]["key"] == "dagster/backfill"
    assert limits.pool_config.default_pool_limit == 1


def test_where_dagster_names_its_interval_otherwise_it_keeps_its_own(monkeypatch):
    monkeypatch.setattr(run_queue, "INTERVAL", "A_NAME_THAT_IS_NOT_THERE")
    run_queue.look_often()
    assert not hasattr(controller, "A_NAME_THAT_IS_NOT_THERE")
    monkeypatch.setattr(run_queue, "CONTROLLER", "no.such.module")
    run_queue.look_often()
