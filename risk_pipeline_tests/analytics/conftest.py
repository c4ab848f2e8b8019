"""Return panels for the kernels: real prices where they are, the simulated market elsewhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

REAL = Path(__file__).parents[3] / "shared" / "data" / "real_prices" / "prices_2010-01-04_2023-02-27.parquet"
PROXIES = ["SPY", "TLT", "VTV", "VUG", "MTUM", "QUAL", "IWM", "USMV"]


@pytest.fixture(scope="session")
def returns() -> pd.DataFrame:
    """Daily total returns, sessions x symbols, 2015-2020, with gaps and short histories put in."""
    if REAL.exists():
        prices = pd.read_parquet(REAL)
        wide = prices.set_index(["date", "symbol"])["adj_close"].unstack()
        wide.index = pd.to_datetime(wide.index)
        wide = wide.loc["2015-01-02":"2020-12-31"]
    else:
        from risk_pipeline.market.simulated import SimulatedMarket

        market = SimulatedMarket()
        days = pd.DatetimeIndex(pd.bdate_range("2015-01-02", "2020-12-31").astype("datetime64[s]"))
        wide = market.fetch(market.symbols, days).bars.set_index(["session", "symbol"])["close"].unstack()
    frame = wide / wide.shift(1) - 1.0
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
    from risk_pipeline.analytics.core_factors import relative_factors

    proxies = returns[PROXIES].to_numpy()
    return relative_factors(proxies[:, 0], proxies[:, 1], proxies[:, 2:])
