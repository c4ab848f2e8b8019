"""What every asset shares: the partitions, the single-run policy, the owner; and the sessions of a run."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

import dagster as dg

from ..sessions import SessionCalendar, session_calendar
from ..settings import Settings
from ..storage.beginning import earliest_day

BEFORE_ANY_PORTFOLIO = date(2015, 1, 2)
"""The first partition while there is no portfolio, or no database that answers."""


def configured_calendar() -> SessionCalendar:
    """Return the exchange's calendar, whose first partition is set, or the first inception of a portfolio.

    The same in every process that reads the same database; it is read once a process, so that an import with an
    earlier inception takes effect when the code location is loaded again.
    """
    settings = Settings()
    _ = settings.proxy_sessions  # one that there is not is refused at once, not by a run
    first = settings.first_session or earliest_day(settings.url) or BEFORE_ANY_PORTFOLIO
    next_morning = settings.ready == "next_morning"
    return session_calendar(settings.calendar, first, is_ready_next_morning=next_morning, home=settings.home.resolve())


CALENDAR = configured_calendar()
OWNERS = ["team:risk"]
POOL = "risk_tables"  # one writing run at a time, whoever launched it


DAILY: dict[str, Any] = {
    "partitions_def": CALENDAR.partitions,
    "backfill_policy": dg.BackfillPolicy.single_run(),
    "owners": OWNERS,
    "pool": POOL,
}
"""Of every asset: one partitions definition, identity dependencies and one policy, so that a range is one run."""

ANALYTIC: dict[str, Any] = {**DAILY}
"""Of the panels and of all that reads them. Where workers share a backfill they come in chunks, a run each; Dagster
then waits for the market data of every session, which stay one run."""
if (chunk := Settings().backfill_chunk) is not None:
    ANALYTIC["backfill_policy"] = dg.BackfillPolicy.multi_run(chunk)


def run_sessions(context: dg.AssetExecutionContext | dg.OpExecutionContext) -> list[date]:
    """Return the sessions of the run, oldest first.

    Raises
    ------
    dg.Failure
        If its range holds none, begins before the first one, or has ends that are the wrong way round.
    """
    try:
        sessions = [date.fromisoformat(key) for key in sorted(context.partition_keys)]
    except Exception:  # whatever Dagster makes of keys that are none
        sessions = []
    if not sessions or not all(map(CALENDAR.is_session, sessions)):
        tags = context.run.tags
        first, last = (tags.get(f"dagster/asset_partition_range_{end}", "?") for end in ("start", "end"))
        remedy = (
            "write the earlier session first" if first > last else f"from {CALENDAR.first_session} on there are some"
        )
        raise dg.Failure(
            f"the partition range {first}...{last} holds no session of {CALENDAR.exchange}: {remedy}",
            allow_retries=False,
        )
    return sessions


def run_started(context: dg.AssetExecutionContext) -> datetime:
    """Return when Dagster recorded the run (aware, UTC): the run's idea of now, so that assets need no clock."""
    return _recorded(context.instance, context.run.run_id)


@lru_cache(maxsize=1)  # nine assets of a run ask
def _recorded(instance: dg.DagsterInstance, run_id: str) -> datetime:
    record = instance.get_run_record_by_id(run_id)
    if record is None:
        raise dg.DagsterInvariantViolationError(f"run {run_id} is not in the instance")
    return record.create_timestamp.astimezone(UTC)
