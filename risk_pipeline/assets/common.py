"""What every asset shares: the partitions, the single-run policy, the owner, the code version."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from ..settings import Settings

if TYPE_CHECKING:
    import sqlalchemy as sa

CALENDAR = Settings().sessions
OWNERS = ["team:risk"]
POOL = "risk_tables"  # one writing run at a time, whoever launched it


@lru_cache
def code_version() -> str:
    """Return a hash of the package's code and registries: what made a row can always be told."""
    return code_on_disk()


def code_on_disk() -> str:
    """Return the hash of the code as it is now; :func:`code_version` is that of this process's beginning."""
    digest = hashlib.sha256()
    root = Path(__file__).parent.parent
    for path in sorted([*root.rglob("*.py"), *root.rglob("*.yaml")]):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


ANY_SESSION: dict[str, Any] = {
    "backfill_policy": dg.BackfillPolicy.single_run(),
    "owners": OWNERS,
    "code_version": code_version(),
    "pool": POOL,
}
"""Of an unpartitioned asset. The single-run policy lets a range of sessions be one run with all assets."""

DAILY: dict[str, Any] = {**ANY_SESSION, "partitions_def": CALENDAR.partitions}
"""Of a partitioned asset: one definition and identity dependencies, or Dagster would split the run."""
if (chunk := Settings().backfill_chunk) is not None:  # where workers share a backfill; the barrier keeps its order
    DAILY["backfill_policy"] = dg.BackfillPolicy.multi_run(chunk)


def run_sessions(context: dg.AssetExecutionContext | dg.OpExecutionContext) -> list[date]:
    """Return the sessions of the run, oldest first."""
    return [date.fromisoformat(key) for key in sorted(context.partition_keys)]


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


def definition_metadata(table: sa.Table) -> dict[str, Any]:
    """Return the standard metadata of an asset's main table: its name and its columns."""
    return {
        "dagster/table_name": table.name,
        "dagster/column_schema": dg.TableSchema(
            [
                dg.TableColumn(
                    column.name,
                    str(column.type),
                    constraints=dg.TableColumnConstraints(nullable=bool(column.nullable)),
                )
                for column in table.columns
            ]
        ),
    }


class Stopwatch:
    """Seconds by stage of a step, for its metadata."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time spent inside to the stage."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start

    @property
    def metadata(self) -> dict[str, float]:
        """Return ``run/seconds/<stage>`` entries: of the whole run, where a partition's event has its own beside."""
        return {f"run/seconds/{name}": round(value, 3) for name, value in self.seconds.items()}


SHOWN = 25
"""Rows of a table in the UI, at most."""


def table_metadata(rows: Sequence[Mapping[str, Any]], limit: int = SHOWN) -> dg.TableMetadataValue:
    """Return rows as a small table for the UI; dates become text and numbers four significant digits."""

    def cell(value: Any) -> str | int | float | bool | None:
        if isinstance(value, float):
            return None if value != value else float(f"{value:.4g}")  # noqa: PLR0124 (NaN)
        return value if value is None or isinstance(value, str | int | bool) else str(value)

    return dg.MetadataValue.table(
        [dg.TableRecord({key: cell(value) for key, value in row.items()}) for row in rows[:limit]]
        or [dg.TableRecord({"": "nothing to show"})]
    )
