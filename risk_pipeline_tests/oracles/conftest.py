"""Daily returns for the oracles: real prices where they are, the simulated market elsewhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

REAL = Path(__file__).parents[3] / "shared" / "data" / "real_prices" / "prices_2010-01-04_2023-02-27.parquet"


@pytest.fixture(scope="session")
def real_returns() -> pd.DataFrame:
    """Sessions x symbols, 2012-2022, as they are: late listings and early ends; every ninth symbol with gaps."""
    if REAL.exists():
        prices = pd.read_parquet(REAL)
        wide = prices.set_index(["date", "symbol"])["adj_close"].unstack()
        wide.index = pd.to_datetime(wide.index)
        wide = wide.loc["2012-01-03":"2022-12-30"]
    else:
        from risk_pipeline.market.simulated import SimulatedMarket

        market = SimulatedMarket()
        days = pd.DatetimeIndex(pd.bdate_range("2012-01-03", "2022-12-30").astype("datetime64[s]"))
        wide = market.fetch(market.symbols, days).bars.set_index(["session", "symbol"])["close"].unstack()
    rng = np.random.default_rng(20)
    for symbol in wide.columns[::9]:
        wide.loc[wide.index[rng.random(len(wide)) < 0.03], symbol] = np.nan
    frame = wide / wide.shift(1) - 1.0
    assert {"SPY", "TLT", "VUG", "VTV", "MTUM"} <= set(frame.columns)
    return frame
