"""Outcomes of runs: the table ``batch_runs`` and alerts.

A sensor, so that it also sees the runs of the time when the daemon was down.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import dagster as dg

from ...alerts import send_alert
from ...config.factors import load_factors
from ...dagster_ext.history import OF_HISTORY
from ...reports.quarantine import quarantined
from ...storage.batch_runs import BatchRun, mark_alerted, noted_error, record_run, was_alerted
from ...storage.check_queries import snapshots
from ...storage.database import place_of
from ...storage.queries import latest_session
from ..own_runs import is_ours
from ..partitions import CALENDAR
from ..resources import Database
from ..run_tags import PID_TAG, sessions_of
from .catch_up import described, due, now, stretches, without_todays_price
from .dead_runs import DIED, KILLED, end_dead_runs
from .jobs import EARLIER_TAG, LAST_TRY, TRY_TAG
from .limit_alerts import alert_breaches

if TYPE_CHECKING:
    import sqlalchemy as sa

    from ...dagster_ext.launchers import SerializableErrorInfo

STATUS = {
    dg.DagsterRunStatus.STARTED: "started",
    dg.DagsterRunStatus.SUCCESS: "success",
    dg.DagsterRunStatus.FAILURE: "failed",
    dg.DagsterRunStatus.CANCELED: "cancelled",
}
WORKER_DIED = "Detected run worker status"
"""What distinguishes a crash from a failure in Dagster's own record: ours, and that of Dagster's run monitoring."""
FROM_OUTSIDE = "This run has been marked as failed from outside"
"""What Dagster's code server says, and no more, of a run whose process it finds gone."""
OUR_ERRORS = {"StorageError", "DatabaseAwayError", "PanelError", "SourceError", "ConfigError"}
NAMED = 10
"""Portfolios without numbers that an alert names."""
ALERT_WITHIN = timedelta(days=1)
"""Older failures are recorded without an alert, as on the first start beside a long history."""


@dg.sensor(
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Records each run in batch_runs, alerts on failures, and ends runs whose process is gone.",
)
def run_records(context: dg.SensorEvaluationContext, db: Database) -> dg.SkipReason:
    """Keep `batch_runs` true to what became of each run; alert on failures; end runs whose process died."""
    origin = context.code_location_origin
    location = origin.location_name if origin else None
    end_dead_runs(context.instance, db.engine, location)
    since = datetime.fromisoformat(context.cursor) if context.cursor else None
    if since is not None and since > now():  # the clock was ahead and has been put right
        since = now() - ALERT_WITHIN
    records = context.instance.get_run_records(
        dg.RunsFilter(statuses=list(STATUS), updated_after=since),
        order_by="update_timestamp",
        ascending=True,
        limit=200,
    )
    for record in records:
        if not is_ours(record.dagster_run, place_of(db.engine), location):
            continue
        watch(context.instance, db.engine, record)
    if records:  # the newest is read again next time: two updates may share a timestamp
        newest = records[-1].update_timestamp.astimezone(UTC) - timedelta(seconds=1)
        context.update_cursor(newest.isoformat())
    return dg.SkipReason(f"looked at {len(records)} run(s)")


def watch(instance: dg.DagsterInstance, engine: "sa.Engine", record: dg.RunRecord) -> None:
    """Write a run's row, and send the alerts that it needs and that have not been sent: its failure, broken limits."""
    run = batch_run(instance, record)
    if run.status == "crashed":
        run = _with_last_words(instance, engine, record.dagster_run, run)
    alerted = record_run(engine, run)
    problem = _problem(engine, record.dagster_run, run) or _news_of_portfolios(engine, run)
    recent = run.ended_at is not None and now().replace(tzinfo=None) - run.ended_at < ALERT_WITHIN
    if problem and recent and not alerted:
        sessions = f"{run.first_session} to {run.last_session}" if run.first_session else "no sessions"
        if send_alert(f"risk_pipeline: {problem}", run_id=run.run_id, status=run.status, sessions=sessions):
            mark_alerted(engine, run.run_id)
    if run.status == "success" and recent and run.first_session is not None and run.last_session is not None:
        alert_breaches(engine, run.first_session, run.last_session)


def _with_last_words(instance: dg.DagsterInstance, engine: "sa.Engine", run: dg.DagsterRun, row: BatchRun) -> BatchRun:
    """Return the row with what the run noted of Dagster's storage, which could not keep it; put that on its page."""
    noted = noted_error(engine, row.run_id) or ""
    if noted.startswith(OF_HISTORY):
        if noted not in (row.error or ""):  # whoever ended it knew nothing of that
            instance.report_engine_event(noted, run)
        noted = f"{DIED}: {noted}"
    return replace(row, error=noted) if noted.startswith(f"{DIED}: {OF_HISTORY}") else row


def batch_run(instance: dg.DagsterInstance, record: dg.RunRecord) -> BatchRun:
    """Return what Dagster knows of a run as a row."""
    run = record.dagster_run
    first, last = sessions_of(run.tags)
    error = _error(instance, run.run_id) if run.status is dg.DagsterRunStatus.FAILURE else None
    return BatchRun(
        run_id=run.run_id,
        status="crashed" if error and error.startswith((DIED, WORKER_DIED)) else STATUS[run.status],
        launched_by=_launched_by(run.tags),
        first_session=first,
        last_session=last,
        started_at=_utc(record.start_time),
        ended_at=_utc(record.end_time),
        error=error,
    )


def _problem(engine: "sa.Engine", run: dg.DagsterRun, row: BatchRun) -> str | None:
    """Return the problem to report for a run, None if all is well or the evening has another try."""
    if run.tags.get("dagster/will_retry") == "true":  # on another worker; its last try is reported
        return None
    tries = run.tags.get(TRY_TAG)
    if row.status in ("failed", "crashed") and tries in (None, LAST_TRY):
        return f"run {row.run_id[:8]} {row.status}: {row.error}"
    if EARLIER_TAG in run.tags:  # the newest stretch speaks for the evening
        return None
    if row.status == "success" and tries == LAST_TRY and row.ended_at is not None and row.last_session is not None:
        ended = row.ended_at.replace(tzinfo=UTC)
        wanted = stretches(due(engine, ended).absent)
        late = without_todays_price(engine, row.last_session)
        if wanted or late:
            lacking = (
                f"{len(late)} symbol(s) without a price: {', '.join(late[:10])}"
                if late
                else f"missing {described(wanted)}"
            )
            return f"{CALENDAR.exchange} session {row.last_session} is still incomplete after the last try: {lacking}"
    return None


def _news_of_portfolios(engine: "sa.Engine", row: BatchRun) -> str | None:
    """Name the portfolios that lack numbers since a run's newest session: symbols, reason, remedy; None without any.

    Those that lacked them on the session before as well were named then, and so were those of an earlier run of the
    session.
    """
    day = row.last_session
    if row.status != "success" or day is None or day != latest_session(engine) or was_alerted(engine, day):
        return None
    factors = load_factors()
    present = quarantined(engine, factors, [day])
    before = [CALENDAR.look_back_from(day, 1)]
    was_run = bool(present) and len(snapshots(engine, before)) > 0
    known = {one.portfolio_id for one in quarantined(engine, factors, before)} if was_run else set()
    news = [one for one in present if one.portfolio_id not in known]
    if not news:
        return None
    more = f"; and {len(news) - NAMED} more" if len(news) > NAMED else ""
    lack = "1 portfolio lacks" if len(news) == 1 else f"{len(news)} portfolios lack"
    return f"{lack} numbers on {day}, all others are complete. {'; '.join(map(str, news[:NAMED]))}{more}"


def _error(instance: dg.DagsterInstance, run_id: str) -> str:
    """Return why a run failed: the first failed step and its cause, or Dagster's own word."""
    for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_FAILURE):
        event = entry.dagster_event
        if event is not None:
            data = event.step_failure_data
            if data.user_failure_data and data.user_failure_data.description:
                return f"{event.step_key}: {data.user_failure_data.description}"
            return f"{event.step_key}: {_cause(data.error) or 'it did not say why'}"
    for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.RUN_FAILURE):
        event = entry.dagster_event
        failure = event.job_failure_data if event is not None else None
        said = _cause(failure.error) if failure is not None else None  # a resource could not be opened
        if event is not None and not said and not entry.user_message and (event.message or "").startswith(FROM_OUTSIDE):
            return f"{DIED}: {KILLED}"
        return said or entry.user_message or (event and event.message) or "it did not say why"
    return "it did not say why"


def _cause(error: "SerializableErrorInfo | None") -> str | None:
    """Return the text of our own error that says what to do, else of the innermost cause."""
    while error is not None and error.cause is not None and error.cls_name not in OUR_ERRORS:
        error = error.cause
    if error is None:
        return None
    text = error.message.strip()
    return text.partition(": ")[2] if error.cls_name in OUR_ERRORS else text


def _launched_by(tags: Mapping[str, str]) -> str:
    for tag, name in (
        ("dagster/schedule_name", "schedule"),
        ("dagster/backfill", "backfill"),
        (PID_TAG, "command line"),
    ):
        if tag in tags:
            return name
    return "ui"


def _utc(timestamp: float | None) -> datetime | None:
    return None if timestamp is None else datetime.fromtimestamp(timestamp, UTC).replace(tzinfo=None)
