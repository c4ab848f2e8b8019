"""What every analytic reads: the price panel and the book valued on it, session by session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..analytics.arrays import Bool1D, Bool2D, Date1D, Float1D, Float2D, Int1D
from ..analytics.basis import is_too_large
from ..analytics.closed_days import in_terms_of_sessions
from ..analytics.conversion import PROXY, Conversion
from ..analytics.kernels.constants import LOOK_BACK
from ..analytics.lot_values import LotMarket, Positions, close_values
from ..analytics.lots import InvestmentClass, LotRows, Lots, SplitAdjusted, private_prices
from ..analytics.option_positions import bill_rate
from ..analytics.reasons import Reason
from ..analytics.valuation import Accounts, Book, active_accounts, value_book
from ..analytics.volatility import VolatilityEstimates, estimate_volatility, parkinson_variance
from ..config.registries import Registries
from ..symbols import priced_symbol, priced_symbols
from .currency import conversion_of, lot_currencies, pairs_of
from .derived import Derived
from .long_rows import rows_of
from .option_quotes import (
    DatedSurfaces,
    OwnQuotes,
    no_volatilities,
    own_quotes,
    quote_frame,
    quoted_volatility,
    surfaces_of,
)
from .unvalued import doubts, unvalued_rows

if TYPE_CHECKING:
    from ..storage.price_panel import PricePanel

Frames = dict[str, pd.DataFrame]
"""Rows by the name of their table."""


def no_benchmarks() -> pd.DataFrame:
    """Return the rows of a book without benchmarks."""
    return pd.DataFrame({"benchmark": [], "symbol": [], "weight": [], "valid_from": pd.to_datetime([])})


@dataclass(frozen=True)
class BookFrames:
    """What the user imported and the profiles known by then, as the tables hold them.

    ``lots``, ``flows``, ``marks``, ``profiles`` and the options' ``volatilities`` reach up to the last session of the
    run. ``quotes`` is what the sources say of the symbols' prices. ``benchmarks`` are the weights of those that
    portfolios have, whenever valid.
    """

    portfolios: pd.DataFrame
    lots: pd.DataFrame
    flows: pd.DataFrame
    marks: pd.DataFrame
    profiles: pd.DataFrame
    quotes: pd.DataFrame
    volatilities: pd.DataFrame = field(default_factory=no_volatilities)
    benchmarks: pd.DataFrame = field(default_factory=no_benchmarks)

    def equals(self, other: BookFrames) -> bool:
        """Return whether all rows are the same."""
        pairs = ((getattr(self, one.name), getattr(other, one.name)) for one in fields(self))
        return all(mine is other_one or mine.equals(other_one) for mine, other_one in pairs)

    @cached_property
    def currencies(self) -> pd.DataFrame:
        """The lots' currencies, as :func:`lot_currencies` returns them."""
        return lot_currencies(self.lots, self.portfolios, self.quotes)

    @property
    def symbols(self) -> list[str]:
        """The symbols with a market price that lots and benchmarks need, sorted; pairs of currencies are among them."""
        return sorted({*self.priced_symbols, *pairs_of(self.currencies)})

    @property
    def priced_symbols(self) -> list[str]:
        """The symbols of the lots and of the benchmarks that have a market price, sorted."""
        return sorted({*priced_symbols(self.lots), *self.benchmarks["symbol"]})


@dataclass(frozen=True)
class Inputs:
    """The panel of a block of sessions, the imported portfolios, and the registries.

    ``ends`` are the rows of the sessions in the panel. Portfolios are in the order of their ids.
    ``lot_symbols``, ``position_ids`` and ``currencies`` are the lots'; ``marks`` the name, date and price of
    marks, ``option_quotes`` the marks and volatilities of options as ``option_quotes.quote_frame`` returns them.
    ``stored`` are the rows of the block that earlier assets have written and this one reads, by table.
    ``risk_free_rate`` (T,) is that of each panel row, annual and continuously compounded. Lots that are
    ``is_too_large`` count as none, so that no sum overflows: their portfolios are refused. ``benchmarks`` are the
    book's, with the ``currency`` of each symbol where its source says one.
    """

    registries: Registries
    panel: PricePanel
    sessions: list[date]
    stored: Frames
    risk_free_rate: Float1D
    profiles: pd.DataFrame
    portfolios: pd.DataFrame
    lots: Lots
    is_too_large: Bool1D
    lot_symbols: list[str]
    position_ids: list[str]
    currencies: pd.DataFrame
    conversion: Conversion
    accounts: Accounts
    marks: tuple[Int1D, Date1D, Float1D]
    option_quotes: pd.DataFrame
    benchmarks: pd.DataFrame
    derived: Derived = field(default_factory=Derived, init=False, repr=False, compare=False)

    def of(self, sessions: list[date], stored: Frames) -> Inputs:
        """Return the inputs of other sessions up to the book's; what is derived from panel and book is shared."""
        out = replace(self, sessions=sessions, stored=stored)
        object.__setattr__(out, "derived", self.derived)
        return out

    @cached_property
    def benchmark_names(self) -> pd.Series:
        """The benchmark of each portfolio, null without one."""
        return self.portfolios.get("benchmark", pd.Series(None, index=self.portfolios.index, dtype=object))

    @cached_property
    def ends(self) -> Int1D:
        """Rows of the sessions in the panel, shape (D,)."""
        return np.searchsorted(self.panel.dates, np.array(self.sessions, dtype="datetime64[D]"))

    @property
    def column(self) -> Mapping[str, int]:
        """Column of each symbol in the panel."""
        symbols = self.panel.symbols
        return self.derived.once("column", lambda: {symbol: index for index, symbol in enumerate(symbols)})

    @cached_property
    def book(self) -> Book:
        """The book valued at the sessions."""
        return self._books[0]

    @cached_property
    def before(self) -> Book:
        """The book valued at the sessions before."""
        return self._books[1]

    @cached_property
    def _books(self) -> tuple[Book, Book]:
        """The book at the sessions and at those before; valued together, each session once."""
        rows = np.unique(np.concatenate([self.ends, self.ends - 1]))
        both = self.value(rows)
        return both.take(np.searchsorted(rows, self.ends)), both.take(np.searchsorted(rows, self.ends - 1))

    def value(self, ends: Int1D) -> Book:
        """Value the book at other rows of the panel, with what was known on each."""
        return self.derived.at("book", ends, self._value)

    def _value(self, ends: Int1D) -> Book:
        return value_book(self.lots, self.accounts, self.lot_market(ends), is_refused=pd.notna(self.doubts[0]))

    def lot_market(self, ends: Int1D, some: Int1D | None = None) -> LotMarket:
        """Return what lots, all or some, are valued on at rows of the panel, with what was known on each."""
        some = np.arange(len(self.lots.portfolio)) if some is None else some
        quoted = quoted_volatility(self, ends, some)
        return LotMarket(
            dates=self.panel.dates,
            prices=self.prices,
            dividend=np.asarray(self.panel.dividend),
            ends=ends,
            volatility=self.option_volatility(ends),
            private_price=private_prices(self.lots.take(some), self.panel.dates[ends], *self.marks),
            rate=self.risk_free_rate[ends],
            conversion=self.conversion.take(some),
            implied=None if quoted is None else quoted.volatility,
        )

    @property
    def own_quotes(self) -> OwnQuotes:
        """Dated volatilities of single option lots, from their marks and quotes."""
        return self.derived.once("own quotes", lambda: own_quotes(self, self.option_quotes))

    @property
    def surfaces(self) -> dict[int, DatedSurfaces]:
        """Surfaces of volatility by the underlying's column."""
        return self.derived.once("surfaces", lambda: surfaces_of(self, self.option_quotes))

    def closing_values(self, session: Int1D, lot: Int1D) -> Positions:
        """Value lots (n,) at the close of the block's sessions (n,), also those that left on it; without greeks."""
        return close_values(self.lots, self.lot_market(self.ends), session, lot)

    def option_volatility(self, ends: Int1D) -> Float2D:
        """Forecast volatility of the options' underlyings where one is held, NaN elsewhere, shape (D, N)."""
        out = np.full((len(ends), len(self.panel.symbols)), np.nan)
        rows = LotRows.of(self.lots, self.panel.dates)
        needs = self.lots.is_option & np.isnan(self.lots.implied_volatility)
        end = ends[:, None]  # a lot that left on a session is valued at its close too
        at = np.flatnonzero(((rows.entry[needs] <= end) & (end <= rows.end[needs])).any(axis=1))
        if len(at):
            columns = np.unique(self.lots.symbol[needs])
            out[np.ix_(at, columns)] = self.derived.at(
                "option volatility", ends[at], lambda some: self.symbol_volatility(some, columns).forecast
            )
        return out

    def symbol_volatility(self, ends: Int1D, columns: Int1D | slice = slice(None)) -> VolatilityEstimates:
        """Estimate the volatility of the panel's symbols, or of some, at rows of the panel."""
        first = max(int(ends.min()) + 1 - LOOK_BACK, 0)
        returns, high, low = (
            np.asarray(prices[first : int(ends.max()) + 1, columns])
            for prices in (self.panel.returns, self.panel.high, self.panel.low)
        )
        ranges = parkinson_variance(high, low)
        ranges[np.isnan(returns)] = np.nan  # where a close is carried forward so is its range
        return estimate_volatility(returns, ends - first, ranges=ranges)

    @property
    def doubts(self) -> tuple[np.ndarray, Float1D]:
        """Why each lot's price can't be right, (L,), None of a sound one, and its entry price over the close."""
        return self.derived.once("doubts", lambda: doubts(self))

    @property
    def prices(self) -> SplitAdjusted:
        """Closes and splits of the panel, prepared for look-up."""
        close, split = np.asarray(self.panel.close), np.asarray(self.panel.split_factor)
        return self.derived.once("prices", lambda: SplitAdjusted.of(close, split))

    def profiles_as_of(self, field: str) -> list[list[Any]]:
        """Return a profile field of each panel symbol as it was known on each session, None if unknown."""
        versions = self.profiles.dropna(subset=[field])
        made: dict[int, list[Any]] = {}
        out = []
        for session in self.sessions:
            is_known = versions["as_of"] <= pd.Timestamp(session)
            count = int(is_known.sum())  # what is known stays known: as many versions are the same ones
            if count not in made:
                known = versions[is_known].groupby("symbol")[field].last().to_dict()
                made[count] = [known.get(symbol) for symbol in self.panel.symbols]
            out.append(made[count])
        return out

    @cached_property
    def symbols_in_use(self) -> Bool2D:
        """Whether a symbol is held, a factor's proxy or in the benchmark of an open portfolio, shape (D, N)."""
        used = np.zeros((len(self.sessions), len(self.panel.symbols)), dtype=bool)
        used[self.book.holdings.session, self.book.holdings.symbol] = True
        open_ = active_accounts(self.accounts, self.panel.dates[self.ends])
        for name, rows in self.benchmarks.groupby("benchmark"):
            is_compared = (open_ & (self.benchmark_names == name).to_numpy()).any(axis=1)
            used[np.ix_(is_compared, [self.column[symbol] for symbol in rows["symbol"].unique()])] = True
        others = (*self.registries.factors.proxies, *self.registries.scenarios.pairs)
        used[:, [self.column[symbol] for symbol in others if symbol in self.column]] = True
        return used

    @cached_property
    def has_public(self) -> Bool2D:
        """Whether a portfolio holds a PUBLIC or OPTIONS position as of a session, shape (D, P)."""
        held = np.zeros(self.book.equity.shape, dtype=bool)
        is_public = np.isin(self.book.holdings.leg, (0, PROXY))  # a private asset may be in another currency
        held[self.book.holdings.session[is_public], self.book.holdings.portfolio[is_public]] = True
        return held

    def frame(self, mask: Bool2D, entity: str, names: list[str], **values: np.ndarray) -> pd.DataFrame:
        """Return long rows ``session, <entity>, values…`` for the true cells of a (D, entities) mask."""
        return rows_of(mask, {"session": self.sessions, entity: names}, values)

    @cached_property
    def portfolio_ids(self) -> list[str]:
        """Ids of the portfolios, in order."""
        return list(self.portfolios["portfolio_id"])

    def portfolio_skips(self, analytic: str) -> pd.DataFrame:
        """Return the skip rows of portfolios that can't be valued or hold nothing with a market price."""
        without = self.book.is_active & ~self.has_public
        reason = np.where(
            self.book.private_positions > 0,
            Reason.NO_PUBLIC_POSITIONS.value,
            Reason.NO_ACTIVE_POSITIONS.value,
        )
        skips = self.frame(without, "entity", self.portfolio_ids, reason=reason)
        skips = skips.assign(analytic=analytic, entity_type="portfolio", detail=None)
        unvalued = unvalued_rows(self, analytic)
        return skips if unvalued is None else pd.concat([skips, unvalued], ignore_index=True)


def make_inputs(
    panel: PricePanel,
    sessions: list[date],
    book: BookFrames,
    registries: Registries,
    *,
    risk_free_rate: float,
    bill_symbol: str | None = None,
    stored: Frames | None = None,
) -> Inputs:
    """Turn the imported rows into arrays on the panel's symbols, which must hold every priced symbol of the lots.

    ``risk_free_rate`` holds where ``bill_symbol``, a 13-week bill quoted as ^IRX is, has had no close yet.
    """
    portfolios, rows, flows = book.portfolios, book.lots, book.flows
    portfolio_index = {name: row for row, name in enumerate(portfolios["portfolio_id"])}
    column = {symbol: symbol_index for symbol_index, symbol in enumerate(panel.symbols)}
    currencies = book.currencies
    names = {symbol: symbol_index for symbol_index, symbol in enumerate(sorted(set(rows["symbol"])))}
    priced = rows["underlying"].where(rows["underlying"].notna(), rows["symbol"])
    private = rows["investment_class"] == "PRIVATE"
    proxy = priced_symbol(rows).where(private)
    marks = book.marks[book.marks["symbol"].isin(names)]
    lots = Lots(
        portfolio=_integers(rows["portfolio_id"].map(portfolio_index)),
        symbol=np.where(private, -1, _integers(priced.map(column).fillna(-1))),
        name=_integers(rows["symbol"].map(names)),
        kind=_integers(rows["investment_class"].map({kind.name: kind.value for kind in InvestmentClass})),
        quantity=rows["quantity"].to_numpy(dtype=float),
        entry_date=_days(rows["entry_date"]),
        entry_price=rows["entry_price"].to_numpy(dtype=float),
        exit_date=_days(rows["exit_date"]),
        exit_price=rows["exit_price"].to_numpy(dtype=float),
        is_call=(rows["option_type"] == "CALL").to_numpy(),
        strike=rows["strike"].to_numpy(dtype=float),
        expiry=_days(rows["expiry"]),
        implied_volatility=rows["implied_volatility"].to_numpy(dtype=float),
        contract_size=rows["multiplier"].to_numpy(dtype=float),
        fees=rows["fees"].to_numpy(dtype=float),
        exit_fees=rows["exit_fees"].to_numpy(dtype=float),
        is_american=(rows["exercise"] != "european").to_numpy(),
        proxy=_integers(proxy.map(column).fillna(-1)),
        proxy_beta=rows["proxy_beta"].to_numpy(dtype=float) if "proxy_beta" in rows else np.full(len(rows), np.nan),
    )
    too_large = is_too_large(lots)
    lots = in_terms_of_sessions(lots, panel.dates, panel.dividend, panel.split_factor)
    return Inputs(
        registries=registries,
        panel=panel,
        sessions=sessions,
        stored=stored or {},
        risk_free_rate=_rates(panel, risk_free_rate, bill_symbol),
        profiles=book.profiles,
        portfolios=portfolios,
        lot_symbols=rows["symbol"].tolist(),
        position_ids=rows["position_id"].tolist(),
        currencies=currencies,
        conversion=conversion_of(currencies, column),
        lots=replace(lots, quantity=np.where(too_large, 0.0, lots.quantity)),
        is_too_large=too_large,
        accounts=Accounts(
            starting_equity=portfolios["starting_equity"].to_numpy(dtype=float),
            inception=_days(portfolios["inception_date"]),
            closed=_days(portfolios["closed_date"]),
            flow_portfolio=_integers(flows["portfolio_id"].map(portfolio_index)),
            flow_date=_days(flows["flow_date"]),
            flow_amount=flows["amount"].to_numpy(dtype=float),
        ),
        marks=(
            _integers(marks["symbol"].map(names)),
            _days(marks["mark_date"]),
            marks["price"].to_numpy(dtype=float),
        ),
        benchmarks=book.benchmarks.assign(
            currency=book.benchmarks["symbol"].map(book.quotes.set_index("symbol")["currency"]).astype(object)
        ),
        option_quotes=quote_frame(
            book.volatilities, book.marks[~book.marks["symbol"].isin(rows.loc[private, "symbol"])]
        ),
    )


def _rates(panel: PricePanel, fallback: float, bill_symbol: str | None) -> Float1D:
    """Return the risk-free rate of each panel row: the bill's last close by then, else the fallback."""
    rates = np.full(len(panel.dates), fallback)
    if bill_symbol in panel.symbols:
        close = panel.close[:, panel.symbols.index(bill_symbol)]
        last = np.maximum.accumulate(np.where(np.isnan(close), -1, np.arange(len(close))))
        rates[last >= 0] = bill_rate(close[last[last >= 0]])
    return rates


def _days(values: pd.Series) -> Date1D:
    return np.asarray(values.to_numpy().astype("datetime64[D]"))


def _integers(values: pd.Series) -> Int1D:
    return np.asarray(values.to_numpy(dtype=float).astype(np.int64))
