"""The ridge against least squares on augmented rows, against Longley, and what must not change it."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.datasets import longley

from risk_pipeline.analytics.covariance import factor_covariance
from risk_pipeline.analytics.style_ridge import style_ridge

PRIOR = np.array([1.0, 0, 0, 0, 0, 0, 0, 0])


def fit(panel, core, ends, penalty=40.0, half_life=126.0, window=252, prior=PRIOR):
    return style_ridge(
        *(panel, core, np.asarray(ends)),
        window=window,
        half_life=half_life,
        min_observations=120,
        penalty=penalty,
        prior=prior,
    )


def augmented(y, x, penalty, half_life, prior):
    """The same estimate by least squares with ``sqrt(penalty)`` rows below the data."""
    keep = ~(np.isnan(y) | np.isnan(x).any(axis=1))
    weight = (0.5 ** (np.arange(len(y))[::-1] / half_life))[keep]
    weight *= keep.sum() / weight.sum()
    x, y = x[keep], y[keep] - x[keep] @ prior
    mean = np.average(x, axis=0, weights=weight)
    scale = np.sqrt(np.average((x - mean) ** 2, axis=0, weights=weight))
    root = np.sqrt(weight)[:, None]
    design = np.hstack([root, root * (x - mean) / scale])
    rows = np.hstack([np.zeros((x.shape[1], 1)), np.sqrt(penalty) * np.eye(x.shape[1])])
    solution = np.linalg.lstsq(
        np.vstack([design, rows]), np.concatenate([root[:, 0] * y, np.zeros(x.shape[1])]), rcond=None
    )[0]
    return solution[1:] / scale + prior


def test_it_equals_least_squares_on_augmented_rows(returns, core):
    panel, ends = returns.to_numpy()[:, :50], [300, 700, len(returns) - 1]
    found = fit(panel, core, ends)
    compared = 0
    for day, end in enumerate(ends):
        rows = slice(max(end + 1 - 252, 0), end + 1)
        for column in range(50):
            if not np.isnan(found.coefficients[day, column]).any():
                expected = augmented(panel[rows, column], core[rows], 40.0, 126.0, PRIOR)
                np.testing.assert_allclose(found.coefficients[day, column], expected, atol=1e-9)
                compared += 1
    assert compared > 100


@pytest.mark.parametrize(
    ("penalty", "coefficients", "effective_df"),
    [
        (0.1, (641.185158, 1119.494394, -1066.576972, -443.032003, 50.340083, 2385.895344), 4.015219),
        (1.0, (895.958348, 1085.683819, -743.681247, -196.618062, 789.494469, 1062.270956), 2.939109),
        (10.0, (695.232121, 751.100588, -41.522196, 216.864312, 675.388360, 696.790460), 1.806857),
    ],
)
def test_ridge_goldens_of_z_scored_longley(penalty, coefficients, effective_df):
    """Computed with scikit-learn and by SVD; the data are NIST's, shipped in statsmodels."""
    data = longley.load_pandas()
    x, y = data.exog.to_numpy(), data.endog.to_numpy()
    found = style_ridge(
        *(y[:, None], x, np.array([len(y) - 1])),
        window=len(y),
        half_life=1e12,
        min_observations=8,
        penalty=penalty,
        prior=np.zeros(6),
    )
    np.testing.assert_allclose(found.coefficients[0, 0] * x.std(axis=0), coefficients, rtol=2e-6)
    assert found.effective_df[0, 0] == pytest.approx(effective_df, abs=2e-6)


def test_fixture_15_no_penalty_is_least_squares_and_a_huge_one_the_prior(returns, core):
    panel, end = returns[["AAPL", "MSFT", "JPM"]].to_numpy(), len(returns) - 1
    loose = fit(panel, core, [end], penalty=1e-9, half_life=1e12)
    rows = slice(end - 251, end + 1)
    design = np.column_stack([np.ones(252), core[rows]])
    np.testing.assert_allclose(
        loose.coefficients[0], np.linalg.lstsq(design, panel[rows], rcond=None)[0][1:].T, atol=1e-5
    )
    np.testing.assert_allclose(fit(panel, core, [end], penalty=1e14).coefficients[0], np.tile(PRIOR, (3, 1)), atol=1e-8)


def test_t31_nothing_depends_on_the_batch_to_the_last_bit(returns, core):
    panel, ends = returns.to_numpy()[:900, :130], [400, 650, 899]
    whole = fit(panel, core[:900], ends)
    order = np.random.default_rng(3).permutation(130)
    np.testing.assert_array_equal(fit(panel[:, order], core[:900], ends).coefficients, whole.coefficients[:, order])
    for day, end in enumerate(ends):
        rows = slice(end - 251, end + 1)
        alone = fit(panel[rows], core[rows], [251])
        few = fit(panel[:, 7:10], core[:900], [end])
        for field in ("coefficients", "std_error", "r_squared", "effective_df", "condition_number"):
            np.testing.assert_array_equal(getattr(alone, field)[0], getattr(whole, field)[day])
            np.testing.assert_array_equal(getattr(few, field)[0], getattr(whole, field)[day, 7:10])


def test_scaling_a_factor_scales_its_beta_and_column_order_does_not_matter(returns, core):
    panel, end = returns[["AAPL", "XOM"]].to_numpy(), len(returns) - 1
    base = fit(panel, core, [end], prior=np.zeros(8)).coefficients[0]
    scaled = fit(panel, core * np.array([1, 1, 5, 1, 1, 1, 1, 1]), [end], prior=np.zeros(8)).coefficients[0]
    np.testing.assert_allclose(scaled[:, 2] * 5, base[:, 2], rtol=1e-8)
    turned = fit(panel, core[:, ::-1], [end], prior=np.zeros(8)).coefficients[0]
    np.testing.assert_allclose(turned[:, ::-1], base, rtol=1e-7, atol=1e-10)


def test_the_factor_covariance_is_positive_definite_and_of_its_session_only(core):
    ends = np.array([90, 150, 700, len(core) - 1])
    found = factor_covariance(core, ends)
    for day, end in enumerate(ends):
        if np.isnan(found.covariance[day]).any():
            assert found.observations[day] < 60
            continue
        assert np.linalg.eigvalsh(found.covariance[day]).min() > 0
        np.testing.assert_array_equal(found.covariance[day], found.covariance[day].T)
        cut = factor_covariance(core[max(end - 503, 0) : end + 1], np.array([min(end, 503)]))
        np.testing.assert_array_equal(cut.covariance[0], found.covariance[day])
        assert found.shrunk[day] == (found.observations[day] < 126)


def test_the_covariance_of_much_stationary_data_is_the_true_one():
    rng = np.random.default_rng(2)
    truth = np.array([[4e-4, 1e-4], [1e-4, 1e-4]])
    estimates = [
        factor_covariance(rng.multivariate_normal([0, 0], truth, 504), np.array([503])).covariance[0] for _ in range(60)
    ]
    np.testing.assert_allclose(np.mean(estimates, axis=0), truth, rtol=0.06)
