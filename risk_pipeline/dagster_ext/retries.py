"""Retries of runs whose worker died: three looks of Dagster's daemon between two writes, each of which lost one.

Dagster stores a failure's event, then the run's status, then the tag that it will be retried.

- Its retry daemon passes for good over an event whose run has no status yet. Here it waits for the status.
- A backfill whose other runs have ended fails at a run that has no tag yet. Here the tag comes first.
- A backfill reads what its runs have made, then whether they have ended, so it fails when a retry's last asset comes in
  between. Here a backfill with a failed run ends at the second look that finds its runs ended.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import dagster as dg
from dagster._core.events import JobFailureData
from dagster._core.execution.retries import auto_reexecution_should_retry_run
from dagster._core.storage.tags import BACKFILL_ID_TAG, WILL_RETRY_TAG

if TYPE_CHECKING:
    from dagster._core.storage.dagster_run import RunRecord

LOOKS, PAUSE = 100, 0.1
"""How often the retry daemon looks for the status of a failed run, and the seconds in between."""
Retry = Callable[..., Iterator[None]]
Complete = Callable[[str, dg.DagsterInstance, Any], bool]


@cache
def keep_retries() -> None:
    """From now on write and read the state of failed runs in this process in an order that loses no retry."""
    store = dg.DagsterInstance.handle_new_event

    def tag_and_store(instance: dg.DagsterInstance, event: dg.EventLogEntry, **options: Any) -> None:
        tag_retry(instance, event)
        store(instance, event, **options)

    setattr(dg.DagsterInstance, "handle_new_event", tag_and_store)  # noqa: B010  mypy takes no other function
    for module, name, wrap in (
        (
            "dagster._daemon.auto_run_reexecution.event_log_consumer",
            "consume_new_runs_for_automatic_reexecution",
            with_status,
        ),
        ("dagster._core.execution.asset_backfill", "backfill_runs_are_complete", at_second_look),
    ):
        found = getattr(sys.modules.get(module), name, None)  # only a daemon has both
        if found is not None:
            setattr(sys.modules[module], name, wrap(found))


def tag_retry(instance: dg.DagsterInstance, event: dg.EventLogEntry) -> None:
    """Tag the run of a failure that is about to be stored with whether it will be retried."""
    if not (event.is_dagster_event and event.get_dagster_event().is_run_failure and instance.run_retries_enabled):
        return
    run = instance.get_run_by_id(event.run_id)
    if run is None or run.is_finished:
        return
    data = event.get_dagster_event().event_specific_data
    reason = data.failure_reason if isinstance(data, JobFailureData) else None
    will = auto_reexecution_should_retry_run(instance, run.with_status(dg.DagsterRunStatus.FAILURE), reason)
    instance.add_run_tags(run.run_id, {WILL_RETRY_TAG: str(will).lower()})


def with_status(retry: Retry) -> Retry:
    """Return Dagster's handler of runs that ended, given them when their status says so.

    A run without a status after ten seconds is left out: whoever was to store it has died, and the monitor of runs
    will report the failure again.
    """

    def retry_ended(context: Any, records: Sequence[RunRecord], logger: Any) -> Iterator[None]:
        for _ in range(LOOKS):
            if all(record.dagster_run.is_finished for record in records):
                break
            time.sleep(PAUSE)
            yield  # the daemon's sign of life
            records = context.instance.get_run_records(
                dg.RunsFilter(run_ids=[record.dagster_run.run_id for record in records])
            )
        yield from retry(context, [record for record in records if record.dagster_run.is_finished], logger)

    return retry_ended


def at_second_look(complete: Complete) -> Complete:
    """Return Dagster's look at whether the runs of a backfill have ended, believed the second time if one failed."""
    seen: set[str] = set()

    def complete_and_read(backfill_id: str, instance: dg.DagsterInstance, logger: Any) -> bool:
        if not complete(backfill_id, instance, logger):
            seen.discard(backfill_id)
            return False
        failed = dg.RunsFilter(tags={BACKFILL_ID_TAG: backfill_id}, statuses=[dg.DagsterRunStatus.FAILURE])
        if backfill_id in seen or not instance.get_run_ids(failed, limit=1):
            seen.discard(backfill_id)
            return True
        seen.add(backfill_id)
        return False

    return complete_and_read
