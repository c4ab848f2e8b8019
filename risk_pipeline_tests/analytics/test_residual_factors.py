"""Factors beyond the core: what they explain of what is left, which one, and what must not change it."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from risk_pipeline.analytics.core_ridge import BeyondSpec, CoreSpec, core_ridge, least_shares
from risk_pipeline.analytics.factor_returns import (
    compounded_steps,
    relative_factors,
    residual_returns,
    residual_steps,
)
from risk_pipeline.analytics.kernels.constants import NO_SECTOR, UNKNOWN_SECTOR
from risk_pipeline.analytics.kernels.residual_factors import write_residual_factors
from risk_pipeline.config.factors import load_factors
from risk_pipeline_tests.support.real_prices import real_returns

TAU = np.array([1e-6, 1e-6])
FIELDS = ("cross", "cross_error", "cross_share", "sector", "sector_beta", "sector_error", "sector_share", "rest")


class Found:
    """Cross-asset coefficients, errors and shares (C, N), the sector's (N,), and what cross-asset factors leave."""

    def __init__(self, cross, sector, of_sector, rest):
        self.cross, self.cross_error, self.cross_share = cross.transpose(0, 2, 1)
        self.sector, self.rest = sector, rest.T
        self.sector_beta, self.sector_error, self.sector_share = of_sector


def universe(symbols=150, sessions=252, seed=0):
    """Residuals: two cross-asset proxies, three sectors, then symbols of sectors, some with gaps."""
    rng = np.random.default_rng(seed)
    factors = rng.normal(0, 0.008, (sessions, 5))
    loads = np.zeros((5, symbols))
    loads[0, ::3] = rng.normal(0.5, 0.2, len(loads[0, ::3]))
    loads[1, ::7] = 0.8
    loads[2 + np.arange(symbols) % 3, np.arange(symbols)] = 0.7
    residual = np.hstack([factors, factors @ loads + rng.normal(0, 0.008, (sessions, symbols))])
    residual[:, 9::11][rng.random(residual[:, 9::11].shape) < 0.05] = np.nan
    sector_of = np.concatenate([[NO_SECTOR] * 5, np.arange(symbols) % 3])
    sector_of[20:40] = UNKNOWN_SECTOR
    sector_of[40:50] = NO_SECTOR
    return residual, sector_of


def fit(residual, sector_of, columns=slice(None), weight=None):
    cross, sectors = np.array([0, 1]), np.array([2, 3, 4])
    weight = np.ones(len(residual)) if weight is None else weight
    kept = np.arange(residual.shape[1])[columns]
    place = {int(name): at for at, name in enumerate(kept)}
    rest = np.ascontiguousarray(residual[:, kept].T)
    of_cross, sector, of_sector = np.empty((3, len(kept), 2)), np.empty(len(kept), np.int64), np.empty((3, len(kept)))
    write_residual_factors(
        *(rest, weight, np.array([place[c] for c in cross]), TAU, np.array([place[s] for s in sectors])),
        *(sector_of[kept], 8, least_shares(len(residual), 8, 120), of_cross, sector, of_sector),
    )
    return Found(of_cross, sector, of_sector, rest)


def test_coefficients_are_the_posterior_mean_of_one_regression_after_the_other():
    """By statsmodels on augmented rows: a prior of mean zero on the z-scored factor, the best factor first."""
    residual, sector_of = universe()
    weight = 0.5 ** (np.arange(252)[::-1] / 126)
    weight *= 252 / weight.sum()
    found = fit(residual, sector_of, weight=weight)
    compared = 0
    for column in range(5, 80):
        keep = ~np.isnan(residual[:, column])
        left, open_factors = residual[keep, column].copy(), [0, 1]
        w, x = np.sqrt(weight[keep]), residual[keep]
        expected = np.zeros(2)
        while open_factors:
            fits = {k: sm.OLS(w * left, w * x[:, k]).fit() for k in open_factors}
            best = max(fits, key=lambda k: fits[k].rsquared)
            share = fits[best].rsquared
            critical = 6.74 if keep.sum() > 240 else 6.85
            if share <= 0.05 or share * (keep.sum() - 10) / (1 - share) < critical:
                break
            noise = fits[best].ssr / (keep.sum() - 10)
            scale = np.sqrt((weight[keep] * x[:, best] ** 2).sum() / keep.sum())
            rows = np.append(w * x[:, best], np.sqrt(noise / TAU[best]) * scale)
            beta = sm.OLS(np.append(w * left, 0.0), rows).fit().params[0]
            expected[best] = beta
            left -= beta * x[:, best]
            open_factors.remove(best)
        np.testing.assert_allclose(found.cross[:, column], expected, atol=1e-10)
        compared += (expected != 0).sum()
        if sector_of[column] >= 0:
            k = 2 + sector_of[column]
            slope = sm.OLS(w * left, w * x[:, k]).fit().params[0]
            assert found.sector_beta[column] == pytest.approx(0.8 * slope, abs=0.05)
    assert compared > 20


def test_a_symbol_has_its_own_sector_the_best_where_unknown_and_none_where_it_is_no_company():
    residual, sector_of = universe()
    found = fit(residual, sector_of)
    stated = np.flatnonzero(sector_of >= 0)
    np.testing.assert_array_equal(found.sector[stated], sector_of[stated])
    unknown = np.flatnonzero(sector_of == UNKNOWN_SECTOR)
    assert (found.sector[unknown] == (unknown - 5) % 3).mean() > 0.9
    assert (found.sector[40:50] == -1).all()
    assert (found.sector_beta[40:50] == 0.0).all()
    assert np.isnan(found.sector_share[40:50]).all()
    assert np.nanmedian(found.sector_beta[stated]) == pytest.approx(0.8 * 0.7, abs=0.06)


def test_a_proxy_is_itself_and_nothing_is_left_of_it():
    residual, sector_of = universe()
    found = fit(residual, sector_of)
    np.testing.assert_array_equal(found.cross[:, :2], np.eye(2))
    assert (found.cross[:, 2:5] == 0.0).all()
    np.testing.assert_array_equal(found.sector[:5], [-1, -1, 0, 1, 2])
    assert (found.sector_beta[2:5] == 1.0).all()
    assert (found.rest[:, :2] == 0.0).all()


def test_what_explains_too_little_is_not_taken():
    rng = np.random.default_rng(3)
    residual = rng.normal(0, 0.01, (252, 405))
    found = fit(residual, np.full(405, UNKNOWN_SECTOR))
    assert ((found.cross[:, 5:] != 0.0).mean(axis=1) < 0.01).all()
    assert (found.sector[5:] >= 0).mean() < 0.01


def test_an_absent_proxy_is_never_taken_and_stops_nothing():
    residual, sector_of = universe()
    residual[:, [1, 3]] = np.nan
    found = fit(residual, sector_of)
    assert (found.cross[1] == 0.0).all()
    assert not (found.sector == 1).any()
    assert (found.cross[0] != 0.0).sum() > 20
    assert (found.sector == 2).sum() > 20


def test_nothing_depends_on_which_other_symbols_there_are_to_the_last_bit():
    residual, sector_of = universe()
    whole = fit(residual, sector_of)
    rng = np.random.default_rng(1)
    for count in (1, 2, 63, 64, 120):
        columns = np.concatenate([np.arange(5), 5 + rng.permutation(150)[:count]])
        part = fit(residual, sector_of, columns)
        for field in FIELDS:
            np.testing.assert_array_equal(getattr(part, field), getattr(whole, field)[..., columns], field)


@pytest.fixture(scope="module")
def model():
    """The registry's model on real prices of 2020-12-31, with the sectors that have prices."""
    returns = real_returns(last="2020-12-31")
    factors = load_factors()
    columns = list(returns.columns)
    core = returns[list(factors.core_proxies)].to_numpy()
    core = relative_factors(core[:, 0], core[:, 1], core[:, 2:])
    cross = [f for f in factors.cross_asset if f.proxy in columns]
    sectors = [f for f in factors.sectors if f.proxy in columns]
    style = factors.styles[0]
    spec = CoreSpec(
        *(style.window, style.half_life, style.min_observations),
        np.array(factors.prior_mean),
        np.array(factors.prior_variance),
    )
    beyond = BeyondSpec(
        cross=np.array([columns.index(f.proxy) for f in cross]),
        prior_variance=np.array([f.prior_variance for f in cross]),
        sectors=np.array([columns.index(f.proxy) for f in sectors]),
        sector_of=np.full((1, len(columns)), UNKNOWN_SECTOR),
    )
    ends = np.array([len(returns) - 1])
    return returns, core, beyond, core_ridge(returns.to_numpy(), core, ends, spec, beyond)


def test_stocks_of_real_prices_find_their_sector(model):
    returns, _, beyond, found = model
    names = [returns.columns[column] for column in beyond.sectors]
    for symbol, proxy in (("JPM", "XLF"), ("C", "XLF"), ("DUK", "XLU"), ("XOM", None), ("PG", "XLP"), ("MSFT", "XLK")):
        at = found.sector[0, returns.columns.get_loc(symbol)]
        assert at < 0 if proxy is None else names[at] == proxy, symbol


def test_the_core_does_not_change_for_what_is_beyond_it(model):
    returns, core, _, found = model
    style = load_factors().styles[0]
    spec = CoreSpec(
        *(style.window, style.half_life, style.min_observations),
        np.array(load_factors().prior_mean),
        np.array(load_factors().prior_variance),
    )
    alone = core_ridge(returns.to_numpy(), core, np.array([len(returns) - 1]), spec)
    np.testing.assert_array_equal(alone.coefficients, found.coefficients)


def test_exposures_of_a_proxy_give_back_its_own_return_over_any_window(model):
    returns, core, beyond, found = model
    columns = np.concatenate([beyond.cross, beyond.sectors])
    core_betas, cross_betas = found.coefficients[0, columns], found.cross[0, columns]
    for window in (slice(-200, -150), slice(-60, None)):
        proxies = returns.to_numpy()[window][:, columns]
        steps = residual_steps(core[window], proxies, core_betas, cross_betas).sum(axis=0)
        moved = compounded_steps(core[window]).sum(axis=0)
        own = np.eye(len(columns))
        own[:, : len(beyond.cross)] = cross_betas
        np.testing.assert_allclose(core_betas @ moved + own @ steps, np.prod(1 + proxies, axis=0) - 1, atol=1e-12)
        daily = residual_returns(core[window], proxies, core_betas, cross_betas)
        np.testing.assert_allclose(core[window] @ core_betas.T + daily @ own.T, proxies, atol=1e-12)
