"""Returns, drawdowns and Sharpe ratios are quantstats', and depend on a portfolio's own past alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import quantstats.stats as oracle

from risk_pipeline.analytics.performance import daily_returns, performance
from risk_pipeline_tests.support.real_prices import real_returns

RATE = 0.03
CLOSE = dict.fromkeys(["rtol"], 0.0) | {"atol": 1e-10}


@pytest.fixture(scope="module")
def history() -> pd.DataFrame:
    """Daily returns of 2018 to 2020 of four funds and stocks."""
    return real_returns(["GLD", "SPY", "TSLA", "XOM"], "2018-01-01", "2020-12-31").iloc[1:]


def measured(history: pd.DataFrame, ends: list[int], active: np.ndarray | None = None):
    years = np.searchsorted(history.index, pd.to_datetime([f"{history.index[end]:%Y}-01-01" for end in ends]))
    is_active = np.ones(history.shape, dtype=bool) if active is None else active
    return performance(history.to_numpy(), is_active, np.array(ends), years, risk_free_rate=RATE)


@pytest.mark.parametrize("end", [300, 558, 560, 700, -1])
def test_all_numbers_are_those_of_quantstats(history, end):
    end %= len(history)
    found = measured(history, [end])
    past = history.iloc[: end + 1]
    year = past.iloc[-252:]
    for name, rows in (
        ("return_1m", past.iloc[-21:]),
        ("return_3m", past.iloc[-63:]),
        ("return_1y", year),
        ("return_ytd", past[past.index.year == past.index[-1].year]),
        ("return_inception", past),
    ):
        np.testing.assert_allclose(getattr(found, name)[0], oracle.comp(rows), **CLOSE)
    annual = np.expm1(RATE)  # quantstats takes it as compounded once a year
    np.testing.assert_allclose(found.return_volatility[0], oracle.volatility(year, periods=252), **CLOSE)
    np.testing.assert_allclose(found.sharpe[0], oracle.sharpe(year, rf=annual, periods=252), **CLOSE)
    for column, symbol in enumerate(history):
        fallen = oracle.to_drawdown_series(past[symbol])
        assert found.drawdown[0, column] == pytest.approx(fallen.iloc[-1], abs=1e-10)
        assert found.worst_drawdown[0, column] == pytest.approx(oracle.max_drawdown(past[symbol]), abs=1e-10)
        days = len(fallen) - 1 - np.flatnonzero(fallen.to_numpy() == 0.0)[-1]
        assert found.drawdown_sessions[0, column] == days


def test_a_window_that_begins_before_the_first_session_is_missing(history):
    active = np.ones(history.shape, dtype=bool)
    active[:700, 1] = False
    found = measured(history, [700, 720, 740, 752], active)
    missing = np.isnan(np.stack([found.return_1m[:, 1], found.return_3m[:, 1], found.return_1y[:, 1]]))
    np.testing.assert_array_equal(missing, [[True, False, False, False], [True] * 4, [True] * 4])
    assert np.isnan(found.return_volatility[:, 1]).all()  # 53 returns
    own = history["SPY"].iloc[700:753]
    assert found.return_inception[3, 1] == pytest.approx(oracle.comp(own), abs=1e-12)
    assert found.return_ytd[3, 1] == found.return_inception[3, 1]
    assert found.worst_drawdown[3, 1] == pytest.approx(oracle.max_drawdown(own), abs=1e-12)
    assert found.drawdown_sessions[0, 1] <= 1


def test_a_return_that_does_not_exist_leaves_its_windows_missing_and_others_alone(history):
    gappy = history.copy()
    gappy.iloc[400, 2] = np.nan
    found, whole = measured(gappy, [399, 410, 430, 700]), measured(history, [399, 410, 430, 700])
    assert np.isnan(found.return_1m[:, 2]).tolist() == [False, True, False, False]
    assert np.isnan(found.return_1y[:, 2]).tolist() == [False, True, True, False]
    for name in ("return_inception", "drawdown", "worst_drawdown", "drawdown_sessions"):
        assert np.isnan(getattr(found, name)[:, 2]).tolist() == [False, True, True, True]
    for name, values in vars(found).items():
        np.testing.assert_array_equal(values[:, [0, 1, 3]], getattr(whole, name)[:, [0, 1, 3]])


def test_a_number_is_the_same_alone_in_a_range_and_with_more_days_before_the_first(history):
    """To the last bit: whatever other ends and portfolios there are, and where the panel begins."""
    active = np.ones(history.shape, dtype=bool)
    active[:300] = False
    ends = [320, 400, 600]
    whole = measured(history, ends, active)
    later = history.iloc[250:]
    for place, end in enumerate(ends):
        alone = measured(later.iloc[: end - 249, [2]], [end - 250], active[250 : end + 1, [2]])
        for name, values in vars(alone).items():
            np.testing.assert_array_equal(values[0, 0], getattr(whole, name)[place, 2])


def test_a_flow_arrives_at_the_start_of_the_session():
    equity = np.array([[1000.0, 100.0, 50.0], [1_308_772.0, 90.0, -10.0], [1_308_772.0, 99.0, 5.0]])
    flow = np.array([[0.0, 0, 0], [1_300_000.0, -20.0, 0], [0, 0, 0]])
    expected = [[np.nan] * 3, [7772 / 1_301_000, 10 / 80, -60 / 50], [0.0, 0.1, np.nan]]
    np.testing.assert_allclose(daily_returns(equity, flow), expected, rtol=1e-12)
