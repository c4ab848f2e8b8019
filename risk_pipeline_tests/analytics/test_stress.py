"""Conditional stress, option revaluation, replays, exposures and risk decomposition: goldens and identities."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from risk_pipeline.analytics.core_ridge import CoreSpec, core_ridge
from risk_pipeline.analytics.covariance import factor_covariance
from risk_pipeline.analytics.exposures import aggregate_exposures, model_risk, series_fit
from risk_pipeline.analytics.factor_returns import compounded_returns, compounded_steps, relative_factors
from risk_pipeline.analytics.holdings import Holdings, constant_weight_returns
from risk_pipeline.analytics.options import black_scholes
from risk_pipeline.analytics.position_risk import position_risk, residual_covariance
from risk_pipeline.analytics.reasons import Reason
from risk_pipeline.analytics.rolling_beta import rolling_beta
from risk_pipeline.analytics.stress import (
    band_std,
    conditional_moves,
    conditional_std,
    deepest_fall,
    reverse_stress,
    tail_probability,
)
from risk_pipeline.analytics.sums import weighted_sums
from risk_pipeline.config.factors import load_factors
from risk_pipeline.config.scenario_file import load_scenarios

VOLATILITIES = np.array([0.01, 0.012, 0.008])
CORRELATION = np.array([[1, 0.8, -0.3], [0.8, 1, -0.2], [-0.3, -0.2, 1]])
NU = 6.0
SIGMA = CORRELATION * np.outer(VOLATILITIES, VOLATILITIES)


def test_kupiec_golden_one_shock():
    found = conditional_moves(SIGMA, np.array([0]), np.array([-0.10]), degrees_of_freedom=NU)
    np.testing.assert_allclose(found.move, [-0.10, -0.096, 0.024], atol=1e-15)
    np.testing.assert_allclose(found.covariance[1:, 1:], [[5.184e-5, 3.84e-6], [3.84e-6, 5.824e-5]], rtol=1e-12)
    assert found.mahalanobis**2 == pytest.approx(100)


def test_kupiec_golden_two_shocks_which_keep_their_values():
    found = conditional_moves(SIGMA, np.array([0, 1]), np.array([-0.10, -0.12]), degrees_of_freedom=NU)
    assert found.move[0] == -0.10
    assert found.move[1] == -0.12
    assert found.move[2] == pytest.approx(0.0222222, abs=1e-7)


def test_the_volatilities_count_and_not_rho_alone():
    sigma = np.array([[0.01**2, 0.5 * 0.01 * 0.02], [0.5 * 0.01 * 0.02, 0.02**2]])
    assert conditional_moves(sigma, np.array([0]), np.array([-0.1]), degrees_of_freedom=NU).move[1] == pytest.approx(
        -0.1
    )


def test_a_conditional_move_of_one_factor_is_its_univariate_beta_times_the_shock(core):
    window = core[-252:]
    window = window[~np.isnan(window).any(axis=1)]
    sigma = np.cov(window.T)
    move = conditional_moves(sigma, np.array([0]), np.array([-0.1]), degrees_of_freedom=NU).move
    for k in range(1, window.shape[1]):
        beta = np.polyfit(window[:, 0], window[:, k], 1)[0]
        assert move[k] == pytest.approx(-0.1 * beta, rel=1e-9)


@pytest.mark.parametrize("shocked", range(8))
def test_a_stress_of_one_factor_is_the_univariate_beta_times_the_shock(returns, core, shocked):
    """Where windows and weights agree: joint betas times conditional moves, against the beta on that factor alone."""
    names = ["AAPL", "JPM", "TLT", "QUAL", "XOM"]
    held = returns[[name for name in names if name in returns]].to_numpy()
    usable = ~np.isnan(core).any(axis=1) & ~np.isnan(held).any(axis=1)
    core, held = core[usable][-252:], held[usable][-252:]
    end, forever = np.array([251]), 1e12  # no decay
    no_penalty = CoreSpec(252, forever, 252, np.eye(8)[0], np.full(8, 1e6))
    joint = core_ridge(held, core, end, no_penalty).coefficients
    sigma = factor_covariance(
        *(core, end),
        window=252,
        correlation_half_life=forever,
        volatility_half_life=forever,
    ).covariance
    move = conditional_moves(sigma[0], np.array([shocked]), np.array([-0.10]), degrees_of_freedom=NU).move
    alone = rolling_beta(held, core[:, shocked], end, window=252, min_observations=252).beta
    book = holdings([(0, n, dollars) for n, dollars in enumerate((3e5, -2e5, 1e5, 4e5, -1e5)[: held.shape[1]])])
    stressed = aggregate_exposures(book, joint, np.ones((1, 1))).dollar[0, 0] @ move
    expected = aggregate_exposures(book, alone[..., None], np.ones((1, 1))).dollar
    assert stressed == pytest.approx(-0.10 * expected[0, 0, 0], rel=1e-8, abs=1e-6)


@given(st.integers(0, 10_000), st.integers(1, 30))
@settings(deadline=None, max_examples=30)
def test_steps_of_a_replay_sum_to_what_the_proxies_gained(seed, sessions):
    rng = np.random.default_rng(seed)
    proxies = rng.normal(0, 0.03, (sessions, 5))
    steps = compounded_steps(relative_factors(proxies[:, 0], proxies[:, 1], proxies[:, 2:]))
    for last in range(1, sessions + 1):
        gained = np.prod(1.0 + proxies[:last], axis=0) - 1.0
        np.testing.assert_allclose(steps[:last].sum(axis=0), [*gained[:2], *(gained[2:] - gained[0])], atol=1e-12)


def test_without_a_covariance_a_scenario_is_refused_as_too_short():
    found = conditional_moves(np.full((3, 3), np.nan), np.array([0]), np.array([-0.1]), degrees_of_freedom=NU)
    assert found.reason is Reason.TOO_SHORT
    assert np.isnan(found.move).all()
    assert np.isnan(found.mahalanobis)


@pytest.mark.parametrize("degrees", [3.0, 6.0, np.inf])
def test_plausibility_is_that_of_a_multivariate_t_and_a_number_of_sessions(degrees):
    """By scipy's F, and by counting draws of its multivariate t with the covariance of the shocks."""
    from scipy.stats import chi2, f, multivariate_t

    shocks = np.array([-0.03, -0.02])
    found = conditional_moves(SIGMA, np.array([0, 1]), shocks, horizon=5, degrees_of_freedom=degrees)
    squared = shocks @ np.linalg.inv(SIGMA[:2, :2] * 5) @ shocks
    assert found.mahalanobis == pytest.approx(np.sqrt(squared))
    if np.isinf(degrees):
        assert found.p_value == pytest.approx(chi2.sf(squared, 2), rel=1e-12)
        return
    scale = degrees / (degrees - 2)
    assert found.p_value == pytest.approx(f.sf(squared / 2 * scale, 2, degrees), rel=1e-12)
    assert found.one_in_days == pytest.approx(5 / found.p_value, rel=1e-12)
    draws = multivariate_t(shape=SIGMA[:2, :2] * 5 / scale, df=degrees, seed=0).rvs(200_000)
    as_far = (draws @ np.linalg.inv(SIGMA[:2, :2] * 5) * draws).sum(axis=1) >= squared
    assert found.p_value == pytest.approx(as_far.mean(), rel=0.05)


def test_fat_tails_make_a_far_move_likelier_than_the_normal_does():
    """Five standard deviations: 22 of 8,433 days of SPY, and once in 10,000 years by the normal."""
    far, normal = (tail_probability(25.0, 1, degrees) for degrees in (3.0, np.inf))
    assert normal < 1e-6
    assert 1e-3 < far < 1e-2


def test_factors_that_can_t_be_told_apart_are_refused_with_a_reason():
    sigma = np.array([[1.0, 1.0 - 1e-12], [1.0 - 1e-12, 1.0]]) * 1e-4
    found = conditional_moves(sigma, np.array([0, 1]), np.array([0.1, -0.1]), degrees_of_freedom=NU)
    assert found.reason is Reason.SINGULAR
    assert np.isnan(found.move).all()


def test_propagation_never_makes_a_shock_less_plausible_and_a_longer_horizon_more():
    day = conditional_moves(SIGMA, np.array([0]), np.array([-0.03]), degrees_of_freedom=NU)
    month = conditional_moves(SIGMA, np.array([0]), np.array([-0.03]), horizon=21, degrees_of_freedom=NU)
    squared = day.move @ np.linalg.solve(SIGMA, day.move)
    assert squared == pytest.approx(day.mahalanobis**2)
    assert month.mahalanobis == pytest.approx(day.mahalanobis / np.sqrt(21))
    assert month.p_value > day.p_value


def test_a_long_position_in_bonds_loses_when_rates_rise():
    library = load_scenarios(load_factors())
    for basis_points, loss in ((0.01, -14_600), (0.005, -7_775)):
        assert 100_000 * library.rates_conversion.to_return(basis_points) == pytest.approx(loss)


def test_reverse_stress_loses_what_was_asked_and_is_the_most_plausible():
    dollars = np.array([1e6, -2e5, 3e5])
    shock = reverse_stress(dollars[None, None], SIGMA[None], np.array([[50_000.0]]))[0, 0]
    assert dollars @ shock == pytest.approx(-50_000)
    distance = shock @ np.linalg.solve(SIGMA, shock)
    rng = np.random.default_rng(0)
    for _ in range(50):
        other = rng.normal(size=3)
        other *= -50_000 / (dollars @ other)
        assert other @ np.linalg.solve(SIGMA, other) >= distance - 1e-9


def test_a_replay_s_drawdown_is_its_deepest_fall_and_starts_from_zero():
    path = np.array([[1.0, -1.0, 3.0], [-4.0, 5.0, 2.0], [-1.0, 2.0, 4.0]])
    np.testing.assert_allclose(deepest_fall(path), [-5.0, -3.0, -1.0])


def test_what_symbols_gain_in_a_replay_compounds_their_daily_returns():
    """Beta one gains what the factor gained, twice the beta never loses more than all, no beta stands still."""
    market = np.array([-0.05, 0.03, -0.11, 0.02, -0.6])[:, None]
    gained = compounded_returns(market, np.array([[1.0], [2.0], [0.5], [-1.0], [np.nan], [0.0]]))
    own = np.cumprod(1.0 + market[:, 0]) - 1.0
    np.testing.assert_allclose(gained[:, 0], own, atol=1e-15)
    np.testing.assert_allclose(gained[-1, 1], np.prod(1.0 + 2.0 * market) - 1.0, rtol=1e-12)
    np.testing.assert_allclose(gained[:, 3], np.cumprod(1.0 - market[:, 0]) - 1.0, rtol=1e-12)
    assert gained[-1, 2] < 0.5 * own[-1]
    assert (gained[:, 4:] == 0.0).all()


@pytest.mark.parametrize("degrees", [3.0, 6.0])
@pytest.mark.parametrize("size", [0.5, 4.0])
def test_what_a_shock_leaves_open_in_fat_tails_is_the_variance_by_scipy_s_multivariate_t(degrees, size):
    """Integrated over its density of two factors where the first has moved by ``size`` standard deviations."""
    pair = SIGMA[:2, :2]
    law = stats.multivariate_t(np.zeros(2), pair * (degrees - 2.0) / degrees, degrees)
    shock = size * np.sqrt(pair[0, 0])
    moved = conditional_moves(pair, np.array([0]), np.array([shock]), degrees_of_freedom=degrees)

    def moment(power: int) -> float:
        def of(y: float) -> float:
            return float((y - moved.move[1]) ** power * law.pdf([shock, y]) / law.pdf([shock, moved.move[1]]))

        return sum(integrate.quad(of, a, b)[0] for a, b in ((-np.inf, moved.move[1]), (moved.move[1], np.inf)))

    assert moment(2) / moment(0) == pytest.approx(moved.tail_scale * moved.covariance[1, 1], rel=1e-4)


def test_the_normal_s_band_knows_no_wild_days_and_the_book_s_own_risk_is_the_larger_of_year_and_month():
    moved = conditional_moves(SIGMA, np.array([0]), np.array([0.1]), degrees_of_freedom=np.inf)
    assert moved.tail_scale == 1.0
    year, month = np.array([10.0, 10.0, 10.0]) * np.sqrt(252), np.array([4.0, 20.0, np.nan]) * np.sqrt(252)
    band = band_std(np.array([3.0, 3.0, 3.0]), 4.0, year, month, 2)
    np.testing.assert_allclose(band**2, [4 * 9 + 2 * 100, 4 * 9 + 2 * 400, 4 * 9 + 2 * 100])


def test_options_hull_golden_parity_and_greeks():
    """Hull, Options, Futures and Other Derivatives: S = 42, K = 40, r = 10 %, sigma = 20 %, half a year."""
    one = np.ones(1)
    call, put = (
        black_scholes(42 * one, 40 * one, 0.5 * one, 0.1, 0.2 * one, np.array([is_call])) for is_call in (True, False)
    )
    assert call.price[0] == pytest.approx(4.76, abs=0.005)
    assert put.price[0] == pytest.approx(0.81, abs=0.005)
    assert call.price[0] - put.price[0] == pytest.approx(42 - 40 * np.exp(-0.05))
    for is_call, found in ((True, call), (False, put)):

        def price(s: float, v: float = 0.2, t: float = 0.5, c: bool = is_call) -> float:
            return black_scholes(s * one, 40 * one, t * one, 0.1, v * one, np.array([c])).price[0]

        assert found.delta[0] == pytest.approx((price(42.001) - price(41.999)) / 0.002, abs=1e-6)
        assert found.gamma[0] == pytest.approx((price(42.01) - 2 * price(42) + price(41.99)) / 1e-4, abs=1e-4)
        assert found.vega[0] == pytest.approx((price(42, 0.2001) - price(42, 0.1999)) / 0.0002, rel=1e-5)
        assert found.theta[0] == pytest.approx(-(price(42, t=0.5001) - price(42, t=0.4999)) / 0.0002, rel=1e-4)


def test_options_at_expiry_are_worth_their_intrinsic_value():
    spot, strike = np.array([90.0, 100.0, 110.0]), np.full(3, 100.0)
    found = black_scholes(spot, strike, np.zeros(3), 0.05, np.full(3, 0.2), np.ones(3, dtype=bool))
    np.testing.assert_allclose(found.price, [0, 0, 10])
    np.testing.assert_allclose(found.delta, [0, 0.5, 1])


def holdings(rows: list[tuple[int, int, float]]) -> Holdings:
    portfolio, symbol, value = (np.array(column) for column in zip(*rows, strict=True))
    dollars, zeros = value.astype(float), np.zeros(len(rows), dtype=np.int64)
    return Holdings(zeros, portfolio, symbol, np.arange(len(rows)), zeros, dollars, dollars)


def test_long_and_short_make_the_net_beta():
    found = aggregate_exposures(
        holdings([(0, 0, 60_000), (0, 1, -40_000)]),
        np.array([[[1.2], [0.8]]]),
        np.array([[100_000.0]]),
    )
    assert found.exposure[0, 0, 0] == pytest.approx(0.40)


def test_one_stock_with_beta_one_loses_ten_percent_of_its_value():
    found = aggregate_exposures(holdings([(0, 0, 100_000)]), np.ones((1, 1, 1)), np.array([[200_000.0]]))
    assert found.exposure[0, 0, 0] == 0.5
    assert found.dollar[0, 0, 0] * -0.10 == -10_000


def test_long_and_short_of_one_symbol_is_nothing():
    found = aggregate_exposures(holdings([(0, 0, 100.0), (0, 0, -100.0)]), np.ones((1, 1, 1)), np.array([[50.0]]))
    assert found.dollar[0, 0, 0] == 0.0
    assert found.coverage[0, 0, 0] == 1.0


def test_three_lots_of_ten_are_one_of_thirty():
    betas, equity = np.full((1, 1, 1), 1.3), np.array([[50.0]])
    three = aggregate_exposures(holdings([(0, 0, 10.0)] * 3), betas, equity)
    one = aggregate_exposures(holdings([(0, 0, 30.0)]), betas, equity)
    assert three.dollar[0, 0, 0] == pytest.approx(one.dollar[0, 0, 0], abs=1e-12)


def test_a_symbol_without_a_beta_lowers_coverage_and_is_no_zero():
    found = aggregate_exposures(
        holdings([(0, 0, 75.0), (0, 1, -25.0), (1, 1, 10.0)]),
        np.array([[[1.0], [np.nan]]]),
        np.array([[100.0, 100.0]]),
    )
    np.testing.assert_allclose(found.coverage[0, :, 0], [0.75, 0.0])
    assert found.dollar[0, 0, 0] == 75.0


def test_without_positive_equity_the_dollars_stand_alone():
    found = aggregate_exposures(holdings([(0, 0, 100.0), (1, 0, 100.0)]), np.ones((1, 1, 1)), np.array([[0.0, -5.0]]))
    np.testing.assert_allclose(found.dollar[0, :, 0], 100.0)
    assert np.isnan(found.exposure).all()


def test_euler_golden_by_factor_and_by_position():
    """By hand and by skfolio, goldens.md 3.2."""
    betas = np.array([[1, 0.2], [0.8, -0.3], [1.2, 0.5]])
    factor = np.array([[0.04, 0.006], [0.006, 0.0225]])
    weights, specific = np.array([0.5, 0.3, 0.2]), np.array([0.01, 0.02, 0.03])
    exposure = (weights @ betas)[None, None]
    risk = model_risk(exposure, factor[None] / 252, np.array([[np.sqrt(weights**2 @ specific)]]))
    assert risk.total[0, 0] == pytest.approx(0.213264741577, abs=1e-12)
    np.testing.assert_allclose(risk.factor[0, 0], [0.18316577, 0.00430943], atol=1e-8)
    assert risk.specific[0, 0] == pytest.approx(0.025789541953, abs=1e-12)
    assert risk.factor.sum() + risk.specific[0, 0] == pytest.approx(risk.total[0, 0], abs=1e-12)
    book = holdings([(0, n, weight) for n, weight in enumerate(weights)])
    parts = position_risk(book, betas[None], np.ones((1, 1)), weights**2 * specific, risk)
    assert parts.sum() == pytest.approx(risk.total[0, 0], abs=1e-12)

    def total(w):
        return np.sqrt((w @ betas) @ factor @ (w @ betas) + w**2 @ specific)

    for n, weight in enumerate(weights):  # Euler: weight times the slope of the total
        step = 1e-6 * (np.arange(3) == n)
        slope = (total(weights + step) - total(weights - step)) / 2e-6
        assert parts[n] == pytest.approx(weight * slope, abs=1e-9)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.integers(1, 9))
def test_contributions_of_positions_sum_to_the_total_also_with_gaps(seed, lots):
    rng = np.random.default_rng(seed)
    core = rng.normal(size=(252, 3)) * 0.01
    returns = core @ rng.normal(size=(3, 6)) + rng.normal(size=(252, 6)) * 0.01
    returns[rng.random(returns.shape) < 0.03] = np.nan
    book = holdings([(p, rng.integers(6), rng.normal() * 1e5) for p in range(2) for _ in range(lots)])
    equity = np.array([9e5, 5e5])
    series = constant_weight_returns(book.notional(2, 6), returns, equity).returns
    fit = series_fit(series, core)
    residual = residual_covariance(book, returns, series, fit, equity)
    np.testing.assert_allclose(
        np.bincount(book.portfolio, residual, 2), fit.residual_volatility**2, rtol=1e-9, atol=1e-15
    )
    betas = rng.normal(size=(1, 6, 3))
    betas[0, 2] = np.nan
    exposure = aggregate_exposures(book, betas, equity[None]).exposure
    risk = model_risk(exposure, np.cov(core.T)[None], fit.residual_volatility[None])
    parts = position_risk(book, betas, equity[None], residual, risk)
    known = ~np.isnan(risk.total[0])
    np.testing.assert_allclose(np.bincount(book.portfolio, parts, 2)[known], risk.total[0][known], rtol=1e-9)
    first = book.take(book.portfolio == 0)
    np.testing.assert_array_equal(
        residual_covariance(first, returns, series, fit, equity), residual[: len(first.symbol)]
    )


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.integers(2, 6))
def test_contributions_sum_and_scale(seed, factors):
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(factors, factors))
    sigma = root @ root.T * 1e-4 + np.eye(factors) * 1e-6
    betas, dollars = rng.normal(size=(7, factors)), rng.normal(size=7) * 1e5
    risk = model_risk((dollars @ betas)[None, None] / 1e6, sigma[None], rng.uniform(0, 0.1, (1, 1)))
    assert risk.factor.sum() + risk.specific.sum() == pytest.approx(risk.total.sum(), rel=1e-12)
    shocked = np.array([factors - 1])
    one = conditional_moves(sigma, shocked, np.array([0.02]), degrees_of_freedom=NU)
    two = conditional_moves(sigma, shocked, np.array([0.04]), degrees_of_freedom=NU)
    np.testing.assert_allclose(two.move, 2 * one.move, rtol=1e-9)
    order = rng.permutation(factors)
    turned = conditional_moves(
        sigma[np.ix_(order, order)], np.argsort(order)[shocked], np.array([0.02]), degrees_of_freedom=NU
    )
    np.testing.assert_allclose(turned.move, one.move[order], rtol=1e-7, atol=1e-12)
    spread = conditional_std(dollars[None, :factors], one.covariance)
    assert spread[0] >= 0


def test_the_fit_of_a_series_is_that_of_least_squares(returns, core):
    import statsmodels.api as sm

    series = returns[["AAPL", "MSFT", "XOM"]].to_numpy()[-252:]
    found = series_fit(series, core[-252:])
    for column in range(3):
        keep = ~np.isnan(series[:, column])
        oracle = sm.OLS(series[keep, column], sm.add_constant(core[-252:][keep])).fit()
        assert found.r_squared[column] == pytest.approx(oracle.rsquared, abs=1e-10)
        assert found.residual_volatility[column] == pytest.approx(np.sqrt(oracle.mse_resid * 252), abs=1e-10)
        month = np.flatnonzero(keep) >= 252 - 21
        recent = np.sqrt((oracle.resid[month] ** 2).mean() * 252)
        assert found.recent_volatility[column] == pytest.approx(recent, abs=1e-10)


def test_a_gap_moves_like_the_rest_of_the_book_and_is_no_zero():
    history = np.array([[0.01, 0.03], [0.02, np.nan], [np.nan, np.nan]])
    book = holdings([(0, 0, 90.0), (0, 1, 10.0)])
    found = constant_weight_returns(book.notional(1, 2), history, np.array([100.0]))
    np.testing.assert_allclose(found.returns[:, 0], [0.012, 0.02, np.nan])
    assert found.coverage[0] == pytest.approx((1.0 + 0.9 + 0.0) / 3)


@given(st.integers(1, 6), st.integers(1, 30), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_a_weighted_sum_is_the_same_whatever_is_summed_beside_it(scenarios, factors, portfolios, seed):
    rng = np.random.default_rng(seed)
    weights, rows = rng.normal(size=(scenarios, factors)), rng.normal(size=(factors, portfolios))
    every = weighted_sums(weights, rows)
    np.testing.assert_allclose(every, weights @ rows, rtol=1e-12, atol=1e-12)
    s, p = rng.integers(scenarios), rng.integers(portfolios)
    assert weighted_sums(weights[[s]], rows[:, [p]])[0, 0] == every[s, p]
