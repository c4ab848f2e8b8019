"""Lots by FIFO against the cash that the trades moved."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk_pipeline.brokers.fifo import lots_of
from risk_pipeline.brokers.table import security
from risk_pipeline.brokers.trades import Effect, Trade

FIRST, LAST_PRICE = date(2024, 1, 2), 77.0


def trade(day: int, quantity: float, price: float, fees: float = 0.0, effect: Effect = Effect.EITHER) -> Trade:
    return Trade("a", FIRST + timedelta(days=day), security("X"), quantity, price, fees, effect, "f.csv", day + 2)


trades = st.lists(
    st.tuples(st.integers(-50, 50).filter(bool), st.floats(1, 200), st.floats(0, 5)), min_size=1, max_size=30
).map(lambda rows: [trade(day, *row) for day, row in enumerate(rows)])


@given(trades)
def test_lots_gain_what_the_trades_cash_and_rest_are_worth(made):
    problems, notes = [], []
    lots = [row.values for row in lots_of(made, problems, notes)]
    held = sum(one.quantity for one in made)
    in_cash = -sum(one.quantity * one.price + one.fees for one in made) + held * LAST_PRICE
    gained = 0.0
    for lot in lots:
        end = float(lot.get("exit_price", LAST_PRICE))
        fees = float(lot["fees"]) + float(lot.get("exit_fees", 0.0))
        gained += float(lot["quantity"]) * (end - float(lot["entry_price"])) - fees
    assert not problems
    assert gained == pytest.approx(in_cash, rel=1e-9, abs=1e-6)
    assert sum(float(lot["quantity"]) for lot in lots if "exit_date" not in lot) == pytest.approx(held)
    assert all(lot.get("exit_date", "9999") >= lot["entry_date"] for lot in lots)


@given(trades)
def test_open_lots_are_all_on_one_side_and_the_latest_ones(made):
    lots = [row.values for row in lots_of(made, [], [])]
    still = [lot for lot in lots if "exit_date" not in lot]
    assert len({float(lot["quantity"]) > 0 for lot in still}) <= 1
    over = [lot for lot in lots if "exit_date" in lot and still]
    same_side = [lot for lot in over if float(lot["quantity"]) * float(still[0]["quantity"]) > 0]
    assert all(lot["entry_date"] <= still[0]["entry_date"] for lot in same_side)


def test_a_split_changes_the_shares_and_not_the_cost():
    made = [trade(0, 10, 520.0), trade(5, 90, 0.0, effect=Effect.SPLIT), trade(6, -40, 121.0)]
    lots = [row.values for row in lots_of(made, [], [])]
    assert [(float(lot["quantity"]), lot.get("exit_price")) for lot in lots] == [(4.0, "121.0"), (6.0, None)]


@pytest.mark.parametrize("effect", [Effect.CLOSE, Effect.END, Effect.SPLIT])
def test_what_closes_or_splits_nothing_is_a_problem(effect):
    problems = []
    assert not lots_of([trade(0, -5, 10.0, effect=effect)], problems, [])
    (problem,) = problems
    assert (problem.file, problem.line) == ("f.csv", 2)
    assert "export from an earlier day" in problem.remedy
