"""Earlier sessions that are run after later ones leave the later ones as they were."""

from __future__ import annotations

from datetime import UTC, datetime

from risk_pipeline.defs.automation.catch_up import due
from risk_pipeline_tests.support.homes import make_home, module_environment

__all__ = ["make_home", "module_environment"]  # fixtures


def test_a_backfill_of_earlier_sessions_makes_no_later_one_stale(make_home):
    home = make_home()
    home.run("2025-06-12", "2025-06-13")
    before = home.everything()
    home.run("2025-03-03")
    stored = home.table("market_data_cache")
    assert stored["session"].min() < before["market_data_cache"]["session"].min()  # its look-back reaches further
    reasons = due(home.engine, datetime(2025, 6, 14, 12, tzinfo=UTC))
    stale = [day for day in reasons.run if str(day) >= "2025-06-12"]
    assert stale == []
    assert home.table("input_revisions").empty
