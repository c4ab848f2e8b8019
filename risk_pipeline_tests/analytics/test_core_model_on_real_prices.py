"""The core model on real prices: what holds bonds and bills has the betas of bonds and bills."""

from __future__ import annotations

import numpy as np
import pytest

from risk_pipeline.analytics.core_ridge import CoreSpec, core_ridge
from risk_pipeline.analytics.factor_returns import compounded_steps, relative_factors
from risk_pipeline.config.factors import load_factors
from risk_pipeline_tests.support.real_prices import PROXIES, real_returns

DAYS = ("2015-12-31", "2017-12-29", "2018-12-31", "2019-12-31", "2020-06-30", "2020-12-31", "2021-12-31", "2022-12-28")
WINDOWS = (("2020-02-19", "2020-03-23"), ("2022-01-03", "2022-10-24"))
QUIET = ("BIL", "SHY", "AGG")


@pytest.fixture(scope="module")
def model():
    """Core factors, symbols and the registry's fit as of ``DAYS``."""
    returns = real_returns()
    factors = load_factors()
    proxies = returns[list(factors.core_proxies)].to_numpy()
    core = relative_factors(proxies[:, 0], proxies[:, 1], proxies[:, 2:])
    style = factors.styles[0]
    spec = CoreSpec(
        *(style.window, style.half_life, style.min_observations),
        np.array(factors.prior_mean),
        np.array(factors.prior_variance),
    )
    ends = returns.index.get_indexer(DAYS)
    return returns, core, core_ridge(returns.to_numpy(), core, ends, spec)


def beta(model, symbol, factor):
    returns, _, fit = model
    return fit.coefficients[:, returns.columns.get_loc(symbol), factor]


def test_bills_have_no_market_beta_and_the_rates_proxy_is_the_rates_factor(model):
    assert (np.abs(beta(model, "BIL", 0)) < 0.02).all()
    assert (np.abs(beta(model, "SHY", 0)) < 0.03).all()
    assert (beta(model, "TLT", 1) > 0.99).all()
    assert (beta(model, "SPY", 0) > 0.99).all()


def test_no_fund_of_bonds_and_no_proxy_is_explained_worse_than_by_its_mean(model):
    returns, _, fit = model
    for symbol in (*QUIET, *PROXIES, "HYG", "TIP", "GLD"):
        assert (fit.r_squared[:, returns.columns.get_loc(symbol)] >= 0.0).all(), symbol


@pytest.mark.parametrize("window", WINDOWS)
def test_a_replay_of_every_proxy_is_the_proxy_s_own_return(model, window):
    """To 0.1 % of NAV, whatever the session the betas are of."""
    returns, core, fit = model
    inside = (returns.index > window[0]) & (returns.index <= window[1])
    moved = compounded_steps(core[inside]).sum(axis=0)
    for symbol in PROXIES:
        own = np.prod(1.0 + returns.loc[inside, symbol]) - 1.0
        replayed = fit.coefficients[:, returns.columns.get_loc(symbol)] @ moved
        np.testing.assert_allclose(replayed, own, atol=1e-3, err_msg=symbol)


def test_known_returns_of_the_windows(model):
    returns, _, _ = model
    inside = (returns.index > WINDOWS[0][0]) & (returns.index <= WINDOWS[0][1])
    for symbol, known in (("TLT", 0.142), ("BIL", 0.003), ("GLD", -0.036), ("SHY", 0.021), ("SPY", -0.337)):
        assert np.prod(1.0 + returns.loc[inside, symbol]) - 1.0 == pytest.approx(known, abs=5e-4)
