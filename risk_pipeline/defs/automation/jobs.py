"""The daily job: the whole graph over one session or a range of them, in one run."""

from __future__ import annotations

import dagster as dg

from ..run_tags import range_tags, sessions_of

__all__ = ["HOST_TAG", "LAST_TRY", "PID_TAG", "TRY_TAG", "daily_risk", "range_tags", "sessions_of"]

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
