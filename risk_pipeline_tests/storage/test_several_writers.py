"""Several writers at once, on SQLite and on Postgres: they wait for each other, and none fails or deadlocks."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime

import numpy as np
import pandas as pd

from risk_pipeline.storage import market_data
from risk_pipeline.storage import tables as t
from risk_pipeline.storage.database import replace_sessions
from risk_pipeline.storage.queries import read_table

DAYS = pd.bdate_range("2024-01-01", periods=60)
SYMBOLS = [f"S{number}" for number in range(20)]


def at_once(*tasks) -> None:
    """Run the tasks in threads of their own; the first error is raised."""
    with ThreadPoolExecutor(len(tasks)) as pool:
        for future in [pool.submit(task) for task in tasks]:
            future.result()


def grid(**values) -> pd.DataFrame:
    rows = {"session": np.repeat(DAYS, len(SYMBOLS)), "symbol": np.tile(SYMBOLS, len(DAYS))}
    return pd.DataFrame(rows).assign(**values)


def test_the_same_new_prices_from_four_runs_are_stored_once(engine):
    bars = grid(high=np.nan, low=np.nan, close=1.0, volume=np.nan, dividend=0.0, split_factor=1.0, basis="as_traded")

    def run() -> None:
        market_data.store_bars(engine, bars, known_at=datetime(2025, 1, 1))
        market_data.extend_ranges(engine, dict.fromkeys(SYMBOLS, (date(2024, 1, 1), date(2024, 3, 1))))

    at_once(*[run] * 4)
    assert len(read_table(engine, "market_data_cache")) == len(bars)
    assert read_table(engine, "price_restatements").empty
    assert len(market_data.asked_ranges(engine, SYMBOLS)) == len(SYMBOLS)


def test_tables_replaced_in_opposite_orders_do_not_deadlock(engine):
    sectors = grid(sector="Energy", net=1.0, gross=1.0, gross_share=1.0).rename(columns={"symbol": "portfolio_id"})
    covariance = grid(
        factor_b="x",
        covariance=1.0,
        correlation=1.0,
        observations=9,
        condition_number=1.0,
        method="ewma",
        stressed_covariance=2.0,
        stressed_last=DAYS[0],
    ).rename(columns={"symbol": "factor_a"})
    sessions = [day.date() for day in DAYS]
    one = {t.sector_exposures: sectors, t.factor_covariance: covariance}
    other = dict(reversed(one.items()))
    at_once(*[lambda: replace_sessions(engine, sessions, one), lambda: replace_sessions(engine, sessions, other)] * 3)
    assert len(read_table(engine, "sector_exposures")) == len(sectors)
    assert len(read_table(engine, "factor_covariance")) == len(covariance)


def test_two_schedulers_that_write_the_same_sessions_leave_one_set_of_rows(engine):
    sectors = grid(sector="Energy", net=1.0, gross=1.0, gross_share=1.0).rename(columns={"symbol": "portfolio_id"})
    sessions = [day.date() for day in DAYS]
    at_once(*[lambda: replace_sessions(engine, sessions, {t.sector_exposures: sectors})] * 4)
    rows = read_table(engine, "sector_exposures")
    assert len(rows) == len(sectors)
    assert not rows.duplicated(["session", "portfolio_id"]).any()
