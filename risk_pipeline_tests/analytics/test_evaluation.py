"""Forecast evaluation and backtests against published numbers and statsmodels."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from risk_pipeline.analytics.backtests import (
    acerbi_szekely,
    christoffersen,
    conditional_coverage,
    dynamic_quantile,
    kupiec,
    traffic_light,
)
from risk_pipeline.analytics.evaluation import diebold_mariano, mincer_zarnowitz, qlike


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


NON_REJECTION = {  # by level, at 255, 510 and 1,000 days: Kupiec (1995)
    0.01: [(0, 6), (2, 10), (5, 16)],
    0.025: [(3, 11), (7, 20), (16, 35)],
    0.05: [(7, 20), (17, 35), (38, 64)],
    0.075: [(12, 27), (28, 50), (60, 91)],
    0.10: [(17, 35), (39, 64), (82, 119)],
}


@pytest.mark.parametrize("level", NON_REJECTION)
def test_kupiec_s_non_rejection_table(level):
    for observations, limits in zip((255, 510, 1000), NON_REJECTION[level], strict=True):
        counts = np.arange(observations // 5)
        kept = counts[kupiec(counts, observations, level).p_value > 0.05]
        # none at all in 255 days (5.13, above 3.84) is rejected too, which the table, a "less than", leaves out
        assert kept.tolist() == list(range(max(limits[0], 1), limits[1] + 1))


def test_christoffersen_golden():
    """250 days, hits at 10, 11, 50, 51, 52, 120, 200, 201: LR 18.936741."""
    hits = np.zeros(250, dtype=bool)
    hits[[10, 11, 50, 51, 52, 120, 200, 201]] = True
    assert christoffersen(hits).statistic == pytest.approx(18.936741, abs=1e-6)
    both = conditional_coverage(hits, 0.01)
    assert both.statistic == pytest.approx(18.936741 + kupiec(8, 250, 0.01).statistic, abs=1e-6)


def test_backtests_of_many_series_are_those_of_each_and_leave_out_days_without_outcome():
    rng = np.random.default_rng(7)
    hits = (rng.random((300, 6)) < 0.04).astype(float)
    hits[:40, 2] = np.nan
    returns, risk = rng.normal(0, 0.01, (300, 6)), np.full((300, 6), 0.0165)
    returns[:40, 2] = np.nan
    independence, both = christoffersen(hits), conditional_coverage(hits, 0.05)
    z2 = acerbi_szekely(returns, risk, 1.25 * risk, 0.05)
    for n in range(6):
        own = hits[40:, n] if n == 2 else hits[:, n]
        assert independence.statistic[n] == pytest.approx(christoffersen(own == 1).statistic, rel=1e-12)
        assert both.p_value[n] == pytest.approx(conditional_coverage(own == 1, 0.05).p_value, rel=1e-12)
        rows = slice(40 if n == 2 else 0, None)
        alone = acerbi_szekely(returns[rows, n], risk[rows, n], 1.25 * risk[rows, n], 0.05)
        assert z2[n] == pytest.approx(alone, rel=1e-12)


def test_dynamic_quantile_is_the_explained_sum_of_squares_of_statsmodels():
    """Engle & Manganelli (2004): hits less their level on a constant, four lags and the day's value at risk."""
    rng = np.random.default_rng(12)
    returns, risk = rng.normal(0, 0.01, (500, 3)), rng.uniform(0.01, 0.03, (500, 3))
    returns[rng.random((500, 3)) < 0.05] = np.nan
    found = dynamic_quantile(returns, risk, 0.05)
    for n in range(3):
        keep = ~np.isnan(returns[:, n])
        hit = (returns[keep, n] < -risk[keep, n]) - 0.05
        design = np.column_stack([*(hit[4 - lag : -lag] for lag in range(1, 5)), risk[keep, n][4:]])
        fit = sm.OLS(hit[4:], sm.add_constant(design)).fit()
        expected = (fit.fittedvalues**2).sum() / (0.05 * 0.95)
        assert found.statistic[n] == pytest.approx(expected, rel=1e-9)
        assert found.p_value[n] == pytest.approx(stats.chi2.sf(expected, 6), rel=1e-9)


def test_dynamic_quantile_keeps_its_size_and_finds_what_predicts_exceedances():
    rng = np.random.default_rng(13)
    right = rng.normal(0, 1, (1000, 400))
    exact = -stats.norm.ppf(0.05) * np.exp(rng.normal(0, 0.3, right.shape))
    assert (dynamic_quantile(right * exact, exact * -stats.norm.ppf(0.05), 0.05).p_value < 0.05).mean() < 0.12
    bursts = right * np.repeat(np.where(np.arange(20) % 2, 0.5, 1.5), 50)[:, None]
    assert (dynamic_quantile(bursts, np.full_like(bursts, 1.6), 0.05).p_value < 0.05).mean() > 0.9


def test_dynamic_quantile_without_exceedances_and_with_too_few_days():
    quiet = np.full(300, 0.001)
    assert dynamic_quantile(quiet, np.full(300, 0.02), 0.05).p_value < 0.01  # fifteen were due
    assert np.isnan(dynamic_quantile(quiet[:80], np.full(80, 0.02), 0.05).p_value)
    for nothing in ((0,), (0, 3)):
        found = dynamic_quantile(np.zeros(nothing), np.zeros(nothing), 0.05)
        assert np.isnan(found.p_value).all()
        assert found.p_value.shape == nothing[1:]


def test_basel_zones_are_cut_by_the_cumulative_probability():
    """goldens.md 3.5: of 250 days at 99 %; yellow from 95 % on, red from 99.99 %."""
    from scipy.stats import binom

    cumulative = [8.11, 28.58, 54.32, 75.81, 89.22, 95.88, 98.63, 99.60, 99.89, 99.97]
    np.testing.assert_allclose(100 * binom.cdf(np.arange(10), 250, 0.01), cumulative, atol=0.006)
    zones = ["green"] * 5 + ["yellow"] * 5 + ["red"] * 5
    assert traffic_light(np.arange(15)).tolist() == zones


@pytest.mark.parametrize(
    ("law", "days", "level", "criticals"),
    [
        (stats.norm(), 250, 0.025, {0.05: (-0.704, 0.02), 0.0001: (-1.77, 0.12)}),  # the paper: -0.70 and -1.8
        (stats.t(10), 250, 0.025, {0.05: (-0.708, 0.02)}),
        (stats.t(5), 250, 0.025, {0.05: (-0.738, 0.02), 0.0001: (-2.06, 0.25)}),
        (stats.t(3), 250, 0.025, {0.05: (-0.810, 0.02)}),
        (stats.norm(), 1966, 0.025, {0.01: (-0.346, 0.015)}),  # MathWorks: -0.34639
        (stats.t(3), 1966, 0.025, {0.01: (-0.433, 0.03)}),  # -0.42986
    ],
)
def test_acerbi_szekely_critical_values_by_simulation(law, days, level, criticals):
    """goldens.md 3.5. A right model's Z2 depends on its tail alone, so only the days beyond VaR are drawn."""
    rng = np.random.default_rng(0)
    quantile = -law.ppf(level)
    shortfall = -law.expect(lambda x: x, ub=-quantile) / level
    paths = 200_000 if len(criticals) > 1 else 50_000
    beyond = rng.binomial(days, level, paths)
    returns = np.zeros((beyond.max(), paths))
    losses = np.arange(len(returns))[:, None] < beyond
    returns[losses] = law.ppf(level * rng.random(int(losses.sum())))
    filler = days / len(returns)  # the days without a loss beyond VaR count in the number of days only
    found = acerbi_szekely(returns, np.full_like(returns, quantile), np.full_like(returns, shortfall), level * filler)
    assert found.mean() == pytest.approx(0.0, abs=0.02)
    for probability, (critical, tolerance) in criticals.items():
        assert np.quantile(found, probability) == pytest.approx(critical, abs=tolerance)


def test_mincer_zarnowitz_is_statsmodels_column_by_column_without_the_gaps():
    rng = np.random.default_rng(1)
    forecast = rng.uniform(0.5, 2, (300, 3)) * 1e-4
    outcome = 1e-5 + np.array([0.8, 1.0, 1.2]) * forecast + rng.normal(0, 0.3e-4, (300, 3))
    outcome[rng.random(300) < 0.2, 1] = np.nan
    found = mincer_zarnowitz(outcome, forecast, lags=5)
    for n in range(3):
        keep = ~np.isnan(outcome[:, n])
        design = sm.add_constant(forecast[keep, n])
        oracle = sm.OLS(outcome[keep, n], design).fit(cov_type="HAC", cov_kwds={"maxlags": 5})
        np.testing.assert_allclose([found.intercept[n], found.slope[n]], oracle.params, rtol=1e-9)
        assert found.r_squared[n] == pytest.approx(oracle.rsquared)
        joint = oracle.wald_test((np.eye(2), [0.0, 1.0]), use_f=False, scalar=True)
        assert found.p_value[n] == pytest.approx(float(joint.pvalue), rel=1e-6)


def test_diebold_mariano_is_statsmodels_column_by_column_without_the_gaps():
    from statsmodels.tsa.stattools import diebold_mariano_test

    rng = np.random.default_rng(4)
    outcome, ours, theirs = rng.exponential(1.0, (3, 250, 2)) + 0.5
    outcome[rng.random(250) < 0.1, 1] = np.nan
    statistic, p_value = diebold_mariano(qlike(outcome, ours), qlike(outcome, theirs), horizon=21)
    for n in range(2):
        keep = ~np.isnan(outcome[:, n])
        oracle = diebold_mariano_test(
            *(x[keep, n] for x in (outcome, ours, theirs)), criterion=qlike, lags=20, harvey_adj=True, horizon=21
        )
        assert statistic[n] == pytest.approx(oracle.statistic, rel=1e-9)
        assert p_value[n] == pytest.approx(oracle.pvalue, rel=1e-9)


def test_diebold_mariano_knows_the_better_and_says_nothing_of_equals():
    rng = np.random.default_rng(2)
    better, worse = rng.exponential(1.0, (400, 1)), rng.exponential(1.5, (400, 1))
    statistic, p_value = diebold_mariano(better, worse, horizon=1)
    assert statistic[0] < -2
    assert p_value[0] < 0.01
    _, p_values = diebold_mariano(rng.exponential(1.0, (200, 400)), rng.exponential(1.0, (200, 400)), horizon=1)
    assert np.mean(p_values < 0.05) == pytest.approx(0.05, abs=0.03)
    assert diebold_mariano(worse, better, horizon=1)[0] == pytest.approx(-statistic)
