"""What a check has found on other sessions than a run's own stays on its page until it is gone."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Any

import dagster as dg
import pandas as pd

from ...dagster_ext.check_targets import latest_evaluation
from ..partitions import CALENDAR

MOST = 63
"""Sessions, the newest, on which a check looks again at what it has found."""
BAD_SESSIONS = "bad_sessions"


def bad_sessions(bad: pd.DataFrame, newest: date) -> list[str]:
    """Return the sessions of bad rows, in order; rows of no session are those of the newest."""
    if bad.empty:
        return []
    if "session" not in bad:
        return [newest.isoformat()]
    return sorted({day.date().isoformat() for day in pd.to_datetime(bad["session"])})


def open_stretches(
    instance: dg.DagsterInstance, asset: str, check: str, sessions: Sequence[date]
) -> Iterator[list[date]]:
    """Yield, in stretches, the sessions on which a check's last evaluation found something, without a run's own."""
    evaluation = latest_evaluation(instance, dg.AssetCheckKey(dg.AssetKey(asset), check))
    listed = {date.fromisoformat(day) for day in _listed(evaluation.metadata if evaluation else {})}
    days = sorted(listed - {*sessions})[-MOST:]
    if not days:
        return
    rows = CALENDAR.sessions_in_range(days[0], days[-1]).tolist()
    place = {day: row for row, day in enumerate(rows)}
    days = [day for day in days if day in place]
    starts = [
        0,
        *(position for position, (one, two) in enumerate(pairwise(days), 1) if place[two] != place[one] + 1),
        len(days),
    ]
    for start, stop in pairwise(starts):
        yield days[start:stop]


def _listed(metadata: Mapping[str, Any]) -> list[str]:
    listed = metadata.get(BAD_SESSIONS)
    return list(listed.value) if listed is not None else []
