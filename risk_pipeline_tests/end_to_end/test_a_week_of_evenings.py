"""The schedule on a real daemon whose clock the test sets: a week missing, a day, nothing, and a new portfolio."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from risk_pipeline.automation.jobs import sessions_of
from risk_pipeline.storage.imports import import_frames

from .conftest import PORTFOLIOS, POSITIONS, Home
from .servers import instance_of, serving, until

NEW_YORK = ZoneInfo("America/New_York")
PATIENCE = 600


class Evenings:
    """A daemon, its clock and its home."""

    def __init__(self, home: Home) -> None:
        self.home, self.clock = home, home.folder / "clock"

    def set(self, text: str) -> None:
        """Let the clock show a time in New York."""
        shown = datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).timestamp()
        new = self.clock.with_suffix(".new")
        new.write_text(f"{shown} {time.time()}", encoding="ascii")
        os.replace(new, self.clock)

    def ticks(self) -> list[Any]:
        """Return the schedule's ticks that have been worked off, oldest first."""
        with instance_of(self.home.folder) as instance:
            states = [state for state in instance.all_instigator_state() if state.name == "evening"]
            if not states:
                return []
            found = instance.get_ticks(states[0].instigator_origin_id, states[0].selector_id)
            return sorted((t for t in found if t.status.value != "STARTED"), key=lambda tick: tick.timestamp)

    def tick(self, text: str) -> Any:
        """Wait for the tick of a time in New York."""
        wanted = datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).timestamp()
        return until(text, lambda: next((t for t in self.ticks() if t.timestamp == wanted), None), seconds=PATIENCE)

    def ran(self, tick) -> tuple[str, str]:
        """Wait for the success of a tick's one run; returns its sessions."""
        assert tick.status.value == "SUCCESS", tick.error
        (run,) = tick.run_ids

        def ended() -> dg.DagsterRun | None:
            with instance_of(self.home.folder) as instance:
                found = instance.get_run_by_id(run)
            return found if found and found.is_finished else None

        found = until("the run", ended, seconds=PATIENCE)
        assert found.status is dg.DagsterRunStatus.SUCCESS
        first, last = sessions_of(found.tags)
        return str(first), str(last)


@pytest.fixture(scope="module")
def evenings(make_home) -> Iterator[Evenings]:
    found = Evenings(make_home())
    found.set("2025-06-06T20:00")
    with serving(
        found.home.folder,
        *(str(Path(__file__).with_name("daemon_at.py")), str(found.clock), "run"),
        RISK_PIPELINE_SCHEDULE_ENABLED="true",
        RISK_PIPELINE_CATCH_UP_SESSIONS="5",
        DAGSTER_DAEMON_HEARTBEAT_TOLERANCE="1000000000",  # the scheduler's are of another year
    ):
        yield found


def test_t15_t17_a_week_then_a_day_then_a_new_portfolio_then_nothing(evenings):
    def known() -> bool:
        with instance_of(evenings.home.folder) as instance:
            return any(state.name == "evening" for state in instance.all_instigator_state())

    until("the daemon", known, seconds=PATIENCE)
    evenings.set("2025-06-06T20:30:01")
    assert evenings.ran(evenings.tick("2025-06-06T20:30")) == ("2025-06-02", "2025-06-06")

    evenings.set("2025-06-09T20:30:01")
    assert evenings.ran(evenings.tick("2025-06-09T20:30")) == ("2025-06-09", "2025-06-09")

    new = PORTFOLIOS.iloc[:1].assign(portfolio_id="new", inception_date="2025-06-05")
    lots = POSITIONS.iloc[:1].assign(position_id="n1", portfolio_id="new", entry_date="2025-06-05")
    import_frames(evenings.home.engine, {"portfolios": new, "positions": lots})
    evenings.set("2025-06-09T21:30:01")
    assert evenings.ran(evenings.tick("2025-06-09T21:30")) == ("2025-06-05", "2025-06-09")

    evenings.set("2025-06-09T22:30:01")
    tick = evenings.tick("2025-06-09T22:30")
    assert tick.status.value == "SKIPPED"
    assert "nothing is missing" in tick.skip_reason

    snapshots = evenings.home.table("portfolio_snapshots", portfolio="new")
    assert [f"{day:%m-%d}" for day in snapshots["session"]] == ["06-05", "06-06", "06-09"]
    assert evenings.home.table("portfolio_snapshots")["is_complete"].all()
