"""The evening schedule: catching up and running daily are one path."""

from zoneinfo import ZoneInfo

import dagster as dg

from ..assets.common import CALENDAR
from ..resources import Database
from ..settings import Settings
from .catch_up import sessions_to_run
from .jobs import daily_risk, range_tags


@dg.schedule(
    job=daily_risk,
    cron_schedule=CALENDAR.schedule_cron,
    execution_timezone=CALENDAR.timezone,
    default_status=(
        dg.DefaultScheduleStatus.RUNNING if Settings().schedule_enabled else dg.DefaultScheduleStatus.STOPPED
    ),
    description="Each weekday evening: from the first session without a complete snapshot to the last closed.",
)
def evening(context: dg.ScheduleEvaluationContext, db: Database) -> dg.RunRequest | dg.SkipReason:
    """Ask for one run over every session that is missing, or say why there is none."""
    tick = context.scheduled_execution_time
    local_day = tick.astimezone(ZoneInfo(CALENDAR.timezone)).date()
    if not CALENDAR.is_session(local_day):
        return dg.SkipReason(f"{local_day} is no session of {CALENDAR.exchange}: a holiday")
    wanted = sessions_to_run(db.engine, tick)
    if wanted is None:
        return dg.SkipReason(
            f"nothing is missing: every active portfolio has a complete snapshot up to {CALENDAR.last_closed(tick)}"
        )
    return dg.RunRequest(run_key=f"{tick.isoformat()} {wanted}", tags=range_tags(wanted.first, wanted.last))
