"""What a range of sessions will cost before it is run, from what past runs did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from .storage.batch_runs import finished_runs
from .storage.completeness import incomplete_sessions
from .storage.queries import latest_session, rows_of_session

if TYPE_CHECKING:
    from collections.abc import Sequence

    import sqlalchemy as sa

START = 8.0
"""Seconds of a run before and after its sessions: imports, Dagster's own work, the look-back's prices."""
RATE = 0.4
"""Seconds a session where no run has been recorded yet."""
RUNS = 20


@dataclass(frozen=True)
class Plan:
    """Sessions of a range, how many of them are complete already, and what running all of them would cost.

    ``rows`` are by table, as many a session as the latest one has; None before the first session.
    ``recorded`` is how many past runs the seconds are judged from.
    """

    sessions: int
    complete: int
    rows: dict[str, int] | None
    seconds: float
    recorded: int


def plan(engine: sa.Engine, sessions: Sequence[date]) -> Plan:
    """Price a run over ``sessions``; nothing is run and nothing written."""
    latest = latest_session(engine)
    by_table = None if latest is None else rows_of_session(engine, latest)
    runs = finished_runs(engine, RUNS)
    rates = [max(seconds - START, 0.0) / count for count, seconds in runs]
    return Plan(
        sessions=len(sessions),
        complete=len(sessions) - len(incomplete_sessions(engine, sessions)),
        rows=by_table and {name: count * len(sessions) for name, count in by_table.items()},
        seconds=START + len(sessions) * (float(np.median(rates)) if rates else RATE),
        recorded=len(runs),
    )
