"""``risk-pipeline init``, ``doctor``, ``plan``, ``prune`` and ``calibrate``."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer
from rich.markup import escape

from .terminal import LatestOr, UserError, console, counted, database, errors, existing_database
from .which_sessions import (
    NOTHING_MISSING,
    LastSessions,
    OneSession,
    RangeEnd,
    RangeStart,
    due_sessions,
    wanted_sessions,
)


def init() -> None:
    """Prepare the home: the tables' newest schema and Dagster's storage. Safe at any time, by several at once."""
    from ..dagster_ext.instance import open_instance
    from ..defs.automation.adopt import adopt_home
    from ..settings import Settings

    with database() as engine, open_instance() as instance:
        adopted = adopt_home(instance, engine)
        if adopted:
            console.print(f"Reported reference data of {counted(adopted, 'session')} that an earlier version had run.")
        console.print(f"Ready: {Settings().home.resolve()}", soft_wrap=True, highlight=False)


def doctor() -> None:
    """Check settings, database, calendar, source, coverage and stuck runs; each finding has its remedy."""
    from .doctor import examine

    bad = 0
    for finding in examine():
        shown = errors if console.quiet and not finding.is_fine else console
        shown.print(
            f"[{'green' if finding.is_fine else 'red'}]{'✓' if finding.is_fine else '✗'}[/] "
            f"[bold]{finding.subject}[/]: {escape(finding.text)}",
            highlight=False,
        )
        bad += not finding.is_fine
    if bad:
        raise typer.Exit(1)


def plan(
    date_: OneSession = None,
    from_: RangeStart = None,
    to: RangeEnd = None,
    last: LastSessions = None,
) -> None:
    """Price a run before it is run: sessions, what is done already, rows and seconds; runs nothing.

    By default of what `run` would run now.
    """
    from ..defs.automation.catch_up import described
    from ..defs.partitions import CALENDAR
    from .plan import price_sessions

    with existing_database() as engine:
        chosen = wanted_sessions(engine, date_, from_, to, last)
        stretches = due_sessions(engine, None) if chosen is None else [chosen]
        if not stretches:
            console.print(NOTHING_MISSING)
            return
        sessions = [day for part in stretches for day in CALENDAR.sessions_in_range(part.first, part.last).tolist()]
        estimate = price_sessions(engine, sessions)
    within = described(stretches)
    console.print(f"{counted(estimate.sessions, 'session')}, {within}; {estimate.complete} of them complete already.")
    if estimate.stale:
        console.print(f"{estimate.stale} were made from other inputs than the present ones.")
    if estimate.rows is None:
        console.print("How many rows they make is known after the first session.")
    else:
        largest = sorted(estimate.rows.items(), key=lambda item: -item[1])[:4]
        detail = ", ".join(f"{name} {count:,}" for name, count in largest)
        console.print(f"About {sum(estimate.rows.values()):,} rows: {detail} …", soft_wrap=True)
    basis = (
        f"the last {counted(estimate.recorded, 'recorded run')}"
        if estimate.recorded
        else "a usual machine, no run recorded yet"
    )
    again = " Nothing has to be: they would be the same again." if estimate.complete == estimate.sessions else ""
    runs = "one run" if len(stretches) == 1 else f"{len(stretches)} runs"
    console.print(f"About {estimate.seconds:,.0f} seconds in {runs}, judged from {basis}.{again}")


def prune(
    before: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="Sessions before this day.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete the bulk of old sessions; snapshots, scores, prices and imports stay. Shows what goes, and asks."""
    from .prune import prune_sessions

    with existing_database(writes=True) as engine:
        prune_sessions(console, engine, before.date(), ask=not yes)


def calibrate(
    date_: LatestOr = None,
) -> None:
    """Print the core model's prior variances that the universe suggests, beside the registry's; changes nothing."""
    from ..config.factors import load_factors
    from ..storage.queries import latest_session
    from .calibrate import calibrate as suggested

    factors = load_factors()
    with existing_database() as engine:
        session = date_.date() if date_ else latest_session(engine)
        if session is None:
            raise UserError("no snapshot yet: `risk-pipeline run` makes them")
        suggestion = suggested(engine, factors, session)
    console.print(
        f"{suggestion.symbols} symbols without a gap, the {factors.styles[0].window} sessions up to {session},"
    )
    console.print(
        f"median residual volatility {suggestion.noise**0.5:.2%} a day. Prior variance by factor (suggested, registry):"
    )
    for name, variance, current in zip(factors.core_names, suggestion.variance, factors.prior_variance, strict=True):
        console.print(f"  {name}: {variance:.1e}, {current:.1e}")
    console.print(
        "One window says little: take the median over several (--date), and set `prior_variance` and "
        "`core_prior_variance` in config/factors.yaml."
    )
