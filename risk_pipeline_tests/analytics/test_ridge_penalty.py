"""The penalty that a universe suggests is the one that it was made with."""

from __future__ import annotations

import numpy as np
import pytest

from risk_pipeline.analytics.core_ridge import core_ridge
from risk_pipeline.analytics.ridge_penalty import bayes_ratio


def universe(symbols=3000, spread=0.2, noise=0.012, seed=0):
    """Factors of unequal size, and betas with the same spread in units of each."""
    rng = np.random.default_rng(seed)
    factors = rng.normal(0, 0.01, (252, 4)) * [1.0, 3.0, 0.5, 1.0]
    size = factors.std(axis=0)
    betas = np.array([1.0, 0, 0, 0])[:, None] + rng.normal(0, spread * 0.01, (4, symbols)) / size[:, None]
    return factors @ betas + rng.normal(0, noise, (252, symbols)), factors, betas


def test_the_ratio_is_noise_over_the_spread_of_true_betas():
    returns, factors, _ = universe()
    found = bayes_ratio(returns, factors, half_life=np.inf)
    assert found.ratio == pytest.approx(0.012**2 / 0.002**2, rel=0.05)
    assert found.residual_variance == pytest.approx(0.012**2, rel=0.02)
    np.testing.assert_allclose(found.beta_variance, 0.002**2, rtol=0.12)
    assert found.symbols == 3000


def test_no_other_penalty_misses_the_true_betas_by_less():
    returns, factors, betas = universe()
    ratio = bayes_ratio(returns, factors, half_life=np.inf).ratio

    def miss(penalty):
        found = core_ridge(
            *(returns, factors, np.array([251])),
            window=252,
            half_life=np.inf,
            min_observations=252,
            penalty=penalty,
            prior=np.array([1.0, 0, 0, 0]),
        )
        return np.mean(((found.coefficients[0].T - betas) * factors.std(axis=0)[:, None]) ** 2)

    assert miss(ratio) < min(miss(ratio / 3), miss(ratio * 3))


def test_betas_that_do_not_differ_suggest_an_endless_penalty():
    assert bayes_ratio(*universe(spread=0.0)[:2], half_life=np.inf).ratio > 1000


def test_gaps_are_left_out_and_too_few_symbols_refused():
    returns, factors, _ = universe(40)
    returns[5, ::2] = np.nan
    factors[9, 1] = np.nan
    assert bayes_ratio(returns, factors, half_life=126).symbols == 20
    with pytest.raises(ValueError, match="2 symbols"):
        bayes_ratio(returns[:, :4], factors, half_life=126)
