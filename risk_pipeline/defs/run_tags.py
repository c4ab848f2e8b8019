"""Which sessions a run covers, by its tags: Dagster's own, and one for people."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import dagster as dg

from ..dagster_ext.hidden_tags import hidden_tag

SESSIONS_TAG = "sessions"
"""Of every run, however it was launched: what the list of runs shows."""
BOOK_TAG = hidden_tag("book_version")
DATABASE_TAG = hidden_tag("database")
"""Which database a run writes, as :func:`~risk_pipeline.storage.database.place_of` names it."""
HOST_TAG, PID_TAG = hidden_tag("host"), hidden_tag("pid")
"""Where a run works; of one in the process of the command line, its number too."""
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
    """Return the first and last session of a run by its tags, None where it has none or other partitions than ours."""
    one = tags.get("dagster/partition")
    first, last = tags.get(_START, one), tags.get(_END, one)
    try:
        return (date.fromisoformat(first), date.fromisoformat(last)) if first and last else (None, None)
    except ValueError:
        return None, None


def this_place() -> str:
    """Return the machine and the space of process numbers (of a container, its own) that this process is in."""
    space = Path("/proc/self/ns/pid")
    return f"{platform.node()} {os.readlink(space)}" if space.exists() else platform.node()


def tag_sessions(instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    """Give a run its tag with the sessions that it covers, if it lacks it."""
    first, last = sessions_of(run.tags)
    if first and last and SESSIONS_TAG not in run.tags and instance.has_run(run.run_id):
        instance.add_run_tags(run.run_id, {SESSIONS_TAG: _words(first, last)})


def _words(first: date, last: date) -> str:
    return str(first) if first == last else f"{first}…{last}"
