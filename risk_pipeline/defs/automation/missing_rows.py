"""Partitions whose rows are gone or stale become failed in Dagster, so that the UI shows what is there.

The same sensor keeps the freshness check true while nothing runs.
"""

from datetime import date
from typing import TYPE_CHECKING

import dagster as dg

from ...dagster_ext.failed_partitions import fail_partitions
from ...storage.completeness import sessions_without_rows
from ...storage.database import place_of
from ..own_runs import own_records
from ..partitions import CALENDAR
from ..resources import Database
from ..run_tags import DATABASE_TAG
from .catch_up import now, stale_rows
from .freshness import report_freshness

if TYPE_CHECKING:
    import sqlalchemy as sa

JOB = "rows_found_missing"


@dg.sensor(
    minimum_interval_seconds=300,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Turns partitions whose rows are gone or stale to failed; says if the newest due session is there.",
)
def missing_rows(context: dg.SensorEvaluationContext, db: Database) -> dg.SkipReason:
    """Turn partitions whose rows were deleted or are stale to failed: "failed and missing" in the UI repairs it."""
    report_freshness(context.instance, db.engine, now())
    found = mark_missing(context.instance, db.engine)
    lost = ", ".join(f"{len(days)} of {name}" for name, days in found.items())
    return dg.SkipReason(
        f"sessions whose rows are gone or stale: {lost}"
        if lost
        else "every materialised session has its rows, from the present inputs"
    )


def mark_missing(instance: dg.DagsterInstance, engine: "sa.Engine") -> dict[str, list[date]]:
    """Report as failed every materialised partition whose rows are gone or stale; return those by asset.

    Dagster's own storage can't forget single partitions. They are failed in a run of their own, whose page
    says why; their history stays.
    """
    with dg.partition_loading_context(dynamic_partitions_store=instance):
        keys = CALENDAR.partitions.get_partition_keys()
    sessions = [date.fromisoformat(key) for key in keys]
    stale = stale_rows(engine, sessions[0], sessions[-1])
    by_asset = {str(name): sorted(rows["session"].dt.date) for name, rows in stale.groupby("asset")}
    database, out = place_of(engine), dict[str, list[date]]()
    for lost, why in (
        (sessions_without_rows(engine, sessions), "rows that had been stored are no longer in the database: "),
        (by_asset, "rows were made from a book, prices or registries that have changed since: "),
    ):
        found = {name: bad for name, days in lost.items() if (bad := _materialised(instance, name, days, database))}
        if found:
            fail_partitions(instance, JOB, found, why, {DATABASE_TAG: database})
        for name, days in found.items():
            out[name] = sorted({*out.get(name, []), *days})
    return out


def _materialised(instance: dg.DagsterInstance, name: str, days: list[date], database: str) -> list[date]:
    """Return the days whose partition is materialised, last by a run of this database."""
    keys = [day.isoformat() for day in days]
    status = instance.get_status_by_partition(dg.AssetKey(name), keys, CALENDAR.partitions) if keys else None
    present = [key for key in keys if status and getattr(status.get(key), "value", None) == "MATERIALIZED"]
    if not present:
        return []
    ids = instance.event_log_storage.get_latest_storage_id_by_partition(
        dg.AssetKey(name), dg.DagsterEventType.ASSET_MATERIALIZATION, {*present}
    )
    wanted = dg.AssetRecordsFilter(asset_key=dg.AssetKey(name), storage_ids=[*ids.values()])
    records = instance.fetch_materializations(wanted, limit=len(ids)).records
    return sorted(date.fromisoformat(str(record.partition_key)) for record in own_records(instance, records, database))
