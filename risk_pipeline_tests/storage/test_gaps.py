"""A gap between two bars is asked for again after growing intervals, and forgotten once it is filled."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from risk_pipeline.storage import gaps
from risk_pipeline.storage.database import transaction
from risk_pipeline.storage.market_data import store_bars
from risk_pipeline.storage.tables import market_data_cache

DAYS = np.busday_offset("2025-01-01", np.arange(40), roll="forward")
FIRST, LAST = DAYS[0].item(), DAYS[-1].item()
SPANS = pd.DataFrame([("X", FIRST, LAST), ("Y", FIRST, LAST)], columns=["symbol", "first", "last"])
START = datetime(2025, 3, 1, 2)


def bars(symbol: str, days: np.ndarray) -> pd.DataFrame:
    fixed = {"high": np.nan, "low": np.nan, "close": 50.0, "volume": np.nan, "dividend": 0.0, "split_factor": 1.0}
    return pd.DataFrame({"session": days.astype("datetime64[s]"), "symbol": symbol, **fixed, "basis": "as_traded"})


@pytest.fixture
def patchy(engine) -> sa.Engine:
    """X is listed late, has two gaps and ends early; Y is whole."""
    store_bars(engine, bars("X", np.delete(DAYS[5:35], [10, 20])), known_at=START)
    store_bars(engine, bars("Y", DAYS), known_at=START)
    return engine


def evening(engine: sa.Engine, number: int, spans: pd.DataFrame = SPANS) -> dict[str, date]:
    """Ask and record as a run of that evening does."""
    at = START + timedelta(days=number)
    asked = gaps.gaps_to_ask(engine, spans, at)
    gaps.record_gaps(engine, spans, sessions_between, asked, at)
    return asked


def sessions_between(first: date, last: date) -> np.ndarray:
    return DAYS[(np.datetime64(first) <= DAYS) & (np.datetime64(last) >= DAYS)]


def test_it_is_asked_for_after_one_two_four_and_eight_days(patchy):
    asked = [number for number in range(32) if evening(patchy, number)]
    assert asked == [1, 3, 7, 15, 31]


def test_only_what_lies_between_two_bars_is_a_gap_and_the_earliest_is_asked_for(patchy):
    assert evening(patchy, 0) == {}
    assert evening(patchy, 1) == {"X": DAYS[15].item()}


def test_a_filled_gap_is_forgotten_and_the_other_keeps_its_interval(patchy):
    evening(patchy, 0)
    evening(patchy, 1)
    store_bars(patchy, bars("X", DAYS[15:16]), known_at=START)
    assert evening(patchy, 2) == {}
    assert evening(patchy, 3) == {"X": DAYS[25].item()}


def test_a_later_gap_has_intervals_of_its_own(patchy):
    evening(patchy, 0)
    evening(patchy, 1)  # the next is on the third
    with transaction(patchy, market_data_cache) as connection:
        gone = market_data_cache.c.session == DAYS[30].item()
        connection.execute(sa.delete(market_data_cache).where(gone, market_data_cache.c.symbol == "X"))
    assert evening(patchy, 2) == {}
    assert evening(patchy, 3) == {"X": DAYS[15].item()}
    assert evening(patchy, 5) == {"X": DAYS[30].item()}


def test_a_run_that_does_not_read_a_gap_leaves_its_record_alone(patchy):
    evening(patchy, 0)
    later = SPANS.assign(first=DAYS[28].item())
    assert evening(patchy, 1, later) == {}
    assert evening(patchy, 2) == {"X": DAYS[15].item()}


def test_another_run_may_record_the_same_gaps_meanwhile(patchy, monkeypatch):
    between = gaps._gaps

    def while_another_records(*arguments):
        monkeypatch.setattr(gaps, "_gaps", between)
        evening(patchy, 0)
        return between(*arguments)

    monkeypatch.setattr(gaps, "_gaps", while_another_records)
    evening(patchy, 0)
    assert gaps._gaps is between
    assert evening(patchy, 5) == {"X": DAYS[15].item()}
