"""The evening schedule: catching up and running daily are one path."""

from zoneinfo import ZoneInfo

import dagster as dg

from ...settings import Settings
from ..partitions import CALENDAR
from ..resources import Database
from ..run_tags import range_tags
from .catch_up import SessionRange, sessions_to_run, without_todays_price
from .jobs import EARLIER_TAG, LAST_TRY, TRY_TAG, daily_risk


@dg.schedule(
    job=daily_risk,
    cron_schedule=CALENDAR.schedule_crons,
    execution_timezone=CALENDAR.timezone,
    default_status=(
        dg.DefaultScheduleStatus.RUNNING if Settings().schedule_enabled else dg.DefaultScheduleStatus.STOPPED
    ),
    description="Runs what is missing up to the last closed session; tries again hourly while its data is incomplete.",
)
def evening(context: dg.ScheduleEvaluationContext, db: Database) -> list[dg.RunRequest] | dg.SkipReason:
    """Ask for a run over each stretch of sessions that are missing or stale, or say why there is none."""
    tick = context.scheduled_execution_time
    local = tick.astimezone(ZoneInfo(CALENDAR.timezone))
    day = CALENDAR.day_of_tick(local.date())
    if not CALENDAR.is_session(day):
        return dg.SkipReason(f"{day} is no session of {CALENDAR.exchange}: a holiday")
    last = CALENDAR.last_closed(tick)
    wanted = sessions_to_run(db.engine, tick)
    if not any(stretch.last == last for stretch in wanted) and without_todays_price(db.engine, last):
        wanted = [*wanted, SessionRange(last, last)]
    if not wanted:
        return dg.SkipReason(f"nothing is missing: every active portfolio has a complete snapshot up to {last}")
    tries = [at for at in CALENDAR.evening_tries if at <= local.time()]
    number = LAST_TRY if len(tries) == len(CALENDAR.evening_tries) else str(len(tries))
    return [
        dg.RunRequest(
            run_key=f"{tick.isoformat()} {stretch}",
            tags={
                **range_tags(stretch.first, stretch.last),
                TRY_TAG: number,
                **({} if stretch is wanted[-1] else {EARLIER_TAG: "true"}),
            },
        )
        for stretch in wanted
    ]
