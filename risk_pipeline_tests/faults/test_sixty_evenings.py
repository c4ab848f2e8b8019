"""Evenings on frozen clocks in which everything goes wrong once; in the end all is as one backfill would have it.

After every evening each portfolio that could be computed was, and nothing that is stored is stale.
"""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta

import pandas as pd
import pytest
import sqlalchemy as sa

from risk_pipeline.definitions import defs
from risk_pipeline.defs.assets import market
from risk_pipeline.defs.assets import sessions as compute
from risk_pipeline.defs.automation.catch_up import due
from risk_pipeline.defs.partitions import CALENDAR
from risk_pipeline.defs.run_tags import range_tags
from risk_pipeline.storage import bulk, tables
from risk_pipeline.storage.database import transaction
from risk_pipeline.storage.imports import import_frames
from risk_pipeline_tests.support.faults import in_a_process, kill_self
from risk_pipeline_tests.support.homes import FRAMES, Home, make_home, module_environment
from risk_pipeline_tests.support.vendor import PRESENT, Vendor, VendorMarket, times, without

__all__ = ["make_home", "module_environment"]  # fixtures

FIRST = date(2025, 6, 2)
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
TRIES = 2
NOT_COMPARED = ("session_inputs", "portfolio_inputs")


class Evenings:
    """A home, its vendor, its book, and what happened."""

    def __init__(self, home: Home, sessions: list[date]) -> None:
        self.home, self.sessions, self.log = home, sessions, []
        self.clock = datetime.combine(sessions[0], time(22), UTC)
        for room in (market, compute):  # Dagster's database stamps runs with the machine's time
            home.environment.setattr(room, "run_started", lambda _: self.clock)
        self.vendor = Vendor()
        self.book = {name: frame.copy() for name, frame in FRAMES.items()}
        opened = self.book["portfolios"]["inception_date"].clip(lower=FIRST.isoformat())  # no history to catch up with
        self.book["portfolios"]["inception_date"] = opened
        PRESENT[:] = [self.vendor]

    def bring(self) -> None:
        """Import the book as it is now."""
        import_frames(self.home.engine, self.book)

    def run(self, first: date, last: date, **options: object) -> bool:
        """Run the job over sessions with the vendor's prices."""
        self.home.enter()
        result = defs.resolve_job_def("daily_risk").execute_in_process(
            instance=self.home.instance,
            tags=range_tags(first, last),
            resources={"market": VendorMarket()},
            run_config=QUIET,
            raise_on_error=False,
            **options,
        )
        return bool(result.success)

    def evening(self, day: date, what: str = "") -> None:
        """Do what the schedule does: ask what is due and run it, some tries long."""
        at = datetime.combine(day, time(2), UTC) + timedelta(days=1)
        ran = []
        for hour in range(TRIES):
            self.clock = at + timedelta(hours=hour)
            found = due(self.home.engine, self.clock)
            for stretch in found.ranges:
                ran.append(f"{stretch}{'' if self.run(stretch.first, stretch.last) else ' failed'}")
        self.log.append(f"{day} {what or 'quiet'}: {'; '.join(ran)}")
        logging.getLogger(__name__).info(self.log[-1])
        self.check(day, at + timedelta(hours=TRIES))

    def check(self, day: date, at: datetime) -> None:
        """Every portfolio is complete on every session up to the day that has prices; nothing is stale."""
        left = {*due(self.home.engine, at).run}
        nothing_yet = {at for at in self.sessions if at > self.vendor.until or at in self.vendor.closed}
        assert left <= nothing_yet, self.log[-1]
        rows = self.home.table("portfolio_snapshots")
        assert rows["is_complete"].all(), self.log[-1]


def quiet(evenings: Evenings, day: date) -> str:
    return ""


def a_price_is_late(evenings: Evenings, day: date) -> str:
    evenings.vendor.changes["late"] = without("MSFT", day)
    return "MSFT late"


def it_comes(evenings: Evenings, day: date) -> str:
    del evenings.vendor.changes["late"]
    return "MSFT came"


def a_close_is_wrong(evenings: Evenings, day: date) -> str:
    evenings.vendor.changes["wrong"] = times("AAPL", 1.08, on=day)
    return "AAPL's close x 1.08"


def it_is_corrected(evenings: Evenings, day: date) -> str:
    del evenings.vendor.changes["wrong"]
    return "AAPL corrected"


def a_quantity_is_corrected(evenings: Evenings, day: date) -> str:
    positions = evenings.book["positions"]
    positions.loc[positions["position_id"] == "g1", "quantity"] = 14_050
    evenings.bring()
    return "growth's AAPL 1,000 to 14,050 shares"


def an_unscheduled_closure(evenings: Evenings, day: date) -> str:
    evenings.vendor.closed.add(day)
    return "no bar of anything, for ever"


def the_vendor_sleeps(evenings: Evenings, day: date) -> str:
    evenings.vendor.until = CALENDAR.look_back_from(day, 1)
    return "no bar of anything yet"


def it_wakes(evenings: Evenings, day: date) -> str:
    evenings.vendor.until = date.max
    return "yesterday's bars came"


def a_new_base(evenings: Evenings, day: date) -> str:
    evenings.vendor.changes["base"] = times("NVDA", 0.9, before=day)
    return "NVDA's history x 0.9"


def a_new_portfolio(evenings: Evenings, day: date) -> str:
    book, opened = evenings.book, evenings.sessions[1].isoformat()
    book["portfolios"].loc[len(book["portfolios"])] = ("new", "New with an old inception", opened, "", 400_000)
    lot = ("n1", "new", "KO", "PUBLIC", 900, opened, 60, "", "", "", "", "", "")
    book["positions"].loc[len(book["positions"])] = lot
    evenings.bring()
    return f"portfolio new, inception {opened}"


def a_sale(evenings: Evenings, day: date) -> str:
    positions = evenings.book["positions"]
    positions.loc[positions["position_id"] == "g2", "exit_date"] = day.isoformat()
    evenings.bring()
    return "growth sells MSFT today"


def a_crash(evenings: Evenings, day: date) -> str:
    """Kill the process of a run while it writes the rows of its stress tests."""

    def run_and_die() -> None:
        evenings.home.engine.dispose(close=False)  # connections are the parent's
        insert = bulk.insert

        def insert_and_die(connection: sa.Connection, table: sa.Table, columns: list) -> int:
            count = insert(connection, table, columns)
            if table is tables.stress_test_results:
                kill_self()
            return count

        bulk.insert = insert_and_die
        evenings.run(day, day)

    assert in_a_process(run_and_die) == -signal.SIGKILL
    on_day = {"first": day, "last": day}
    assert len(evenings.home.table("factor_exposures", **on_day))  # written before
    assert evenings.home.table("stress_test_results", **on_day).empty  # being written
    return "a run is killed by SIGKILL while it writes stress tests"


def a_gap_in_the_look_back(evenings: Evenings, day: date) -> str:
    evenings.vendor.changes["gap"] = without("AAPL", CALENDAR.look_back_from(FIRST, 40))
    return "the vendor lacks a bar of AAPL in the look-back"


def the_gap_is_filled(evenings: Evenings, day: date) -> str:
    del evenings.vendor.changes["gap"]
    return "the vendor has it from now on"


def an_upgrade(evenings: Evenings, day: date) -> str:
    made = tables.session_inputs
    before = CALENDAR.look_back_from(day, 1)
    with transaction(evenings.home.engine, made) as connection:
        connection.execute(sa.update(made).values(code_version="older"))
    at = datetime.combine(before, time(2), UTC) + timedelta(days=1)
    assert due(evenings.home.engine, at).run == []  # an upgrade recomputes nothing by itself
    assert len(due(evenings.home.engine, at, code={"volatility": "newer"}).run) > 3
    return "upgrade"


def rows_are_lost(evenings: Evenings, day: date) -> str:
    lost = tables.stress_test_results
    with transaction(evenings.home.engine, lost) as connection:
        connection.execute(sa.delete(lost).where(lost.c.session == evenings.sessions[2]))
    return "stress results of the third session deleted"


def a_portfolio_is_closed(evenings: Evenings, day: date) -> str:
    portfolios = evenings.book["portfolios"]
    before = CALENDAR.look_back_from(day, 2).isoformat()
    portfolios.loc[portfolios["portfolio_id"] == "hedged", "closed_date"] = before
    evenings.bring()
    return f"hedged was closed on {before}"


EVENTS: list[Callable[[Evenings, date], str]] = [
    *(
        a_gap_in_the_look_back,
        a_price_is_late,
        it_comes,
        a_close_is_wrong,
        the_gap_is_filled,
        it_is_corrected,
        a_quantity_is_corrected,
    ),
    *(an_unscheduled_closure, the_vendor_sleeps, it_wakes, a_new_base, a_new_portfolio, a_sale),
    *(a_crash, an_upgrade, rows_are_lost, a_portfolio_is_closed),
]


def simulate(make_home, sessions: list[date], url: str | None = None) -> Evenings:
    """Live through the evenings, then compare with one backfill from the final inputs."""
    evenings = Evenings(make_home(None, url), sessions)
    evenings.bring()
    for number, day in enumerate(sessions):
        evenings.clock = datetime.combine(day, time(22), UTC)
        happens = EVENTS[number * len(EVENTS) // len(sessions)] if is_turn(number, len(sessions)) else quiet
        evenings.evening(day, happens(evenings, day))
    backfill = Evenings(make_home(None), sessions)
    backfill.vendor, backfill.book = evenings.vendor, evenings.book
    PRESENT[:] = [evenings.vendor]
    backfill.bring()
    assert backfill.run(sessions[0], sessions[-1])
    for table in tables.ANALYTICS:
        if table.name not in NOT_COMPARED:
            left, right = evenings.home.table(table.name), backfill.home.table(table.name)
            pd.testing.assert_frame_equal(left, right, check_exact=True, obj=table.name)
    return evenings


def is_turn(number: int, count: int) -> bool:
    """Whether the next event happens on an evening: they are spread over all of them, in order."""
    return number == 0 or number * len(EVENTS) // count != (number - 1) * len(EVENTS) // count


def sessions_of(count: int) -> list[date]:
    last = CALENDAR.session_offset(FIRST, count - 1)
    return CALENDAR.sessions_in_range(FIRST, last).tolist()


KINDS = pytest.mark.parametrize("kind", ["sqlite", "postgres"])


@pytest.mark.slow
@KINDS
def test_after_seventeen_evenings_every_row_is_what_one_backfill_makes(make_home, request, kind):
    assert len(simulate(make_home, sessions_of(17), url_of(request, kind)).log) == 17


@pytest.mark.long
@KINDS
def test_after_sixty_evenings_every_row_is_what_one_backfill_makes(make_home, request, kind):
    assert len(simulate(make_home, sessions_of(60), url_of(request, kind)).log) == 60


def url_of(request, kind: str) -> str | None:
    """Return the URL of an empty database on Postgres, None for the home's own."""
    return request.getfixturevalue("new_migrated_postgres")() if kind == "postgres" else None
