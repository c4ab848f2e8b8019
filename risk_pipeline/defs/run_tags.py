"""Which sessions a run covers, by its tags: Dagster's own, and one for people."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import dagster as dg

SESSIONS_TAG = "sessions"
"""Of every run, however it was launched: what the list of runs shows."""
_START, _END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"


def range_tags(first: date, last: date) -> dict[str, str]:
    """Return the tags that make one run cover the sessions from ``first`` to ``last``.

    Not public Dagster API, though stable in practice; spelled here and nowhere else.
    """
    return {
        _START: first.isoformat(),
        _END: last.isoformat(),
        SESSIONS_TAG: _words(first, last),
    }


def sessions_of(tags: Mapping[str, str]) -> tuple[date, date] | tuple[None, None]:
    """Return the first and last session of a run by its tags, None where it has no sessions."""
    one = tags.get("dagster/partition")
    first, last = tags.get(_START, one), tags.get(_END, one)
    return (date.fromisoformat(first), date.fromisoformat(last)) if first and last else (None, None)


def tag_sessions(instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    """Give a run its tag with the sessions that it covers, if it lacks it."""
    first, last = sessions_of(run.tags)
    if first and last and SESSIONS_TAG not in run.tags and instance.has_run(run.run_id):
        instance.add_run_tags(run.run_id, {SESSIONS_TAG: _words(first, last)})


def _words(first: date, last: date) -> str:
    return str(first) if first == last else f"{first}…{last}"
