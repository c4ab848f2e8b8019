"""What sessions will cost before they are run, from what past runs did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from ..defs.automation.catch_up import absent_rows, stale_rows
from ..storage.batch_runs import finished_runs
from ..storage.queries import latest_session, rows_of_session

if TYPE_CHECKING:
    from collections.abc import Sequence

    import sqlalchemy as sa

START = 8.0
"""Seconds of a run before and after its sessions: imports, Dagster's own work, the look-back's prices."""
RATE = 0.4
"""Seconds a session; recorded runs scale both to the machine and the portfolios."""
RUNS = 50
NEAREST = 5
"""So many recorded runs of about the same length say how fast this machine and these portfolios are."""


@dataclass(frozen=True)
class Plan:
    """Sessions to run, how many of them are complete already, and what running all of them would cost.

    ``rows`` are by table, as many a session as the latest one has; None before the first session.
    ``recorded`` is how many past runs the seconds are judged from.
    """

    sessions: int
    complete: int
    stale: int
    rows: dict[str, int] | None
    seconds: float
    recorded: int


def price_sessions(engine: sa.Engine, sessions: Sequence[date]) -> Plan:
    """Price a run over sorted ``sessions``; nothing is run and nothing written."""
    absent = set(absent_rows(engine, sessions)["session"].dt.date)
    stale = set(stale_rows(engine, sessions[0], sessions[-1])["session"].dt.date) & set(sessions)
    latest = latest_session(engine)
    by_table = None if latest is None else rows_of_session(engine, latest)
    runs = sorted(finished_runs(engine, RUNS), key=lambda run: abs(np.log(run[0] / max(len(sessions), 1))))[:NEAREST]
    pace = float(np.median([seconds / (START + RATE * count) for count, seconds in runs])) if runs else 1.0
    return Plan(
        sessions=len(sessions),
        complete=len(sessions) - len(absent | stale),
        stale=len(stale - absent),
        rows=by_table and {name: count * len(sessions) for name, count in by_table.items()},
        seconds=pace * (START + RATE * len(sessions)),
        recorded=len(runs),
    )
