"""What a rolling beta is, and what must not change it; the oracle is in ``oracles/``."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from risk_pipeline.analytics.kernels.newey_west import newey_west_lag
from risk_pipeline.analytics.rolling_beta import rolling_beta

FIELDS = ("beta", "std_error", "t_stat", "r_squared", "observations")


def fit(panel, factor, ends, window=90, minimum=60):
    return rolling_beta(panel, factor, np.asarray(ends), window=window, min_observations=minimum)


def same(found, expected, columns=slice(None), days=slice(None)):
    """Bit by bit."""
    for field in FIELDS:
        np.testing.assert_array_equal(getattr(found, field), getattr(expected, field)[days][:, columns], field)


def market(sessions, symbols, seed=0):
    """A factor and returns on it: a third with gaps, a tenth listed late, some trackers."""
    rng = np.random.default_rng(seed)
    factor = rng.standard_t(4, sessions) * 0.01
    panel = factor[:, None] * rng.normal(1, 0.5, symbols) + rng.standard_t(4, (sessions, symbols)) * 0.01
    panel[:, 2::11] = factor[:, None] + 1e-6 * panel[:, 2::11]
    panel[:, ::3][rng.random(panel[:, ::3].shape) < 0.02] = np.nan
    panel[: sessions - 70, 4::10] = np.nan
    return panel, factor


def test_newey_west_lags_are_those_of_the_paper():
    assert [newey_west_lag(n) for n in (60, 90, 100, 252, 500, 1000)] == [3, 3, 4, 4, 5, 6]


def test_beta_of_a_leveraged_index_is_found():
    rng = np.random.default_rng(0)
    index = rng.normal(0, 0.01, 100)
    found = fit((1.2 * index + rng.normal(0, 1e-6, 100))[:, None], index, [99])
    assert found.beta[0, 0] == pytest.approx(1.2, abs=1e-3)
    assert found.r_squared[0, 0] > 0.9999


def test_a_new_listing_has_no_beta_and_changes_nobody_else_s():
    panel, factor = market(400, 30)
    before = fit(panel, factor, [250, 399])
    panel[:-40, 3] = np.nan
    after = fit(panel, factor, [250, 399])
    assert np.isnan(after.beta[1, 3])
    assert after.observations[1, 3] == 40
    for field in FIELDS:
        others = np.arange(30) != 3
        np.testing.assert_array_equal(getattr(after, field)[:, others], getattr(before, field)[:, others])


def test_too_few_observations_are_missing_and_not_zero():
    rng = np.random.default_rng(0)
    found = fit(rng.normal(size=(59, 2)), rng.normal(size=59), [58])
    for field in FIELDS[:4]:
        assert np.isnan(getattr(found, field)).all()
    np.testing.assert_array_equal(found.observations, 59)


def test_a_factor_that_does_not_move_gives_nothing():
    panel, _ = market(120, 5)
    found = fit(panel, np.full(120, 0.1), [119])
    for field in FIELDS[:4]:
        assert np.isnan(getattr(found, field)).all()


def test_ends_before_a_full_window_use_the_rows_there_are():
    panel, factor = market(100, 5)
    found = fit(panel, factor, [69])
    np.testing.assert_array_equal(found.observations[0], (~np.isnan(panel[:70])).sum(axis=0))
    shorter = fit(panel[:70], factor[:70], [69], window=70)
    for field in FIELDS:
        np.testing.assert_allclose(getattr(found, field), getattr(shorter, field), rtol=1e-10)


@pytest.mark.parametrize("end", [-1, 100])
def test_an_end_outside_the_panel_is_refused(end):
    panel, factor = market(100, 2)
    with pytest.raises(IndexError, match="rows 0 to 99"):
        fit(panel, factor, [50, end])


def test_there_may_be_no_symbols_or_no_sessions():
    panel, factor = market(100, 3)
    assert fit(panel[:, :0], factor, [99]).beta.shape == (1, 0)
    assert fit(panel, factor, np.array([], dtype=int)).beta.shape == (0, 3)


def test_a_residual_that_is_only_rounding_has_no_error_and_no_t_statistic():
    _, factor = market(120, 1)
    panel = factor[:, None] * [1.0, -0.3, 2.7]
    panel[60, 1:] = np.nan
    found = fit(panel, factor, [119])
    np.testing.assert_allclose(found.beta, [[1.0, -0.3, 2.7]], rtol=1e-12)
    assert (found.std_error == 0.0).all()
    assert (found.r_squared == 1.0).all()
    assert np.isnan(found.t_stat).all()


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("window", [60, 90, 180, 252, 504])
def test_nothing_depends_on_the_batch_to_the_last_bit(window, threads):
    """Shuffled and fewer symbols, other sessions, one at a time, history cut before and after, one thread or two."""
    panel, factor = market(700, 600)
    ends = np.concatenate([np.arange(520, 560), [601, 650, 699]])
    with threadpool_limits(1):
        whole = fit(panel, factor, ends, window)
    with threadpool_limits(threads):
        order = np.random.default_rng(3).permutation(600)
        same(fit(panel[:, order], factor, ends, window), whole, order)
        for symbols in (1, 2, 7, 255, 257):
            few = order[:symbols]
            same(fit(panel[:, few], factor, ends[5:9], window), whole, few, slice(5, 9))
        for day in (0, 3, 17, 39, 42):
            same(fit(panel, factor, ends[day : day + 1], window), whole, days=slice(day, day + 1))
            first, last = max(ends[day] + 1 - window, 0), ends[day] + 1
            cut = fit(panel[first:last], factor[first:last], [last - first - 1], window)
            same(cut, whole, days=slice(day, day + 1))
        same(fit(panel[13:], factor[13:], ends - 13, window), whole)


def test_a_bad_print_is_forgotten_to_the_last_bit_when_it_leaves_the_window():
    panel, factor = market(500, 20)
    ends = np.arange(200, 500)
    clean = fit(panel, factor, ends)
    for bad in (1e6, -np.inf):
        spoiled = panel.copy()
        spoiled[250, 7] = bad
        found = fit(spoiled, factor, ends)
        touched = (ends >= 250) & (ends < 340)
        for field in FIELDS:
            ours, theirs = getattr(found, field), getattr(clean, field)
            np.testing.assert_array_equal(np.delete(ours, 7, axis=1), np.delete(theirs, 7, axis=1))
            np.testing.assert_array_equal(ours[~touched, 7], theirs[~touched, 7])


@given(st.integers(0, 1000), st.floats(-3, 3).filter(lambda a: abs(a) > 1e-3), st.floats(-0.1, 0.1))
@settings(max_examples=40, deadline=None)
def test_scaling_and_shifting_returns_or_factor_does_what_it_must(seed, scale, shift):
    panel, factor = market(150, 14, seed)
    panel[:, 2::11] += 0.01 * np.random.default_rng(seed).normal(size=(150, 2))  # no trackers
    base = fit(panel, factor, [120, 149])
    turned = fit(panel * scale + shift, factor, [120, 149])
    np.testing.assert_allclose(turned.beta, base.beta * scale, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(turned.std_error, base.std_error * abs(scale), rtol=1e-8)
    np.testing.assert_allclose(turned.r_squared, base.r_squared, rtol=1e-8, atol=1e-10)
    turned = fit(panel, factor * scale + shift, [120, 149])
    np.testing.assert_allclose(turned.beta, base.beta / scale, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(turned.std_error, base.std_error / abs(scale), rtol=1e-8)


@given(st.integers(0, 1000), st.data())
@settings(max_examples=25, deadline=None)
def test_a_gap_in_one_column_leaves_the_others_alone_to_the_last_bit(seed, data):
    panel, factor = market(150, 9, seed)
    before = fit(panel, factor, [100, 149])
    column, row = data.draw(st.integers(0, 8)), data.draw(st.integers(0, 149))
    panel[row, column] = np.nan
    after = fit(panel, factor, [100, 149])
    for field in FIELDS:
        np.testing.assert_array_equal(
            np.delete(getattr(after, field), column, axis=1), np.delete(getattr(before, field), column, axis=1)
        )


@given(st.integers(0, 1000), st.permutations(range(9)), st.integers(0, 140), st.integers(0, 8))
@settings(max_examples=25, deadline=None)
def test_a_listing_moves_no_other_and_order_nothing_to_the_last_bit(seed, order, listed, column):
    panel, factor = market(150, 9, seed)
    before = fit(panel, factor, [100, 149])
    panel[:listed, column] = np.nan
    after = fit(panel[:, order], factor, [100, 149])
    kept = np.array([place for place, name in enumerate(order) if name != column])
    for field in FIELDS:
        expected = getattr(before, field)[:, np.array(order)[kept]]
        np.testing.assert_array_equal(getattr(after, field)[:, kept], expected, field)


@given(st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_a_missing_pair_is_as_if_its_session_had_not_been(seed):
    """Lags count observations: dropping the rows by hand gives the same number."""
    panel, factor = market(150, 4, seed)
    gone = np.random.default_rng(seed).choice(np.arange(62, 148), 5, replace=False)
    panel[:, 1] = np.where(np.isnan(panel[:, 1]), 0.01, panel[:, 1])
    panel[gone, 1] = np.nan
    found = fit(panel[:, 1:2], factor, [149])
    kept = np.delete(np.arange(60, 150), gone - 60)
    by_hand = fit(panel[kept, 1:2], factor[kept], [len(kept) - 1], window=len(kept))
    for field in FIELDS:
        np.testing.assert_allclose(getattr(found, field), getattr(by_hand, field), rtol=1e-10)
