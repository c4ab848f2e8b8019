"""The demo's trades, options, private assets and flows as rows of the import files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import zip_longest
from typing import Any

import numpy as np

from ..analytics.options import black_scholes
from ..market.simulated import SimulatedMarket
from ..market.simulated_paths import Paths

INCEPTION = date(2024, 1, 3)
LAST_YEAR = 2035
YEARS = range(INCEPTION.year, LAST_YEAR + 1)

BOOK_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "portfolios": ("portfolio_id", "name", "currency", "inception_date", "closed_date", "starting_equity", "benchmark"),
    "positions": (
        "position_id",
        "portfolio_id",
        "symbol",
        "investment_class",
        "quantity",
        "entry_date",
        "entry_price",
        "exit_date",
        "exit_price",
        "underlying",
        "option_type",
        "strike",
        "expiry",
        "implied_volatility",
    ),
    "flows": ("portfolio_id", "flow_date", "amount"),
    "marks": ("symbol", "mark_date", "price"),
}
"""Columns of each file, in order; an empty cell is "none"."""

_RATE = 0.02  # of the premiums paid


@dataclass
class DemoBooks:
    """The rows of the four files while they are made."""

    paths: Paths = field(default_factory=lambda: SimulatedMarket().paths)
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {name: [] for name in BOOK_COLUMNS})
    lots_of: Counter[str] = field(default_factory=Counter)

    def open(self, portfolio: str, name: str, equity: float, benchmark: str | None = None) -> None:
        """Add a portfolio, with the symbol that it is compared with."""
        self.rows["portfolios"].append(
            {
                "portfolio_id": portfolio,
                "name": name,
                "currency": "USD",
                "inception_date": INCEPTION.isoformat(),
                "starting_equity": equity,
                "benchmark": benchmark,
            }
        )

    def price(self, symbol: str, day: date) -> float:
        """Return the close of a day; of a day without trade, the one before."""
        paths = self.paths
        column = paths.symbols.index(symbol)
        upto = int(np.searchsorted(paths.days, np.datetime64(day), side="right"))
        return float(paths.close[:upto, column][paths.has_bar[:upto, column]][-1])

    def position(self, portfolio: str, symbol: str, kind: str, quantity: float, **values: object) -> None:
        """Add a lot with the next id of its portfolio."""
        self.lots_of[portfolio] += 1
        row = {
            "position_id": f"{portfolio}-{self.lots_of[portfolio]:04d}",
            "portfolio_id": portfolio,
            "symbol": symbol,
            "investment_class": kind,
            "quantity": quantity,
            **values,
        }
        self.rows["positions"].append(
            {name: value.isoformat() if isinstance(value, date) else value for name, value in row.items()}
        )

    def lot(
        self,
        portfolio: str,
        symbol: str,
        dollars: float,
        start: date,
        end: date | None = None,
        *,
        at_close: bool = True,
    ) -> None:
        """Enter shares worth about ``dollars`` (negative: short) at the close of a session.

        ``at_close`` leaves the exit price empty, which means the close of the exit date.
        """
        price = self.price(symbol, start)
        exit_price = self.price(symbol, end) if end and not at_close else None
        self.position(
            portfolio,
            symbol,
            "PUBLIC",
            float(round(dollars / price)),
            entry_date=start,
            entry_price=price,
            exit_date=end,
            exit_price=exit_price,
        )

    def hold(self, portfolio: str, dollars: Mapping[str, float]) -> None:
        """Enter a lot of each at inception and keep it."""
        for symbol, amount in dollars.items():
            self.lot(portfolio, symbol, amount, INCEPTION)

    def rebalance(self, portfolio: str, dollars: Mapping[str, float]) -> None:
        """Rebalance each symbol to its dollars every January: out of one lot, into the next."""
        days = [weekday_from(date(year, 1, 3), 2) for year in YEARS]  # a Wednesday and no holiday
        for start, end in zip_longest(days, days[1:]):
            for symbol, amount in dollars.items():
                self.lot(portfolio, symbol, amount, start, end)

    def option(
        self,
        portfolio: str,
        underlying: str,
        option_type: str,
        moneyness: float,
        contracts: float,
        life: tuple[date, date],
        volatility: float,
        *,
        is_quoted: bool = False,
        sold: date | None = None,
    ) -> None:
        """Enter option contracts at a model premium; ``sold`` before expiry or kept until then.

        ``life`` is entry and expiry. The volatility is part of the file only if it ``is_quoted``.
        """
        start, expiry = life
        strike = float(max(round(self.price(underlying, start) * moneyness / 5), 1) * 5)

        def premium(day: date) -> float:
            value = black_scholes(
                np.array([self.price(underlying, day)]),
                np.array([strike]),
                np.array([(expiry - day).days / 365.25]),
                _RATE,
                np.array([volatility]),
                np.array([option_type == "CALL"]),
            )
            return round(float(value.price[0]), 2)

        self.position(
            portfolio,
            f"{underlying}{expiry:%y%m%d}{option_type[0]}{round(strike * 1000):08d}",
            "OPTIONS",
            float(contracts),
            entry_date=start,
            entry_price=premium(start),
            exit_date=sold,
            exit_price=premium(sold) if sold else None,
            underlying=underlying,
            option_type=option_type,
            strike=strike,
            expiry=expiry,
            implied_volatility=volatility if is_quoted else None,
        )

    def private(
        self,
        portfolio: str,
        symbol: str,
        dollars: float,
        *,
        growth: float,
        sold: date | None = None,
        proceeds: float = 1.0,
    ) -> None:
        """Enter 1,000 units of something without a market price, marked at each quarter's end."""
        cost = dollars / 1_000
        self.position(
            portfolio,
            symbol,
            "PRIVATE",
            1_000.0,
            entry_date=INCEPTION,
            entry_price=cost,
            exit_date=sold,
            exit_price=cost * proceeds if sold else None,
        )
        quarters = [date(year, month, 28) for year in YEARS for month in (3, 6, 9, 12)]
        for quarter, day in enumerate(quarters if sold is None else [], start=1):
            wave = 0.03 * np.sin(0.9 * quarter + len(symbol))
            price = round(float(cost * np.exp(growth * quarter / 4 + wave)), 2)
            self.rows["marks"].append({"symbol": symbol, "mark_date": day.isoformat(), "price": price})

    def flow(self, portfolio: str, day: date, amount: float) -> None:
        """Pay in (positive) or out."""
        row = {"portfolio_id": portfolio, "flow_date": day.isoformat(), "amount": amount}
        self.rows["flows"].append(row)


def weekday_from(earliest: date, weekday: int) -> date:
    """Return the first such weekday (Monday is 0) on or after a day."""
    return earliest + timedelta(days=(weekday - earliest.weekday()) % 7)
