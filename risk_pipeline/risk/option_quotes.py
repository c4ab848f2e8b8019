"""The volatility that quotes give options on each session: their marks, their quotes, the surface of their underlying.

The newest counts. Of one day a mark goes before a quote of the option itself, that before the underlying's surface,
and that before the volatility given with the position, which is of its entry date. Without any it is the underlying's
forecast.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..analytics.arrays import Bool1D, Date1D, Float1D, Float2D, Int1D
from ..analytics.implied_volatility import implied_volatility, price_bounds
from ..analytics.lots import LotRows
from ..analytics.option_positions import DAYS_A_YEAR, option_terms, trailing_dividend_yield
from ..analytics.volatility_surface import VolatilitySurface
from ..symbols import occ_name

if TYPE_CHECKING:
    from .inputs import Inputs

OLDEST = 252
"""Sessions after which a quote or a mark no longer counts."""
HALF_CENT = 0.005
"""By so much a strike may differ from a lot's after a split, and a mark from the least that its option can be worth."""
NO_DAY = np.datetime64("NaT", "D")
TERMS = ["name", "underlying", "expiry", "strike", "option_type", "day"]


class Source(IntEnum):
    """Where an option's volatility is from, the later before the earlier of one day."""

    FORECAST = 0
    POSITION = 1
    SURFACE = 2
    QUOTE = 3
    MARK = 4


@dataclass(frozen=True)
class Quoted:
    """What quotes give the lots on D sessions, each (D, L): the volatility, NaN if nothing; its source and day.

    ``refused`` is the price of the newest mark where no volatility gives it, NaN otherwise.
    """

    volatility: Float2D
    source: np.ndarray
    day: np.ndarray
    refused: Float2D


@dataclass(frozen=True)
class OwnQuotes:
    """The dated volatilities of single option lots, each (Q,), in the order of lot, day and source.

    ``price`` is that of a mark, NaN of a quoted volatility. ``volatility`` is NaN of a mark outside of the no-arbitrage
    bounds; one at the lower bound holds no time value, says nothing and is left out.
    """

    lot: Int1D
    day: Date1D
    source: Int1D
    volatility: Float1D
    price: Float1D

    def take(self, rows: np.ndarray) -> OwnQuotes:
        """Return some of them."""
        return OwnQuotes(**{name: values[rows] for name, values in vars(self).items()})

    def newest(self, days: Date1D) -> Iterator[tuple[int, Int1D, Int1D]]:
        """Yield each lot, the sessions by which it has one, and the newest by each, as rows of these."""
        lots, starts = np.unique(self.lot, return_index=True)
        for lot, start, stop in zip(lots, starts, np.append(starts, len(self.lot))[1:], strict=True):
            last = np.searchsorted(self.day[start:stop], days, side="right") - 1
            session = np.flatnonzero(last >= 0)
            yield int(lot), session, start + last[session]


@dataclass(frozen=True)
class DatedSurfaces:
    """The surfaces of one underlying by day, ascending."""

    days: Date1D
    surfaces: list[VolatilitySurface]


def quoted_volatility(inputs: Inputs, ends: Int1D, some: Int1D) -> Quoted | None:
    """Return what the quotes up to each of some panel rows give some lots held on them; None without any quote."""
    own, surfaces = inputs.own_quotes, inputs.surfaces
    if not len(own.lot) and not surfaces:
        return None
    lots, days = inputs.lots.take(some), inputs.panel.dates[ends]
    place = np.full(len(inputs.lots.portfolio), -1)
    place[some] = np.arange(len(some))
    own = own.take(np.flatnonzero(place[own.lot] >= 0))
    oldest = inputs.panel.dates[np.maximum(ends - OLDEST, 0)]
    shape = (len(ends), len(lots.portfolio))
    rows = LotRows.of(lots, inputs.panel.dates)
    held = (rows.entry <= ends[:, None]) & (ends[:, None] < rows.end) & lots.is_option
    out = Quoted(np.full(shape, np.nan), np.zeros(shape, dtype=np.int8), np.full(shape, NO_DAY), np.full(shape, np.nan))
    for symbol, dated in surfaces.items():
        newest = np.searchsorted(dated.days, days, side="right") - 1
        for number in np.unique(newest[newest >= 0]):
            day = dated.days[number]
            is_superseded = ~np.isnan(lots.implied_volatility) & (lots.entry_date > day)
            uses = (lots.symbol == symbol) & ~is_superseded
            session, lot = np.nonzero(held & uses & ((newest == number) & (day > oldest))[:, None])
            out.volatility[session, lot] = _on_surface(inputs, dated.surfaces[number], ends[session], some[lot])
            out.source[session, lot], out.day[session, lot] = Source.SURFACE, day
    known = ~np.isnan(own.volatility)
    for of_kind, is_known in ((own.take(known), True), (own.take(~known), False)):
        for lot_of_book, by_then, newest_of_lot in of_kind.newest(days):
            one, since = place[lot_of_book], of_kind.day[newest_of_lot]
            counts = held[by_then, one] & (since > oldest[by_then]) & ~(since < out.day[by_then, one])
            at, quote = by_then[counts], newest_of_lot[counts]
            if is_known:
                out.volatility[at, one] = of_kind.volatility[quote]
                out.source[at, one], out.day[at, one] = of_kind.source[quote], of_kind.day[quote]
            else:
                out.refused[at, one] = of_kind.price[quote]
    return out


def own_quotes(inputs: Inputs, quotes: pd.DataFrame) -> OwnQuotes:
    """Return what marks and quoted volatilities say of each option lot since its entry.

    ``quotes`` are as :func:`quote_frame` returns them. One belongs to a lot by its name, or by its terms: underlying,
    expiry, type and the strike that the lot has on the quote's day, after splits.
    """
    lots, dates = inputs.lots, inputs.panel.dates
    by_name = {name: np.array(rows) for name, rows in quotes.groupby("name").indices.items()}
    by_terms = {key: np.array(rows) for key, rows in quotes.groupby(["underlying", "expiry"]).indices.items()}
    days = quotes["day"].to_numpy().astype("datetime64[D]")
    strikes, types = quotes["strike"].to_numpy(dtype=float), quotes["option_type"].to_numpy(dtype=object)
    none = np.empty(0, dtype=np.int64)
    lot_of, quote_of = [], []
    for one in np.flatnonzero(lots.is_option).tolist():
        named = by_name.get(quote_name(inputs.lot_symbols[one]), none)
        key = inputs.panel.symbols[lots.symbol[one]], pd.Timestamp(lots.expiry[one])
        alike = by_terms.get(key, none)
        if not len(named) and not len(alike):
            continue
        kind = "CALL" if lots.is_call[one] else "PUT"
        alike = alike[[types[row] in (kind, None) for row in alike]] if len(alike) else alike
        chosen = np.union1d(named, alike)
        chosen = chosen[(days[chosen] >= lots.entry_date[one]) & (days[chosen] <= lots.expiry[one])]
        lot_of.append(np.full(len(chosen), one))
        quote_of.append(chosen)
    lot, quote = (np.concatenate([none, *parts]).astype(np.int64) for parts in (lot_of, quote_of))
    row = np.clip(np.searchsorted(dates, days[quote], side="right") - 1, 0, None)
    entry = np.searchsorted(dates, lots.entry_date[lot])
    ratio = inputs.prices.ratio(row, entry, lots.symbol[lot])
    fits = np.isnan(strikes[quote]) | (np.abs(strikes[quote] - lots.strike[lot] / ratio) <= HALF_CENT + 1e-9)
    lot, quote, row, ratio = lot[fits], quote[fits], row[fits], ratio[fits]
    price = quotes["price"].to_numpy(dtype=float)[quote]
    volatility = quotes["volatility"].to_numpy(dtype=float)[quote]
    marked = np.flatnonzero(~np.isnan(price))
    volatility[marked], says = _implied(
        inputs, lot[marked], row[marked], days[quote[marked]], ratio[marked], price[marked]
    )
    keep = np.ones(len(lot), dtype=bool)
    keep[marked] = says
    source = np.where(np.isnan(price), int(Source.QUOTE), int(Source.MARK))
    out = OwnQuotes(lot, days[quote], source, volatility, price).take(np.flatnonzero(keep))
    return out.take(np.lexsort((out.source, out.day, out.lot)))


def _implied(
    inputs: Inputs, lot: Int1D, row: Int1D, day: Date1D, ratio: Float1D, price: Float1D
) -> tuple[Float1D, Bool1D]:
    """Return the volatilities of marks, NaN of one outside of the bounds; and whether a mark says anything."""
    lots = inputs.lots
    spot, _ = inputs.prices.price(row, lots.symbol[lot], np.zeros(len(row), dtype=np.int64))
    paid = trailing_dividend_yield(np.asarray(inputs.panel.dividend), inputs.prices, row, lots.symbol[lot], spot)
    nothing = np.zeros(len(lot))
    terms = option_terms(lots, lot, day, spot, ratio, nothing, inputs.risk_free_rate[row], paid)
    says = (terms.years > 0) & ~np.isnan(spot)
    volatility = np.full(len(lot), np.nan)
    able = np.flatnonzero(says)
    volatility[able] = implied_volatility(price[able], terms.take(able))
    unknown = able[np.isnan(volatility[able])]
    lowest, highest = price_bounds(terms.take(unknown))
    says[unknown] = (price[unknown] < lowest - HALF_CENT) | (price[unknown] > highest)
    return volatility, says


def surfaces_of(inputs: Inputs, quotes: pd.DataFrame) -> dict[int, DatedSurfaces]:
    """Return by panel column the surfaces of the underlyings with several quoted volatilities of one day.

    An underlying without a price on the day has none.
    """
    lots, dates = inputs.lots, inputs.panel.dates
    used = {inputs.panel.symbols[column]: int(column) for column in np.unique(lots.symbol[lots.is_option])}
    quotes = quotes[quotes["volatility"].notna() & quotes["underlying"].isin(list(used))]
    by_symbol: dict[int, list[tuple[Any, VolatilitySurface]]] = {}
    for (underlying, moment), rows in quotes.groupby(["underlying", "day"]):
        day, column = np.datetime64(moment, "D"), np.array([used[underlying]])
        row = np.array([int(np.searchsorted(dates, day, side="right")) - 1])
        if len(rows) < 2 or row[0] < 0:
            continue
        spot, _ = inputs.prices.price(row, column, np.zeros(1, dtype=np.int64))
        paid = trailing_dividend_yield(np.asarray(inputs.panel.dividend), inputs.prices, row, column, spot)
        years = (rows["expiry"].to_numpy().astype("datetime64[D]") - day).astype(np.int64) / DAYS_A_YEAR
        alive = years > 0
        if np.isnan(spot[0]) or alive.sum() < 2:
            continue
        forward = spot * np.exp((inputs.risk_free_rate[row] - paid) * years)
        moneyness = np.log(rows["strike"].to_numpy(dtype=float) / forward)
        volatility = rows["volatility"].to_numpy(dtype=float)
        surface = VolatilitySurface.of(moneyness[alive], years[alive], volatility[alive])
        by_symbol.setdefault(used[underlying], []).append((day, surface))
    return {
        column: DatedSurfaces(np.array([day for day, _ in dated], dtype="datetime64[D]"), [one for _, one in dated])
        for column, dated in by_symbol.items()
    }


def _on_surface(inputs: Inputs, surface: VolatilitySurface, row: Int1D, lot: Int1D) -> Float1D:
    """Return the volatility of lots at panel rows: at their own distance from the forward, at their time to expiry."""
    lots, dates = inputs.lots, inputs.panel.dates
    spot, _ = inputs.prices.price(row, lots.symbol[lot], np.zeros(len(row), dtype=np.int64))
    ratio = inputs.prices.ratio(row, np.searchsorted(dates, lots.entry_date[lot]), lots.symbol[lot])
    paid = trailing_dividend_yield(np.asarray(inputs.panel.dividend), inputs.prices, row, lots.symbol[lot], spot)
    years = (lots.expiry[lot] - dates[row]).astype(np.int64) / DAYS_A_YEAR
    forward = spot * np.exp((inputs.risk_free_rate[row] - paid) * years)
    return surface.volatility(np.log(lots.strike[lot] / ratio / forward), np.maximum(years, 1e-6))


def no_volatilities() -> pd.DataFrame:
    """Return no rows of ``implied_volatilities``."""
    texts = {name: pd.Series(dtype=object) for name in ("symbol", "underlying", "option_type")}
    days = {name: pd.Series(dtype="datetime64[s]") for name in ("quote_date", "expiry")}
    return pd.DataFrame({**texts, **days, **{name: pd.Series(dtype=float) for name in ("strike", "volatility")}})


def quote_frame(volatilities: pd.DataFrame, marks: pd.DataFrame) -> pd.DataFrame:
    """Return the imported volatilities and marks as ``name, underlying, expiry, strike, option_type, day`` and either.

    ``volatility`` or ``price``, the other NaN. A mark's terms are those that its OCC name says; without them it
    belongs to the lots of its name alone.
    """
    named = {symbol: occ_name(symbol) for symbol in marks["symbol"].unique()}
    terms = [named[symbol] for symbol in marks["symbol"]]
    of_marks = pd.DataFrame(
        {
            "name": [quote_name(symbol) for symbol in marks["symbol"]],
            "underlying": [None if one is None or one.is_adjusted else one.underlying for one in terms],
            "expiry": pd.to_datetime([None if one is None else one.expiry for one in terms]),
            "strike": [np.nan if one is None or one.is_adjusted else one.strike for one in terms],
            "option_type": [None if one is None else one.option_type for one in terms],
            "day": marks["mark_date"].to_numpy(),
            "volatility": np.nan,
            "price": marks["price"].to_numpy(dtype=float),
        }
    )
    of_volatilities = pd.DataFrame(
        {
            "name": [quote_name(symbol) for symbol in volatilities["symbol"]],
            **{name: volatilities[name].to_numpy() for name in TERMS[1:-1]},
            "option_type": [None if pd.isna(one) else one for one in volatilities["option_type"]],
            "day": volatilities["quote_date"].to_numpy(),
            "volatility": volatilities["volatility"].to_numpy(dtype=float),
            "price": np.nan,
        }
    )
    parts = [part for part in (of_marks, of_volatilities) if len(part)]
    return pd.concat(parts, ignore_index=True) if parts else of_marks


def quote_name(symbol: str) -> str:
    """Return a symbol as quotes and lots are matched by: blanks don't count."""
    return "".join(symbol.split())
