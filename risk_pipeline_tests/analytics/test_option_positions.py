"""The dividend yield that options are valued with, against the definition written out."""

from __future__ import annotations

import numpy as np
import pytest

from risk_pipeline.analytics.lots import SplitAdjusted
from risk_pipeline.analytics.option_positions import YEAR, trailing_dividend_yield

SESSIONS, SYMBOLS, OPTIONS = 600, 7, 2500


@pytest.mark.parametrize("how_often", [0.0, 1 / 63, 0.5])
def test_the_yield_is_the_sum_of_a_year_s_dividends_per_share_of_now_to_the_last_bit(how_often):
    rng = np.random.default_rng(7)
    shape = (SESSIONS, SYMBOLS)
    dividend = np.where(rng.random(shape) < how_often, rng.random(shape), 0.0)
    split = np.where(rng.random(shape) < 0.01, 3.0, 1.0)
    row, column = rng.integers(0, SESSIONS, OPTIONS), rng.integers(0, SYMBOLS, OPTIONS)
    row[:3] = [0, 1, SESSIONS - 1]
    spot = rng.uniform(1.0, 200.0, OPTIONS)
    found = trailing_dividend_yield(dividend, SplitAdjusted.of(np.ones(shape), split), row, column, spot)
    shares = np.cumprod(split, axis=0)
    year = np.zeros((OPTIONS, YEAR))
    for option, (now, symbol) in enumerate(zip(row, column, strict=True)):
        for back in range(min(YEAR, now)):  # the first session has none before it that shares were held on
            year[option, back] = dividend[now - back, symbol] / (shares[now, symbol] / shares[now - back - 1, symbol])
    paid = np.cumsum(year[:, ::-1], axis=1)[:, -1]  # the oldest first
    np.testing.assert_array_equal(found, np.log1p(paid / spot))
    assert (found > 0).any() == (how_often > 0)


def test_without_a_spot_there_is_no_yield():
    prices = SplitAdjusted.of(np.ones((3, 1)), np.ones((3, 1)))
    rows, columns = np.array([2, 2]), np.zeros(2, dtype=np.int64)
    found = trailing_dividend_yield(np.full((3, 1), 0.5), prices, rows, columns, np.array([10.0, np.nan]))
    np.testing.assert_array_equal(found, [np.log1p(0.1), 0.0])


def test_earlier_splits_leave_no_trace_in_the_last_bit():
    """A panel that begins earlier, since somebody holds the share for longer, knows more splits."""
    rng, shape = np.random.default_rng(8), (400, 1)
    dividend, split = np.where(rng.random(shape) < 1 / 20, rng.random(shape), 0.0), np.ones(shape)
    split[[5, 40, 70]] = [[10.0], [1.037], [3.0]]
    split[[200, 300]] = [[1.5], [1.0173]]
    row = np.arange(360, 400)
    column, spot = np.zeros(len(row), dtype=np.int64), np.full(len(row), 41.7)
    whole = trailing_dividend_yield(dividend, SplitAdjusted.of(np.ones(shape), split), row, column, spot)
    late = SplitAdjusted.of(np.ones((300, 1)), split[100:])
    np.testing.assert_array_equal(trailing_dividend_yield(dividend[100:], late, row - 100, column, spot), whole)
