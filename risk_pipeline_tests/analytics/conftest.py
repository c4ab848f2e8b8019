"""Return panels for the kernels: real prices and the simulated market."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from risk_pipeline_tests.support.real_prices import PROXIES, real_returns
from risk_pipeline_tests.support.simulated_prices import simulated_returns


@pytest.fixture(scope="session", params=["real", "simulated"])
def returns(request) -> pd.DataFrame:
    """Daily total returns, sessions x symbols, 2015-2020, with gaps and short histories put in."""
    source = real_returns if request.param == "real" else simulated_returns
    frame = source(first="2015-01-02", last="2020-12-31")
    others = [symbol for symbol in frame.columns if symbol not in PROXIES]
    rng = np.random.default_rng(5)
    for symbol in others[::7]:  # gaps
        frame.loc[frame.index[rng.choice(len(frame), 60, replace=False)], symbol] = np.nan
    for number, symbol in enumerate(others[::11]):  # listed late
        frame.loc[frame.index[: 300 + 40 * (number % 20)], symbol] = np.nan
    return frame


@pytest.fixture(scope="session")
def core(returns) -> np.ndarray:
    """The eight core factors, sessions x factors."""
    from risk_pipeline.analytics.factor_returns import relative_factors

    proxies = returns[list(PROXIES)].to_numpy()
    return relative_factors(proxies[:, 0], proxies[:, 1], proxies[:, 2:])
