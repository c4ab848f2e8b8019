"""The daily job: the whole graph over one session or a range of them, in one run."""

from __future__ import annotations

import dagster as dg

from ...dagster_ext.hidden_tags import hidden_tag
from .freshness import CHECK

daily_risk = dg.define_asset_job(
    "daily_risk",
    # what its sessions are is no matter of the time of day: freshness is looked at by a sensor
    selection=dg.AssetSelection.all() - dg.AssetSelection.checks(CHECK),
    description="Every asset and check over a session or a range of sessions, in one run.",
)


EARLIER_TAG = hidden_tag("earlier_stretch")
"""Of a scheduled run over sessions before a hole: another run of the evening covers the newest."""
TRY_TAG, LAST_TRY = hidden_tag("try"), "last"
"""Of a scheduled run: which try of its evening it is."""
