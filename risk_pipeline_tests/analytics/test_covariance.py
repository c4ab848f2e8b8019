"""One positive definite matrix a session, of its own window."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.covariance import LedoitWolf
from threadpoolctl import threadpool_limits

from risk_pipeline.analytics.covariance import factor_covariance

FIELDS = ("covariance", "correlation", "condition_number", "observations", "shrunk")


def assert_positive_definite(matrix):
    np.testing.assert_array_equal(matrix, matrix.T)
    root = np.sqrt(np.diag(matrix))
    assert np.linalg.eigvalsh(matrix / np.outer(root, root)).min() > 0


def test_of_real_factors_it_is_positive_definite_and_of_its_session_only(core):
    ends = np.array([30, 90, 150, 700, len(core) - 1])
    found = factor_covariance(core, ends)
    assert (~np.isnan(found.condition_number)).sum() >= 3
    for day, _end in enumerate(ends):
        if found.observations[day] < 60:
            assert np.isnan(found.covariance[day]).all()
            assert np.isnan(found.condition_number[day])
            assert not found.shrunk[day]
            continue
        assert_positive_definite(found.covariance[day])
        assert_positive_definite(found.correlation[day])
        np.testing.assert_array_equal(np.diag(found.correlation[day]), 1.0)
        assert found.shrunk[day] == (found.observations[day] < 126)


def test_it_is_the_sum_that_the_method_says():
    """The weighted moments written out, one pair of factors at a time."""
    rng = np.random.default_rng(0)
    x = rng.normal(0, 0.01, (600, 3)) @ rng.normal(size=(3, 3))
    x[550, 1] = np.nan
    found = factor_covariance(x, np.array([599]))
    rows = [t for t in range(96, 600) if t != 550]
    mean = [sum(x[t, k] for t in rows) / len(rows) for k in range(3)]

    def moment(i, j, half_life):
        weights = {t: 0.5 ** ((599 - t) / half_life) for t in rows}
        return sum(w * (x[t, i] - mean[i]) * (x[t, j] - mean[j]) for t, w in weights.items()) / sum(weights.values())

    for i in range(3):
        for j in range(3):
            correlation = moment(i, j, 126) / np.sqrt(moment(i, i, 126) * moment(j, j, 126))
            volatilities = np.sqrt(moment(i, i, 42) * moment(j, j, 42))
            assert found.correlation[0, i, j] == pytest.approx(correlation, abs=1e-12)
            assert found.covariance[0, i, j] == pytest.approx(correlation * volatilities, rel=1e-11)
    assert found.observations[0] == 503
    assert found.condition_number[0] == pytest.approx(np.linalg.cond(found.covariance[0]))


def test_few_sessions_are_shrunk_as_scikit_learn_does():
    x = np.random.default_rng(1).normal(0, 0.01, (100, 5))
    found = factor_covariance(x, np.array([99]))
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    expected = LedoitWolf(assume_centered=True).fit(z).covariance_
    root = np.sqrt(np.diag(expected))
    assert found.shrunk[0]
    np.testing.assert_allclose(found.correlation[0], expected / np.outer(root, root), atol=1e-12)


def test_a_factor_given_twice_is_shrunk_apart():
    x = np.random.default_rng(2).normal(0, 0.01, (504, 3))
    found = factor_covariance(np.column_stack([x, x[:, 0]]), np.array([503]))
    assert found.shrunk[0]
    assert_positive_definite(found.covariance[0])


def test_a_factor_listed_late_shortens_the_history_of_all():
    x = np.random.default_rng(3).normal(0, 0.01, (504, 3))
    x[:404, 2] = np.nan
    found = factor_covariance(x, np.array([403, 462, 463, 503]))
    np.testing.assert_array_equal(found.observations, [0, 59, 60, 100])
    np.testing.assert_array_equal(np.isnan(found.condition_number), [True, True, False, False])
    np.testing.assert_array_equal(found.covariance[3], factor_covariance(x[404:], np.array([99])).covariance[0])


def test_a_factor_that_does_not_move_leaves_no_matrix():
    x = np.random.default_rng(4).normal(0, 0.01, (504, 3))
    x[:, 1] = 0.001
    found = factor_covariance(x, np.array([503]))
    assert np.isnan(found.covariance).all()
    assert found.observations[0] == 504


def test_the_covariance_of_much_stationary_data_is_the_true_one():
    rng = np.random.default_rng(2)
    truth = np.array([[4e-4, 1e-4], [1e-4, 1e-4]])
    estimates = [
        factor_covariance(rng.multivariate_normal([0, 0], truth, 504), np.array([503])).covariance[0] for _ in range(60)
    ]
    np.testing.assert_allclose(np.mean(estimates, axis=0), truth, rtol=0.06)


@pytest.mark.parametrize("threads", [1, 2])
def test_nothing_depends_on_the_batch_to_the_last_bit(threads):
    x = np.random.default_rng(5).normal(0, 0.01, (900, 8))
    x[::50, 3] = np.nan
    ends = np.array([80, 130, 600, 601, 899])
    with threadpool_limits(1):
        whole = factor_covariance(x, ends)
    with threadpool_limits(threads):
        for day, end in enumerate(ends):
            first = max(end - 503, 0)
            for found in (
                factor_covariance(x, ends[[day]]),
                factor_covariance(x[first : end + 1], ends[[day]] - first),
            ):
                for field in FIELDS:
                    np.testing.assert_array_equal(getattr(found, field)[0], getattr(whole, field)[day])


@given(st.integers(0, 1000), st.permutations(range(4)), st.lists(st.floats(0.1, 10), min_size=4, max_size=4))
@settings(max_examples=30, deadline=None)
def test_units_shifts_and_order_of_factors_are_only_a_way_of_speaking(seed, order, scale):
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 0.01, (rng.integers(70, 300), 4)) @ rng.normal(size=(4, 4))
    end = np.array([len(x) - 1])
    base, turned = factor_covariance(x, end), factor_covariance((x * scale + 0.01)[:, order], end)
    expected = (base.covariance[0] * np.outer(scale, scale))[np.ix_(order, order)]
    np.testing.assert_allclose(turned.covariance[0], expected, rtol=1e-8, atol=1e-10 * np.abs(expected).max())
    np.testing.assert_allclose(turned.correlation[0], base.correlation[0][np.ix_(order, order)], atol=1e-9)
