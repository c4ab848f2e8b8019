"""The daily job: the whole graph over one session or a range of them, in one run."""

from __future__ import annotations

from datetime import date

import dagster as dg

daily_risk = dg.define_asset_job(
    "daily_risk",
    selection=dg.AssetSelection.all(),
    description="Every asset and check over a session or a range of sessions, in one run.",
)


def range_tags(first: date, last: date) -> dict[str, str]:
    """Return the tags that make one run cover the sessions from ``first`` to ``last``.

    Not public Dagster API, though stable in practice; spelled here and nowhere else.
    """
    return {
        "dagster/asset_partition_range_start": first.isoformat(),
        "dagster/asset_partition_range_end": last.isoformat(),
    }
