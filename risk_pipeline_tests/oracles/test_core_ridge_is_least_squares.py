"""The ridge by another path: least squares on augmented rows, and the goldens of Longley's data."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from statsmodels.datasets import longley

from risk_pipeline.analytics.core_ridge import CoreSpec, core_ridge
from risk_pipeline.analytics.factor_returns import relative_factors

HALF_LIFE, WINDOW = 126.0, 252
TAU = np.array([2.8e-6, 7.3e-7, 3.3e-6, 3.9e-6, 3.3e-6, 2.7e-6, 9.1e-7, 1.3e-5])
PRIOR = np.array([1.0, 0, 0, 0, 0, 0, 0, 0])


def weighted_z(y, x, half_life):
    """The sessions with all returns: weights that sum to their number, returns, factors, z-scores and their scale."""
    keep = ~(np.isnan(y) | np.isnan(x).any(axis=1))
    weight = (0.5 ** (np.arange(len(y))[::-1] / half_life))[keep]
    weight *= keep.sum() / weight.sum()
    x, y = x[keep], y[keep]
    mean = np.average(x, axis=0, weights=weight)
    scale = np.sqrt(np.average((x - mean) ** 2, axis=0, weights=weight))
    return weight, y, x, (x - mean) / scale, scale


def augmented(y, x, tau, half_life, prior):
    """Least squares with rows of the root of the penalty below: coefficients, errors, degrees of freedom, R-squared."""
    weight, y, x, z, scale = weighted_z(y, x, half_life)
    root, count = np.sqrt(weight)[:, None], x.shape[1]
    rows = np.hstack([root, root * z])
    rest = root[:, 0] * y - rows @ np.linalg.lstsq(rows, root[:, 0] * y, rcond=None)[0]
    noise = rest @ rest / (len(y) - count - 1)
    design = np.vstack([rows, np.hstack([np.zeros((count, 1)), np.diag(np.sqrt(noise / tau))])])
    to_solution = np.linalg.pinv(design)[:, : len(y)] * root.T  # of returns, the rows below being zero
    solution = to_solution @ (y - x @ prior)
    hat = rows @ (to_solution / root.T)
    residual = y - x @ prior - solution[0] - z @ solution[1:]
    # the prior is in raw units of the uncentred factors, which the intercept takes care of
    effective_df = np.trace(hat) - 1.0
    loss = weight @ residual**2
    std_error = np.sqrt(loss / (len(y) - effective_df - 1.0) * (to_solution[1:] ** 2).sum(axis=1)) / scale
    total = weight @ (y - np.average(y, weights=weight)) ** 2
    return solution[1:] / scale + prior, std_error, effective_df, 1.0 - loss / total, noise / tau[0]


def test_a_sample_of_windows_equals_least_squares_on_augmented_rows(market_returns):
    """At least 400 pairs of (symbol, window), gaps included, to 1e-10."""
    panel = market_returns.to_numpy()
    proxies = market_returns[["SPY", "TLT", "VTV", "VUG", "MTUM", "QUAL", "IWM", "USMV"]].to_numpy()
    factors = relative_factors(proxies[:, 0], proxies[:, 1], proxies[:, 2:])
    rng = np.random.default_rng(0)
    ends = rng.choice(np.arange(560, len(panel)), 10, replace=False)
    columns = rng.choice(panel.shape[1], 60, replace=False)
    found = core_ridge(panel[:, columns], factors, ends, CoreSpec(WINDOW, HALF_LIFE, 120, PRIOR, TAU))
    compared = gappy = 0
    for day, end in enumerate(ends):
        rows = slice(end + 1 - WINDOW, end + 1)
        for place, column in enumerate(columns):
            count = found.observations[day, place]
            assert count == (~(np.isnan(panel[rows, column]) | np.isnan(factors[rows]).any(axis=1))).sum()
            if count < 120:
                assert np.isnan(found.coefficients[day, place]).all()
                continue
            expected = augmented(panel[rows, column], factors[rows], TAU, HALF_LIFE, PRIOR)
            np.testing.assert_allclose(found.coefficients[day, place], expected[0], atol=1e-10)
            np.testing.assert_allclose(found.std_error[day, place], expected[1], rtol=1e-8, atol=1e-10)
            assert found.effective_df[day, place] == pytest.approx(expected[2], abs=1e-10)
            assert found.r_squared[day, place] == pytest.approx(expected[3], abs=1e-10)
            assert found.penalty[day, place] == pytest.approx(expected[4], rel=1e-9, abs=1e-12)
            compared += 1
            gappy += count < WINDOW
    assert compared >= 400
    assert gappy > 20


def test_it_is_scikit_learn_s_ridge_with_a_penalty_per_target(market_returns):
    """``Ridge(alpha=noise)``, an array, on z-scored factors times the root of the prior variance."""
    panel = market_returns.to_numpy()
    proxies = market_returns[["SPY", "TLT", "VTV", "VUG", "MTUM", "QUAL", "IWM", "USMV"]].to_numpy()
    factors = relative_factors(proxies[:, 0], proxies[:, 1], proxies[:, 2:])
    end = len(panel) - 300
    panel, factors = panel[end + 1 - WINDOW : end + 1], factors[end + 1 - WINDOW : end + 1]
    usable = ~np.isnan(factors).any(axis=1)
    columns = np.flatnonzero(~np.isnan(panel[usable]).any(axis=0))
    found = core_ridge(panel[:, columns], factors, np.array([WINDOW - 1]), CoreSpec(WINDOW, HALF_LIFE, 120, PRIOR, TAU))
    weight, _, x, z, scale = weighted_z(panel[:, columns[0]], factors, HALF_LIFE)
    noise = found.penalty[0] * TAU[0]
    noisy = noise > 1e-12  # scikit-learn takes no penalty of zero beside others
    ridge = Ridge(alpha=noise[noisy]).fit(
        z * np.sqrt(TAU), panel[np.ix_(usable, columns[noisy])] - (x @ PRIOR)[:, None], sample_weight=weight
    )
    assert noisy.sum() > 30
    expected = ridge.coef_ * np.sqrt(TAU) / scale + PRIOR
    np.testing.assert_allclose(found.coefficients[0, noisy], expected, atol=1e-9)


@pytest.mark.parametrize(
    ("penalty", "coefficients", "effective_df"),
    [
        (0.1, (641.185158, 1119.494394, -1066.576972, -443.032003, 50.340083, 2385.895344), 4.015219),
        (1.0, (895.958348, 1085.683819, -743.681247, -196.618062, 789.494469, 1062.270956), 2.939109),
        (10.0, (695.232121, 751.100588, -41.522196, 216.864312, 675.388360, 696.790460), 1.806857),
    ],
)
def test_ridge_goldens_of_z_scored_longley(penalty, coefficients, effective_df):
    """Computed with scikit-learn and by SVD; equal weights that sum to n. The data are NIST's, in statsmodels."""
    data = longley.load_pandas()
    x, y = data.exog.to_numpy(), data.endog.to_numpy()
    rest = (
        y
        - np.column_stack([np.ones(len(y)), x])
        @ np.linalg.lstsq(np.column_stack([np.ones(len(y)), x]), y, rcond=None)[0]
    )
    tau = np.full(6, rest @ rest / (len(y) - 7) / penalty)
    found = core_ridge(y[:, None], x, np.array([len(y) - 1]), CoreSpec(len(y), np.inf, 8, np.zeros(6), tau))
    assert found.penalty[0, 0] == pytest.approx(penalty, rel=1e-6)
    np.testing.assert_allclose(found.coefficients[0, 0] * x.std(axis=0), coefficients, atol=1e-6)
    assert found.effective_df[0, 0] == pytest.approx(effective_df, abs=1e-6)
