"""The schedule on a real daemon whose clock the test sets.

Weeks missing, a day, nothing, a new portfolio, a tick while another run writes, and a price that comes late.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from risk_pipeline.config.factors import load_factors
from risk_pipeline.defs.partitions import CALENDAR
from risk_pipeline.defs.run_tags import sessions_of
from risk_pipeline.market.open import open_source
from risk_pipeline.storage.imports import import_frames
from risk_pipeline_tests.support.homes import PORTFOLIOS, POSITIONS, Home
from risk_pipeline_tests.support.servers import DAEMON_AT, instance_of, serving, until

NEW_YORK = ZoneInfo("America/New_York")
PATIENCE = 600
CAUGHT_UP = 40


class Evenings:
    """A daemon, its clock and its home."""

    def __init__(self, home: Home) -> None:
        self.home, self.clock, self.prices = home, home.folder / "clock", home.folder / "prices"
        self.prices.mkdir()

    def set(self, text: str) -> None:
        """Let the clock show a time in New York."""
        shown = datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).timestamp()
        new = self.clock.with_suffix(".new")
        new.write_text(f"{shown} {time.time()}", encoding="ascii")
        os.replace(new, self.clock)

    def ticks(self) -> list[Any]:
        """Return the schedule's completed ticks, oldest first."""
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
        record = self.ended(run)
        assert record.dagster_run.status is dg.DagsterRunStatus.SUCCESS
        first, last = sessions_of(record.dagster_run.tags)
        return str(first), str(last)

    def ended(self, run: str) -> dg.RunRecord:
        """Wait for the end of a run."""

        def found() -> dg.RunRecord | None:
            with instance_of(self.home.folder) as instance:
                record = instance.get_run_record_by_id(run)
            return record if record and record.dagster_run.is_finished else None

        return until("the run", found, seconds=PATIENCE)

    def write_prices(self, last: str, *, late: tuple[str, str] | None = None) -> None:
        """Write the file of prices up to a session, without the one that is late (symbol, session)."""
        symbols = sorted({*POSITIONS["underlying"], *POSITIONS["symbol"], *load_factors().proxies} - {"FUND A", ""})
        sessions = CALENDAR.index(date(2020, 6, 1), date.fromisoformat(last))
        bars = open_source("simulated", path=None, seed=7).fetch(symbols, sessions).bars
        if late:
            bars = bars[(bars["symbol"] != late[0]) | (bars["session"] != late[1])]
        new = self.prices / "prices.new"
        bars.rename(columns={"session": "date"}).drop(columns="basis").to_parquet(new)
        os.replace(new, self.prices / "prices.parquet")


@pytest.fixture(scope="module")
def evenings(make_home) -> Iterator[Evenings]:
    found = Evenings(make_home())
    found.set("2025-06-06T20:00")
    found.write_prices("2025-06-06")
    with serving(
        found.home.folder,
        *(str(DAEMON_AT), str(found.clock), "run"),
        RISK_PIPELINE_SCHEDULE_ENABLED="true",
        RISK_PIPELINE_CATCH_UP_SESSIONS=str(CAUGHT_UP),
        RISK_PIPELINE_MARKET__SOURCE="files",
        RISK_PIPELINE_MARKET__PATH=str(found.prices),
        DAGSTER_DAEMON_HEARTBEAT_TOLERANCE="1000000000",  # the scheduler's are of another year
    ):
        yield found


def test_weeks_then_a_day_then_a_new_portfolio_then_nothing_then_a_late_price(evenings):
    def known() -> bool:
        with instance_of(evenings.home.folder) as instance:
            return any(state.name == "evening" for state in instance.all_instigator_state())

    until("the daemon", known, seconds=PATIENCE)
    evenings.set("2025-06-06T20:30:01")
    friday = evenings.tick("2025-06-06T20:30")
    # the next tick comes while that run is at work: the same sessions once more, afterwards
    evenings.set("2025-06-06T21:30:01")
    again = evenings.tick("2025-06-06T21:30")
    everything = (str(CALENDAR.look_back_from(date(2025, 6, 6), CAUGHT_UP - 1)), "2025-06-06")
    assert evenings.ran(friday) == everything
    if again.run_ids:  # on a fast machine the run has ended by then
        assert evenings.ran(again) == everything
        first, second = (evenings.ended(*tick.run_ids) for tick in (friday, again))
        assert first.end_time <= second.start_time

    evenings.write_prices("2025-06-09")
    evenings.set("2025-06-09T20:30:01")
    assert evenings.ran(evenings.tick("2025-06-09T20:30")) == ("2025-06-09", "2025-06-09")

    new = PORTFOLIOS.iloc[:1].assign(portfolio_id="new", inception_date="2025-06-05")
    lots = POSITIONS.iloc[:1].assign(position_id="n1", portfolio_id="new", entry_date="2025-06-05")
    import_frames(evenings.home.engine, {"portfolios": new, "positions": lots})
    evenings.set("2025-06-09T22:30:01")
    assert evenings.ran(evenings.tick("2025-06-09T22:30")) == ("2025-06-05", "2025-06-09")

    evenings.set("2025-06-09T23:30:01")
    tick = evenings.tick("2025-06-09T23:30")
    assert tick.status.value == "SKIPPED"
    assert "nothing is missing" in tick.skip_reason

    snapshots = evenings.home.table("portfolio_snapshots", portfolio="new")
    assert [f"{day:%m-%d}" for day in snapshots["session"]] == ["06-05", "06-06", "06-09"]
    assert evenings.home.table("portfolio_snapshots")["is_complete"].all()

    evenings.write_prices("2025-06-10", late=("MSFT", "2025-06-10"))
    for at in (CALENDAR.evening_tries[0], CALENDAR.evening_tries[-1]):
        evenings.set(f"2025-06-10T{at:%H:%M}:01")
        assert evenings.ran(evenings.tick(f"2025-06-10T{at:%H:%M}")) == ("2025-06-10", "2025-06-10")
    log = evenings.home.folder / "server.log"
    said = "2025-06-10 is still incomplete after the last try: 1 symbol(s) without a price: MSFT"
    until("the alert", lambda: said in log.read_text(errors="replace"), seconds=PATIENCE)

    evenings.write_prices("2025-06-11")
    evenings.set("2025-06-11T20:30:01")
    assert evenings.ran(evenings.tick("2025-06-11T20:30")) == ("2025-06-11", "2025-06-11")
    bars = evenings.home.table("market_data_cache", first=date(2025, 6, 10))
    assert set(bars.loc[bars["symbol"] == "MSFT", "session"].dt.day) == {10, 11}
