"""The grid of spot and volatility: every cell is the book's own revaluation."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from risk_pipeline.risk.option_stress import SPOT_MOVES, VOLATILITY_CHANGES, grid_rows, options_by_session
from risk_pipeline_tests.support.option_books import lot, option_inputs

DAYS = ["2021-01-04", "2021-01-05"]
CALL = lot("c", -3, DAYS[0], 9.0, underlying="SPY", option_type="CALL", strike=365.0, expiry="2021-03-19")
PUT = lot("p", 2, DAYS[0], 9.0, underlying="SPY", option_type="PUT", strike=330.0, expiry="2021-03-19")
SHARES, OTHER = lot("SPY", 300, DAYS[0], 356.0), lot("TLT", 100, DAYS[0], 150.0)


def grid_of(lots, session_index=1):
    inputs = option_inputs(lots, DAYS, symbols=["SPY", "TLT"])
    options = list(options_by_session(inputs))[session_index]
    (row,) = grid_rows(inputs, session_index, options)
    return inputs, np.array(row["grid"]["pnl"])


@pytest.mark.parametrize("exercise", ["european", "american"])
def test_a_cell_is_the_whole_revaluation_of_options_and_of_their_shares(exercise):
    lots = [one | {"exercise": exercise, "implied_volatility": 0.25} for one in (CALL, PUT)]
    inputs, grid = grid_of([*lots, SHARES, OTHER])
    rows, every = inputs.book.positions.options(inputs.lots, inputs.panel.dates[inputs.ends])
    terms = every.take(np.flatnonzero(inputs.book.positions.session[rows] == 1))
    now = terms.price()
    for i, change in enumerate(VOLATILITY_CHANGES):
        for j, move in enumerate(SPOT_MOVES):
            after = dataclasses.replace(
                terms, spot=terms.spot * (1 + move), volatility=np.maximum(terms.volatility + change, 0.05)
            ).price()
            expected = (after - now) @ np.array([-300.0, 200.0]) + 300.0 * terms.spot[0] * move
            assert grid[i, j] == pytest.approx(expected, abs=0.02 if exercise == "european" else 5e-4 * 500 * 360)


def test_the_market_as_it_is_gains_nothing_and_what_has_no_option_stands_still():
    _, with_other = grid_of([CALL, SHARES, OTHER])
    _, alone = grid_of([CALL, SHARES])
    np.testing.assert_array_equal(with_other, alone)
    assert alone[VOLATILITY_CHANGES.index(0.0), SPOT_MOVES.index(0.0)] == 0.0


def test_a_covered_call_gains_no_more_than_its_premium_and_the_way_to_its_strike():
    inputs, grid = grid_of([CALL, SHARES])
    price = inputs.book.positions.price[inputs.book.positions.session == 1]
    spot = inputs.panel.close[inputs.ends[1], inputs.column["SPY"]]
    assert grid.max() <= 300 * (price[0] + 365.0 - spot) + 0.02
    assert (np.diff(grid[VOLATILITY_CHANGES.index(0.0)]) > 0).all()


def test_a_book_without_options_has_no_grid():
    inputs = option_inputs([SHARES, OTHER], DAYS, symbols=["SPY", "TLT"])
    assert grid_rows(inputs, 0, next(options_by_session(inputs))) == []
