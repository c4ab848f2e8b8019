"""Real adjusted closes of 2014 to 2022, 70 US funds and stocks; see ``data/README.md``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pandas as pd

PATH = Path(__file__).parents[1] / "data" / "real_prices.parquet"
PROXIES = ("SPY", "TLT", "VTV", "VUG", "MTUM", "QUAL", "IWM", "USMV")
"""The funds that the core factors are made of, in the factors' order."""


@cache
def _closes() -> pd.DataFrame:
    rows = pd.read_parquet(PATH)
    wide = rows.pivot(index="date", columns="symbol", values="adj_close")
    wide.index = pd.DatetimeIndex(wide.index)
    return wide


def real_prices(
    symbols: Sequence[str] | None = None, first: str | None = None, last: str | None = None
) -> pd.DataFrame:
    """Return adjusted closes in USD, sessions x symbols, first and last session included.

    NaN before a listing and after a series ends; there is no gap between. Without ``symbols`` all of them, A to Z.
    """
    wide = _closes().loc[first:last]
    return wide[list(symbols)].copy() if symbols is not None else wide.copy()


def real_returns(
    symbols: Sequence[str] | None = None, first: str | None = None, last: str | None = None
) -> pd.DataFrame:
    """Return simple daily total returns, sessions x symbols; NaN on the first session and where a close is missing."""
    wide = real_prices(symbols, first, last)
    return wide / wide.shift(1) - 1.0
