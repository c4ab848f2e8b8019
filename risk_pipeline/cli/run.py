"""``risk-pipeline run`` and ``rebuild``: the run itself with its progress, and what comes next."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from .imports import require_portfolios
from .show import show_table
from .terminal import FirstDay, LastDay, UserError, console, counted, database, errors, existing_database, own_command
from .which_sessions import (
    NOTHING_MISSING,
    LastSessions,
    OneSession,
    RangeEnd,
    RangeStart,
    due_sessions,
    range_ends,
    wanted_sessions,
)

if TYPE_CHECKING:
    from datetime import date

    import sqlalchemy as sa

    from ..defs.automation.catch_up import SessionRange


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
    _show_last(max(stretch.last for stretch in done))
    _what_next()


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

    with existing_database(writes=True) as engine:
        range_ = wanted_sessions(engine, None, from_, to, None)
        assert range_ is not None  # noqa: S101 (a range was given)
        cleared = clear_analytics(engine, range_.first, range_.last)
    console.print(f"Cleared {sum(cleared.values()):,} rows of {range_}; prices are kept.")
    if not execute(range_):
        raise typer.Exit(1)
    _show_last(range_.last)


def _show_last(session: date) -> None:
    """Show a run's last session, and say which is the newest where that is a later one."""
    from ..storage.queries import latest_session

    show_table(None, session)
    with database() as engine:
        newest = latest_session(engine)
    if newest is not None and newest > session:
        console.print(
            f"This is {session}, the last session of the run; the newest is {newest}: `{own_command()} show`.",
            soft_wrap=True,
            highlight=False,
        )


ROUNDS = 3
"""Runs may find corrected prices of sessions before theirs, which are then run too; the rest is for the next time."""


def execute(range_: SessionRange) -> bool:
    """Run the daily job over the range in this process, with progress; return whether it succeeded.

    Raises
    ------
    KeyboardInterrupt
        If it was interrupted; the run is then recorded as cancelled.
    """
    import dagster as dg

    from ..defs.partitions import CALENDAR
    from ..settings import Settings
    from .progress import follow

    sessions = CALENDAR.sessions_in_range(range_.first, range_.last)
    console.print(f"Running {counted(len(sessions), 'session')}, {range_}, prices from: {Settings().market.source}")
    from ..dagster_ext.history import history_error
    from ..dagster_ext.instance import open_instance
    from ..dagster_ext.interrupts import cancel_unfinished, interrupts_between_writes
    from ..definitions import defs
    from ..defs.automation.dead_runs import end_dead_runs
    from ..defs.automation.run_history import watch
    from ..defs.run_tags import DATABASE_TAG, HOST_TAG, PID_TAG, range_tags, this_place
    from ..storage.batch_runs import fail_run
    from ..storage.database import place_of
    from ..storage.errors import StorageError

    with interrupts_between_writes(), open_instance() as instance, database() as engine:
        here = {HOST_TAG: this_place(), PID_TAG: str(os.getpid()), DATABASE_TAG: place_of(engine)}
        for gone in end_dead_runs(instance, engine):
            console.print(f"[yellow]Run {gone[:8]} ended without a word, killed perhaps; it is recorded as failed.[/]")
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
        except (KeyboardInterrupt, dg.DagsterExecutionInterruptedError):
            cancel_unfinished(instance, run_id)
            raise KeyboardInterrupt from None
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
    if result.dagster_run.status is dg.DagsterRunStatus.CANCELED:
        raise KeyboardInterrupt
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
