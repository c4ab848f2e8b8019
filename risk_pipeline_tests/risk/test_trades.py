"""Trades on a book: which lots they close, and what they open."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from risk_pipeline.risk.trades import Trade, with_trades
from risk_pipeline_tests.support.blocks import lot

DAY = date(2025, 6, 4)


def lots(*rows: dict) -> pd.DataFrame:
    out = pd.DataFrame(rows).assign(exit_date=lambda frame: pd.to_datetime(frame.get("exit_date")))
    dates = {name: pd.to_datetime(out[name]) for name in ("entry_date", "expiry")}
    return out.assign(**dates, position_id=[f"p{row}" for row in range(len(out))], units_since=1.0)


def held_after(book: pd.DataFrame, *quantities: float) -> float:
    """Return how many shares are held after trades of the session."""
    trades = [Trade("a", "KO", quantity, 60.0) for quantity in quantities]
    after = with_trades(book, trades, DAY)
    day = pd.Timestamp(DAY)
    return float(after.loc[after["exit_date"].isna() | (after["exit_date"] > day), "quantity"].sum())


@pytest.mark.parametrize("exit_date", [None, "2025-06-05", "2027-01-06"])
def test_a_lot_that_leaves_after_the_session_is_closed_like_any_other(exit_date):
    book = lots({**lot("a", "KO", 100.0, "2025-01-02", 55.0), "exit_date": exit_date})
    after = with_trades(book, [Trade("a", "KO", -30.0, 60.0)], DAY)
    assert len(after) == 2
    assert held_after(book, -30.0) == 70.0
    assert held_after(book, -100.0) == 0.0
    assert held_after(book, -130.0) == -30.0
    rest = after[after["position_id"].str.endswith(".rest")].iloc[0]
    assert rest["exit_date"] == pd.Timestamp(exit_date) if exit_date else pd.isna(rest["exit_date"])


def test_a_lot_that_has_left_is_not_held():
    book = lots({**lot("a", "KO", 100.0, "2025-01-02", 55.0), "exit_date": "2025-06-04"})
    assert held_after(book, -30.0) == -30.0


@pytest.mark.parametrize("quantities", [(10.0, -10.0), (1000.0, -100.0), (-2000.0, 1000.0), (-100.0, 1000.0)])
def test_trades_of_one_symbol_add_up_in_any_order(quantities):
    book = lots(lot("a", "KO", 100.0, "2025-01-02", 55.0))
    assert held_after(book, *quantities) == 100.0 + sum(quantities)
    assert held_after(book, *quantities[::-1]) == 100.0 + sum(quantities)


@pytest.mark.parametrize("quantities", [(-30.0,), (-30.0, -20.0), (-100.0,), (-130.0,)])
def test_fees_of_entry_are_paid_once_whatever_part_is_sold(quantities):
    book = lots({**lot("a", "KO", 100.0, "2025-01-02", 55.0), "fees": 10.0})
    after = with_trades(book, [Trade("a", "KO", quantity, 60.0) for quantity in quantities], DAY)
    held = after[after["entry_date"] < pd.Timestamp(DAY)]
    assert held["fees"].sum() == pytest.approx(10.0, abs=1e-12)
    np.testing.assert_allclose(held["fees"], held["quantity"] / 10.0, rtol=1e-12)
