"""The rows of ``position_values``: what every lot is worth, what it gained on the day, its greeks and its risk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from ..analytics.arrays import Date1D, Float1D, Int1D
from ..analytics.lot_values import exits
from ..analytics.lots import InvestmentClass, LotRows, newest_marks
from ..analytics.sums import sum_by
from .inputs import Inputs
from .long_rows import labelled
from .lot_explain import LotParts
from .option_quotes import Source, quoted_volatility

DAYS_A_YEAR = 365.0
GREEKS = ("gamma", "vega", "theta", "rho")


def position_rows(inputs: Inputs, risk: Mapping[str, Float1D], parts: LotParts) -> pd.DataFrame:
    """Return a row per session and lot that is held or left on the session.

    ``risk`` are columns by holding: a lot's is its own and its currency's. A lot that left has quantity 0 and the price
    at which it did. The P&L of a portfolio's rows sums to its own; ``parts`` are those of the same lots.
    """
    rows, lots, holdings = inputs.book.positions, inputs.lots, inputs.book.holdings
    lot, count = rows.lot, len(inputs.lots.portfolio)
    position = np.searchsorted(rows.session * count + lot, holdings.session * count + holdings.lot)
    nothing = np.bincount(position, minlength=len(lot)) == 0
    by_lot = {name: np.where(nothing, np.nan, sum_by(position, values, len(lot))) for name, values in risk.items()}
    shares = rows.quantity * lots.multiplier[lot] * rows.rate
    greeks = option_greeks(inputs)
    held = pd.DataFrame(
        {
            **_descriptions(inputs, rows.session, lot, parts),
            "quantity": rows.quantity,
            "price": rows.price,
            "exchange_rate": rows.rate,
            "mark_date": _mark_dates(inputs, rows.session, lot),
            "value": rows.value,
            "delta_value": np.where(lots.is_private[lot], np.nan, rows.delta * shares * rows.spot),
            **_assumed(inputs, lot),
            **greeks,
            "volatility": rows.volatility,
            **volatility_origins(inputs),
            **by_lot,
            "is_stale": rows.is_stale,
        }
    )
    return pd.concat([held, _left_rows(inputs, risk, parts)], ignore_index=True)


def option_greeks(inputs: Inputs) -> dict[str, Float1D]:
    """Return the greeks of each position in the portfolio's money, NaN but for options.

    ``gamma``: change of the delta-adjusted notional for +1 % of the underlying; ``vega``: change of value for +1 point
    of volatility; ``theta``: a calendar day; ``rho``: for +1 point of the risk-free rate.
    """
    rows, lots = inputs.book.positions, inputs.lots
    shares = rows.quantity * lots.multiplier[rows.lot] * rows.rate
    return {
        "gamma": rows.gamma * shares * rows.spot**2 * 0.01,
        "vega": rows.vega * shares * 0.01,
        "theta": rows.theta * shares / DAYS_A_YEAR,
        "rho": rows.rho * shares * 0.01,
    }


def volatility_origins(inputs: Inputs) -> dict[str, Any]:
    """Return where the volatility of each position is from and of which day, and the mark that gives none."""
    rows, lots = inputs.book.positions, inputs.lots
    source = np.where(np.isnan(lots.implied_volatility[rows.lot]), int(Source.FORECAST), int(Source.POSITION))
    day = np.where(source == Source.POSITION, lots.entry_date[rows.lot], np.datetime64("NaT", "D"))
    refused = np.full(len(rows.lot), np.nan)
    quoted = quoted_volatility(inputs, inputs.ends, np.arange(len(inputs.lots.portfolio)))
    if quoted is not None:
        cells = rows.session, rows.lot
        is_quoted = ~np.isnan(quoted.volatility[cells])
        source = np.where(is_quoted, quoted.source[cells], source)
        day = np.where(is_quoted, quoted.day[cells], day)
        refused = quoted.refused[cells]
    has_volatility = lots.is_option[rows.lot] & ~np.isnan(rows.volatility)
    names = [one.name.lower() for one in sorted(Source)]
    return {
        "volatility_source": labelled(names, np.where(has_volatility, source, -1)),
        "volatility_date": np.where(has_volatility, day, np.datetime64("NaT", "D")).astype("datetime64[s]"),
        "refused_mark": refused,
    }


def _left_rows(inputs: Inputs, risk: Iterable[str], parts: LotParts) -> pd.DataFrame:
    """Return a row for each lot on the session on which it was sold or expired."""
    lots = inputs.lots
    rows = LotRows.of(lots, inputs.panel.dates)
    left = (rows.end == inputs.ends[:, None]) & (rows.entry <= inputs.ends[:, None])
    session, lot = np.nonzero(left & inputs.book.is_active[:, lots.portfolio])
    ended = np.unique(lot)
    price = exits(lots, rows, inputs.prices, ended)[0][np.searchsorted(ended, lot)]
    nothing = np.full(len(lot), np.nan)
    return pd.DataFrame(
        {
            **_descriptions(inputs, session, lot, parts),
            "quantity": 0.0,
            "price": price,
            "exchange_rate": inputs.conversion.rate(inputs.prices, inputs.ends[session], lot, rows.entry[lot])[0],
            "mark_date": np.datetime64("NaT", "s"),
            "value": 0.0,
            "delta_value": np.where(lots.is_private[lot], np.nan, 0.0),
            **_assumed(inputs, lot),
            **dict.fromkeys((*GREEKS, "volatility", "refused_mark", *risk), nothing),
            "volatility_source": labelled([one.name.lower() for one in sorted(Source)], np.full(len(lot), -1)),
            "volatility_date": np.datetime64("NaT", "s"),
            "is_stale": False,
        }
    )


def _assumed(inputs: Inputs, lot: Int1D) -> dict[str, Any]:
    """Return the proxy and beta that the risk of a private asset is assumed to have."""
    proxy, beta = inputs.lots.proxy, inputs.lots.proxy_beta
    if proxy is None or beta is None:
        return {"proxy": labelled([], np.full(len(lot), -1)), "proxy_beta": np.full(len(lot), np.nan)}
    return {
        "proxy": labelled(inputs.panel.symbols, proxy[lot]),
        "proxy_beta": np.where(proxy[lot] >= 0, beta[lot], np.nan),
    }


def _descriptions(inputs: Inputs, session: Int1D, lot: Int1D, parts: LotParts) -> dict[str, Any]:
    """Return the columns that say which lot a row is of, and what it gained on the session."""
    lots, book, before = inputs.lots, inputs.book, inputs.before
    count = len(lots.portfolio)
    part = np.searchsorted(parts.session * count + parts.lot, session * count + lot)
    classes = [kind.name for kind in sorted(InvestmentClass)]
    return {
        "session": np.array(inputs.sessions, dtype="datetime64[s]")[session],
        "position_id": labelled(inputs.position_ids, lot),
        "portfolio_id": labelled(inputs.portfolio_ids, lots.portfolio[lot]),
        "symbol": labelled(inputs.lot_symbols, lot),
        "currency": labelled(inputs.currencies["currency"].tolist(), lot),
        "investment_class": labelled(classes, lots.kind[lot] - min(InvestmentClass)),
        **{name: labelled(values, lot) for name, values in _option_terms(inputs).items()},
        "daily_pnl": (book.lot_pnl - before.lot_pnl)[session, lot],
        "specific_pnl": np.where(parts.is_modelled, parts.specific, np.nan)[part],
    }


def _option_terms(inputs: Inputs) -> dict[str, np.ndarray]:
    """Return by lot the underlying of an option and its terms, such as ``AAPL 150 call 20 Jun 2025``."""
    lots, symbols = inputs.lots, inputs.panel.symbols
    underlying, contract = (np.full(len(lots.symbol), None, dtype=object) for _ in range(2))
    for option in np.flatnonzero(lots.is_option):
        right = "call" if lots.is_call[option] else "put"
        expiry: date = lots.expiry[option].item()
        underlying[option] = symbols[lots.symbol[option]]
        contract[option] = f"{underlying[option]} {lots.strike[option]:g} {right} {expiry:%-d %b %Y}"
    return {"underlying": underlying, "contract": contract}


def _mark_dates(inputs: Inputs, session: Int1D, lot: Int1D) -> Date1D:
    """Return the date of the mark that each PRIVATE position is valued at, NaT where it is at its entry price."""
    name, mark_date, _ = inputs.marks
    mark = newest_marks(inputs.lots, np.array(inputs.sessions, dtype="datetime64[D]"), name, mark_date)
    return np.asarray(np.append(mark_date, np.datetime64("NaT"))[mark[session, lot]].astype("datetime64[s]"))
