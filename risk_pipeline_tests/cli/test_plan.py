"""What a plan says of a range, against what is stored and what past runs took."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import pytest

from risk_pipeline.cli.plan import RATE, START, price_sessions
from risk_pipeline.storage.batch_runs import BatchRun, record_run
from risk_pipeline_tests.support.databases import migrated_sqlite

FIRST = date(2025, 3, 3)


@pytest.fixture
def engine(tmp_path):
    engine = migrated_sqlite(tmp_path / "risk.db")
    yield engine
    engine.dispose()


def weekdays(count: int) -> list[date]:
    return np.busday_offset(FIRST, np.arange(count)).tolist()


def record(engine, sessions: int, seconds: float, status: str = "success", number: int = 0) -> None:
    start = datetime(2025, 6, 1) + timedelta(hours=number)
    last = weekdays(sessions)[-1]
    end = start + timedelta(seconds=seconds)
    record_run(engine, BatchRun(f"{number} {sessions}", status, "ui", FIRST, last, start, end, None))


def test_without_any_run_the_estimate_is_that_of_a_usual_machine(engine):
    found = price_sessions(engine, weekdays(100))
    assert (found.sessions, found.complete, found.rows, found.recorded) == (100, 100, None, 0)
    assert found.seconds == START + 100 * RATE


def test_daily_runs_do_not_make_a_backfill_look_a_hundred_times_as_long(engine):
    """Most of a daily run is its start: a session of a long run costs far less."""
    for number in range(20):
        record(engine, 1, 2 * (START + RATE), number=number)
    assert price_sessions(engine, weekdays(1)).seconds == pytest.approx(2 * (START + RATE))
    assert price_sessions(engine, weekdays(101)).seconds == pytest.approx(2 * (START + 101 * RATE))


def test_runs_of_about_the_same_length_count_and_failed_ones_never(engine):
    for number in range(6):
        record(engine, 1, 12.0, number=number)
        record(engine, 80, 300.0 + number, number=number + 10)
        record(engine, 100, 9_999.0, "failed", number=number + 20)
    found = price_sessions(engine, weekdays(100))
    assert found.seconds == pytest.approx(302.0 * (START + 100 * RATE) / (START + 80 * RATE), rel=0.01)
    assert found.recorded == 5
    assert price_sessions(engine, weekdays(1)).seconds == pytest.approx(12.0)
