"""Who is in the simulated market: the companies and funds of ``simulated_universe.csv``, and their loadings.

In the file ``price`` is the close of the reference session in 2024, ``growth`` the yearly growth of the
logarithm of wealth, ``beta`` the market beta of a simple regression, ``missing`` the share of sessions
without a trade; ``splits`` are ``day:new shares per old``.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..analytics.arrays import Float1D

FACTORS: Mapping[str, float] = {
    "market": 0.16,
    "rates": 0.127,
    "value": 0.10,
    "momentum": 0.075,
    "size": 0.09,
    "quality": 0.035,
    "low_volatility": 0.05,
    "broad_dollar": 0.07,
}
"""Annual volatility; `rates` is the return of long bonds. Styles are in excess of the market."""

STOCKS_WITH_BONDS = -0.2
"""Correlation of market and rates."""

SECTOR_VOLATILITY = 0.07

_FUNDS: Mapping[str, Mapping[str, float]] = {
    "SPY": {},
    "TLT": {"rates": 1.0},
    "VTV": {"value": 0.5},
    "VUG": {"value": -0.5},
    "MTUM": {"momentum": 1.0},
    "QUAL": {"quality": 1.0},
    "IWM": {"size": 1.0},
    "USMV": {"low_volatility": 1.0, "rates": 0.08},
    "HYG": {"rates": 0.10},
    "DBC": {"rates": -0.15, "broad_dollar": -0.5},
    "GLD": {"rates": 0.35, "broad_dollar": -0.8},
    "UUP": {"broad_dollar": 1.0},
    "BIL": {},
}
_PAIRS: Mapping[str, Mapping[str, float]] = {
    "EURUSD=X": {"broad_dollar": -0.95},
    "GBPUSD=X": {"broad_dollar": -0.85},
    "USDJPY=X": {"broad_dollar": 0.7, "rates": -0.25},
    "USDCHF=X": {"broad_dollar": 0.85},
}
"""Currency pairs, in Yahoo's spelling: the price of the first currency in the second."""

SECTOR_FUNDS: Mapping[str, str] = {
    "XLK": "Technology",
    "XLC": "Communication Services",
    "XLY": "Consumer Discretionary",
    "XLP": "Consumer Staples",
    "XLV": "Health Care",
    "XLF": "Financials",
    "XLI": "Industrials",
    "XLE": "Energy",
    "XLU": "Utilities",
    "XLRE": "Real Estate",
    "XLB": "Materials",
}
SECTORS: Mapping[str, Mapping[str, float]] = {
    "Technology": {"rates": 0.02, "value": -0.45, "quality": 0.3, "momentum": 0.2, "low_volatility": -0.4},
    "Communication Services": {"rates": 0.0, "value": -0.15, "low_volatility": -0.1},
    "Consumer Discretionary": {"rates": 0.0, "value": -0.2, "low_volatility": -0.2},
    "Consumer Staples": {"rates": 0.10, "value": 0.15, "quality": 0.3, "low_volatility": 0.7},
    "Health Care": {"rates": 0.05, "value": 0.05, "quality": 0.2, "low_volatility": 0.45},
    "Financials": {"rates": -0.35, "value": 0.5, "low_volatility": -0.1},
    "Industrials": {"rates": -0.10, "value": 0.25, "low_volatility": 0.0},
    "Energy": {"rates": -0.25, "value": 0.6, "quality": -0.3, "low_volatility": -0.2},
    "Utilities": {"rates": 0.35, "value": 0.2, "low_volatility": 0.8},
    "Real Estate": {"rates": 0.35, "value": 0.1, "low_volatility": 0.4},
    "Materials": {"rates": -0.05, "value": 0.3, "low_volatility": -0.1},
}
_OWN_SPREAD: Mapping[str, float] = dict.fromkeys(FACTORS, 0.12) | {"rates": 0.03, "broad_dollar": 0.0}
"""Standard deviation of a symbol's loadings around its sector's."""
_COMMODITIES_WITH_ENERGY = 1.2
"""Loading of the commodity fund on the shock of the energy sector."""


@dataclass(frozen=True)
class Company:
    """One row of the universe."""

    symbol: str
    name: str
    sector: str
    beta: float
    size: float
    specific_volatility: float
    price: float
    dividend_yield: float
    growth: float
    first: str
    last: str
    missing: float
    splits: Mapping[str, float]

    @property
    def is_fund(self) -> bool:
        """Return whether it is a fund, which has no profile of a company's kind."""
        return self.symbol in _FUNDS or self.symbol in SECTOR_FUNDS

    @property
    def is_pair(self) -> bool:
        """Return whether it is a currency pair: no dividends, no volume, quoted to four decimals."""
        return self.symbol in _PAIRS


def universe() -> list[Company]:
    """Return the companies and funds, sorted by symbol."""
    path = Path(__file__).with_name("simulated_universe.csv")
    with path.open(encoding="utf-8", newline="") as file:
        rows = [
            Company(
                symbol=row["symbol"],
                name=row["name"],
                sector=row["sector"],
                beta=float(row["beta"]),
                size=float(row["size"]),
                specific_volatility=float(row["specific_volatility"]),
                price=float(row["price"]),
                dividend_yield=float(row["dividend_yield"]),
                growth=float(row["growth"]),
                first=row["first"],
                last=row["last"],
                missing=float(row["missing"]),
                splits=dict(_split(item) for item in row["splits"].split(";") if item),
            )
            for row in csv.DictReader(file)
        ]
    return sorted(rows, key=lambda company: company.symbol)


def _split(item: str) -> tuple[str, float]:
    day, factor = item.split(":")
    return day, float(factor)


def stream(seed: int, name: str) -> np.random.Generator:
    """Return the random stream of one name: the same whatever else is drawn."""
    return np.random.default_rng([seed, *name.encode()])


def loadings_of(seed: int, company: Company) -> Float1D:
    """Return loadings on the independent shocks: factors, then sectors."""
    factors, sectors = dict.fromkeys(FACTORS, 0.0), dict.fromkeys(SECTORS, 0.0)
    if company.symbol in SECTOR_FUNDS:
        own_sector = SECTOR_FUNDS[company.symbol]
        factors |= SECTORS[own_sector]
        sectors[own_sector] = 1.0
    elif company.is_fund or company.is_pair:
        factors |= _FUNDS.get(company.symbol) or _PAIRS.get(company.symbol, {})
        sectors["Energy"] = _COMMODITIES_WITH_ENERGY * (company.symbol == "DBC")
    else:
        factors |= SECTORS[company.sector]
        draws = stream(seed, f"loadings {company.symbol}").standard_normal(len(FACTORS))
        for name, draw in zip(FACTORS, draws, strict=True):
            factors[name] += _OWN_SPREAD[name] * draw
        factors["size"] += company.size
        sectors[company.sector] = 1.0
    rates = factors["rates"]
    through_bonds = STOCKS_WITH_BONDS * FACTORS["rates"] / FACTORS["market"]
    factors["market"] = company.beta + (through_bonds * rates if company.symbol == "TLT" else 0.0)
    factors["rates"] = rates * np.sqrt(1 - STOCKS_WITH_BONDS**2)
    return np.array([*(factors[name] for name in FACTORS), *(sectors[name] for name in SECTORS)])
