"""Single-factor betas against statsmodels, and what must not change them."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from statsmodels.datasets import macrodata

from risk_pipeline.analytics.rolling_beta import rolling_beta
from risk_pipeline.analytics.window_weights import newey_west_lag

FIELDS = ("beta", "std_error", "t_stat", "r_squared", "observations")


def fit(panel, factor, ends, window=90, minimum=60):
    return rolling_beta(panel, factor, np.asarray(ends), window=window, min_observations=minimum)


def test_two_thousand_windows_equal_statsmodels(returns):
    """Every (symbol, window) of a random sample, gaps and short histories included, to 1e-10."""
    rng = np.random.default_rng(1)
    panel, names = returns.to_numpy(), list(returns.columns)
    compared, worst = 0, 0.0
    for window, minimum, leg in ((90, 60, ("TLT", None)), (180, 60, ("VUG", "VTV")), (90, 60, ("SPY", None))):
        factor = panel[:, names.index(leg[0])] - (panel[:, names.index(leg[1])] if leg[1] else 0.0)
        ends = np.sort(rng.choice(np.arange(40, len(panel)), 12, replace=False))
        columns = rng.choice(len(names), min(60, len(names)), replace=False)
        found = fit(panel[:, columns], factor, ends, window, minimum)
        for day, end in enumerate(ends):
            rows = slice(max(end + 1 - window, 0), end + 1)
            for place, column in enumerate(columns):
                y, x = panel[rows, column], factor[rows]
                pair = ~(np.isnan(y) | np.isnan(x))
                assert found.observations[day, place] == pair.sum()
                if pair.sum() < minimum:
                    assert np.isnan(found.beta[day, place])
                    continue
                model = sm.OLS(y[pair], sm.add_constant(x[pair]))
                oracle = model.fit(cov_type="HAC", cov_kwds={"maxlags": newey_west_lag(int(pair.sum()))})
                if oracle.rsquared > 1 - 1e-12:  # the proxy on itself
                    continue
                for field, value in (
                    ("beta", oracle.params[1]),
                    ("std_error", oracle.bse[1]),
                    ("r_squared", oracle.rsquared),
                ):
                    difference = abs(getattr(found, field)[day, place] - value)
                    worst = max(worst, difference)
                    assert difference < 1e-10, (field, window, day, names[column])
                compared += 1
    assert compared >= 1900
    assert worst < 1e-10


def test_newey_west_lags_are_those_of_the_paper():
    assert [newey_west_lag(n) for n in (60, 90, 100, 252, 500, 1000)] == [3, 3, 4, 4, 5, 6]


def test_hac_golden_of_stata_by_statsmodels():
    """Stata's ``newey, lag(4)`` in statsmodels' tests; ours on the same residuals has no small-sample factor."""
    data = macrodata.load_pandas().data
    growth = 400 * np.diff(np.log(data[["realinv", "realgdp"]].to_numpy()), axis=0)
    fitted = sm.OLS(growth[:, 0], sm.add_constant(growth[:, 1])).fit(cov_type="HAC", cov_kwds={"maxlags": 4})
    ours = fit(growth[:, :1], growth[:, 1], [len(growth) - 1], len(growth))
    assert newey_west_lag(len(growth)) == 4
    assert ours.std_error[0, 0] == pytest.approx(fitted.bse[1], abs=1e-12)


def test_fixture_1_beta_of_a_leveraged_index_is_found():
    rng = np.random.default_rng(0)
    index = rng.normal(0, 0.01, 100)
    stock = 1.2 * index + rng.normal(0, 1e-6, 100)
    found = fit(stock[:, None], index, [99])
    assert found.beta[0, 0] == pytest.approx(1.2, abs=1e-3)
    assert found.r_squared[0, 0] > 0.9999


def test_fixture_13_a_new_listing_has_no_beta_and_changes_nobody_else_s(returns):
    panel = returns.to_numpy()[:400, :30].copy()
    factor = returns["SPY"].to_numpy()[:400]
    before = fit(panel, factor, [250, 399])
    panel[:-40, 3] = np.nan
    after = fit(panel, factor, [250, 399])
    assert np.isnan(after.beta[1, 3])
    others = np.arange(30) != 3
    for field in FIELDS:
        np.testing.assert_array_equal(getattr(before, field)[:, others], getattr(after, field)[:, others])


def test_t31_nothing_depends_on_the_batch_to_the_last_bit(returns):
    """Shuffled symbols, one end at a time, fewer symbols, history cut before and after: the same bits."""
    panel, factor = returns.to_numpy()[:500, :67], returns["SPY"].to_numpy()[:500]
    ends = np.array([120, 333, 450])
    whole = fit(panel, factor, ends)
    order = np.random.default_rng(3).permutation(67)
    shuffled = fit(panel[:, order], factor, ends)
    for field in FIELDS:
        values = getattr(whole, field)
        np.testing.assert_array_equal(getattr(shuffled, field), values[:, order])
        for day, end in enumerate(ends):
            alone = fit(panel, factor, [end])
            cut = fit(panel[end - 89 : end + 1], factor[end - 89 : end + 1], [89])
            single = fit(panel[:, 5:6], factor, [end])
            np.testing.assert_array_equal(getattr(alone, field)[0], values[day])
            np.testing.assert_array_equal(getattr(cut, field)[0], values[day])
            np.testing.assert_array_equal(getattr(single, field)[0, 0], values[day, 5])


def test_t60_a_missing_price_leaves_the_others_and_the_next_day_alone(returns):
    from risk_pipeline.analytics.returns import total_returns

    close = np.array([[10.0, 20.0], [np.nan, 21.0], [12.0, 22.0], [12.6, 22.0]])
    found = total_returns(close, np.zeros((4, 2)), np.ones((4, 2)))
    np.testing.assert_array_equal(np.isnan(found[:, 0]), [True, True, True, False])
    np.testing.assert_allclose(found[1:, 1], [0.05, 1 / 21, 0.0])
    assert found[3, 0] == pytest.approx(0.05)


def test_fixture_10_a_split_is_no_loss_and_a_dividend_is_a_return():
    from risk_pipeline.analytics.returns import total_returns

    close = np.array([[400.0, 50.0], [101.0, 49.0]])
    found = total_returns(close, np.array([[0, 0], [0, 1.0]]), np.array([[1, 1], [4.0, 1]]))
    np.testing.assert_allclose(found[1], [0.01, 0.0])


def test_t49_too_few_observations_are_missing_and_not_zero():
    rng = np.random.default_rng(0)
    found = fit(rng.normal(size=(59, 2)), rng.normal(size=59), [58])
    for field in ("beta", "std_error", "t_stat", "r_squared"):
        assert np.isnan(getattr(found, field)).all()
