"""In which currency each lot is, and through which pairs of the panel it is converted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..analytics.arrays import Float1D
from ..analytics.conversion import LEGS, Conversion
from ..analytics.sums import sum_by
from ..currencies import conventional, legs, pair_currencies, risk_name

ADJUSTED = "adjusted"
"""What the basis of an adjusted series is called."""

if TYPE_CHECKING:
    from .inputs import Inputs


def lot_currencies(lots: pd.DataFrame, portfolios: pd.DataFrame, quotes: pd.DataFrame) -> pd.DataFrame:
    """Return ``currency, into, quoted, is_adjusted`` by lot.

    A lot's ``currency`` is its own, else the one in which the source quotes its price, else its portfolio's, ``into``.
    ``quoted`` is null where the source says none. ``quotes`` has ``symbol, currency, basis``. A pair's price is in its
    second currency, whatever the source says; a private asset has no source.
    """
    into = lots["portfolio_id"].map(portfolios.set_index("portfolio_id")["currency"])
    priced = lots["underlying"].where(lots["underlying"].notna(), lots["symbol"])
    has_source = lots["investment_class"] != "PRIVATE"
    known = dict(zip(quotes["symbol"], quotes["currency"], strict=True))
    known |= {name: pair[1] for name in priced.unique() if (pair := pair_currencies(name)) is not None}
    quoted = priced.map(known).where(has_source)
    lot_currency = lots["currency"].where(lots["currency"].notna(), quoted)
    adjusted = quotes.loc[quotes["basis"] == ADJUSTED, "symbol"]
    return pd.DataFrame(
        {
            "currency": lot_currency.where(lot_currency.notna(), into),
            "into": into,
            "quoted": quoted,
            "is_adjusted": has_source & priced.isin(adjusted),
        }
    )


def pairs_of(currencies: pd.DataFrame) -> list[str]:
    """Return the symbols of the pairs between the currencies of lots and their portfolios', sorted."""
    ways = currencies[["currency", "into"]].drop_duplicates().itertuples(index=False)
    return sorted({leg.symbol for way in ways for leg in legs(way.currency, way.into)})


def conversion_of(currencies: pd.DataFrame, column: Mapping[str, int]) -> Conversion:
    """Return how lots are converted; ``column`` is each symbol's in the panel, which must hold every pair needed."""
    out = Conversion.none(len(currencies))
    for (currency, into), rows in currencies.groupby(["currency", "into"], sort=False).indices.items():
        for place, leg in enumerate(legs(currency, into)[:LEGS]):
            out.column[rows, place], out.power[rows, place] = column[leg.symbol], leg.power
    return out


def currency_rows(inputs: Inputs, risk: Float1D) -> pd.DataFrame:
    """Return the rows of ``currency_exposures``: a row per session, portfolio and pair held; ``risk`` is by holding.

    A pair that is a position itself, foreign cash, counts like one between a position's currency and the portfolio's.
    """
    holdings, equity = inputs.book.holdings, inputs.book.equity
    legs = {symbol: pair_currencies(symbol) for symbol in inputs.panel.symbols}
    pairs = {
        symbol_index: conventional(symbol)
        for symbol_index, symbol in enumerate(inputs.panel.symbols)
        if legs[symbol] is not None
    }
    rows = np.flatnonzero(np.isin(holdings.symbol, list(pairs)))
    names = sorted({leg.symbol for leg in pairs.values()})
    code = np.array([names.index(pairs[symbol_index].symbol) for symbol_index in holdings.symbol[rows]], dtype=np.int64)
    power = np.array([pairs[symbol_index].power for symbol_index in holdings.symbol[rows]], dtype=float)
    day, owner = holdings.session[rows], holdings.portfolio[rows]
    cells, cell = np.unique((day * equity.shape[1] + owner) * max(len(names), 1) + code, return_inverse=True)
    dollars = sum_by(cell, holdings.delta_value[rows] * power, len(cells))
    day, owner = np.divmod(cells // max(len(names), 1), equity.shape[1])
    worth = equity[day, owner]
    return pd.DataFrame(
        {
            "session": np.array(inputs.sessions, dtype="datetime64[s]")[day],
            "portfolio_id": np.array(inputs.portfolio_ids, dtype=object)[owner],
            "pair": np.array([risk_name(name) for name in names], dtype=object)[cells % max(len(names), 1)],
            "dollar_exposure": dollars,
            "exposure": dollars / np.where(worth > 0, worth, np.nan),
            "risk_contribution": sum_by(cell, risk[rows], len(cells)),
        }
    )
