"""What every asset shares: the partitions, the single-run policy, the owner; and the sessions of a run."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import dagster as dg

from ..settings import Settings

CALENDAR = Settings().sessions
OWNERS = ["team:risk"]
POOL = "risk_tables"  # one writing run at a time, whoever launched it


ANY_SESSION: dict[str, Any] = {
    "backfill_policy": dg.BackfillPolicy.single_run(),
    "owners": OWNERS,
    "pool": POOL,
}
"""Of an unpartitioned asset. The single-run policy lets a range of sessions be one run with all assets."""

DAILY: dict[str, Any] = {**ANY_SESSION, "partitions_def": CALENDAR.partitions}
"""Of a partitioned asset: one definition and identity dependencies, or Dagster would split the run."""
if (chunk := Settings().backfill_chunk) is not None:  # where workers share a backfill; the barrier keeps its order
    DAILY["backfill_policy"] = dg.BackfillPolicy.multi_run(chunk)


def run_sessions(context: dg.AssetExecutionContext | dg.OpExecutionContext) -> list[date]:
    """Return the sessions of the run, oldest first.

    Raises
    ------
    dg.Failure
        If its range holds none, because its ends are the wrong way round.
    """
    sessions = [date.fromisoformat(key) for key in sorted(context.partition_keys)]
    if not sessions:
        given = context.partition_key_range
        raise dg.Failure(
            f"the partition range {given.start}...{given.end} holds no session of {CALENDAR.exchange}: "
            "write the earlier session first",
            allow_retries=False,
        )
    return sessions


def unordered_backfill(context: dg.AssetExecutionContext) -> list[date]:
    """Return the sessions of the backfill that this run is a part of, if nothing makes its runs wait for market data.

    Launched from a job's page, a selection with holes becomes one run per stretch, each with all assets; so
    does one from the asset graph without the barrier. Elsewhere, and outside of backfills, there are none.
    """
    identity = context.run.tags.get("dagster/backfill")
    backfill = context.instance.get_backfill(identity) if identity else None
    if backfill is None:
        return []
    if not backfill.is_asset_backfill:
        return [date.fromisoformat(key) for key in sorted(backfill.partition_names or [])]
    target = backfill.asset_backfill_data.target_subset if backfill.asset_backfill_data else None
    barred = dg.AssetKey("market_data_coverage")
    if target is None or barred in target.non_partitioned_asset_keys:
        return []
    subset = target.partitions_subsets_by_asset_key.get(context.asset_key)
    return [date.fromisoformat(key) for key in sorted(subset.get_partition_keys())] if subset else []


def run_started(context: dg.AssetExecutionContext) -> datetime:
    """Return when Dagster recorded the run (aware, UTC): the run's idea of now, so that assets need no clock."""
    record = context.instance.get_run_record_by_id(context.run.run_id)
    if record is None:
        raise dg.DagsterInvariantViolationError(f"run {context.run.run_id} is not in the instance")
    return record.create_timestamp.astimezone(UTC)
