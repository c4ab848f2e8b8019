"""Diversification: what it must be for independent, equal and hedged positions."""

from __future__ import annotations

import numpy as np
import pytest

from risk_pipeline.analytics.diversification import HALF_LIFE, WINDOW, diversification
from risk_pipeline_tests.support.real_prices import real_returns

NAMES = ["SPY", "TLT", "GLD", "KO", "XOM", "JPM"]
REAL = real_returns(NAMES, "2019-01-02", "2021-03-31").to_numpy()[1:]
DOLLARS = np.array([100.0, 80.0, -30.0, 40.0, 25.0, 60.0])


def test_independent_positions_of_one_risk_are_as_many_bets_as_there_are():
    rng = np.random.default_rng(7)
    noise = rng.standard_normal((WINDOW, 10))
    found = diversification(1.0 / noise.std(axis=0), 0.01 * noise)
    assert found.ratio == pytest.approx(np.sqrt(10), rel=0.1)
    assert found.bets == pytest.approx(10, rel=0.05)


def test_positions_that_move_together_are_one_bet_whatever_their_signs():
    move = 0.01 * np.random.default_rng(3).standard_normal((WINDOW, 1))
    same = np.repeat(move, 4, axis=1)
    found = diversification(np.array([1.0, 2.0, 3.0, 4.0]), same)
    assert found.ratio == pytest.approx(1.0, rel=1e-12)
    assert found.bets == pytest.approx(1.0, rel=1e-12)
    assert diversification(np.array([1.0, -2.0, 3.0, -4.0]), same).bets == pytest.approx(1.0, rel=1e-12)


def test_a_perfect_hedge_has_no_ratio_and_one_position_is_one_bet():
    same = np.repeat(REAL[:, :1], 2, axis=1)
    assert np.isnan(diversification(np.array([1.0, -1.0]), same).ratio)
    alone = diversification(np.array([-5.0]), REAL[:, :1])
    assert (alone.ratio, alone.bets) == (pytest.approx(1.0, rel=1e-12), 1.0)


def test_it_agrees_with_eigenvalues_and_with_the_portfolio_s_own_variance():
    """By another path: eigenvalues of the shrunk covariance of the positions' P&L, and its sum."""
    found = diversification(DOLLARS, REAL)
    window = REAL[-WINDOW:] * DOLLARS
    weight = 0.5 ** (np.arange(WINDOW)[::-1] / HALF_LIFE)
    covariance = np.cov(np.vstack([window, -window]).T, aweights=np.tile(weight, 2), bias=True)
    std = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(std, std)
    off = correlation[np.triu_indices(len(NAMES), 1)] ** 2
    share = ((1 - off) ** 2).sum() / (weight.sum() ** 2 / (weight**2).sum()) / off.sum()
    assert 0 < share < 0.1
    shrunk = (1 - share) * covariance + share * np.diag(np.diag(covariance))
    eigenvalues = np.linalg.eigvalsh(shrunk)
    assert found.bets == pytest.approx(eigenvalues.sum() ** 2 / (eigenvalues**2).sum(), rel=1e-10)
    assert found.ratio == pytest.approx(std.sum() / np.sqrt(shrunk.sum()), rel=1e-10)
    assert 1.0 < found.bets < len(NAMES)


def test_neither_scale_nor_order_nor_history_beyond_the_window_matters():
    found, order = diversification(DOLLARS, REAL), np.array([3, 1, 5, 0, 4, 2])
    for other in (diversification(-7.0 * DOLLARS, REAL), diversification(DOLLARS[order], 3.0 * REAL[:, order])):
        assert (other.ratio, other.bets) == pytest.approx((found.ratio, found.bets), rel=1e-10)
    assert diversification(DOLLARS, REAL[-WINDOW:]) == found


def test_a_gap_of_one_name_leaves_the_pairs_of_others_and_too_short_a_history_is_no_number():
    gap = REAL.copy()
    gap[-10:, 5] = np.nan
    found, whole = diversification(DOLLARS, gap), diversification(DOLLARS, REAL)
    assert found.ratio == pytest.approx(whole.ratio, rel=0.05)
    assert found.ratio != whole.ratio
    gap[:, 5] = np.nan
    assert np.isnan(diversification(np.where(np.arange(6) == 5, 1e6, DOLLARS), gap).ratio)
    without = diversification(DOLLARS[:5], REAL[:, :5])
    small = diversification(np.where(np.arange(6) == 5, 1.0, DOLLARS), gap)
    assert (small.ratio, small.bets) == (without.ratio, without.bets)
