"""What the source of prices knows of imported lots: reported at the import, before a batch fails on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from ..market.source import MarketDataSource
    from ..sessions import SessionCalendar

ENOUGH = 60
"""Sessions of history below which a symbol has no betas."""
QUIET = 10
"""Newest sessions on which a held symbol must have a price at least once."""
ODD = 1.5
"""An entry price that many times above or below the close of its day is named."""
MOST = 20
"""So many findings are printed."""


def lot_findings(lots: pd.DataFrame, source: MarketDataSource, calendar: SessionCalendar, newest: date) -> list[str]:
    """Return sentences about symbols that the source doesn't know or hardly knows, and odd entry dates and prices.

    Parameters
    ----------
    lots : columns of the positions table and ``place``, file and line of each.
    newest : the last closed session.
    """
    lots = lots[(lots["investment_class"] != "PRIVATE") & ~lots["is_deleted"].astype(bool)]
    lots = lots.assign(priced=lots["underlying"].where(lots["underlying"].notna(), lots["symbol"]))
    past = lots[lots["entry_date"] <= newest]
    if past.empty:
        return []
    first = calendar.look_back_from(min(past["entry_date"]), ENOUGH)
    fetched = source.fetch(sorted(set(past["priced"])), calendar.index(first, newest))
    closes = {
        str(symbol): rows.set_index("session")["close"] for symbol, rows in fetched.bars.groupby("symbol", sort=False)
    }
    findings: list[str] = []
    for symbol, held in past.groupby("priced", sort=True):
        findings += _of_symbol(str(symbol), held, closes, fetched.errors, source.name, calendar, newest)
    more = len(findings) - MOST
    return findings[:MOST] + ([f"and {more} more like these"] if more > 0 else [])


def _of_symbol(
    symbol: str,
    held: pd.DataFrame,
    closes: dict[str, pd.Series],
    errors: Mapping[str, str],
    source: str,
    calendar: SessionCalendar,
    newest: date,
) -> Iterator[str]:
    where = held["place"].iloc[0] + (f" and {len(held) - 1} more" if len(held) > 1 else "")
    if symbol not in closes:
        why = errors.get(symbol, "none since then")
        yield f"{where}: the source {source!r} has no price of {symbol} ({why}): is it spelled right?"
        return
    prices = closes[symbol]
    begins, ends = prices.index[0].date(), prices.index[-1].date()
    ended = held["exit_date"].where(held["exit_date"].notna(), held["expiry"])
    last_needed = newest if ended.isna().any() else min(newest, max(ended))
    if ends < calendar.look_back_from(last_needed, QUIET):
        yield f"{where}: the source {source!r} has no price of {symbol} after {ends}: the last one stands"
    if len(calendar.sessions_in_range(begins, newest)) < ENOUGH:
        yield f"{where}: the source {source!r} has prices of {symbol} since {begins} only: too few for a beta"
    for lot in held.itertuples(index=False):
        entry = lot.entry_date
        if not calendar.is_session(entry):
            yield f"{lot.place}: {entry} is no session of {calendar.exchange}: the entry counts on the next one"
        if entry < begins:
            yield f"{lot.place}: {symbol} was entered on {entry}, its first price is of {begins}"
            continue
        day = pd.Timestamp(entry)
        if lot.investment_class != "PUBLIC" or day not in prices.index or not lot.entry_price:
            continue
        ratio = lot.entry_price / prices[day]
        if not 1 / ODD <= ratio <= ODD:
            yield (
                f"{lot.place}: the entry price of {symbol}, {lot.entry_price:g}, is far from its close on {entry}, "
                f"{prices[day]:g}: another unit, ticker, or an adjusted or split price?"
            )
