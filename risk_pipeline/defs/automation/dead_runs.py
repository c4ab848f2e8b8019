"""Runs whose process is gone: a killed one can't say so itself, and every later one would wait for it.

A run lives as long as its lease is renewed, wherever it works. That its process number exists is no sign of life:
the number may be another's by now. That it does not exist, on the machine and in the container that the run
began in, is a quicker proof of its end than the lease.
"""

import os
from collections.abc import Iterator
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

import dagster as dg

from ...dagster_ext.launchers import launches_here
from ...storage.batch_runs import LEASE, end_lease, lease_ages, noted_error
from ...storage.database import place_of
from ..own_runs import is_ours
from ..run_tags import HOST_TAG, PID_TAG, this_place
from .catch_up import now

if TYPE_CHECKING:
    import sqlalchemy as sa

DIED = "the process of the run is gone"
KILLED = "it was killed or the machine was restarted; run its sessions again"
START_WITHIN = timedelta(minutes=15)
UNFINISHED = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def end_dead_runs(instance: dg.DagsterInstance, engine: "sa.Engine", location: str | None = None) -> list[str]:
    """Report runs as failed that are dead, and let them write nothing more; returns their ids.

    Runs of other databases, and of other code locations than ``location``, are left alone: they hold no lease here.
    """
    found = _dead_with_ages(instance, engine, location)
    dead = [run for run, age in found if end_lease(engine, run.run_id, age)]
    for run in dead:
        instance.report_run_failed(run, f"{DIED}: {noted_error(engine, run.run_id) or KILLED}")
    return [run.run_id for run in dead]


def dead_runs(instance: dg.DagsterInstance, engine: "sa.Engine", location: str | None = None) -> list[dg.DagsterRun]:
    """Return the runs that are not recorded as ended, and are dead."""
    return [run for run, _ in _dead_with_ages(instance, engine, location)]


def _dead_with_ages(
    instance: dg.DagsterInstance, engine: "sa.Engine", location: str | None
) -> list[tuple[dg.DagsterRun, timedelta | None]]:
    """Return the dead runs with the ages of the leases that they were judged by."""
    ages = lease_ages(engine)
    records = instance.get_run_records(dg.RunsFilter(statuses=UNFINISHED))
    judged = [(record, ages.get(record.dagster_run.run_id)) for record in records]
    return [
        (record.dagster_run, age)
        for record, age in judged
        if is_ours(record.dagster_run, place_of(engine), location) and _is_dead(instance, record, age)
    ]


def _is_dead(instance: dg.DagsterInstance, record: dg.RunRecord, lease_age: timedelta | None) -> bool:
    if lease_age is not None and lease_age > 2 * LEASE:
        return True
    if any(not _exists(pid) for pid in _pids_here(instance, record.dagster_run)):
        return True
    waited = now() - record.update_timestamp.astimezone(UTC)  # it may have been queued for longer
    return lease_age is None and launches_here(instance) and waited > START_WITHIN


def _pids_here(instance: dg.DagsterInstance, run: dg.DagsterRun) -> Iterator[int]:
    """Yield the number of a run's process, if it works here."""
    if run.tags.get(HOST_TAG) != this_place():
        return
    if PID_TAG in run.tags:
        yield int(run.tags[PID_TAG])
    elif launches_here(instance):  # workers are looked after by Dagster's run monitoring, which names the worker
        yield from list(_launched(instance, run.run_id))[-1:]


def _launched(instance: dg.DagsterInstance, run_id: str) -> Iterator[int]:
    for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT):
        metadata = entry.dagster_event.engine_event_data.metadata if entry.dagster_event else {}
        if "pid" in metadata:
            yield int(str(metadata["pid"].value))


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:  # a child that has ended and was not waited for yet
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return True
