"""How a check looks at a run's sessions and reports what is wrong in one table."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import dagster as dg
import pandas as pd

from ..assets.common import run_sessions, table_metadata
from ..resources import Database, Registries
from ..storage.queries import latest_session

if TYPE_CHECKING:
    import sqlalchemy as sa

ERROR, WARN = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN


@dataclass(frozen=True)
class Finding:
    """What a check found: how many things it looked at, what they are, and the bad ones with their sessions."""

    looked_at: int
    what: str
    bad: pd.DataFrame
    severity: dg.AssetCheckSeverity | None = None


Find = Callable[["sa.Engine", Registries, list[date]], Finding]


def evaluate(finding: Finding, severity: dg.AssetCheckSeverity) -> dg.AssetCheckResult:
    """Turn a finding into a result; with nothing to look at it passes and says so."""
    text = (
        f"{len(finding.bad)} of {finding.looked_at} {finding.what} fail"
        if finding.looked_at
        else f"nothing to check: there are no {finding.what}"
    )
    rows = finding.bad.to_dict("records")
    return dg.AssetCheckResult(
        passed=finding.bad.empty,
        severity=finding.severity or severity,
        description=text,
        metadata={
            "looked_at": finding.looked_at,
            "bad": len(rows),
            **({"bad_rows": table_metadata(rows)} if rows else {}),
        },
    )


def checked_sessions(context: dg.AssetCheckExecutionContext, db: Database) -> list[date]:
    """Return the sessions of the run; of a check executed by itself, the latest session with a snapshot."""
    step = context.op_execution_context
    if step.has_partition_key or step.has_partition_key_range:
        return run_sessions(step)
    latest = latest_session(db.engine)
    if latest is None:
        raise dg.Failure("there is no snapshot yet: launch a session with the check's asset", allow_retries=False)
    return [latest]


def session_check(
    asset: str, find: Find, *, blocking: bool = False, severity: dg.AssetCheckSeverity = ERROR
) -> dg.AssetChecksDefinition:
    """Make a check of a partitioned asset from a function that returns the bad rows of the run's sessions.

    One evaluation a run, with the sessions in its table: Dagster stores none by partition for a ranged run,
    and an event per session and check would take longer than the analytics.
    """

    @dg.asset_check(asset=asset, name=find.__name__, blocking=blocking, description=find.__doc__)
    def check(context: dg.AssetCheckExecutionContext, db: Database, registries: Registries) -> dg.AssetCheckResult:
        return evaluate(find(db.engine, registries, checked_sessions(context, db)), severity)

    return check


def table_check(
    asset: str, find: Find, *, blocking: bool = False, severity: dg.AssetCheckSeverity = ERROR
) -> dg.AssetChecksDefinition:
    """Make a check of an unpartitioned asset; its function is given no sessions."""

    @dg.asset_check(asset=asset, name=find.__name__, blocking=blocking, description=find.__doc__)
    def check(db: Database, registries: Registries) -> dg.AssetCheckResult:
        return evaluate(find(db.engine, registries, []), severity)

    return check
