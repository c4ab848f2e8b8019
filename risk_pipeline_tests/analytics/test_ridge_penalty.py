"""The prior variances that a universe suggests are those that it was made with."""

from __future__ import annotations

import numpy as np
import pytest

from risk_pipeline.analytics.core_ridge import CoreSpec, core_ridge
from risk_pipeline.analytics.ridge_penalty import prior_variances

PRIOR = np.array([1.0, 0, 0, 0])


def universe(symbols=3000, spread=0.2, noise=0.012, seed=0):
    """Factors of unequal size, and betas with the same spread in units of each."""
    rng = np.random.default_rng(seed)
    factors = rng.normal(0, 0.01, (252, 4)) * [1.0, 3.0, 0.5, 1.0]
    size = factors.std(axis=0)
    betas = np.array([1.0, 0, 0, 0])[:, None] + rng.normal(0, spread * 0.01, (4, symbols)) / size[:, None]
    return factors @ betas + rng.normal(0, noise, (252, symbols)), factors, betas


def test_the_variance_is_that_of_the_true_betas_and_the_noise_that_of_the_returns():
    returns, factors, _ = universe()
    found = prior_variances(returns, factors, half_life=np.inf, prior=PRIOR)
    assert found.noise == pytest.approx(0.012**2, rel=0.02)
    np.testing.assert_allclose(found.variance, 0.002**2, rtol=0.12)
    assert found.symbols == 3000


def test_it_is_about_the_prior_mean_and_not_about_the_symbols_own():
    returns, factors, _ = universe(spread=0.0)
    found = prior_variances(returns, factors, half_life=np.inf, prior=np.array([0.5, 0, 0, 0]))
    assert found.variance[0] == pytest.approx((0.5 * factors[:, 0].std()) ** 2, rel=0.05)


def test_no_other_prior_variance_misses_the_true_betas_by_less():
    returns, factors, betas = universe()
    suggested = prior_variances(returns, factors, half_life=np.inf, prior=PRIOR).variance

    def miss(variance):
        found = core_ridge(returns, factors, np.array([251]), CoreSpec(252, np.inf, 252, PRIOR, variance))
        return np.mean(((found.coefficients[0].T - betas) * factors.std(axis=0)[:, None]) ** 2)

    assert miss(suggested) < min(miss(suggested / 3), miss(suggested * 3))


def test_betas_that_do_not_differ_suggest_hardly_any_variance():
    returns, factors, _ = universe(spread=0.0)
    assert (prior_variances(returns, factors, half_life=np.inf, prior=PRIOR).variance < 1e-7).all()


def test_gaps_are_left_out_and_too_few_symbols_refused():
    returns, factors, _ = universe(40)
    returns[5, ::2] = np.nan
    factors[9, 1] = np.nan
    assert prior_variances(returns, factors, half_life=126, prior=PRIOR).symbols == 20
    with pytest.raises(ValueError, match="2 symbols"):
        prior_variances(returns[:, :4], factors, half_life=126, prior=PRIOR)
