"""Bars that a run has just stored in an empty table are what the database holds, or are not used."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from risk_pipeline.storage import bars_at_hand, check_queries, gaps, market_data
from risk_pipeline.storage.bars_at_hand import HOLDER, keeping_bars, let_go
from risk_pipeline.storage.market_data import read_bars, store_bars
from risk_pipeline.storage.price_panel import build_panel
from risk_pipeline.storage.result_inputs import fact, forget_prices

DAYS = np.busday_offset("2025-01-01", np.arange(30), roll="forward")
SPAN = DAYS[0].item(), DAYS[-1].item()
NOW = datetime(2025, 3, 1)


def bars(symbol: str, days: np.ndarray = DAYS, close: float = 50.0) -> pd.DataFrame:
    """Bars with what a database may change: a NaN of another kind, a negative zero, a close that no decimal ends."""
    strange_nan = -np.array([np.nan])[0]
    numbers = {"high": strange_nan, "low": np.nan, "close": close / 3, "volume": 1.0, "dividend": -0.0}
    fixed = {"split_factor": 1.0, "basis": "as_traded", "source": "files"}
    return pd.DataFrame({"session": days.astype("datetime64[s]"), "symbol": symbol, **numbers, **fixed})


@pytest.fixture
def run(engine) -> sa.Engine:
    """The engine of a run that has stored bars of an empty table, in two fetches."""
    run = keeping_bars(engine)
    store_bars(run, pd.concat([bars("B", np.delete(DAYS, 5)), bars("É")]), known_at=NOW)
    store_bars(run, bars("A", DAYS[3:], 7.0), known_at=NOW)
    return run


def is_at_hand(run: sa.Engine) -> bool:
    return bars_at_hand.bars_at_hand(run, *SPAN) is not None


def rows(engine: sa.Engine, *among: list[str]) -> list[tuple]:
    """Return what is read, bit by bit."""
    read = read_bars(engine, *SPAN, *among)
    numbers = [read[name].to_numpy().view(np.int64).tolist() for name in market_data.COMPARED]
    return sorted(zip(read["session"], read["symbol"].astype(str), *numbers, strict=True))


def test_they_are_to_the_bit_what_the_database_holds(run, engine):
    assert is_at_hand(run)
    assert not is_at_hand(engine)
    assert len(rows(run)) == 30 + 29 + 27
    for among in ((), (["A", "É"],), (["nothing"],)):
        assert rows(run, *among) == rows(engine, *among)
    panels = [build_panel(each, DAYS, ["A", "B", "C"]).content_hash() for each in (run, engine)]
    assert panels[0] == panels[1]
    found = [check_queries.bars(each, *SPAN).astype({"symbol": object}) for each in (run, engine)]
    pd.testing.assert_frame_equal(*found)


def test_gaps_are_found_in_them(run, engine):
    spans = pd.DataFrame([(symbol, *SPAN) for symbol in ("A", "B", "C")], columns=["symbol", "first", "last"])
    found = [gaps._gaps(each, spans, DAYS) for each in (run, engine)]
    assert found[0]["session"].tolist() == [pd.Timestamp(DAYS[5])]
    pd.testing.assert_frame_equal(*found)


def test_what_another_writes_is_seen(run, engine):
    store_bars(engine, bars("C"), known_at=NOW)
    assert not is_at_hand(run)
    assert {symbol for _, symbol, *_ in rows(run)} == {"A", "B", "C", "É"}
    store_bars(run, bars("D"), known_at=NOW)  # and from now on they are read
    assert not is_at_hand(run)
    assert rows(run) == rows(engine)


@pytest.mark.parametrize("writer", ["run", "engine"])
def test_a_corrected_price_is_seen(request, run, engine, writer):
    store_bars(request.getfixturevalue(writer), bars("A", DAYS[4:5], 8.0), known_at=NOW)
    assert not is_at_hand(run)
    assert rows(run) == rows(engine)
    assert 8.0 / 3 in read_bars(run, *SPAN)["close"].tolist()


def test_equal_bars_that_come_again_change_nothing(run):
    store_bars(run, bars("A", DAYS[4:6], 7.0), known_at=NOW)
    assert is_at_hand(run)


def test_forgotten_prices_are_gone_and_new_ones_at_hand(run, engine):
    forget_prices(engine, NOW)
    assert rows(run) == []
    store_bars(run, bars("A", DAYS, 9.0), known_at=NOW)
    assert is_at_hand(run)
    assert rows(run) == rows(engine)


def test_of_a_table_with_bars_none_are_kept(engine):
    store_bars(engine, bars("A"), known_at=NOW)
    run = keeping_bars(engine)
    store_bars(run, bars("B"), known_at=NOW)
    assert not is_at_hand(run)
    assert rows(run) == rows(engine)


def test_bars_that_could_not_be_stored_are_not_at_hand(run, engine, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(market_data, "insert_rows", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            store_bars(run, bars("C"), known_at=NOW)
    assert rows(run) == rows(engine)
    store_bars(engine, bars("D"), known_at=NOW)
    assert rows(run) == rows(engine)


def test_they_are_freed_and_leave_no_trace(run, engine):
    assert fact(engine, HOLDER)
    let_go(run)
    assert not is_at_hand(run)
    assert rows(run) == rows(engine)
    assert fact(engine, HOLDER) is None


def test_another_run_may_end_it_and_takes_away_what_a_killed_one_left(run, engine):
    let_go(keeping_bars(engine))
    assert not is_at_hand(run)
    assert rows(run) == rows(engine)
    assert fact(engine, HOLDER) is None


def test_another_run_of_an_emptied_table_takes_them_over(run, engine):
    other = keeping_bars(engine)
    forget_prices(other, NOW)
    store_bars(other, bars("A"), known_at=NOW)
    assert is_at_hand(other)
    assert not is_at_hand(run)
    assert rows(other) == rows(run) == rows(engine)


def test_bars_that_were_committed_and_not_kept_are_read(run, engine, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(market_data, "keep", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            store_bars(run, bars("C"), known_at=NOW)
    assert not is_at_hand(run)
    store_bars(run, bars("D"), known_at=NOW)
    assert not is_at_hand(run)
    assert rows(run) == rows(engine)
