"""Which prices contradict each other, and which bars are in another unit."""

from __future__ import annotations

import numpy as np
import pytest

from risk_pipeline.analytics.basis import Cause, doubtful_lots, impossible_premiums, unit_levels
from risk_pipeline.analytics.lots import InvestmentClass, Lots, SplitAdjusted


def causes(ratio, *, option=False, adjusted=False, foreign=False):
    ratio = np.atleast_1d(np.asarray(ratio, dtype=float))
    flags = (np.full(len(ratio), flag) for flag in (option, adjusted, foreign))
    return doubtful_lots(ratio, *flags).tolist()


@pytest.mark.parametrize(
    ("ratio", "cause"),
    [
        *((sound, None) for sound in (1.0, 0.34, 2.9, np.nan)),
        (0.01, Cause.UNIT),
        (104.0, Cause.UNIT),
        (4.0, Cause.SPLIT),
        (1 / 20, Cause.SPLIT),
        (3.4, Cause.OTHER),
        (900.0, Cause.OTHER),
    ],
)
def test_an_entry_price_beyond_a_third_or_three_times_the_close_is_doubtful(ratio, cause):
    assert causes(ratio) == [cause]


def test_an_adjusted_series_values_neither_strikes_nor_what_dividends_have_moved_far():
    assert causes([1.0, 1.1, 1.2], adjusted=True) == [None, None, Cause.ADJUSTED]
    assert causes(np.nan, option=True, adjusted=True) == [Cause.ADJUSTED]
    assert causes(np.nan, option=True) == [None]


@pytest.mark.parametrize(
    ("is_call", "strike", "premium", "is_impossible"),
    [
        (True, 400.0, 8.4, False),
        (True, 400.0, 840.0, True),  # of a contract
        (True, 0.01, 101.0, False),  # nearly the share itself, bought above the close
        (False, 400.0, 310.0, False),
        (False, 5.0, 45.0, True),
    ],
)
def test_a_premium_above_all_that_an_option_can_be_worth_is_impossible(is_call, strike, premium, is_impossible):
    dates = np.array(["2022-12-01", "2022-12-02"], dtype="datetime64[D]")
    none, nat = np.array([np.nan]), np.array(["NaT"], dtype="datetime64[D]")
    lot = Lots(
        *(np.zeros(1, dtype=np.int64),) * 3,
        kind=np.array([InvestmentClass.OPTIONS]),
        quantity=np.ones(1),
        entry_date=dates[1:],
        entry_price=np.array([premium]),
        exit_date=nat,
        exit_price=none,
        is_call=np.array([is_call]),
        strike=np.array([strike]),
        expiry=nat,
        implied_volatility=none,
    )
    for close in ([99.0, 100.0], [99.0, np.nan]):
        prices = SplitAdjusted.of(np.array(close)[:, None], np.ones((2, 1)))
        is_known = not is_call or not np.isnan(close[1])
        assert impossible_premiums(lot, dates, prices).tolist() == [is_impossible and is_known]


def test_a_quote_in_another_currency_than_the_lot_is_doubtful_whatever_the_prices():
    assert causes(1.0, foreign=True) == [Cause.CURRENCY]


def levels(close, *, split=None, start=(0,), reference=(np.nan,), symbol=None):
    close = np.asarray(close, dtype=float)
    split = np.ones(len(close)) if split is None else np.asarray(split, dtype=float)
    symbol = np.zeros(len(close), dtype=np.int64) if symbol is None else np.asarray(symbol)
    return unit_levels(symbol, close, split, np.asarray(start), np.asarray(reference)).tolist()


def test_a_jump_by_a_hundred_lasts_until_the_series_jumps_back():
    assert levels([780, 770, 7.8, 7.6, 7.1, 750, 751]) == [0, 0, -1, -1, -1, 0, 0]
    assert levels([7.8, 780, 7.7]) == [0, 1, 0]


def test_the_unit_is_that_of_most_bars_however_far_back_somebody_asked():
    whole = [7.8, 7.9, 780, 770, 775, 7.7, 7.6, 7.5, 7.4, 7.3, 7.2]
    assert levels(whole)[2:] == levels(whole[2:]) == [1, 1, 1, 0, 0, 0, 0, 0, 0]
    assert levels(whole[4:]) == [1, 0, 0, 0, 0, 0, 0]
    assert levels(whole[2:5] + whole[5:7], reference=[760.0]) == [0, 0, 0, -1, -1]  # what is stored counts
    two = levels([780, *[7.8] * 3, 50, 51], symbol=[0, 0, 0, 0, 1, 1], start=[0, 0], reference=[np.nan, np.nan])
    assert two == [1, 0, 0, 0, 0, 0]


def test_what_falls_far_and_what_splits_switched_no_unit():
    assert levels([100, 10, 1.5, 1.4]) == [0, 0, 0, 0]
    assert levels([100, 1.01], split=[1, 100]) == [0, 0]


def test_each_symbol_begins_at_its_own_level_and_last_close():
    found = levels([7.6, 7.5, 50, 51], symbol=[0, 0, 1, 1], start=[-1, 0], reference=[7.8, 0.5])
    assert found == [-1, -1, 1, 1]
    assert levels([770.0], start=[-1], reference=[7.6]) == [0]
    assert levels([], start=[], reference=[]) == []


def test_bars_one_by_one_have_the_levels_of_all_at_once():
    rng = np.random.default_rng(5)
    close = 800 * np.cumprod(1 + 0.02 * rng.standard_normal(60))
    close[20:40] /= 100
    whole, level, last, one_by_one = levels(close), 0, np.nan, []
    for bar in close:
        (level,) = levels([bar], start=[level], reference=[last])
        last = bar
        one_by_one.append(level)
    assert one_by_one == whole == [0] * 20 + [-1] * 20 + [0] * 20
