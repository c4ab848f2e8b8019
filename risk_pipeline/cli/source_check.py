"""What the source of prices knows of imported lots: reported at the import, before a batch fails on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..analytics.basis import SWITCH
from ..currencies import legs, pair_currencies
from ..tabular.currencies import HUNDREDTHS

if TYPE_CHECKING:
    from ..market.source import MarketBars, MarketDataSource
    from ..sessions import SessionCalendar

ENOUGH = 60
"""Sessions of history below which a symbol has no betas."""
QUIET = 10
"""Newest sessions on which a held symbol must have a price at least once."""
ODD = 1.5
"""An entry price that many times above or below the close of its day is named."""
MOST = 20
"""So many findings are printed."""


def lot_findings(
    lots: pd.DataFrame,
    source: MarketDataSource,
    calendar: SessionCalendar,
    newest: date,
    own_currencies: Mapping[str, str] | None = None,
) -> list[str]:
    """Return sentences about symbols that the source doesn't know or hardly knows, and odd entry dates and prices.

    Parameters
    ----------
    lots : columns of the positions table and ``place``, file and line of each.
    newest : the last closed session.
    own_currencies : portfolio -> its currency; without it no currency pair is asked for.
    """
    lots = lots[(lots["investment_class"] != "PRIVATE") & ~lots["is_deleted"].astype(bool)]
    lots = lots.assign(priced=lots["underlying"].where(lots["underlying"].notna(), lots["symbol"]))
    past = lots[lots["entry_date"] <= newest]
    if past.empty:
        return []
    first = calendar.look_back_from(min(past["entry_date"]), ENOUGH)
    sessions = calendar.index(first, newest)
    fetched = source.fetch(sorted(set(past["priced"])), sessions)
    closes = {
        str(symbol): rows.set_index("session")["close"] for symbol, rows in fetched.bars.groupby("symbol", sort=False)
    }
    findings = [*fetched.remarks]
    for symbol, held in past.groupby("priced", sort=True):
        findings += _of_symbol(str(symbol), held, closes, fetched, source.name, calendar, newest)
        findings += _of_series(str(symbol), held, fetched)
    findings += _of_pairs(past, fetched.currencies, own_currencies or {}, source, sessions)
    more = len(findings) - MOST
    return findings[:MOST] + ([f"and {more} more like these"] if more > 0 else [])


def _place(held: pd.DataFrame) -> str:
    return held["place"].iloc[0] + (f" and {len(held) - 1} more" if len(held) > 1 else "")


def _of_symbol(
    symbol: str,
    held: pd.DataFrame,
    closes: dict[str, pd.Series],
    fetched: MarketBars,
    source: str,
    calendar: SessionCalendar,
    newest: date,
) -> Iterator[str]:
    where = _place(held)
    if symbol not in closes:
        why = fetched.errors.get(symbol, "none since then")
        owners = ", ".join(sorted(set(held["portfolio_id"]))[:5]) if "portfolio_id" in held else "its portfolio"
        yield (
            f"{where}: the source {source!r} has no price of {symbol} ({why}): is it spelled right? Until it has one, "
            f"{owners} counts it at its entry price and without risk"
        )
        return
    prices = closes[symbol]
    begins, ends = prices.index[0].date(), prices.index[-1].date()
    ended = held["exit_date"].where(held["exit_date"].notna(), held["expiry"])
    last_needed = newest if ended.isna().any() else min(newest, max(ended))
    if ends < calendar.look_back_from(last_needed, QUIET):
        yield f"{where}: the source {source!r} has no price of {symbol} after {ends}: the last one stands"
    if len(calendar.sessions_in_range(begins, newest)) < ENOUGH:
        yield f"{where}: the source {source!r} has prices of {symbol} since {begins} only: too few for a beta"
    pair = pair_currencies(symbol)
    quoted = pair[1] if pair else fetched.currencies.get(symbol)
    for lot in held.itertuples(index=False):
        entry, stated = lot.entry_date, getattr(lot, "currency", None)
        if quoted and isinstance(stated, str) and stated != quoted:
            yield (
                f"{lot.place}: {symbol} is in {stated} here, but the source {source!r} quotes it in {quoted}: correct "
                "one of them, or its portfolio can't be valued"
            )
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
                f"{_quote(prices[day], fetched.units.get(symbol))}: another unit, ticker, or an adjusted or split "
                "price?"
            )


def _quote(price: float, unit: str | None) -> str:
    """Return a close, and as what it was quoted where that was in hundredths."""
    return f"{price:g}" if unit is None else f"{price:g} {HUNDREDTHS[unit]} (quoted as {price * 100:g} {unit})"


def _of_series(symbol: str, held: pd.DataFrame, fetched: MarketBars) -> Iterator[str]:
    """Yield what can't be believed of a series: bars left out, and a jump by a hundred or more."""
    if symbol in fetched.dropped:
        yield f"{_place(held)}: of the prices of {symbol} some are not used: {fetched.dropped[symbol]}"
    rows = fetched.bars[fetched.bars["symbol"] == symbol]
    close = rows["close"].to_numpy(dtype=float)
    jump = close[1:] * rows["split_factor"].to_numpy(dtype=float)[1:] / close[:-1]
    far = np.flatnonzero((jump > SWITCH[0]) | (jump < 1 / SWITCH[0]))
    if len(far):
        before, after = close[far[0]], close[far[0] + 1]
        day = rows["session"].iloc[far[0] + 1].date()
        yield (
            f"{_place(held)}: the close of {symbol} goes from {before:g} to {after:g} on {day} without a split: if its "
            "unit changed there, the bars of the new unit are not used until the source gives one unit"
        )


def _of_pairs(
    past: pd.DataFrame,
    quoted: Mapping[str, str],
    own_currencies: Mapping[str, str],
    source: MarketDataSource,
    sessions: pd.DatetimeIndex,
) -> Iterator[str]:
    """Yield the currency pairs that lots need for their portfolio's currency and the source does not have."""
    needed: dict[str, list[str]] = {}
    for lot in past.itertuples(index=False):
        into = own_currencies.get(getattr(lot, "portfolio_id", ""))
        pair = pair_currencies(lot.priced)
        said = getattr(lot, "currency", None)
        currency = said if isinstance(said, str) else (pair[1] if pair else quoted.get(lot.priced, into))
        for leg in legs(currency, into) if currency and into else ():
            needed.setdefault(leg.symbol, []).append(
                f"{lot.place}: {lot.symbol} of {lot.portfolio_id} is in {currency}"
            )
    if not needed:
        return
    found = source.fetch(sorted(needed), sessions)
    for symbol, lots in sorted(needed.items()):
        if symbol in found.errors:
            more = f" (and {len(lots) - 1} more)" if len(lots) > 1 else ""
            yield (
                f"{lots[0]}{more}, and the source {source.name!r} has no {symbol} ({found.errors[symbol]}): give it, "
                "or the portfolio can't be valued"
            )
