"""A cash account walked day by day, the other way to a portfolio's equity, in a random market."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from risk_pipeline.analytics.conversion import Conversion
from risk_pipeline.analytics.lot_values import LotMarket
from risk_pipeline.analytics.lots import InvestmentClass, Lots, SplitAdjusted, private_prices
from risk_pipeline.analytics.options import black_scholes
from risk_pipeline.analytics.valuation import Accounts, value_book

DATES = np.arange("2025-03-03", "2025-06-01", dtype="datetime64[D]")
DATES = DATES[np.is_busday(DATES)]
NAT, NONE, RATE = np.datetime64("NaT", "D"), np.nan, 0.02


def lots(rows: list[dict]) -> Lots:
    """Lots from dicts; what is left out is a public share of the first portfolio and symbol."""
    default = {
        "portfolio": 0,
        "symbol": 0,
        "name": 0,
        "kind": InvestmentClass.PUBLIC,
        "quantity": 1.0,
        "entry_date": DATES[0],
        "entry_price": 1.0,
        "exit_date": NAT,
        "exit_price": NONE,
        "is_call": False,
        "strike": NONE,
        "expiry": NAT,
        "implied_volatility": NONE,
        "contract_size": NONE,
        "fees": NONE,
        "exit_fees": NONE,
        "is_american": False,
        "proxy": -1,
        "proxy_beta": NONE,
    }
    filled = [{**default, **row} for row in rows]
    kinds = dict.fromkeys(("portfolio", "symbol", "name", "kind", "proxy"), np.int64)
    kinds |= dict.fromkeys(("is_call", "is_american"), bool)
    kinds |= dict.fromkeys(("entry_date", "exit_date", "expiry"), "datetime64[D]")
    return Lots(**{key: np.array([row[key] for row in filled], dtype=kinds.get(key, float)) for key in default})


def accounts(count: int = 1, equity: float = 1000.0, flows=()) -> Accounts:
    columns = list(zip(*flows, strict=True)) or [(), (), ()]
    return Accounts(
        np.full(count, equity),
        np.full(count, DATES[0]),
        np.full(count, NAT),
        *(np.array(c, dtype=k) for c, k in zip(columns, (np.int64, "datetime64[D]", float), strict=True)),
    )


NO_MARKS = tuple(np.array([], dtype=kind) for kind in (np.int64, "datetime64[D]", float))


def value(
    held: Lots,
    close,
    *,
    dividend=None,
    split=None,
    ends=None,
    owner=None,
    volatility=None,
    marks=NO_MARKS,
    conversion=None,
    refused=None,
):
    close = np.asarray(close, dtype=float)
    dividend = np.zeros(close.shape) if dividend is None else dividend
    split = np.ones(close.shape) if split is None else split
    ends = np.arange(len(close)) if ends is None else np.asarray(ends)
    volatility = np.full((len(ends), close.shape[1]), np.nan) if volatility is None else volatility
    market = LotMarket(
        *(DATES[: len(close)], SplitAdjusted.of(close, split), dividend, ends, volatility),
        private_price=private_prices(held, DATES[ends], *marks),
        rate=np.full(len(ends), RATE),
        conversion=Conversion.none(len(held.portfolio)) if conversion is None else conversion,
    )
    return value_book(held, owner or accounts(), market, is_refused=refused)


@dataclass
class Market:
    """A random market, the lots of one portfolio in it, its flows, and marks of its private asset."""

    held: Lots
    close: np.ndarray
    dividend: np.ndarray
    split: np.ndarray
    flows: list
    marks: tuple

    def value(self, **changes):
        given = {"dividend": self.dividend, "split": self.split, "owner": accounts(flows=self.flows)}
        return value(self.held, self.close, marks=self.marks, **{**given, **changes})


class Walker:
    """One lot, walked day by day with a cash account beside it: split, dividend, exit or expiry, entry, mark."""

    def __init__(self, market: Market, lot: int) -> None:
        self.market = market
        for name, values in vars(market.held).items():
            setattr(self, name, values[lot])
        self.state, self.units, self.ratio, self.spot, self.cash = "before", 0.0, 1.0, np.nan, 0.0
        usual = 100.0 if self.kind == InvestmentClass.OPTIONS else 1.0
        self.multiplier = usual if np.isnan(self.contract_size) else self.contract_size
        in_time = np.isnat(self.expiry) or self.exit_date <= self.expiry
        self.is_sold = not np.isnan(self.exit_price) and bool(in_time)

    def price(self, day: int) -> float:
        if self.kind == InvestmentClass.PRIVATE:
            _, dates, prices = self.market.marks
            known = prices[(dates >= self.entry_date) & (dates <= DATES[day])]
            return known[-1] if len(known) else self.entry_price
        if self.kind == InvestmentClass.PUBLIC:
            return self.spot
        years = (self.expiry - DATES[day]).astype(int) / 365
        arrays = (np.array([x]) for x in (self.spot, self.strike / self.ratio, years))
        worth = black_scholes(
            *arrays, RATE, np.array([self.implied_volatility]), np.array([self.is_call]), self.dividend_yield(day)
        )
        return worth.price[0]

    def dividend_yield(self, day: int) -> float:
        """The dividends of all sessions so far, fewer than a year's, on the spot; splits make them smaller."""
        market, n = self.market, self.symbol
        paid = sum(market.dividend[s, n] / np.prod(market.split[s : day + 1, n]) for s in range(1, day + 1))
        return np.log1p(paid / self.spot)

    def close_out(self, price: float) -> None:
        self.cash += self.units * price
        self.units, self.state = 0.0, "over"

    def settle(self) -> None:
        gain = self.spot - self.strike / self.ratio
        self.close_out(max(gain if self.is_call else -gain, 0.0))

    def step(self, day: int) -> float:
        market, n = self.market, self.symbol
        if self.state == "held" and self.expiry < DATES[day] and not self.is_sold:
            self.settle()  # it expired on a closed day, at the price before
        if self.state == "held" and n >= 0:
            if self.kind == InvestmentClass.PUBLIC:
                self.cash += self.units * market.dividend[day, n]
            self.units, self.spot = self.units * market.split[day, n], self.spot / market.split[day, n]
            self.ratio *= market.split[day, n]
            if not np.isnan(market.close[day, n]):
                self.spot = market.close[day, n]
        if self.state == "held" and self.expiry == DATES[day] and not self.is_sold:
            self.settle()
        if self.state == "held" and self.exit_date <= DATES[day]:
            self.close_out(self.price(day) if np.isnan(self.exit_price) else self.exit_price)
            self.cash -= np.nan_to_num(self.exit_fees)
        if self.state == "before" and self.entry_date <= DATES[day]:
            self.state, self.units = "held", self.quantity * self.multiplier
            self.cash -= self.units * self.entry_price + np.nan_to_num(self.fees)
            if n >= 0:
                fallback = self.strike if self.kind == InvestmentClass.OPTIONS else self.entry_price
                self.spot = fallback if np.isnan(market.close[day, n]) else market.close[day, n]
        return self.cash + (self.units * self.price(day) if self.state == "held" else 0.0)


def walk(market: Market, equity: float) -> np.ndarray:
    """Return what the portfolio is worth on each day, from its cash account."""
    walkers = [Walker(market, lot) for lot in range(len(market.held.quantity))]
    out = []
    for day in range(len(market.close)):
        paid_in = sum(amount for _, date, amount in market.flows if DATES[0] <= date <= DATES[day])
        out.append(equity + paid_in + sum(walker.step(day) for walker in walkers))
    return np.array(out)


@st.composite
def markets(draw) -> Market:
    """Random lots of shares, options and a private asset, with splits, dividends, gaps, marks and flows."""
    rng = np.random.default_rng(draw(st.integers(0, 100_000)))
    days, symbols = 30, 3
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.02, (days, symbols)), axis=0))
    split = np.where(rng.random((days, symbols)) < 0.03, rng.choice([2.0, 4.0, 0.5], (days, symbols)), 1.0)
    dividend = np.where(rng.random((days, symbols)) < 0.06, rng.uniform(0.1, 2, (days, symbols)), 0.0)
    gaps = rng.random((days, symbols)) < 0.08
    split[gaps] = 1.0
    dividend[gaps] = 0.0
    rows = []
    for _ in range(draw(st.integers(1, 8))):
        entry = int(rng.integers(0, days - 2))
        row = {"symbol": int(rng.integers(0, symbols)), "quantity": float(rng.integers(-50, 51) or 1)}
        row |= {"entry_date": DATES[entry], "entry_price": float(rng.uniform(80, 120))}
        kind = draw(st.sampled_from(InvestmentClass))
        if rng.random() < 0.5:
            row["exit_date"] = DATES[int(rng.integers(entry + 1, days))]
            is_priced = kind != InvestmentClass.PUBLIC or rng.random() < 0.5
            row["exit_price"] = float(rng.uniform(80, 120)) if is_priced else NONE
        if kind == InvestmentClass.PRIVATE:
            row |= {"symbol": -1, "kind": kind}
        if kind == InvestmentClass.OPTIONS:
            terms = {"is_call": bool(rng.random() < 0.5), "strike": float(rng.uniform(80, 120))}
            expiry = DATES[entry] + np.timedelta64(int(rng.integers(1, 60)), "D")  # on any day, a closed one too
            row |= {"kind": kind, "entry_price": 4.0, "expiry": expiry, "implied_volatility": 0.3, **terms}
            if rng.random() < 0.3:  # sold on the very day of the expiry
                row |= {"exit_date": expiry, "exit_price": float(rng.uniform(0, 9))}
        extras = {"contract_size": 10.0, "fees": 1.5, "exit_fees": 2.5}
        row |= {name: value for name, value in extras.items() if rng.random() < 0.3}
        rows.append(row)
    dates = [DATES[int(day)] for day in np.sort(rng.integers(0, days, 3))]
    flows = [(0, day, float(amount)) for day, amount in zip(dates, rng.normal(0, 100, 3), strict=True)]
    marked = np.unique(rng.integers(0, days, 4))
    marks = np.zeros(len(marked), dtype=np.int64), DATES[marked], rng.uniform(50, 150, len(marked))
    return Market(lots(rows), np.where(gaps, np.nan, close), dividend, split, flows, marks)
