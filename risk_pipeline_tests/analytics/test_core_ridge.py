"""What the core model's ridge is, and what must not change it; the oracles are in ``oracles/``."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from risk_pipeline.analytics.core_ridge import CoreSpec, core_ridge
from risk_pipeline.analytics.factor_returns import relative_factors

PRIOR = np.array([1.0, 0, 0, 0])
FIELDS = ("coefficients", "std_error", "penalty", "effective_df", "r_squared", "condition_number", "observations")
TAU = np.full(4, 1e-5)


def fit(panel, factors, ends, tau=TAU, half_life=126.0, window=252, prior=PRIOR, minimum=120):
    return core_ridge(panel, factors, np.asarray(ends), CoreSpec(window, half_life, minimum, prior, tau))


def same(found, expected, columns=slice(None), days=slice(None)):
    """Bit by bit."""
    for field in FIELDS:
        np.testing.assert_array_equal(getattr(found, field), getattr(expected, field)[days][:, columns], field)


def market(sessions=400, symbols=12, seed=0):
    """Four correlated factors and returns on them; every fifth symbol has gaps, every seventh is listed late."""
    rng = np.random.default_rng(seed)
    factors = rng.normal(0, 0.01, (sessions, 4)) @ (np.eye(4) + 0.3 * rng.normal(size=(4, 4)))
    betas = PRIOR[:, None] + rng.normal(0, 0.4, (4, symbols))
    panel = factors @ betas + rng.normal(0, 0.012, (sessions, symbols))
    panel[:, 1::5][rng.random(panel[:, 1::5].shape) < 0.02] = np.nan
    panel[: sessions - 150, 3::7] = np.nan
    return panel, factors


def test_relative_factors_are_market_rates_and_styles_less_market():
    found = relative_factors(np.array([0.01, np.nan]), np.array([0.02, 0.0]), np.array([[0.04, 0.01], [0.1, 0.2]]))
    np.testing.assert_allclose(found, [[0.01, 0.02, 0.03, 0.0], [np.nan, 0.0, np.nan, np.nan]])


def test_no_penalty_is_least_squares_and_a_huge_one_the_prior():
    panel, factors = market(252)
    panel = np.nan_to_num(panel)
    loose = fit(panel, factors, [251], np.full(4, 1e6), half_life=np.inf)
    design = np.column_stack([np.ones(252), factors])
    expected = np.linalg.lstsq(design, panel, rcond=None)[0][1:].T
    np.testing.assert_allclose(loose.coefficients[0], expected, atol=1e-9)
    np.testing.assert_allclose(loose.effective_df, 4.0, atol=1e-9)
    tight = fit(panel, factors, [251], np.full(4, 1e-20))
    np.testing.assert_allclose(tight.coefficients[0], np.tile(PRIOR, (12, 1)), atol=1e-9)
    np.testing.assert_allclose(tight.effective_df, 0.0, atol=1e-9)


def test_the_standard_error_is_the_spread_of_the_estimate():
    """Over simulated returns with one set of true betas: the penalty's bias apart, errors are as stated."""
    rng = np.random.default_rng(1)
    _, factors = market(252)
    panel = (factors @ [1.3, -0.2, 0.4, 0.0])[:, None] + rng.normal(0, 0.012, (252, 4000))
    found = fit(panel, factors, [251])
    spread = found.coefficients[0].std(axis=0)
    np.testing.assert_allclose(found.std_error[0].mean(axis=0), spread, rtol=0.04)


def test_the_penalty_earns_its_keep_and_the_prior_more():
    """Smaller errors than least squares where factors are collinear, smallest when pulled to the right place."""
    rng = np.random.default_rng(2)
    common = rng.normal(0, 0.01, (120, 1))
    factors = common + rng.normal(0, 0.002, (120, 4))
    betas = PRIOR[:, None] + rng.normal(0, 0.2, (4, 1000))
    panel = factors @ betas + rng.normal(0, 0.012, (120, 1000))

    def error(tau, prior):
        found = fit(panel, factors, [119], np.full(4, tau), np.inf, 120, prior, 100).coefficients[0].T
        return np.sqrt(np.mean((found - betas) ** 2))

    least_squares, to_zero, to_prior = error(1e3, PRIOR), error(4e-6, np.zeros(4)), error(4e-6, PRIOR)
    assert to_prior < to_zero < least_squares


def test_too_short_is_missing_and_not_zero():
    panel, factors = market()
    panel[:-40, 0] = np.nan
    found = fit(panel, factors, [399])
    for field in FIELDS[:-1]:
        assert np.isnan(getattr(found, field)[0, 0]).all()
    assert found.observations[0, 0] == 40


def test_a_factor_that_does_not_move_gives_nothing():
    panel, factors = market()
    factors[:, 2] = 0.001
    found = fit(panel, factors, [399])
    assert np.isnan(found.coefficients).all()
    assert (found.observations > 0).any()


def test_a_symbol_that_does_not_move_has_no_fit_to_speak_of():
    panel, factors = market()
    panel[:, 0] = 0.0
    found = fit(panel, factors, [399])
    assert np.isnan(found.r_squared[0, 0])
    assert (found.std_error[0, 0] == 0.0).all()
    np.testing.assert_allclose(found.coefficients[0, 0], 0.0, atol=1e-12)


def test_a_session_without_a_factor_is_left_out_for_all():
    panel, factors = market()
    factors[300, 1] = np.nan
    found = fit(panel, factors, [399])
    there = ~np.isnan(panel[148:])
    there[152] = False
    np.testing.assert_array_equal(found.observations[0], there.sum(axis=0))


@pytest.mark.parametrize("threads", [1, 2])
def test_nothing_depends_on_the_batch_to_the_last_bit(threads):
    """Shuffled and fewer symbols, one end at a time, history cut before and after, one thread or two."""
    panel, factors = market(600, 150)
    ends = np.array([260, 400, 401, 599])
    with threadpool_limits(1):
        whole = fit(panel, factors, ends)
    with threadpool_limits(threads):
        order = np.random.default_rng(3).permutation(150)
        same(fit(panel[:, order], factors, ends), whole, order)
        for count in (1, 2, 63, 65):
            same(fit(panel[:, order[:count]], factors, ends), whole, order[:count])
        same(fit(panel[9:], factors[9:], ends - 9), whole)
        for day, end in enumerate(ends):
            rows = slice(end - 251, end + 1)
            same(fit(panel[rows], factors[rows], [251]), whole, days=slice(day, day + 1))
            same(fit(panel, factors, [end]), whole, days=slice(day, day + 1))


@given(st.integers(0, 1000), st.data())
@settings(max_examples=15, deadline=None)
def test_a_gap_in_one_column_leaves_the_others_alone_to_the_last_bit(seed, data):
    panel, factors = market(260, 9, seed)
    before = fit(panel, factors, [259])
    column, row = data.draw(st.integers(0, 8)), data.draw(st.integers(8, 259))
    panel[row, column] = np.nan
    after = fit(panel, factors, [259])
    others = np.delete(np.arange(9), column)
    for field in FIELDS:
        np.testing.assert_array_equal(getattr(after, field)[:, others], getattr(before, field)[:, others])


def test_the_penalty_is_the_symbol_s_noise_over_the_prior_variance():
    panel, factors = market(252)
    panel = np.nan_to_num(panel)
    found = fit(panel, factors, [251], half_life=np.inf)
    design = np.column_stack([np.ones(252), factors])
    residual = panel - design @ np.linalg.lstsq(design, panel, rcond=None)[0]
    np.testing.assert_allclose(found.penalty[0], (residual**2).sum(axis=0) / (252 - 5) / TAU[0], rtol=1e-10)


def test_a_quiet_symbol_is_hardly_pulled_and_a_noisy_one_is():
    rng = np.random.default_rng(5)
    _, factors = market(252)
    truth = factors @ [0.0, 0.5, 0.0, 0.0]
    found = fit(truth[:, None] + rng.normal(0, 1, (252, 2)) * [1e-5, 0.1], factors, [251])
    assert abs(found.coefficients[0, 0, 0]) < 1e-3
    assert found.coefficients[0, 1, 0] > 0.5


def test_what_the_factors_explain_to_the_last_digit_is_exact_and_has_no_error():
    panel, factors = market(300, 6)
    panel[:, 0] = factors @ PRIOR
    panel[:, 2] = factors @ [0.3, -0.4, 1.0, 2.0] + 10.0
    panel[100:140:3, 4] = np.nan
    panel[:, 4] = np.where(np.isnan(panel[:, 4]), np.nan, factors[:, 3])
    found = fit(panel, factors, [299])
    for column, truth in ((0, PRIOR), (2, [0.3, -0.4, 1.0, 2.0]), (4, [0, 0, 0, 1])):
        np.testing.assert_allclose(found.coefficients[0, column], truth, atol=1e-9)
        assert (found.std_error[0, column] == 0.0).all()
        assert found.r_squared[0, column] == 1.0


def test_there_may_be_no_symbols_or_no_sessions():
    panel, factors = market(300, 3)
    assert fit(panel[:, :0], factors, [299]).coefficients.shape == (1, 0, 4)
    assert fit(panel, factors, np.array([], dtype=int)).coefficients.shape == (0, 3, 4)


@given(st.integers(0, 1000), st.permutations(range(9)), st.integers(0, 250), st.integers(0, 8))
@settings(max_examples=15, deadline=None)
def test_a_listing_moves_no_other_and_order_nothing_to_the_last_bit(seed, order, listed, column):
    panel, factors = market(280, 9, seed)
    before = fit(panel, factors, [259, 279])
    panel[:listed, column] = np.nan
    after = fit(panel[:, order], factors, [259, 279])
    kept = np.array([place for place, name in enumerate(order) if name != column])
    for field in FIELDS:
        expected = getattr(before, field)[:, np.array(order)[kept]]
        np.testing.assert_array_equal(getattr(after, field)[:, kept], expected, field)


@given(st.integers(0, 1000), st.floats(0.1, 10.0), st.permutations(range(4)))
@settings(max_examples=15, deadline=None)
def test_units_and_order_of_factors_are_only_a_way_of_speaking(seed, scale, order):
    panel, factors = market(260, 5, seed)
    base = fit(panel, factors, [259])
    units = np.array([1.0, scale, 1.0, 1.0])
    turned = fit(panel, (factors * units + 0.01)[:, order], [259], prior=(PRIOR / units)[order])
    np.testing.assert_allclose(turned.coefficients * units[order], base.coefficients[..., order], rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(turned.std_error * units[order], base.std_error[..., order], rtol=1e-8)
    np.testing.assert_allclose(turned.r_squared, base.r_squared, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(turned.effective_df, base.effective_df, rtol=1e-8)


@given(st.integers(0, 1000), st.floats(0.1, 10.0))
@settings(max_examples=15, deadline=None)
def test_leverage_beyond_the_prior_scales(seed, scale):
    """``y = F prior + a (y' - F prior)`` moves the coefficients ``a`` times as far from a prior as wide."""
    panel, factors = market(260, 5, seed)
    base = fit(panel, factors, [259])
    prior_part = (factors @ PRIOR)[:, None]
    turned = fit(prior_part + scale * (panel - prior_part) + 0.01, factors, [259], scale**2 * TAU)
    np.testing.assert_allclose(turned.coefficients - PRIOR, scale * (base.coefficients - PRIOR), rtol=1e-7, atol=1e-10)
    np.testing.assert_allclose(turned.std_error, scale * base.std_error, rtol=1e-8)
