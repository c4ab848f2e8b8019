"""Whatever can't be right never gets through, and is said by symbol."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from risk_pipeline.market.source import BAR_COLUMNS
from risk_pipeline.market.validate import checked_bars

SESSIONS = pd.DatetimeIndex(["2024-01-08", "2024-01-09", "2024-01-10"]).astype("datetime64[s]")


def bars(symbols: str = "AB", **changes: object) -> pd.DataFrame:
    """Three good bars of each symbol; a change replaces the first symbol's value on the second session."""
    rows = [
        {
            "session": day,
            "symbol": symbol,
            "high": 11.0,
            "low": 9.0,
            "close": 10.0 + number,
            "volume": 100.0,
            "dividend": 0.0,
            "split_factor": 1.0,
            "basis": "as_traded",
        }
        for number, day in enumerate(SESSIONS - pd.Timedelta(0))
        for symbol in symbols
    ]
    frame = pd.DataFrame(rows)
    frame["high"] = frame["close"] + 1
    for column, value in changes.items():
        frame.loc[len(symbols), column] = value
    return frame


def test_good_bars_pass_unchanged_whatever_their_order():
    good = bars()
    found = checked_bars(good.sample(frac=1.0, random_state=3), SESSIONS)
    pd.testing.assert_frame_equal(found.bars, good[list(BAR_COLUMNS)], check_dtype=False)
    assert not found.errors
    assert not found.dropped
    assert str(found.bars["session"].dtype) == "datetime64[s]"


@pytest.mark.parametrize("close", [0.0, -10.0, np.inf, -np.inf])
def test_an_impossible_close_is_dropped_and_said(close):
    found = checked_bars(bars(close=close), SESSIONS)
    assert len(found.bars) == 5
    assert "2024-01-09" in found.dropped["A"]
    assert set(found.dropped) == {"A"}
    assert not found.errors


def test_a_missing_close_is_a_gap_and_needs_no_word():
    found = checked_bars(bars(close=np.nan), SESSIONS)
    assert len(found.bars) == 5
    assert not found.dropped
    assert not found.errors


@pytest.mark.parametrize(
    "change",
    [
        {"split_factor": 0.0},
        {"split_factor": -1.0},
        {"split_factor": np.nan},
        {"split_factor": np.inf},
        {"dividend": -0.1},
        {"dividend": np.nan},
        {"dividend": np.inf},
    ],
    ids=str,
)
def test_a_symbol_with_an_impossible_action_is_refused(change):
    found = checked_bars(bars(**change), SESSIONS)
    assert set(found.bars["symbol"]) == {"B"}
    assert "2024-01-09" in found.errors["A"]


@pytest.mark.parametrize(
    "change", [{"high": 10.5}, {"low": 11.5}, {"high": np.nan}, {"low": 0.0}, {"high": np.inf}, {"low": -1.0}], ids=str
)
def test_a_range_that_contradicts_the_close_is_left_out(change):
    found = checked_bars(bars(**change), SESSIONS)
    row = found.bars[(found.bars["symbol"] == "A") & (found.bars["session"] == SESSIONS[1])].iloc[0]
    assert np.isnan(row["high"])
    assert np.isnan(row["low"])
    assert row["close"] == 11.0
    assert "A" in found.dropped


def test_a_range_that_is_absent_needs_no_word():
    found = checked_bars(bars(high=np.nan, low=np.nan), SESSIONS)
    assert not found.dropped
    assert len(found.bars) == 6


def test_rounding_of_a_range_is_no_contradiction():
    found = checked_bars(bars(high=11.0 - 1e-9), SESSIONS)
    assert not found.dropped
    assert (found.bars["high"] >= found.bars["close"]).all()


@pytest.mark.parametrize("volume", [-1.0, np.inf, np.nan])
def test_an_impossible_volume_is_none(volume):
    found = checked_bars(bars(volume=volume), SESSIONS)
    assert found.bars["volume"].isna().sum() == 1
    assert not found.dropped


def test_a_date_that_is_no_session_asked_for_is_dropped():
    found = checked_bars(bars(), SESSIONS[:2])
    assert set(found.bars["session"]) == set(SESSIONS[:2])
    assert "not a session" in found.notes["A"]


def test_the_same_bar_twice_is_one():
    found = checked_bars(pd.concat([bars(), bars()]), SESSIONS)
    assert len(found.bars) == 6
    assert not found.errors


def test_two_different_bars_of_one_session_refuse_the_symbol():
    found = checked_bars(pd.concat([bars(), bars(close=10.5)]), SESSIONS)
    assert set(found.bars["symbol"]) == {"B"}
    assert "two different bars" in found.errors["A"]


def test_errors_of_the_source_are_kept():
    found = checked_bars(bars(), SESSIONS, {"C": "unknown"})
    assert found.errors == {"C": "unknown"}


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["high", "low", "close", "volume", "dividend", "split_factor"]),
        st.floats(allow_nan=True, allow_infinity=True, width=32),
        max_size=3,
    ),
    st.booleans(),
)
def test_what_gets_through_is_possible_and_other_symbols_are_untouched(changes, twice):
    raw = bars(**changes)
    found = checked_bars(pd.concat([raw, bars()]) if twice else raw, SESSIONS)
    kept = found.bars
    assert (kept["close"] > 0).all()
    assert np.isfinite(kept["close"]).all()
    assert (kept["split_factor"] > 0).all()
    assert (kept["dividend"] >= 0).all()
    ranged = kept.dropna(subset=["high", "low"])
    assert (ranged["low"] <= ranged["close"]).all()
    assert (ranged["close"] <= ranged["high"]).all()
    assert not kept.duplicated(["session", "symbol"]).any()
    assert (kept["symbol"] == "B").sum() == 3
    assert set(found.errors) | set(found.dropped) <= {"A"}
    assert not set(found.errors) & set(kept["symbol"])


def test_actions_without_a_close_add_up_on_the_next_close_in_the_shares_of_before():
    """A share gets 1 in cash, is split in 2, which get 3 each, and 0.5 each on the day of the close."""
    frame = bars().iloc[:3].copy()
    day = pd.Timestamp(SESSIONS[0])
    lost = [(1.0, 1.0), (0.0, 2.0), (3.0, 1.0)]
    days = pd.bdate_range(day, periods=5).astype("datetime64[s]")
    rows = [frame.iloc[0].to_dict() | {"session": at} for at in days]
    for row, (dividend, split) in zip(rows[1:4], lost, strict=True):
        row.update(close=np.nan, high=np.nan, low=np.nan, dividend=dividend, split_factor=split)
    rows[4]["dividend"] = 0.5
    found = checked_bars(pd.DataFrame(rows), days)
    last = found.bars.iloc[-1]
    assert len(found.bars) == 2
    assert (last["dividend"], last["split_factor"]) == (1 + 2 * 3 + 2 * 0.5, 2.0)
    assert not found.dropped
    assert f"counts on {days[4].date()}" in next(iter(found.notes.values()))


def test_an_action_of_a_closed_day_counts_on_the_next_session():
    frame = bars()
    symbol = frame["symbol"].iloc[0]
    saturday = pd.Timestamp("2024-01-06")
    closed = frame.iloc[0].to_dict() | {"session": saturday, "symbol": symbol, "split_factor": 4.0}
    after = frame.iloc[0].to_dict() | {"session": pd.Timestamp("2024-01-08"), "symbol": symbol}
    sessions = pd.DatetimeIndex(["2024-01-05", "2024-01-08"]).astype("datetime64[s]")
    found = checked_bars(pd.DataFrame([closed, after]), sessions)
    assert found.bars["split_factor"].to_list() == [4.0]


def test_an_impossible_action_without_a_close_refuses_the_symbol():
    frame = bars()
    symbol, first = frame["symbol"].iloc[0], frame["session"].iloc[0]
    bad = (frame["symbol"] == symbol) & (frame["session"] == first)
    frame.loc[bad, ["close", "split_factor"]] = [np.nan, -2.0]
    assert set(checked_bars(frame, SESSIONS).errors) == {symbol}


def test_a_dividend_above_the_price_before_it_is_in_another_unit():
    found = checked_bars(bars(dividend=11.5), SESSIONS)
    assert set(found.errors) == {"A"}
    assert "the dividend is above the price" in found.errors["A"]
    assert not checked_bars(bars(dividend=9.5), SESSIONS).errors


def test_a_last_payment_that_leaves_little_is_believed():
    frame = bars(dividend=9.5)
    frame.loc[2, ["close", "high", "low"]] = [0.5, 0.6, 0.4]  # of A on the second session, ex the payment
    assert not checked_bars(frame, SESSIONS).errors
