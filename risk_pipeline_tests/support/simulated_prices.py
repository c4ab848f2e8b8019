"""Closes of the simulated market as a table."""

from __future__ import annotations

from functools import cache

import pandas as pd

from risk_pipeline.market.simulated import SimulatedMarket


@cache
def _closes(first: str, last: str) -> pd.DataFrame:
    market = SimulatedMarket()
    sessions = pd.DatetimeIndex(pd.bdate_range(first, last).astype("datetime64[s]"))
    return market.fetch(market.symbols, sessions).bars.set_index(["session", "symbol"])["close"].unstack()


def simulated_prices(first: str, last: str) -> pd.DataFrame:
    """Return closes in USD on every weekday, weekdays x symbols."""
    return _closes(first, last).copy()


def simulated_returns(first: str, last: str) -> pd.DataFrame:
    """Return simple daily returns, weekdays x symbols; NaN on the first weekday."""
    wide = simulated_prices(first, last)
    return wide / wide.shift(1) - 1.0
