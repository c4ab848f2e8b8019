"""Volatility estimates and tail risk: closed forms, oracles, and what must not change them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from arch.data import sp500
from arch.univariate import EWMAVariance
from scipy.stats import norm

from risk_pipeline.analytics.evaluation import qlike
from risk_pipeline.analytics.kernels import har_regression
from risk_pipeline.analytics.kernels.constants import EWMA_DECAY, LOOK_BACK, ROWS
from risk_pipeline.analytics.kernels.natural_log import natural_log
from risk_pipeline.analytics.var import LOOK_BACK as TAIL_LOOK_BACK
from risk_pipeline.analytics.var import WINDOW, filtered_historical_simulation
from risk_pipeline.analytics.volatility import estimate_volatility, parkinson_variance

FIELDS = ("realised_21", "realised_63", "realised_252", "ewma", "forecast", "trend_strength", "percentile")


def window_mean(column: np.ndarray, window: int) -> np.ndarray:
    work = np.zeros((13, len(column)))
    har_regression.window_means(np.ascontiguousarray(column[:, 0]), work[0], work[1], work[2:10], work[10:])
    mean = work[10 + [5, 21, 22].index(window)]
    mean[:21] = np.nan  # not written
    return mean[:, None]


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


def test_three_hundred_iid_returns_have_a_percentile():
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


def test_the_forecast_of_one_long_iid_series_is_sigma_and_not_a_fifth_less():
    """The old batch forecast |r|, whose mean is .8 sigma."""
    rng = np.random.default_rng(2)
    series = rng.normal(0, 0.01, (4000, 300))
    found = estimate_volatility(series, np.arange(LOOK_BACK, 4000, 100))
    ratio = found.forecast / (0.01 * np.sqrt(252))
    assert np.sqrt((ratio**2).mean()) == pytest.approx(1.0, abs=0.01)


def test_the_forecast_is_two_thirds_har_by_statsmodels_and_a_third_ewma(returns):
    import statsmodels.api as sm

    panel = returns[["SPY", "TLT", "XOM"]].to_numpy()
    found = last(panel)
    for column in range(3):
        own = pd.Series(panel[-LOOK_BACK:, column])
        variance, week = own**2, own.rolling(5).mean()
        month = variance.rolling(22).mean()
        features = np.log(np.column_stack([variance + 0.1 * month, variance.rolling(5).mean(), month]))
        features = np.column_stack([features, week.clip(upper=0)])  # leverage
        ahead = variance.rolling(21).mean().shift(-21)
        usable = np.isfinite(features).all(axis=1) & ahead.notna().to_numpy()
        assert usable.sum() == ROWS
        fit = sm.OLS(np.log(ahead[usable]), sm.add_constant(features[usable])).fit()
        expected = np.exp(fit.predict(np.append(1.0, features[-1]))[0] + fit.mse_resid / 2)
        expected = min(max(expected, ahead[usable].min()), ahead[usable].max())
        expected = (2 * 252 * expected + found.ewma[0, column] ** 2) / 3
        assert found.forecast[0, column] ** 2 == pytest.approx(expected, rel=1e-7)


def test_a_fall_raises_the_forecast_more_than_a_rise_of_the_same_size():
    """The leverage term: in a market where falls bring volatility, the sign of the last week matters."""
    from risk_pipeline_tests.support.real_prices import real_returns

    market = real_returns(["SPY"], last="2019-12-31").to_numpy()[-LOOK_BACK:]
    fallen, risen = market.copy(), market.copy()
    fallen[-5:], risen[-5:] = -0.012, 0.012
    assert last(fallen).forecast[0, 0] > 1.1 * last(risen).forecast[0, 0]


def test_har_golden_on_the_ranges_of_the_s_and_p_500():
    """goldens.md 3.4: arch's HARX on Parkinson variances in levels, from our variances and means."""
    import statsmodels.api as sm

    prices = sp500.load()
    variance = 1e4 * parkinson_variance(prices[["High"]].to_numpy(), prices[["Low"]].to_numpy())
    assert variance.mean() == pytest.approx(1.0048986262775819, rel=1e-12)
    regressors = np.column_stack([variance, window_mean(variance, 5), window_mean(variance, 22)])
    fit = sm.OLS(variance[22:, 0], sm.add_constant(regressors[21:-1])).fit(cov_type="HAC", cov_kwds={"maxlags": 21})
    golden = [0.107047811336, 0.168411439252, 0.534054053696, 0.192169927765]
    np.testing.assert_allclose(fit.params, golden, atol=1e-10)
    np.testing.assert_allclose(fit.bse, [0.038712586901, 0.052787445867, 0.088373562018, 0.092123453126], atol=1e-10)
    assert (fit.nobs, fit.rsquared) == (5009, pytest.approx(0.478595001839, abs=1e-11))
    assert fit.predict(np.append(1.0, regressors[-1]))[0] == pytest.approx(2.583403613195, abs=1e-10)
    ahead = window_mean(variance, 5)[26:, 0]  # direct regression on the mean of the next five days
    direct = sm.OLS(ahead, sm.add_constant(regressors[21:-5])).fit()
    golden = [0.155812388359, 0.128375067974, 0.492899390702, 0.226181240055]
    np.testing.assert_allclose(direct.params, golden, atol=1e-10)


def test_har_golden_on_the_vix():
    """goldens.md 3.4: arch's HARX on the bundled VIX, 2014-2019."""
    import statsmodels.api as sm
    from arch.data import vix

    level = vix.load()[["vix"]].dropna().to_numpy()
    regressors = np.column_stack([level, window_mean(level, 5), window_mean(level, 22)])
    fit = sm.OLS(level[22:, 0], sm.add_constant(regressors[21:-1])).fit()
    np.testing.assert_allclose(fit.params, [0.6335117000, 0.9286753343, -0.0317589489, 0.0612488157], atol=1e-9)
    assert (fit.nobs, fit.rsquared) == (1237, pytest.approx(0.8763459750, abs=1e-9))


def test_ranges_are_used_where_they_cover_the_returns_on_the_level_of_the_returns():
    prices = sp500.load()
    returns = prices["Adj Close"].pct_change().to_numpy()[:, None] * np.array([1.0, 1.0, 1.0])
    ranges = parkinson_variance(prices[["High"]].to_numpy(), prices[["Low"]].to_numpy()) * np.array([1.0, 1.0, 7.0])
    ranges[np.random.default_rng(0).random(len(ranges)) < 0.2, 1] = np.nan
    ends = np.arange(LOOK_BACK, len(returns), 50)
    found, plain = estimate_volatility(returns, ends, ranges=ranges), estimate_volatility(returns, ends)
    assert set(found.variance_input[:, 0]) == {"parkinson"}
    assert set(found.variance_input[:, 1]) == {"squared"}
    np.testing.assert_array_equal(found.forecast[:, 1], plain.forecast[:, 1])
    np.testing.assert_allclose(found.forecast[:, 2], found.forecast[:, 0], rtol=1e-9)  # their own level is no matter
    future = np.array([np.sqrt((returns[end + 1 : end + 22, 0] ** 2).mean() * 252) for end in ends[:-1]])
    better = qlike(future**2, found.forecast[:-1, 0] ** 2).mean()
    assert better < qlike(future**2, plain.forecast[:-1, 0] ** 2).mean()


def test_a_constant_series_and_one_that_never_moves_have_no_slope_and_no_error():
    alternating = np.tile([[0.01, 0.0]], (LOOK_BACK, 1)) * np.where(np.arange(LOOK_BACK) % 2, 1, -1)[:, None]
    found = last(alternating)
    assert found.forecast[0, 0] == pytest.approx(0.01 * np.sqrt(252), rel=1e-6)
    assert np.isnan(found.forecast[0, 1])


def test_ewma_weights_sum_to_one_with_mean_age_of_15_67_and_equal_the_recursion():
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
    assert last(returns.to_numpy()[:, None] / 100).ewma[0, 0] ** 2 / 252 * 1e4 == pytest.approx(golden, rel=1e-6)


def test_means_of_windows_are_pandas_s_and_need_two_thirds():
    values = np.random.default_rng(6).gamma(1.0, 1e-4, (500, 1))
    for share in (0.0, 0.3):
        values[np.random.default_rng(7).random(500) < share] = np.nan
        for window, least in ((5, 4), (21, 14), (22, 15)):
            expected = pd.Series(values[:, 0]).rolling(window, min_periods=least).mean()[21:]
            np.testing.assert_allclose(window_mean(values, window)[21:, 0], expected, rtol=1e-13)


def test_the_logarithm_is_numpy_s_to_the_last_bit_but_one():
    rng = np.random.default_rng(8)
    values = np.concatenate([rng.random(4000) * 10.0 ** rng.integers(-300, 300, 4000), 1.0 + rng.normal(0, 1e-6, 4000)])
    found = np.array([natural_log(value) for value in values])
    np.testing.assert_allclose(found, np.log(values), rtol=4e-16, atol=0)
    assert [natural_log(value) for value in (0.0, 1.0)] == [-np.inf, 0.0]
    assert np.isnan([natural_log(value) for value in (np.nan, np.inf)]).all()


def test_ewma_and_percentile_of_a_series_with_gaps_are_numpy_s():
    returns = np.random.default_rng(9).standard_t(4, (LOOK_BACK, 2)) * 0.01
    returns[[-240, -150, -50], 1] = np.nan
    found = last(returns)
    weights = EWMA_DECAY ** np.arange(251, -1, -1.0)
    squares = np.ma.masked_invalid(returns[-252:] ** 2)
    np.testing.assert_allclose(found.ewma[0] ** 2 / 252, np.ma.average(squares, axis=0, weights=weights), rtol=1e-12)
    year = pd.DataFrame(returns).rolling(21).std()[-252:]
    np.testing.assert_array_equal(found.percentile[0], (year <= year.iloc[-1]).sum() / year.notna().sum())
    assert year.notna().sum()[1] < 252


def test_nothing_depends_on_the_batch_to_the_last_bit(returns):
    panel = returns.to_numpy()[:1400, :41].copy()
    panel[1000:1003, 7], panel[:500, 8], panel[-5:, 9], panel[:, 10] = np.nan, np.nan, np.nan, np.nan
    ranges = 0.4 * panel**2 + 1e-6
    ranges[:, 5], ranges[::10, 6] = np.nan, np.nan
    ends = np.array([820, 821, 1100, 1399])
    whole = estimate_volatility(panel, ends, ranges=ranges)
    assert {"parkinson", "squared", None} == set(whole.variance_input.ravel())
    for day, end in enumerate(ends):
        window = slice(end + 1 - LOOK_BACK, end + 1)
        cut = estimate_volatility(panel[window], np.array([LOOK_BACK - 1]), ranges=ranges[window])
        single = estimate_volatility(panel[:, 7:8], np.array([end]), ranges=ranges[:, 7:8])
        for field, values in vars(whole).items():
            np.testing.assert_array_equal(getattr(cut, field)[0], values[day])
            np.testing.assert_array_equal(getattr(single, field)[0, 0], values[day, 7])
    panel[900:950, 2] = np.nan
    gappy = estimate_volatility(panel, ends, ranges=ranges)
    others = np.arange(41) != 2
    for field, values in vars(whole).items():
        np.testing.assert_array_equal(getattr(gappy, field)[:, others], values[:, others])


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


def test_returns_that_are_all_the_same_have_no_trend_of_infinite_strength():
    found = last(np.full((300, 3), [1e-4, 1e-3, 0.0]))
    assert (found.realised_21 < 1e-15).all()
    assert not np.isinf(found.trend_strength).any()


def test_too_little_history_is_nothing_and_not_zero():
    found = last(np.random.default_rng(0).normal(0, 0.01, (20, 2)))
    for field in FIELDS:
        assert np.isnan(getattr(found, field)).all()
    assert found.model[0, 0] is None


def test_value_at_risk_of_iid_normal_returns_is_the_quantile():
    rng = np.random.default_rng(4)
    found = filtered_historical_simulation(rng.normal(0, 0.01, (TAIL_LOOK_BACK, 1500)))
    assert norm.cdf(-found.var_95 / 0.01).mean() == pytest.approx(0.05, rel=0.05)
    assert norm.cdf(-found.var_99 / 0.01).mean() == pytest.approx(0.01, rel=0.12)  # of a thousand, the tenth
    # the filter's own noise is in the surprises and in the volatility that they are scaled by: a little too high
    for value, expected in ((found.es_95, 0.02063), (found.es_99, 0.02665)):
        assert 1.0 < np.mean(value) / expected < 1.11
    assert (found.es_99 >= found.var_99).all()
    assert (found.var_99 >= found.var_95).all()


def test_value_at_risk_follows_present_volatility_and_needs_two_years():
    rng = np.random.default_rng(5)
    quiet = rng.normal(0, 0.01, (600, 1))
    storm = np.vstack([quiet, rng.normal(0, 0.04, (30, 1))])
    assert filtered_historical_simulation(storm).var_99[0] > 2 * filtered_historical_simulation(quiet).var_99[0]
    assert np.isnan(filtered_historical_simulation(quiet[:524]).var_99[0])


def test_a_single_series_has_the_tail_that_it_has_among_others():
    series = np.random.default_rng(7).standard_t(4, (700, 5)) * 0.01
    series[3:9, 0] = np.nan
    together, alone = filtered_historical_simulation(series), filtered_historical_simulation(series[:, :1])
    for name, value in vars(alone).items():
        assert value[0] == getattr(together, name)[0]


def test_value_at_risk_is_numpy_s_quantile_of_the_surprises():
    """By hand from the recursion: arithmetic on one series, with a gap and a stretch that hardly moves."""
    series = np.random.default_rng(8).standard_t(4, TAIL_LOOK_BACK) * 0.01
    series[200:203] = np.nan
    series[700:900] *= 1e-4
    fast = slow = np.mean(series[:21] ** 2)
    surprises = []
    for row, value in enumerate(series):
        year = series[max(row - 252, 0) : row]
        floor = 0.01 * np.nanmean(year**2) if row else 0.0
        surprises.append(value / np.sqrt(max((fast + slow) / 2, floor)))
        if not np.isnan(value):
            fast = 0.8 * fast + 0.2 * value**2 * (1.75 if value < 0 else 0.25)
            slow = 0.97 * slow + 0.03 * value**2
    variance = (fast + slow) / 2
    known = np.array(surprises[-WINDOW:])
    known = known[~np.isnan(known)]
    found = filtered_historical_simulation(series[:, None])
    cut = np.quantile(known, 0.01)
    assert found.var_99[0] == pytest.approx(-cut * np.sqrt(variance), rel=1e-12)
    assert found.es_99[0] == pytest.approx(-known[known <= cut].mean() * np.sqrt(variance), rel=1e-12)


def test_the_first_return_after_a_stretch_without_movement_is_no_surprise_of_thousands():
    """Without the floor an expected shortfall of 85,418 % of NAV was printed for a long book."""
    rng = np.random.default_rng(10)
    series = rng.normal(0.0, 0.02, (TAIL_LOOK_BACK, 2))
    series[500:740, 0] = rng.normal(0.0, 1e-9, 240)
    found = filtered_historical_simulation(series)
    assert found.es_99[0] < 4 * found.es_99[1]


def test_a_loss_raises_value_at_risk_far_more_than_a_gain():
    """Of the squared return on the day after: (.2 x 1.75 + .03) / (.2 x .25 + .03)."""
    quiet = np.random.default_rng(11).normal(0, 0.01, (TAIL_LOOK_BACK, 3))
    quiet[:, 1] = quiet[:, 2] = quiet[:, 0]
    quiet[-1] = 0.0, 0.06, -0.06
    calm, gain, loss = filtered_historical_simulation(quiet).var_95 ** 2
    assert (loss - calm) / (gain - calm) == pytest.approx(4.75, rel=0.1)


def test_goldens_of_what_each_loss_is_least_at():
    """goldens.md 3.4 (Patton 2011): with a squared normal return as the proxy only MSE and QLIKE are least at 1."""
    from scipy.optimize import minimize_scalar

    proxy = np.random.default_rng(9).normal(size=2_000_000) ** 2
    logs, roots = np.log(proxy).mean(), np.sqrt(proxy).mean()
    inverse = np.quantile(proxy, 0.5)
    assert proxy.mean() == pytest.approx(1.0, abs=0.005)  # MSE and QLIKE
    assert np.exp(logs) == pytest.approx(0.2807, abs=0.002)  # MSE of logs
    assert roots**2 == pytest.approx(0.6366, abs=0.003)  # MSE of roots
    assert inverse == pytest.approx(0.4549, abs=0.003)  # MAE, and MAE of roots: the median in both
    assert (proxy**2).mean() / proxy.mean() == pytest.approx(3.0, abs=0.03)  # HMSE
    share = minimize_scalar(lambda h: np.mean(np.abs(proxy[:200_000] / h - 1)), bounds=(1, 5), method="bounded")
    assert share.x == pytest.approx(2.3660, abs=0.02)  # HMAE
    found = minimize_scalar(lambda h: np.mean(qlike(proxy, np.full(1, h))), bounds=(0.3, 3), method="bounded")
    assert found.x == pytest.approx(1.0, abs=0.005)


def test_qlike_is_zero_for_a_perfect_forecast_and_least_at_the_truth():
    """Patton (2011): with a squared normal return as the proxy, expected QLIKE is least at the variance, 1."""
    assert qlike(np.array([2.0]), np.array([2.0]))[0] == 0
    proxy = np.random.default_rng(6).normal(size=400_000) ** 2
    grid = np.linspace(0.6, 1.4, 41)
    losses = pd.Series([np.mean(qlike(proxy, np.full(proxy.shape, h))) for h in grid], index=grid)
    assert losses.idxmin() == pytest.approx(1.0, abs=0.03)
