"""``risk-pipeline run`` and ``rebuild``: which sessions, and the run itself with its progress."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from .imports import require_portfolios
from .show import show_table
from .terminal import FirstDay, LastDay, UserError, console, counted, database, errors, own_command

if TYPE_CHECKING:
    import sqlalchemy as sa

    from ..defs.automation.catch_up import SessionRange


OneSession = Annotated[datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="One session.")]
RangeStart = Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First session of a range.")]
RangeEnd = Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last session of a range.")]
LastSessions = Annotated[int | None, typer.Option(min=1, help="The last N closed sessions.")]
NOTHING_MISSING = "Nothing is missing: every active portfolio is complete, from the present inputs."


def run(
    date_: OneSession = None,
    from_: RangeStart = None,
    to: RangeEnd = None,
    last: LastSessions = None,
    partition_range: Annotated[
        str | None, typer.Option(help="The same as --from and --to, as Dagster writes it: 2025-01-02...2025-01-31.")
    ] = None,
    stale: Annotated[
        str | None, typer.Option(help="`code`: also every session that another version of the code has made.")
    ] = None,
    switch_source: Annotated[
        bool, typer.Option("--switch-source", help="Forget all prices and read them from the source of the settings.")
    ] = False,
) -> None:
    """Run the batch: by default every session that is missing or made from other inputs than the present ones.

    Missing ones are looked for among the last RISK_PIPELINE_CATCH_UP_SESSIONS (60); name older ones.
    """
    if partition_range is not None:
        if from_ or to:
            raise UserError("give one of --partition-range and --from with --to")
        from_, to = range_ends(partition_range)
    if stale not in (None, "code"):
        raise UserError("--stale takes `code`; changed books, prices and registries are found without it")
    with database() as engine:
        require_portfolios(engine)
        if switch_source:
            _switch_source(engine)
        chosen = wanted_sessions(engine, date_, from_, to, last)
        stretches = due_sessions(engine, stale) if chosen is None else [chosen]
    if not stretches:
        console.print(NOTHING_MISSING)
        show_table(None, None)
        return
    failed, done = [], []
    for _ in range(ROUNDS):
        failed += [stretch for stretch in stretches if not execute(stretch)]
        done += stretches
        if chosen is not None:
            break
        with database() as engine:  # what the run saw: corrected prices, a session without market data among others
            stretches = [stretch for stretch in due_sessions(engine, stale) if stretch not in done]
        if not stretches:
            break
    if failed:
        raise typer.Exit(1)
    show_table(None, max(stretch.last for stretch in done))
    _what_next()


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


def _switch_source(engine: sa.Engine) -> None:
    from ..defs.automation.catch_up import now
    from ..settings import Settings
    from ..storage.result_inputs import PRICE_SOURCE, forget_prices, record_fact

    source = Settings().market.identity
    bars = forget_prices(engine, now().replace(tzinfo=None))
    record_fact(engine, PRICE_SOURCE, source)
    console.print(f"Forgot {bars:,} prices; this database now belongs to the source {source}.")


def rebuild(
    from_: FirstDay,
    to: LastDay,
) -> None:
    """Clear the analytics of a range (never prices, never what was imported) and run it again."""
    from ..storage.queries import clear_analytics

    with database() as engine:
        range_ = wanted_sessions(engine, None, from_, to, None)
        assert range_ is not None  # noqa: S101 (a range was given)
        cleared = clear_analytics(engine, range_.first, range_.last)
    console.print(f"Cleared {sum(cleared.values()):,} rows of {range_}; prices are kept.")
    if not execute(range_):
        raise typer.Exit(1)
    show_table(None, range_.last)


ROUNDS = 3
"""Runs may find corrected prices of sessions before theirs, which are then run too; the rest is for the next time."""
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
    if last_day > newest:
        raise UserError(f"{last_day} has not closed yet: the last closed session is {newest}")
    if first_day < CALENDAR.first_session:
        raise UserError(
            f"{first_day} is before the first partition, {CALENDAR.first_session}: "
            "set RISK_PIPELINE_FIRST_SESSION to an earlier session"
        )
    sessions = CALENDAR.sessions_in_range(first_day, last_day).tolist()
    if not sessions:
        raise UserError(
            f"{SessionRange(first_day, last_day)} holds no session of {CALENDAR.exchange}; "
            f"the one before is {CALENDAR.date_to_session(first_day)}"
        )
    return SessionRange(sessions[0], sessions[-1])


def execute(range_: SessionRange) -> bool:
    """Run the daily job over the range in this process, with progress; return whether it succeeded."""
    from ..defs.partitions import CALENDAR
    from ..settings import Settings
    from .progress import follow

    sessions = CALENDAR.sessions_in_range(range_.first, range_.last)
    console.print(f"Running {counted(len(sessions), 'session')}, {range_}, prices from: {Settings().market.source}")
    from ..dagster_ext.history import history_error
    from ..dagster_ext.instance import open_instance
    from ..definitions import defs
    from ..defs.automation.dead_runs import end_dead_runs
    from ..defs.automation.run_history import watch
    from ..defs.run_tags import HOST_TAG, PID_TAG, range_tags, this_place
    from ..storage.batch_runs import fail_run
    from ..storage.errors import StorageError

    here = {HOST_TAG: this_place(), PID_TAG: str(os.getpid())}
    with open_instance() as instance, database() as engine:
        for gone in end_dead_runs(instance, engine):
            console.print(f"[yellow]Run {gone[:8]} had been killed; it is recorded as failed.[/]")
        broken = False
        try:
            with follow(instance, console) as run_id:
                result = defs.resolve_job_def("daily_risk").execute_in_process(
                    instance=instance,
                    run_id=run_id,
                    tags=range_tags(range_.first, range_.last) | here,
                    run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},  # ours is shorter
                    raise_on_error=False,
                )
        except Exception as error:
            known = history_error(error)
            if known is None:
                raise
            broken = True
            with suppress(StorageError):  # Dagster can't record it: its storage is what failed, unless it was ours
                fail_run(engine, run_id, str(known))
            errors.print(f"[bold red]The run failed[/]: {escape(str(known))}", highlight=False)
            return False
        finally:
            if not broken:
                record = instance.get_run_record_by_id(run_id)
                if record is not None:
                    watch(instance, engine, record)
    if not result.success:
        errors.print(
            "[bold red]The run failed[/]; sessions that were complete before are as they were. "
            f"`risk-pipeline dev` shows run {run_id[:8]} in full; `risk-pipeline doctor` looks for the cause."
        )
    return bool(result.success)


def _what_next() -> None:
    command = own_command()
    console.print(
        f"\nNext: [bold]{command} dev[/] (or make dev) opens the Dagster UI: backfill a range, look at checks.\n"
        f"      [bold]{command} show --portfolio NAME[/] shows one portfolio.\n"
        f"      [bold]{command} import portfolios.csv positions.csv[/] brings your own.\n"
        f"      [bold]{command} doctor[/] checks the installation.",
        soft_wrap=True,
    )
