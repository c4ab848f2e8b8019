"""Whether the newest session that is due is there: judged by sessions, never by when something was last written.

A backfill of an old session makes nothing fresh, and a session that has closed tonight is late only after the last
try of its evening.
"""

from datetime import date, datetime
from typing import TYPE_CHECKING

import dagster as dg

from ...dagster_ext.check_targets import Target, latest_evaluation
from ...storage.completeness import incomplete_sessions
from ...storage.queries import portfolios
from ..partitions import CALENDAR
from ..resources import Database
from .catch_up import now

if TYPE_CHECKING:
    import sqlalchemy as sa

ASSET = dg.AssetKey("portfolio_snapshots")
CHECK = dg.AssetCheckKey(ASSET, "newest_due_session_complete")
LOOKED_AT = 21
"""Sessions among which the newest complete one is looked for."""
REMEDY = (
    "Run `risk-pipeline run`, or materialise all assets for the sessions named here. Is the schedule `evening` on, "
    "and did its last run fail? `risk-pipeline doctor` looks for the cause."
)


@dg.asset_check(asset=ASSET, name=CHECK.name)
def newest_due_session_complete(db: Database) -> dg.AssetCheckResult:
    """Every portfolio has a complete snapshot of the newest session that is due.

    A session is due an hour after the last try of its evening. One late session is warned of, more are an error.
    The sensor `missing_rows` looks every five minutes; a backfill of earlier sessions does not make it pass.
    """
    return freshness(db.engine, now())


def freshness(engine: "sa.Engine", at: datetime) -> dg.AssetCheckResult:
    """Judge at a time (aware) whether the newest due session is complete; a later one that is complete is as good."""
    newest = CALENDAR.last_closed(at)
    first = max(CALENDAR.look_back_from(newest, LOOKED_AT - 1), CALENDAR.first_session)
    window = CALENDAR.sessions_in_range(first, newest).tolist()
    due = [day for day in window if CALENDAR.due_at(day) <= at]
    if not due or portfolios(engine).empty:
        return _result("nothing is due: there is no portfolio, or no session yet")
    lacking = {*incomplete_sessions(engine, window)}
    complete = [day for day in window if day not in lacking]
    late = [day for day in due if not complete or day > complete[-1]]
    if not late:
        return _result(f"{complete[-1]} is complete" + ("" if complete[-1] == newest else f"; {newest} is not due yet"))
    since = f"the newest complete one is {complete[-1]}" if complete else f"none since {first} is complete"
    return _result(
        f"{late[-1]} was due at {CALENDAR.due_at(late[-1]):%Y-%m-%d %H:%M %Z} and is not complete; {since}",
        late=late,
    )


def report_freshness(instance: dg.DagsterInstance, engine: "sa.Engine", at: datetime) -> None:
    """Store the check's result if it says something else than the last one, or the snapshots are newer than it."""
    result = freshness(engine, at)
    last = latest_evaluation(instance, CHECK)
    target = _newest_materialisation(instance)
    looked_at = last.target_materialization_data if last else None
    is_known = last is not None and (last.passed, last.description) == (result.passed, result.description)
    if is_known and (looked_at and looked_at.storage_id) == (target and target.storage_id):
        return
    instance.report_runless_asset_event(
        dg.AssetCheckEvaluation(
            asset_key=ASSET,
            check_name=CHECK.name,
            passed=result.passed,
            severity=result.severity,
            description=result.description,
            metadata=result.metadata,
            target_materialization_data=target,
        )
    )


def _result(text: str, *, late: list[date] | None = None) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=not late,
        severity=dg.AssetCheckSeverity.WARN if late and len(late) == 1 else dg.AssetCheckSeverity.ERROR,
        description=text,
        metadata={"late_sessions": ", ".join(map(str, late[-10:])), "remedy": REMEDY} if late else {},
    )


def _newest_materialisation(instance: dg.DagsterInstance) -> Target | None:
    """Return what the UI compares an evaluation with: one of before it would be shown as not evaluated."""
    records = instance.fetch_materializations(ASSET, limit=1).records
    return (
        Target(storage_id=records[0].storage_id, run_id=records[0].run_id, timestamp=records[0].timestamp)
        if records
        else None
    )
