"""Errors of portfolios' exposures against statsmodels' HAC errors of the book's own series."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from risk_pipeline.analytics.exposures import series_fit
from risk_pipeline.analytics.factor_returns import relative_factors
from risk_pipeline.analytics.kernels.newey_west import newey_west_lag
from risk_pipeline.analytics.rolling_beta import rolling_beta
from risk_pipeline_tests.support.real_prices import PROXIES, real_returns


def market(window, seed=0, books=80):
    """Returns of random books on real prices over a window, the core factors, and the weights."""
    names = [name for name in real_returns(last="2020-12-31").dropna(axis=1, thresh=1000) if name not in PROXIES]
    returns = real_returns([*PROXIES, *names], last="2020-12-31").iloc[-window:]
    core = returns[list(PROXIES)].to_numpy()
    weights = np.random.default_rng(seed).normal(0.02, 0.05, (len(names), books))
    return returns[names].to_numpy(), relative_factors(core[:, 0], core[:, 1], core[:, 2:]), weights


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("columns", [[0], [1], list(range(8))])
def test_it_is_the_hac_error_of_the_book_s_series(weighted, columns):
    returns, core, weights = market(252)
    series, factors = returns @ weights, core[:, columns]
    series[::17, 3] = np.nan
    decay = 0.5 ** (np.arange(252)[::-1] / 126) if weighted else np.ones(252)
    found = series_fit(series, factors, weight=decay if weighted else None).std_error
    for book in range(0, 80, 9):
        keep = ~np.isnan(series[:, book])
        lag = newey_west_lag(int(keep.sum()))
        fit = sm.WLS(series[keep, book], sm.add_constant(factors[keep]), weights=decay[keep]).fit(
            cov_type="HAC", cov_kwds={"maxlags": lag}
        )
        np.testing.assert_allclose(found[book], fit.bse[1:], rtol=1e-9)


def test_a_book_of_one_symbol_has_the_symbol_s_own_error():
    returns, core, _ = market(90)
    own = rolling_beta(returns, core[:, 0], np.array([89]), window=90, min_observations=60)
    np.testing.assert_allclose(series_fit(returns, core[:, :1]).std_error[:, 0], own.std_error[0])


def test_symbols_errors_added_as_if_independent_are_not_the_book_s():
    """What was stored before: .37 of the true error for rates and .70 for the market, measured on real books."""
    returns, core, _ = market(90)
    weights = np.full((returns.shape[1], 1), 1.0 / returns.shape[1])
    own = rolling_beta(returns, core[:, 1], np.array([89]), window=90, min_observations=60)
    added = np.sqrt(((weights[:, 0] * own.std_error[0]) ** 2).sum())
    assert added < 0.6 * series_fit(returns @ weights, core[:, 1:2]).std_error[0, 0]


def test_no_book_s_error_depends_on_the_others_to_the_last_bit():
    returns, core, weights = market(252)
    series = returns @ weights
    series[::13, ::5] = np.nan
    whole = series_fit(series, core).std_error
    for some in ([0], [5, 6], list(range(70))):
        np.testing.assert_array_equal(series_fit(series[:, some], core).std_error, whole[some])


def test_too_short_or_without_a_factor_s_movement_there_is_none_and_an_exact_fit_has_no_error():
    returns, core, _ = market(252)
    assert np.isnan(series_fit(returns[:50], core[:50]).std_error).all()
    still = core.copy()
    still[:, 1] = 0.001
    without = series_fit(returns, np.delete(core, 1, axis=1))
    np.testing.assert_allclose(series_fit(returns, still).residual, without.residual, rtol=0, atol=1e-15)
    assert np.isnan(series_fit(returns, still).std_error).all()
    exact = series_fit(core @ np.arange(8.0)[:, None], core)
    assert (exact.std_error == 0.0).all()
    assert (exact.residual == 0.0).all()
    assert exact.r_squared == 1.0
