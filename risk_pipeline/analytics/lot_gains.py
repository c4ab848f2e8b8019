"""Gains of portfolios at many sessions: the numbers of ``value_book``, with what lots have in common valued once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from .arrays import Bool1D, Float2D, Float3D, Int1D
from .conversion import Conversion
from .lot_values import LotMarket, close_values, dividends_paid, entry_rates, price_gains
from .lots import InvestmentClass, LotRows, Lots, SplitAdjusted

CELLS = 1_000_000
"""Sessions times distinct lots that are valued at once."""
Market = Callable[[Int1D, Int1D], LotMarket]
"""Returns what some lots are valued on at some ends."""


def gains_by_portfolio(lots: Lots, market_of: Market, ends: Int1D, portfolios: int) -> Float2D:
    """Return what the lots of each portfolio have gained since their entry at each end, (D, P) dollars.

    To the last bit what ``value_lots`` returns, added up in the order of the lots. ``ends`` (D,) are ascending rows.
    """
    from .kernels.lot_gains import portfolio_gains

    whole = market_of(ends[:0], np.arange(len(lots.portfolio)))
    rows = LotRows.of(lots, whole.dates)
    cost = lots.cost * entry_rates(lots, rows, whole.prices, whole.conversion)
    money = np.stack([lots.quantity, lots.multiplier, cost, np.zeros(len(cost))])
    ended, gained = price_gains(lots, rows, whole, cost)
    money[3, ended] = gained
    paid = dividends_paid(lots, rows, whole)
    first_payment = np.searchsorted(paid.lot, np.arange(len(cost) + 1))
    distinct, unit = distinct_lots(lots, whole.prices, whole.conversion, ends)
    until = np.zeros(len(distinct), dtype=np.int64)
    np.maximum.at(until, unit, rows.end)
    out = np.empty((portfolios, len(ends)))
    step = max(CELLS // max(len(distinct), 1), 1)
    for start in range(0, len(ends), step):
        part = slice(start, start + step)
        held = (rows.entry[distinct] <= ends[part, None]) & (ends[part, None] < until)
        units = _units(lots.take(distinct), market_of(ends[part], distinct), held)
        out[:, part] = portfolio_gains(
            *(portfolios, lots.portfolio, unit, rows.entry, rows.end, money),
            *(first_payment, paid.row, paid.money, ends[part], units),
        )
    return np.ascontiguousarray(out.T)


def distinct_lots(lots: Lots, prices: SplitAdjusted, conversion: Conversion, ends: Int1D) -> tuple[Int1D, Int1D]:
    """Return the first lot of each unit that differs in what it is worth at an end, and which of these each lot is of.

    A lot's price, splits since its entry and exchange rate depend on its terms and its entry. Of shares without a gap,
    a split and another currency they depend on the symbol alone.
    """
    american = np.ones(len(lots.kind), dtype=bool) if lots.is_american is None else lots.is_american
    terms = (lots.name, lots.entry_date.astype(np.int64), lots.entry_price, lots.strike, lots.implied_volatility)
    details = (*terms, lots.expiry.astype(np.int64), lots.is_call, american, *conversion.column.T, *conversion.power.T)
    plain = _is_plain(lots, prices, ends) & ~conversion.is_foreign
    key = np.stack([lots.symbol, lots.kind, *(np.where(plain, 0, values) for values in details)], axis=1)
    order = np.argsort(lots.entry_date, kind="stable")
    as_bytes = np.ascontiguousarray(key[order]).view(f"V{key.itemsize * key.shape[1]}")[:, 0]
    _, first, place = np.unique(as_bytes, return_index=True, return_inverse=True)
    unit = np.empty(len(order), dtype=np.int64)
    unit[order] = place
    return order[first], unit


def _is_plain(lots: Lots, prices: SplitAdjusted, ends: Int1D) -> Bool1D:
    """Return which lots are shares without a gap or a split between the first end and the last."""
    rows = slice(int(ends.min()), int(ends.max()) + 1)
    share = lots.kind == InvestmentClass.PUBLIC
    used = np.unique(lots.symbol[share])
    whole = np.zeros(prices.close.shape[1], dtype=bool)
    split = prices.cumulative_split
    whole[used] = ~np.isnan(prices.close[rows, used]).any(axis=0) & (split[:, used] == split[0, used]).all(axis=0)
    return np.asarray(share & whole[np.maximum(lots.symbol, 0)])


def _units(lots: Lots, market: LotMarket, held: np.ndarray) -> Float3D:
    """Return shares now per share at entry, price and exchange rate of the lots where one is held, (3, K, D)."""
    session, lot = np.nonzero(held)
    worth = close_values(replace(lots, quantity=np.ones(len(lots.quantity))), market, session, lot)
    out = np.full((3, *held.T.shape), np.nan)
    out[:, lot, session] = worth.quantity, worth.price, worth.rate
    return out
