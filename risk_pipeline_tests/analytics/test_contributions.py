"""Contributions to volatility: they sum to the total, and agree with the portfolio's own history."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from risk_pipeline.analytics.contributions import volatility_contributions
from risk_pipeline.analytics.holdings import constant_weight_returns


def case(seed: int, lots: int = 6, sessions: int = 60):
    rng = np.random.default_rng(seed)
    owner = np.sort(rng.integers(0, 2, lots))
    return owner, rng.normal(0, 1e5, lots), rng.normal(0, 0.02, (sessions, lots)), np.array([1e6, 2e6])


@given(seed=st.integers(0, 10_000))
def test_parts_sum_to_the_volatility_of_the_history_with_today_s_holdings(seed):
    owner, exposure, returns, equity = case(seed)
    notional = sp.csr_array(sp.coo_array((exposure, (owner, np.arange(len(owner)))), shape=(2, len(owner))))
    history = constant_weight_returns(notional, returns, equity).returns
    parts = volatility_contributions(owner, exposure, returns, equity)
    for portfolio in set(owner):
        total = np.std(history[:, portfolio], ddof=1) * np.sqrt(252)
        assert parts[owner == portfolio].sum() == pytest.approx(total, rel=1e-10)


@given(seed=st.integers(0, 10_000), scale=st.floats(0.01, 100))
def test_scaling_equity_and_exposures_together_changes_nothing(seed, scale):
    owner, exposure, returns, equity = case(seed)
    np.testing.assert_allclose(
        volatility_contributions(owner, scale * exposure, returns, scale * equity),
        volatility_contributions(owner, exposure, returns, equity),
        rtol=1e-9,
        atol=1e-15,
    )


def test_a_hedge_is_negative_and_two_lots_share_by_size():
    rng = np.random.default_rng(1)
    market = rng.normal(0, 0.01, 252)
    returns = np.column_stack([market, market, market])
    parts = volatility_contributions(np.zeros(3, int), np.array([300.0, 100.0, -200.0]), returns, np.array([1000.0]))
    unit = np.std(market, ddof=1) * np.sqrt(252) / 1000
    np.testing.assert_allclose(parts, [300 * unit, 100 * unit, -200 * unit], rtol=1e-12)


def test_a_gap_is_spoken_for_by_the_others_and_too_many_are_nothing():
    owner, exposure, returns, equity = np.zeros(2, int), np.array([900.0, 100.0]), case(3, 2)[2], np.array([1000.0])
    returns[5, 1] = np.nan
    parts = volatility_contributions(owner, exposure, returns, equity)
    filled = returns.copy()
    filled[5, 1] = returns[5, 0]
    np.testing.assert_allclose(parts.sum(), volatility_contributions(owner, exposure, filled, equity).sum(), rtol=1e-12)
    returns[5, 0] = np.nan
    assert np.isnan(volatility_contributions(owner, exposure, returns, equity)).all()


def test_without_equity_there_is_no_share_of_it():
    owner, exposure, returns, _ = case(4)
    assert np.isnan(volatility_contributions(owner, exposure, returns, np.array([0.0, -1.0]))).all()
