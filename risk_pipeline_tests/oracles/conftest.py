"""Daily returns for the oracles: real prices and the simulated market."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from risk_pipeline_tests.support.real_prices import PROXIES, real_prices
from risk_pipeline_tests.support.simulated_prices import simulated_prices


@pytest.fixture(scope="session", params=["real", "simulated"])
def market_returns(request) -> pd.DataFrame:
    """Sessions x symbols, 2014-2022: gaps in every ninth symbol, every tenth listed late; real series end early too."""
    wide = real_prices() if request.param == "real" else simulated_prices("2014-01-02", "2022-12-30")
    rng = np.random.default_rng(20)
    for symbol in wide.columns[::9]:
        wide.loc[wide.index[rng.random(len(wide)) < 0.03], symbol] = np.nan
    for place, symbol in enumerate(wide.columns.difference(PROXIES)[::10]):
        wide.loc[wide.index[: 300 * (place + 1)], symbol] = np.nan
    return wide / wide.shift(1) - 1.0
