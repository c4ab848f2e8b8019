"""Which sessions a command is about: those that its options name, or those that are due."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from .terminal import UserError, console, counted, own_command

if TYPE_CHECKING:
    import sqlalchemy as sa

    from ..defs.automation.catch_up import SessionRange

OneSession = Annotated[datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="One session.")]
RangeStart = Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First session of a range.")]
RangeEnd = Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last session of a range.")]
LastSessions = Annotated[int | None, typer.Option(min=1, help="The last N closed sessions.")]
NOTHING_MISSING = (
    "Nothing is missing: every active portfolio is complete, from what is stored. The next run of a session asks the "
    "source for prices again, as `risk-pipeline run --date` does now."
)
WHY = {
    "absent": "without complete results",
    "not recorded": "made before inputs were recorded",
    "inputs": "the book, limits or prices have changed since",
    "registry": "factors, scenarios or the risk-free rate have changed since",
    "code": "made by another version of the code",
}


def wanted_sessions(
    engine: sa.Engine,
    date_: datetime | None,
    from_: datetime | None,
    to: datetime | None,
    last: int | None,
) -> SessionRange | None:
    """Return the sessions that the options name, None where they name none.

    Raises
    ------
    UserError
        If they contradict each other, hold no session, or one that has not closed or has no partition.
    """
    from ..defs.automation.catch_up import SessionRange, now
    from ..defs.partitions import CALENDAR
    from ..settings import Settings
    from .newest import newest_session

    if sum([date_ is not None, from_ is not None or to is not None, last is not None]) > 1:
        raise UserError("give one of --date, --from with --to, and --last")
    if (from_ is None) != (to is None):
        raise UserError("--from and --to go together: both days are included")
    newest_found = newest_session(Settings(), now())
    newest = newest_found.session
    if newest_found.prices_end and date_ is None and from_ is None:
        console.print(f"[yellow]The prices end on {newest_found.prices_end}[/]: {newest} is the newest session to run.")
    if last is not None:
        return SessionRange(max(CALENDAR.look_back_from(newest, last - 1), CALENDAR.first_session), newest)
    if date_ is None and from_ is None:
        return None
    first_day = (date_ or from_).date()  # type: ignore[union-attr]
    last_day = (date_ or to).date()  # type: ignore[union-attr]
    if last_day < first_day:
        raise UserError(f"--from {first_day} is after --to {last_day}")
    if newest_found.prices_end and last_day > newest:
        raise UserError(
            f"the prices end on {newest_found.prices_end}: the newest session to run is {newest} "
            f"(`risk-pipeline run --date {newest}`, or `--last N` up to it)"
        )
    sessions = CALENDAR.sessions_in_range(first_day, last_day).tolist()
    if not sessions:
        raise UserError(
            f"{SessionRange(first_day, last_day)} holds no session of {CALENDAR.exchange}; "
            f"the one before is {CALENDAR.date_to_session(first_day)}"
        )
    if last_day > newest:
        raise UserError(f"{last_day} has not closed yet: the last closed session is {newest}")
    if first_day < CALENDAR.first_session:
        raise UserError(
            f"{first_day} is before the first partition, {CALENDAR.first_session}: "
            "set RISK_PIPELINE_FIRST_SESSION to an earlier session"
        )
    return SessionRange(sessions[0], sessions[-1])


def range_ends(written: str) -> tuple[datetime, datetime]:
    """Return the first and last day of a range as Dagster writes it.

    Raises
    ------
    UserError
        If it is none, or its ends are the wrong way round.
    """
    first, dots, last = written.partition("...")
    try:
        ends = [datetime.strptime(day.strip(), "%Y-%m-%d") for day in (first, last)]
    except ValueError:
        ends = []
    if not ends or not dots:
        raise UserError(f"--partition-range {written!r} is no range of days: write 2025-01-02...2025-01-31")
    if ends[1] < ends[0]:
        raise UserError(f"--partition-range {written} ends before it begins: write the earlier session first")
    return ends[0], ends[1]


def due_sessions(engine: sa.Engine, stale: str | None) -> list[SessionRange]:
    """Return the stretches that are due, and say what they are and what lies beyond."""
    from ..defs.automation.catch_up import due, now
    from ..settings import Settings
    from .newest import newest_session

    code = None
    if stale:
        from ..definitions import defs

        graph = defs.resolve_asset_graph()
        keys = graph.get_all_asset_keys()
        code = {key.to_user_string(): version for key in keys if (version := graph.get(key).code_version)}
    sessions_due = due(engine, newest_session(Settings(), now()).at, code=code)
    for why, rows in sessions_due.found.groupby("why"):
        console.print(f"{counted(rows['session'].nunique(), 'session')}: {WHY[str(why)]}")
    if sessions_due.beyond:
        console.print(
            f"[yellow]{len(sessions_due.beyond)} of them, from {sessions_due.beyond[0]}, are left for later[/] "
            "(RISK_PIPELINE_STALE_SESSIONS)"
        )
    if sessions_due.waiting:
        console.print(
            f"[yellow]{counted(len(sessions_due.waiting), 'session')} without market data[/], passed over and asked "
            f"for again later: {', '.join(map(str, sessions_due.waiting[:5]))}"
        )
    _say_what_is_older(engine)
    return sessions_due.ranges


def _say_what_is_older(engine: sa.Engine) -> None:
    """Name the sessions before the first result that catching up doesn't look at."""
    from ..defs.partitions import CALENDAR
    from ..settings import Settings
    from ..storage.queries import earliest_session

    earliest = earliest_session(engine)
    if earliest is None or earliest <= CALENDAR.first_session:
        return
    looked_at = CALENDAR.look_back_from(CALENDAR.date_to_session(earliest), 1)
    console.print(
        f"[dim]No session before {earliest} has been run. Missing ones are looked for among the last "
        f"{Settings().catch_up_sessions}; all of them: {own_command()} run --from {CALENDAR.first_session} "
        f"--to {looked_at}[/]",
        soft_wrap=True,
    )
