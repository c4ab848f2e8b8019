"""The daily job: the whole graph over one session or a range of them, in one run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import dagster as dg

daily_risk = dg.define_asset_job(
    "daily_risk",
    selection=dg.AssetSelection.all(),
    description="Every asset and check over a session or a range of sessions, in one run.",
)


HOST_TAG, PID_TAG = "risk_pipeline/host", "risk_pipeline/pid"
"""Of a run in the process of the command line: where to look whether it still lives."""
EARLIER_TAG = "risk_pipeline/earlier_stretch"
"""Of a scheduled run over sessions before a hole: another run of the evening covers the newest."""
TRY_TAG, LAST_TRY = "risk_pipeline/try", "last"
"""Of a scheduled run: which try of its evening it is."""

_START, _END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"


def range_tags(first: date, last: date) -> dict[str, str]:
    """Return the tags that make one run cover the sessions from ``first`` to ``last``.

    Not public Dagster API, though stable in practice; spelled here and nowhere else.
    """
    return {
        _START: first.isoformat(),
        _END: last.isoformat(),
    }


def sessions_of(tags: Mapping[str, str]) -> tuple[date, date] | tuple[None, None]:
    """Return the first and last session of a run by its tags, None where it has no sessions."""
    one = tags.get("dagster/partition")
    first, last = tags.get(_START, one), tags.get(_END, one)
    return (date.fromisoformat(first), date.fromisoformat(last)) if first and last else (None, None)
