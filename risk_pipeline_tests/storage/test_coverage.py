"""Coverage by session and symbol equals its plain definition, whatever range it is computed with."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import pandas as pd
import pytest

from risk_pipeline.sessions import session_calendar
from risk_pipeline.storage import coverage, market_data
from risk_pipeline.storage.imports import import_frames
from risk_pipeline.storage.queries import read_table, symbols_held

CALENDAR = session_calendar("XNYS", date(2015, 1, 2))
LAST = date(2025, 6, 30)
DAYS = CALENDAR.sessions_in_range(CALENDAR.look_back_from(LAST, 299), LAST)
PROXY = "SPY"
PORTFOLIOS = pd.DataFrame(
    [("a", "A", "2024-01-02", "", 1_000_000)],
    columns=["portfolio_id", "name", "inception_date", "closed_date", "starting_equity"],
)
POSITIONS = pd.DataFrame(
    [
        ("1", "a", "AAPL", "PUBLIC", 10, "2024-01-02", 200, "", "", "", "", "", ""),
        ("2", "a", "MSFT", "PUBLIC", 10, "2025-06-18", 200, "2025-06-24", "", "", "", "", ""),
        ("3", "a", "NVDA C", "OPTIONS", 1, "2025-06-02", 5, "", "", "NVDA", "CALL", 100, "2025-06-20"),
        ("4", "a", "FUND", "PRIVATE", 1, "2024-01-02", 5, "", "", "", "", "", ""),
    ],
    columns=[
        *("position_id", "portfolio_id", "symbol", "investment_class", "quantity", "entry_date", "entry_price"),
        *("exit_date", "exit_price", "underlying", "option_type", "strike", "expiry"),
    ],
)
HELD = {
    "AAPL": ("2024-01-02", "2025-06-30"),
    "MSFT": ("2025-06-18", "2025-06-24"),
    "NVDA": ("2025-06-02", "2025-06-20"),
    PROXY: ("2024-01-02", "2025-06-30"),
}


@pytest.fixture
def closes() -> pd.DataFrame:
    """Closes with gaps, equal stretches and a late listing; NaN is no bar."""
    draw = np.random.default_rng(3)
    frame = pd.DataFrame(draw.integers(1, 3, (len(DAYS), 4)).astype(float), index=DAYS, columns=list(HELD))
    frame = frame.mask(draw.random(frame.shape) < 0.08)
    frame.iloc[:280, 1] = np.nan
    frame.iloc[:, 3] = 7.0
    return frame


@pytest.fixture
def prices(engine, closes):
    import_frames(engine, {"portfolios": PORTFOLIOS, "positions": POSITIONS})
    bars = closes.rename_axis(index="session", columns="symbol").stack().dropna().rename("close").reset_index()
    default = {"high": np.nan, "low": np.nan, "volume": np.nan, "dividend": 0.0, "split_factor": 1.0}
    bars = bars.assign(**default, basis="as_traded")
    market_data.store_bars(engine, bars, known_at=datetime(2025, 7, 1))
    changed = bars[(bars["session"] == pd.Timestamp("2025-06-27")) & (bars["symbol"] == PROXY)].assign(close=8.0)
    market_data.store_bars(engine, changed, known_at=datetime(2025, 7, 2))
    closes.loc[pd.Timestamp("2025-06-27"), PROXY] = 8.0
    return engine


def update(engine, sessions) -> pd.DataFrame:
    return coverage.update_coverage(
        engine, list(sessions), [PROXY], CALENDAR.sessions_in_range, CALENDAR.look_back_from
    )


def expected(closes: pd.DataFrame, session: date, symbol: str) -> tuple[bool, bool, int, int]:
    year = closes[symbol].loc[pd.Timestamp(CALENDAR.look_back_from(session, 251)) : pd.Timestamp(session)]
    newest = year.tail(5)
    began = year.first_valid_index()
    missing = 0 if began is None else int(year.loc[began:].isna().sum())
    return (
        bool(year.notna().iloc[-1]),
        bool(newest.notna().all() and newest.nunique() == 1),
        missing,
        int(symbol == PROXY and str(session) == "2025-06-27"),
    )


def test_each_row_is_what_its_definition_says_and_there_is_one_per_symbol_in_use(prices, closes):
    sessions = CALENDAR.sessions_in_range(date(2025, 6, 10), LAST).tolist()
    update(prices, sessions)
    rows = read_table(prices, "market_data_coverage")
    wanted = {
        (day, symbol): expected(closes, day, symbol)
        for day in sessions
        for symbol, (first, last) in HELD.items()
        if first <= str(day) <= last
    }
    found = {(row[0].date(), row[1]): (bool(row[2]), bool(row[3]), *row[4:]) for row in rows.itertuples(index=False)}
    assert found == wanted
    assert rows["is_stale"].any()
    assert rows["missing_sessions"].max() > 3


def test_one_session_at_a_time_gives_the_rows_of_the_range(prices, monkeypatch):
    sessions = CALENDAR.sessions_in_range(date(2025, 6, 10), LAST).tolist()
    update(prices, sessions)
    together = read_table(prices, "market_data_coverage")
    for day in reversed(sessions):
        update(prices, [day])
    pd.testing.assert_frame_equal(read_table(prices, "market_data_coverage"), together, check_exact=True)
    monkeypatch.setattr(coverage, "SESSIONS_AT_ONCE", 4)
    pd.testing.assert_frame_equal(update(prices, sessions), together, check_exact=True, check_dtype=False)


def test_the_newest_session_with_rows(prices):
    assert coverage.newest_coverage(prices) is None
    update(prices, [date(2025, 6, 10)])
    assert coverage.newest_coverage(prices) == date(2025, 6, 10)


def test_a_symbol_is_held_from_its_entry_to_its_exit_or_expiry(prices):
    held = symbols_held(prices, CALENDAR.sessions_in_range(date(2025, 6, 16), date(2025, 6, 26)).tolist())
    days = held.groupby("symbol")["session"].agg(["min", "max"]).apply(lambda column: column.dt.strftime("%m-%d"))
    assert days.loc["MSFT"].tolist() == ["06-18", "06-24"]
    assert days.loc["NVDA"].tolist() == ["06-16", "06-20"]
    assert days.loc["AAPL"].tolist() == ["06-16", "06-26"]
    assert "FUND" not in days.index
