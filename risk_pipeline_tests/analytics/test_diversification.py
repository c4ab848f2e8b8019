"""Diversification and pairs: what they must be for independent, equal and hedged positions, and by other paths."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics.pairwise import cosine_similarity

from risk_pipeline.analytics.diversification import FIRST, HALF_LIFE, LARGEST, SECOND, WINDOW
from risk_pipeline.analytics.diversification import diversification as of_portfolios
from risk_pipeline.analytics.kernels.position_pairs import MIN_OBSERVATIONS
from risk_pipeline_tests.support.real_prices import real_returns

NAMES = ["SPY", "TLT", "GLD", "KO", "XOM", "JPM"]
REAL = real_returns(NAMES, "2019-01-02", "2021-03-31").to_numpy()[1:]
DOLLARS = np.array([100.0, 80.0, -30.0, 40.0, 25.0, 60.0])


class One:
    """What is found of one portfolio of all columns of ``returns``; its pairs are those that there are."""

    def __init__(self, dollars: np.ndarray, returns: np.ndarray) -> None:
        columns = np.arange(returns.shape[1])
        found = of_portfolios(np.array([0, len(columns)]), columns, dollars, returns)
        self.ratio, self.bets = found.ratio[0], found.bets[0]
        pairs = np.flatnonzero(found.largest[0, SECOND] >= 0)
        self.rank_first, self.rank_second = FIRST[pairs] + 1, SECOND[pairs] + 1
        self.first, self.second = (found.largest[0, rank[pairs]] for rank in (FIRST, SECOND))
        self.correlation, self.variance_share = found.correlation[0, pairs], found.variance_share[0, pairs]


diversification = One


def pairs_of(dollars: np.ndarray, returns: np.ndarray) -> dict[tuple[int, int], tuple[float, float]]:
    """Return correlation and share of variance by the positions' places, the smaller first."""
    found = One(dollars, returns)
    places = zip(found.first.tolist(), found.second.tolist(), strict=True)
    numbers = zip(found.correlation.tolist(), found.variance_share.tolist(), strict=True)
    return {(min(pair), max(pair)): number for pair, number in zip(places, numbers, strict=True)}


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
    assert diversification(DOLLARS, REAL[-WINDOW:]).bets == found.bets


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


def test_pairs_are_scikit_learn_s_cosines_shrunk_and_their_parts_with_the_positions_own_are_the_whole():
    """Correlation without a mean is the cosine of the angle between weighted returns."""
    found = One(DOLLARS, REAL)
    weight = 0.5 ** (np.arange(WINDOW)[::-1] / HALF_LIFE)
    cosine = cosine_similarity((REAL[-WINDOW:] * np.sqrt(weight)[:, None]).T)
    off = cosine[np.triu_indices(len(NAMES), 1)] ** 2
    share = ((1 - off) ** 2).sum() / (weight.sum() ** 2 / (weight**2).sum()) / off.sum()
    np.testing.assert_allclose(found.correlation, (1 - share) * cosine[found.first, found.second], rtol=1e-10)
    risk = DOLLARS * np.sqrt(np.average(REAL[-WINDOW:] ** 2, axis=0, weights=weight))
    order = np.argsort(-np.abs(risk))
    assert [order[rank - 1] for rank in found.rank_first] == found.first.tolist()
    assert [order[rank - 1] for rank in found.rank_second] == found.second.tolist()
    assert len(found.first) == 15
    whole = risk @ ((1 - share) * cosine + share * np.eye(len(NAMES))) @ risk
    assert found.variance_share.sum() + (risk**2).sum() / whole == pytest.approx(1.0, rel=1e-12)
    hedge = (found.first == NAMES.index("GLD")) | (found.second == NAMES.index("GLD"))  # the short one
    np.testing.assert_array_equal(np.sign(found.variance_share[hedge]), -np.sign(found.correlation[hedge]))


def test_only_the_pairs_of_the_largest_are_told_and_no_position_beyond_changes_who_they_are():
    rng = np.random.default_rng(5)
    noise = 0.01 * rng.standard_normal((WINDOW, 30))
    dollars = np.where(np.arange(30) % 3 == 0, 1000.0, -10.0)
    found = One(dollars, noise)
    assert len(found.first) == LARGEST * (LARGEST - 1) // 2
    assert set(found.first) | set(found.second) <= set(range(0, 30, 3))
    assert sorted({*found.rank_first, *found.rank_second}) == list(range(1, LARGEST + 1))


def test_a_pair_with_little_in_common_and_a_position_that_never_moves_have_no_correlation():
    gap = REAL[-WINDOW:].copy()
    gap[: WINDOW // 2, 1] = np.nan
    gap[WINDOW // 2 + MIN_OBSERVATIONS - 1 :, 0] = np.nan
    gap[:, 2] = 0.0
    found = pairs_of(DOLLARS, gap)
    assert np.isnan(found[0, 1]).all()
    assert sum(np.isnan(number).any() for number in found.values()) == 1
    assert not [pair for pair in found if 2 in pair]


def test_with_too_little_history_of_the_whole_pairs_have_no_share_of_it_and_one_position_has_no_pair():
    gap = REAL.copy()
    gap[:, 5] = np.nan
    found, all_of = pairs_of(np.where(np.arange(6) == 5, 1e6, DOLLARS), gap), pairs_of(DOLLARS[:5], REAL[:, :5])
    assert [number[0] for number in found.values()] == [number[0] for number in all_of.values()]
    assert np.isnan([number[1] for number in found.values()]).all()
    assert pairs_of(np.array([1.0]), REAL[:, :1]) == {}
    same = np.repeat(REAL[:, :1], 2, axis=1)
    assert pairs_of(np.array([1.0, -1.0]), same)[0, 1] == (
        pytest.approx(1.0, rel=1e-12),
        pytest.approx(np.nan, nan_ok=True),
    )


def test_a_portfolio_alone_has_the_numbers_that_it_has_among_thousands_to_the_last_bit():
    rng = np.random.default_rng(11)
    returns = 0.01 * rng.standard_t(4, (WINDOW, 40))
    returns[rng.random(returns.shape) < 0.01] = np.nan
    held = [np.sort(rng.choice(40, size=rng.integers(0, 20), replace=False)) for _ in range(2000)]
    symbols, first = np.concatenate(held), np.cumsum([0, *map(len, held)])
    dollars = rng.normal(0, 1e4, len(symbols))
    together = of_portfolios(first, symbols, dollars, returns)
    for k in (0, 1, 777, 1999):
        own = slice(first[k], first[k + 1])
        alone = of_portfolios(np.array([0, len(held[k])]), symbols[own], dollars[own], returns)
        for name, values in vars(alone).items():
            assert values[0].tobytes() == np.ascontiguousarray(getattr(together, name)[k]).tobytes()
