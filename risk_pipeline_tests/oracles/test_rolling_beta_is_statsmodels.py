"""Every number of a rolling beta against statsmodels' OLS on the window's own pairs."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from statsmodels.datasets import macrodata

from risk_pipeline.analytics.kernels.newey_west import newey_west_lag
from risk_pipeline.analytics.rolling_beta import rolling_beta

LEGS = [(90, 60, "SPY", None), (90, 60, "TLT", None), (180, 60, "VUG", "VTV"), (252, 120, "MTUM", "SPY")]


def oracle(y, x):
    pair = ~(np.isnan(y) | np.isnan(x))
    lag = newey_west_lag(int(pair.sum()))
    return sm.OLS(y[pair], sm.add_constant(x[pair])).fit(cov_type="HAC", cov_kwds={"maxlags": lag})


def close(found, expected):
    return abs(found - expected) <= 1e-10 * max(1.0, abs(expected))


@pytest.mark.parametrize(("window", "minimum", "long", "short"), LEGS)
def test_a_random_sample_of_windows_equals_statsmodels(market_returns, window, minimum, long, short):
    """At least 2,000 pairs of (symbol, window) over the four legs, to 1e-10."""
    rng = np.random.default_rng(window)
    panel, names = market_returns.to_numpy(), list(market_returns.columns)
    factor = panel[:, names.index(long)] - (panel[:, names.index(short)] if short else 0.0)
    ends = rng.choice(np.arange(40, len(panel)), 60, replace=False)
    found = rolling_beta(panel, factor, ends, window=window, min_observations=minimum)
    compared = gappy = missing = 0
    for day, end in enumerate(ends):
        rows = slice(max(end + 1 - window, 0), end + 1)
        for column in rng.choice(len(names), 12, replace=False):
            y, x = panel[rows, column], factor[rows]
            count = int((~(np.isnan(y) | np.isnan(x))).sum())
            assert found.observations[day, column] == count
            if count < minimum:
                assert np.isnan(found.beta[day, column])
                assert np.isnan(found.std_error[day, column])
                missing += 1
                continue
            expected = oracle(y, x)
            assert close(found.beta[day, column], expected.params[1])
            assert close(found.std_error[day, column], expected.bse[1])
            assert close(found.r_squared[day, column], expected.rsquared)
            if expected.bse[1] > 1e-10:  # not the factor on itself
                assert close(found.t_stat[day, column], expected.tvalues[1])
            compared += 1
            gappy += count < window
    assert compared >= 500
    assert gappy > 20
    assert missing > 0


def test_full_windows_with_hardly_any_residual_equal_statsmodels():
    """Trackers, big means and outliers: where sums of products would lose their digits."""
    rng = np.random.default_rng(4)
    x = rng.normal(0, 0.01, 400)
    noise = rng.normal(0, 1, (400, 40))
    panel = x[:, None] * rng.normal(1, 0.2, 40) + noise * 10.0 ** np.linspace(-9, 0, 40)
    panel[:, ::4] += 10.0 ** np.arange(-5, 5)
    panel[350, 1::4] = 10.0 ** np.arange(-5, 5)
    found = rolling_beta(panel, x, np.array([120, 360, 399]), window=90, min_observations=60)
    for day, end in enumerate((120, 360, 399)):
        for column in range(40):
            expected = oracle(panel[end - 89 : end + 1, column], x[end - 89 : end + 1])
            size = max(abs(expected.params[1]), expected.bse[1])
            assert abs(found.beta[day, column] - expected.params[1]) < 1e-9 * size
            assert (
                abs(found.std_error[day, column] / expected.bse[1] - 1.0) < 1e-6
            )  # their means are 1e8 times the noise
            assert abs(found.r_squared[day, column] - expected.rsquared) < 1e-8


def test_a_factor_on_itself_is_one_without_error(market_returns):
    spy = market_returns["SPY"].to_numpy()
    found = rolling_beta(spy[:, None], spy, np.array([500]), window=90, min_observations=60)
    assert found.beta[0, 0] == pytest.approx(1.0, abs=1e-12)
    assert found.std_error[0, 0] == pytest.approx(0.0, abs=1e-12)
    assert found.r_squared[0, 0] == pytest.approx(1.0, abs=1e-12)


def test_hac_golden_of_stata():
    """Stata: ``newey realinv_growth realgdp_growth realint, lag(4)``, as in statsmodels' tests.

    Its regression has two factors; by Frisch and Waugh ours on what the second leaves of both is the same, and
    Stata multiplies by ``n / (n - 3)``.
    """
    data = macrodata.load_pandas().data
    growth = 400.0 * np.diff(np.log(data[["realinv", "realgdp"]].to_numpy()), axis=0)
    rates = data["realint"].to_numpy()[:-1]
    for which, beta, std_error in ((0, 4.3742216647032, 0.33125644884286), (1, -0.61399696947899, 0.29582347593197)):
        factors = [growth[:, 1], rates]
        other = np.column_stack([np.ones(len(rates)), factors.pop(1 - which)])
        y, x = (a - other @ np.linalg.lstsq(other, a, rcond=None)[0] for a in (growth[:, 0], factors[0]))
        found = rolling_beta(y[:, None], x, np.array([201]), window=202, min_observations=202)
        assert newey_west_lag(202) == 4
        assert found.beta[0, 0] == pytest.approx(beta, abs=1e-11)
        assert found.std_error[0, 0] * np.sqrt(202 / 199) == pytest.approx(std_error, abs=1e-12)
