"""Returns are of one session to the next, or missing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from risk_pipeline.analytics.returns import returns_for_estimates, stale_closes, total_returns

PRICES = arrays(float, (6, 3), elements=st.floats(0.01, 1e5) | st.just(np.nan))


def plain(close):
    return total_returns(close, np.zeros_like(close), np.ones_like(close))


def test_a_missing_price_leaves_the_others_and_the_next_day_alone():
    close = np.array([[10.0, 20.0], [np.nan, 21.0], [12.0, 22.0], [12.6, 22.0]])
    found = plain(close)
    np.testing.assert_array_equal(np.isnan(found[:, 0]), [True, True, True, False])
    np.testing.assert_allclose(found[1:, 1], [0.05, 1 / 21, 0.0], atol=1e-15)
    assert found[3, 0] == pytest.approx(0.05)


def test_a_split_is_no_loss_and_a_dividend_is_a_return():
    close = np.array([[400.0, 50.0], [101.0, 49.0]])
    dividend, split = np.array([[0, 0], [0, 1.0]]), np.array([[1, 1], [4.0, 1]])
    np.testing.assert_allclose(total_returns(close, dividend, split)[1], [0.01, 0.0], atol=1e-15)


def test_a_dividend_on_the_day_of_a_split_is_per_old_share():
    """100 old shares at 50 and 2:1: 200 new at 24, and 100 times 1 in cash, are 4,900 of 5,000."""
    found = total_returns(np.array([[50.0], [24.0]]), np.array([[0.0], [1.0]]), np.array([[1.0], [2.0]]))
    assert found[1, 0] == pytest.approx(4900 / 5000 - 1)


def test_a_price_of_nothing_is_no_price():
    found = plain(np.array([[10.0], [0.0], [10.0], [11.0], [-1.0]]))
    np.testing.assert_array_equal(np.isnan(found[:, 0]), [True, True, True, False, True])


@given(PRICES)
@settings(max_examples=60, deadline=None)
def test_a_return_is_there_exactly_where_both_prices_are(close):
    found = plain(close)
    there = ~np.isnan(close)
    assert np.isnan(found[0]).all()
    np.testing.assert_array_equal(~np.isnan(found[1:]), there[1:] & there[:-1])


@given(PRICES, st.integers(1, 5), st.floats(0.1, 20.0))
@settings(max_examples=60, deadline=None)
def test_restating_all_earlier_prices_for_a_split_changes_no_return(close, row, ratio):
    """The same history as traded with a split, and adjusted for it."""
    split = np.ones_like(close)
    split[row] = ratio
    adjusted = close.copy()
    adjusted[:row] /= ratio
    np.testing.assert_allclose(
        total_returns(close, np.zeros_like(close), split) + 1.0, plain(adjusted) + 1.0, rtol=1e-12
    )


@given(PRICES, st.integers(0, 2))
@settings(max_examples=60, deadline=None)
def test_columns_are_strangers(close, column):
    np.testing.assert_array_equal(plain(close[:, [column]])[:, 0], plain(close)[:, column])


def estimates(close):
    return returns_for_estimates(close, np.zeros_like(close), np.ones_like(close))


def test_the_fifth_equal_close_is_carried_forward_and_the_return_after_it_is_a_gap():
    close = np.array([[1.0, 2, 2, 2, 2, 2, 2, 3, 3.3]]).T
    np.testing.assert_array_equal(np.flatnonzero(stale_closes(close)), [5, 6])
    np.testing.assert_allclose(estimates(close)[:, 0], [np.nan, 1, 0, 0, 0, np.nan, np.nan, np.nan, 0.1], atol=1e-12)


def test_four_equal_closes_are_real_and_a_missing_one_ends_a_run():
    close = np.array([[1.0, 1, 1, 1, 1.01, 1.01, 1.01, 1.01, np.nan, 1.01]]).T
    assert not stale_closes(close).any()
    np.testing.assert_array_equal(estimates(close), plain(close))


@given(arrays(float, (14, 3), elements=st.sampled_from([1.0, 1.1, np.nan])), st.integers(5, 13))
@settings(max_examples=100, deadline=None)
def test_what_is_carried_forward_does_not_depend_on_later_closes_or_on_those_six_before(close, end):
    whole = estimates(close)
    np.testing.assert_array_equal(estimates(close[: end + 1]), whole[: end + 1])
    np.testing.assert_array_equal(estimates(close[end - 5 : end + 1])[-1], whole[end])
    np.testing.assert_array_equal(estimates(close[:, [1]])[:, 0], whole[:, 1])
