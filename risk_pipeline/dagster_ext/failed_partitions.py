"""Reports materialised partitions as failed; Dagster has no public API for it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import dagster as dg
from dagster._core.events import AssetMaterializationPlannedData
from dagster._core.utils import make_new_run_id


def fail_partitions(
    instance: dg.DagsterInstance, job: str, partitions: Mapping[str, list[date]], why: str, tags: Mapping[str, str]
) -> None:
    """Plan the partitions of some assets in a run that never starts, and report that run as failed.

    "Failed and missing" in the UI then selects them. Their earlier materialisations stay in the history.
    """
    started = dg.DagsterRunStatus.STARTED
    all_tags = {"dagster/max_retries": "0", **tags}
    run = instance.add_run(dg.DagsterRun(job_name=job, run_id=make_new_run_id(), status=started, tags=all_tags))
    for name, days in partitions.items():
        for day in days:
            planned = AssetMaterializationPlannedData(dg.AssetKey(name), partition=day.isoformat())
            event = dg.DagsterEvent(
                event_type_value=dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED.value,
                job_name=job,
                event_specific_data=planned,
            )
            instance.report_dagster_event(event, run.run_id)
    what = "; ".join(
        f"{name} of {days[0]}{' and others' if len(days) > 1 else ''}" for name, days in partitions.items()
    )
    instance.report_run_failed(run, f"{why}{what}; run these sessions again")
