"""What a run knows of the backfill that it is a part of: which sessions, and whose prices are in already."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import dagster as dg

from .own_runs import own_records

if TYPE_CHECKING:
    from ..dagster_ext.backfills import PartitionBackfill

BACKFILL_TAG = "dagster/backfill"


def sessions_to_fetch(context: dg.AssetExecutionContext, run_sessions: list[date], database: str) -> list[date]:
    """Return the sessions whose prices this run asks the source for, in order; none if a backfill's are all in.

    A selection with holes is a run for each stretch. The first of them to start asks for every session of the
    backfill before anything is computed; later ones ask for what this backfill has not fetched yet.
    """
    identity = context.run.tags.get(BACKFILL_TAG)
    backfill = context.instance.get_backfill(identity) if identity else None
    if backfill is None:
        return run_sessions
    wanted = {*run_sessions, *_sessions_of(backfill, context.asset_key)}
    return sorted(wanted - _materialised_since(context, backfill.backfill_timestamp, wanted, database))


def _sessions_of(backfill: PartitionBackfill, asset: dg.AssetKey) -> set[date]:
    """Return the sessions of an asset that a backfill asks for."""
    if not backfill.is_asset_backfill:  # launched from a job's page
        return {date.fromisoformat(key) for key in backfill.partition_names or []}
    data = backfill.asset_backfill_data
    subset = data.target_subset.partitions_subsets_by_asset_key.get(asset) if data else None
    return {date.fromisoformat(key) for key in subset.get_partition_keys()} if subset else set()


def _materialised_since(
    context: dg.AssetExecutionContext, timestamp: float, sessions: set[date], database: str
) -> set[date]:
    """Return those of the sessions that the asset has been materialised for since then, in this database."""
    keys = sorted(day.isoformat() for day in sessions)
    records = context.instance.fetch_materializations(
        dg.AssetRecordsFilter(asset_key=context.asset_key, asset_partitions=keys, after_timestamp=timestamp),
        limit=10 * len(keys),
    ).records
    records = own_records(context.instance, records, database)
    return {date.fromisoformat(record.partition_key) for record in records if record.partition_key}
