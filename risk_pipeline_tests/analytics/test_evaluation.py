"""Forecast evaluation and backtests against published numbers and statsmodels."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from risk_pipeline.analytics.backtests import (
    acerbi_szekely,
    christoffersen,
    conditional_coverage,
    kupiec,
    traffic_light,
)
from risk_pipeline.analytics.evaluation import bias_statistic, diebold_mariano, mincer_zarnowitz


@pytest.mark.parametrize(
    ("exceedances", "observations", "level", "statistic", "p_value"),
    [
        (57, 1043, 0.05, 0.461466, 0.496939),  # MathWorks, varbacktest.pof
        (17, 1043, 0.01, 3.511813, 0.060933),
        (5, 250, 0.01, 1.956810, None),
        (0, 250, 0.01, 5.025168, None),
    ],
)
def test_kupiec_goldens(exceedances, observations, level, statistic, p_value):
    found = kupiec(exceedances, observations, level)
    assert found.statistic == pytest.approx(statistic, abs=1e-6)
    if p_value is not None:
        assert found.p_value == pytest.approx(p_value, abs=1e-6)


@pytest.mark.parametrize(
    ("observations", "level", "low", "high"),
    [(255, 0.05, 7, 20), (255, 0.01, None, 6), (510, 0.05, 17, 35), (1000, 0.01, 5, 16), (1000, 0.10, 82, 119)],
)
def test_kupiec_s_non_rejection_table(observations, level, low, high):
    kept = [x for x in range(observations // 5) if kupiec(x, observations, level).p_value > 0.05]
    assert max(kept) == high
    assert low is None or min(kept) == low


def test_christoffersen_golden():
    """250 days, hits at 10, 11, 50, 51, 52, 120, 200, 201: LR 18.936741."""
    hits = np.zeros(250, dtype=bool)
    hits[[10, 11, 50, 51, 52, 120, 200, 201]] = True
    assert christoffersen(hits).statistic == pytest.approx(18.936741, abs=1e-6)
    both = conditional_coverage(hits, 0.01)
    assert both.statistic == pytest.approx(18.936741 + kupiec(8, 250, 0.01).statistic, abs=1e-6)


def test_basel_zones():
    assert [traffic_light(count) for count in (0, 4, 5, 9, 10)] == ["green", "green", "yellow", "yellow", "red"]


def test_acerbi_szekely_critical_value_by_simulation():
    """Simulated, T = 250, 2.5 %, normal returns: the 5 % critical value is -0.704 (the paper says -0.7)."""
    rng = np.random.default_rng(0)
    quantile = 1.959963985
    shortfall = np.exp(-(quantile**2) / 2) / np.sqrt(2 * np.pi) / 0.025
    ones = np.ones(250)
    found = [acerbi_szekely(rng.normal(size=250), quantile * ones, shortfall * ones, 0.025) for _ in range(20_000)]
    assert np.quantile(found, 0.05) == pytest.approx(-0.704, abs=0.03)
    assert np.mean(found) == pytest.approx(0.0, abs=0.02)


def test_mincer_zarnowitz_is_statsmodels():
    rng = np.random.default_rng(1)
    forecast = rng.uniform(0.5, 2, 300)
    outcome = 0.1 + 0.8 * forecast + rng.normal(0, 0.3, 300)
    found = mincer_zarnowitz(outcome, forecast, lags=5)
    oracle = sm.OLS(outcome, sm.add_constant(forecast)).fit(cov_type="HAC", cov_kwds={"maxlags": 5})
    np.testing.assert_allclose([found.intercept, found.slope], oracle.params, rtol=1e-9)
    assert found.r_squared == pytest.approx(oracle.rsquared)
    joint = oracle.wald_test((np.eye(2), [0.0, 1.0]), use_f=False, scalar=True)
    assert found.p_value == pytest.approx(float(joint.pvalue), rel=1e-6)


def test_diebold_mariano_knows_the_better_and_says_nothing_of_equals():
    rng = np.random.default_rng(2)
    better, worse = rng.exponential(1.0, 400), rng.exponential(1.5, 400)
    statistic, p_value = diebold_mariano(better, worse, horizon=1)
    assert statistic < -2
    assert p_value < 0.01
    p_values = [diebold_mariano(rng.exponential(1.0, 200), rng.exponential(1.0, 200), horizon=1)[1] for _ in range(400)]
    assert np.mean(np.array(p_values) < 0.05) == pytest.approx(0.05, abs=0.03)
    assert diebold_mariano(worse, better, horizon=1)[0] == pytest.approx(-statistic)


def test_bias_statistic_of_right_forecasts_is_one():
    rng = np.random.default_rng(3)
    volatility = rng.uniform(0.005, 0.03, 20_000)
    assert bias_statistic(rng.normal(0, volatility), volatility) == pytest.approx(1.0, abs=0.02)
    assert bias_statistic(rng.normal(0, 2 * volatility), volatility) == pytest.approx(2.0, abs=0.04)
