"""Counts of past moves and the worst year: against loops over windows, and as of a session alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from risk_pipeline.analytics.factor_returns import compounded_steps
from risk_pipeline.analytics.history import CRISIS, moves_as_far, stressed_covariance, window_moves


def returns(sessions=900, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_t(4, (sessions, 4)) * [0.01, 0.008, 0.003, 0.004]


@pytest.mark.parametrize("horizon", [1, 5, 63])
def test_moves_of_windows_are_those_of_a_replay_of_each(horizon):
    core = returns()
    core[300, 2] = np.nan
    moves = window_moves(core, horizon)
    for end in (horizon - 1, 299, 500, 899):
        expected = compounded_steps(core[end + 1 - horizon : end + 1]).sum(axis=0)
        np.testing.assert_allclose(moves[end], expected, atol=1e-12)
    assert np.isnan(moves[: horizon - 1]).all()
    assert np.isnan(moves[300 : 300 + horizon, 2]).all()
    assert not np.isnan(moves[300 : 300 + horizon, [0, 1, 3]]).any()


@pytest.mark.parametrize(
    ("shocked", "shocks"), [([0], [-0.02]), ([0], [0.02]), ([1, 2], [-0.005, 0.002]), ([3], [0.0])]
)
@pytest.mark.parametrize("horizon", [1, 5])
def test_the_count_is_that_of_a_loop_over_windows(shocked, shocks, horizon):
    core = returns()
    core[850, shocked[0]] = np.nan
    moves, history = window_moves(core, horizon), 600
    ends = np.array([700, 860, 899])
    found = moves_as_far(moves, ends, np.array(shocked), np.array(shocks), horizon=horizon, history=history)
    for day, end in enumerate(ends):
        count = windows = 0
        for last in range(end + 1 - history + horizon - 1, end + 1):
            gained = compounded_steps(core[last + 1 - horizon : last + 1]).sum(axis=0)[shocked]
            if np.isnan(gained).any():
                continue
            windows += 1
            count += all(m >= s if s > 0 else m <= s or s == 0 for m, s in zip(gained, shocks, strict=True))
        assert (found.count[day], found.windows[day]) == (count, windows)
    assert found.windows[0] == history - horizon + 1


@given(st.integers(0, 1000), st.integers(0, 120), st.integers(0, 100))
@settings(max_examples=20, deadline=None)
def test_nothing_depends_on_what_else_is_loaded(seed, before, after):
    """Longer or shorter panels around the same history: the same counts and the same matrix, to the last bit."""
    core, history = returns(1000, seed), 400
    end = 700
    first = end + 1 - history
    cut = slice(first - before, end + 1 + after)
    for horizon in (1, 21):
        whole, part = (
            moves_as_far(
                *(window_moves(some, horizon), np.array([at]), np.array([0]), np.array([-0.01])),
                horizon=horizon,
                history=history,
            )
            for some, at in ((core, end), (core[cut], end - cut.start))
        )
        assert (whole.count[0], whole.windows[0]) == (part.count[0], part.windows[0])
    whole, part = (
        stressed_covariance(some, np.array([at]), history=history)
        for some, at in ((core, end), (core[cut], end - cut.start))
    )
    np.testing.assert_array_equal(whole.covariance, part.covariance)
    assert whole.last[0] == part.last[0] + cut.start


def test_the_worst_year_is_the_one_in_which_the_market_fell_most():
    core = returns(1200)
    core[500:560, 0] -= 0.02
    found = stressed_covariance(core, np.array([1199, 499]), history=1200)
    grown = [np.prod(1.0 + core[end + 1 - CRISIS : end + 1, 0]) for end in range(CRISIS - 1, 1200)]
    assert found.last[0] == CRISIS - 1 + int(np.argmin(grown))
    assert 559 <= found.last[0] < 560 + CRISIS
    assert found.last[1] <= 499
    window = core[found.last[0] + 1 - CRISIS : found.last[0] + 1]
    np.testing.assert_allclose(found.covariance[0], np.cov(window.T, ddof=0), rtol=1e-10)
    assert (np.linalg.eigvalsh(found.covariance[0]) > 0).all()


def test_a_year_that_has_gone_out_of_history_counts_no_more():
    core = returns(1200)
    core[100:160, 0] -= 0.02
    assert stressed_covariance(core, np.array([1199]), history=1200).last[0] < 420
    assert stressed_covariance(core, np.array([1199]), history=600).last[0] > 800


def test_too_short_a_history_or_a_factor_listed_late_has_no_worst_year():
    core = returns(1000)
    assert np.isnan(stressed_covariance(core[:200], np.array([199]), history=2520).covariance).all()
    core[:700, 3] = np.nan
    found = stressed_covariance(core, np.array([850, 999]), history=2520)
    assert found.last[0] == -1
    assert np.isnan(found.covariance[0]).all()
    assert found.last[1] >= 700 + 0.8 * CRISIS - 1
