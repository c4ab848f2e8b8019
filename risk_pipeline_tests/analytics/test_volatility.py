"""Volatility estimates and tail risk: closed forms, oracles, and what must not change them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from arch.data import sp500
from arch.univariate import EWMAVariance

from risk_pipeline.analytics.evaluation import qlike
from risk_pipeline.analytics.var import filtered_historical_simulation
from risk_pipeline.analytics.volatility import EWMA_DECAY, LOOK_BACK, estimate_volatility

FIELDS = ("realised_21", "realised_63", "realised_252", "ewma", "forecast", "trend_strength", "percentile")


def last(panel: np.ndarray):
    return estimate_volatility(panel, np.array([len(panel) - 1]))


def test_realised_volatility_is_numpy_s_and_needs_every_return(returns):
    panel = returns.to_numpy()
    found = last(panel)
    for window in (21, 63, 252):
        values = getattr(found, f"realised_{window}")[0]
        expected = np.std(panel[-window:], axis=0, ddof=1) * np.sqrt(252)  # NaN where one is missing
        np.testing.assert_allclose(values, expected, rtol=1e-12)
        assert np.isnan(values).any()


def test_t55_fixture_7_three_hundred_iid_returns_have_a_percentile():
    rng = np.random.default_rng(0)
    found = last(rng.normal(0, 0.01, (300, 400)))
    assert np.nanmean(found.realised_252) == pytest.approx(0.1587, rel=0.01)
    assert not np.isnan(found.percentile).any()
    assert (found.percentile >= 0).all()
    assert (found.percentile <= 1).all()
    assert set(found.model[0]) == {"ewma"}


def test_the_forecast_of_iid_returns_converges_to_sigma():
    rng = np.random.default_rng(1)
    found = last(rng.normal(0, 0.01, (LOOK_BACK, 3000)))
    assert set(found.model[0]) == {"har_ewma"}
    ratio = (found.forecast[0] / (0.01 * np.sqrt(252))) ** 2
    assert ratio.mean() == pytest.approx(1.0, abs=0.02)


def test_fixture_16_ewma_weights_sum_to_one_with_mean_age_of_15_67_and_equal_the_recursion():
    weight = (1 - EWMA_DECAY) * EWMA_DECAY ** np.arange(5000)
    assert weight.sum() == pytest.approx(1)
    assert weight @ np.arange(5000) == pytest.approx(15.67, abs=0.005)
    returns = np.random.default_rng(2).normal(0, 0.01, 5000)
    variance = returns[0] ** 2
    for value in returns[1:]:
        variance = EWMA_DECAY * variance + (1 - EWMA_DECAY) * value**2
    found = last(returns[:, None])
    assert found.ewma[0, 0] ** 2 / 252 == pytest.approx(variance, rel=1e-6)


def test_ewma_golden_on_the_s_and_p_500():
    """arch's EWMAVariance(0.94) after 2018-12-31; the finite window leaves out 0.94^252 of the weight."""
    returns = 100 * sp500.load()["Adj Close"].pct_change().dropna()
    recursion = EWMAVariance(EWMA_DECAY)
    golden = 3.138323511621693
    start = recursion.backcast(returns.to_numpy())
    out = np.empty(len(returns) + 1)
    recursion.compute_variance(
        np.empty(0), np.append(returns.to_numpy(), 0.0), out, start, recursion.variance_bounds(np.append(returns, 0.0))
    )
    assert out[-1] == pytest.approx(golden, abs=1e-9)
    assert last(returns.to_numpy()[:, None] / 100).ewma[0, 0] ** 2 / 252 * 1e4 == pytest.approx(golden, rel=1e-5)


def test_nothing_depends_on_the_batch_to_the_last_bit(returns):
    panel = returns.to_numpy()[:1400, :41].copy()
    ends = np.array([820, 1100, 1399])
    whole = estimate_volatility(panel, ends)
    for day, end in enumerate(ends):
        cut = estimate_volatility(panel[end + 1 - LOOK_BACK : end + 1], np.array([LOOK_BACK - 1]))
        single = estimate_volatility(panel[:, 9:10], np.array([end]))
        for field in FIELDS:
            np.testing.assert_array_equal(getattr(cut, field)[0], getattr(whole, field)[day])
            np.testing.assert_array_equal(getattr(single, field)[0, 0], getattr(whole, field)[day, 9])
    panel[900:950, 2] = np.nan
    gappy = estimate_volatility(panel, ends)
    others = np.arange(41) != 2
    for field in FIELDS:
        np.testing.assert_array_equal(getattr(gappy, field)[:, others], getattr(whole, field)[:, others])


def test_volatility_scales_and_the_model_is_recorded(returns):
    panel = returns.to_numpy()[-LOOK_BACK:, :20]
    one, two = last(panel), last(2 * panel)
    for field in ("realised_21", "ewma", "forecast"):
        np.testing.assert_allclose(getattr(two, field), 2 * getattr(one, field), rtol=1e-7)
    np.testing.assert_array_equal(two.percentile, one.percentile)
    assert {"har_ewma", "ewma"} >= {model for model in one.model[0] if model}


def test_trend_compares_a_month_with_a_quarter():
    rng = np.random.default_rng(3)
    calm, wild = rng.normal(0, 0.005, (80, 1)), rng.normal(0, 0.02, (80, 1))
    rising, falling = last(np.vstack([calm, wild[:15]])), last(np.vstack([wild, calm[:25]]))
    assert (rising.trend[0, 0], falling.trend[0, 0]) == ("increasing", "decreasing")
    ratio = rising.realised_21[0, 0] / rising.realised_63[0, 0]
    assert rising.trend_strength[0, 0] == pytest.approx(abs(np.log(ratio)))


def test_too_little_history_is_nothing_and_not_zero():
    found = last(np.random.default_rng(0).normal(0, 0.01, (20, 2)))
    for field in FIELDS:
        assert np.isnan(getattr(found, field)).all()
    assert found.model[0, 0] is None


def test_value_at_risk_of_iid_normal_returns_is_the_quantile():
    rng = np.random.default_rng(4)
    found = filtered_historical_simulation(rng.normal(0, 0.01, (700, 1500)))
    for value, expected in (
        (found.var_95, 0.01645),
        (found.var_99, 0.02326),
        (found.es_95, 0.02063),
        (found.es_99, 0.02665),
    ):
        assert np.mean(value) == pytest.approx(expected, rel=0.05)
    assert (found.es_99 >= found.var_99).all()
    assert (found.var_99 >= found.var_95).all()


def test_value_at_risk_follows_present_volatility_and_needs_a_year():
    rng = np.random.default_rng(5)
    quiet = rng.normal(0, 0.01, (600, 1))
    storm = np.vstack([quiet, rng.normal(0, 0.04, (30, 1))])
    assert filtered_historical_simulation(storm).var_99[0] > 2 * filtered_historical_simulation(quiet).var_99[0]
    assert np.isnan(filtered_historical_simulation(quiet[:200]).var_99[0])


def test_qlike_is_zero_for_a_perfect_forecast_and_least_at_the_truth():
    """Patton (2011): with a squared normal return as the proxy, expected QLIKE is least at the variance, 1."""
    assert qlike(np.array([2.0]), np.array([2.0]))[0] == 0
    proxy = np.random.default_rng(6).normal(size=400_000) ** 2
    grid = np.linspace(0.6, 1.4, 41)
    losses = pd.Series([np.mean(qlike(proxy, np.full(proxy.shape, h))) for h in grid], index=grid)
    assert losses.idxmin() == pytest.approx(1.0, abs=0.03)
