"""Value at risk of books with options, each option revalued on every scenario; and what such books then gained."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ..analytics.arrays import Bool1D, Bool2D, Float1D, Float2D, Int1D, Int2D
from ..analytics.holdings import Holdings, covered_returns
from ..analytics.option_scenarios import DAY, OptionScenarios
from ..analytics.sums import sum_by
from ..analytics.tail_parts import tail_scenarios, weighted
from ..analytics.valuation import Book
from ..analytics.var import LOOK_BACK, TailRisk, scenarios_by_series, tail_risk
from .inputs import Inputs

COLUMNS = 1024
"""Series that are filtered together; they are the windows of so many symbols and sessions, some 10 MB an array."""
OWNERS_AT_ONCE = 64
"""Portfolios that are revalued together; what twenty positions each gain on a thousand scenarios is some 10 MB."""
LEAST_COVERAGE = 0.8
"""A scenario counts where so much of a book's gross exposure has a return on its session."""


def with_options(inputs: Inputs, book: Book, ends: Int1D, tail: TailRisk) -> TailRisk:
    """Return the tail risk with that of books with options replaced by a full revaluation.

    Each symbol's past surprises are scaled to its present volatility. On every such scenario shares move by it, an
    option is priced at its underlying's new spot and at a volatility that moves by the registry's response to the
    market's return, a day later. So gamma, vega and theta count, which a delta leaves out. ``book`` is valued at the
    rows ``ends``, (D, P).
    """
    out = TailRisk(**{name: values.copy() for name, values in vars(tail).items()})
    for books, gains in revalued_books(inputs, book, ends):
        put_tail(out, books, gains)
    return out


def put_tail(tail: TailRisk, books: SessionBooks, gains: Gains) -> None:
    """Replace the tail risk, (D, P), of a session's books with options by that of their gains."""
    risk = tail_risk(gains.on_equity)
    for name, values in vars(tail).items():
        values[books.day, books.owners] = getattr(risk, name)


def option_parts(books: SessionBooks, gains: Gains) -> tuple[Int1D, Float1D, Float1D]:
    """Return holdings of books with options and their components of value at risk and expected shortfall at 99 %.

    The holdings are rows of ``book.holdings``. The scenarios are those of :func:`with_options`.
    """
    tail = tail_scenarios(gains.on_equity)
    parts = gains.parts(tail.row)
    var_weight, es_weight = (weights[:, gains.owner] for weights in (tail.var_weight, tail.es_weight))
    return books.rows, -weighted(var_weight, parts), -weighted(es_weight, parts)


def is_revalued(inputs: Inputs, book: Book) -> Bool2D:
    """Return which portfolios have options and equity, (D, P)."""
    rows, lots = book.positions, inputs.lots
    held = lots.is_option[rows.lot]
    out = np.zeros(book.equity.shape, dtype=bool)
    out[rows.session[held], lots.portfolio[rows.lot[held]]] = True
    return np.asarray(out & (book.equity > 0))


def revalued_books(inputs: Inputs, book: Book, ends: Int1D) -> Iterator[tuple[SessionBooks, Gains]]:
    """Yield the books with options of each session that has some, and what their holdings gain on every scenario.

    Some of a session's at a time: an array of all has a gigabyte where a thousand hold twenty positions each.
    """
    held, terms = book.positions.options(inputs.lots, inputs.panel.dates[ends])
    session = book.positions.session[held]
    days = [SessionBooks.of(inputs, book, day, held[session == day]) for day in np.unique(session).tolist()]
    days = [day for day in days if len(day.owners)]
    for whole, moves in zip(days, _moves(inputs, ends, days), strict=True):
        today = np.flatnonzero(session == whole.day)
        scenarios = OptionScenarios(terms.take(today[whole.is_owned]), DAY)
        for books, options in whole.split(inputs, book):
            yield books, _gains(inputs, book, books, scenarios.take(options), moves)


@dataclass(frozen=True)
class SessionBooks:
    """Portfolios with options and equity on a session: their holdings, and the symbols that move the session's, sorted.

    ``rows`` are the holdings as rows of the book's; ``held`` their options as rows of its positions; ``is_owned`` which
    of the session's options are of such portfolios.
    """

    day: int
    owners: Int1D
    rows: Int1D
    holdings: Holdings
    symbols: Int1D
    held: Int1D
    is_owned: Bool1D

    @classmethod
    def of(cls, inputs: Inputs, book: Book, day: int, held: Int1D) -> SessionBooks:
        """Return those of a session; ``held`` are its options as rows of the book's positions."""
        of_option = inputs.lots.portfolio[book.positions.lot[held]]
        owners = np.unique(of_option)
        owners = owners[book.equity[day, owners] > 0]
        rows = np.flatnonzero(book.holdings.session == day)
        rows = rows[np.isin(book.holdings.portfolio[rows], owners)]
        holdings = book.holdings.take(rows)
        market = inputs.column[inputs.registries.factors.market.proxy]
        is_owned = np.isin(of_option, owners)
        return cls(day, owners, rows, holdings, np.unique(np.append(holdings.symbol, market)), held[is_owned], is_owned)

    def split(self, inputs: Inputs, book: Book) -> Iterator[tuple[SessionBooks, Int1D]]:
        """Yield some portfolios at a time, and which of the options are theirs."""
        of_option = inputs.lots.portfolio[book.positions.lot[self.held]]
        for first in range(0, len(self.owners), OWNERS_AT_ONCE):
            owners = self.owners[first : first + OWNERS_AT_ONCE]
            mine = np.flatnonzero(np.isin(self.holdings.portfolio, owners))
            options = np.flatnonzero(np.isin(of_option, owners))
            holdings, held = self.holdings.take(mine), self.held[options]
            yield replace(self, owners=owners, rows=self.rows[mine], holdings=holdings, held=held), options


def _moves(inputs: Inputs, ends: Int1D, days: list[SessionBooks]) -> Iterator[Float2D]:
    """Yield the filtered scenarios of each session's symbols, (symbols, S); of many sessions in one pass of the filter.

    A panel that begins within the look-back of a session gives it a shorter history: such are done one by one.
    """
    start = 0
    while start < len(days):
        stop, columns = start, 0
        while stop < len(days) and (stop == start or columns + len(days[stop].symbols) <= COLUMNS):
            if stop > start and min(ends[days[stop].day], ends[days[start].day]) + 1 < LOOK_BACK:
                break
            columns += len(days[stop].symbols)
            stop += 1
        windows = []
        for books in days[start:stop]:
            end = int(ends[books.day])
            window = inputs.panel.returns[max(end + 1 - LOOK_BACK, 0) : end + 1]
            windows.append(np.take(window, books.symbols, axis=1))
        edges = np.cumsum([len(books.symbols) for books in days[start:stop]])[:-1]
        together = windows[0] if len(windows) == 1 else np.hstack(windows)
        yield from np.split(scenarios_by_series(together), edges)
        start = stop


def _gains(inputs: Inputs, book: Book, books: SessionBooks, options: OptionScenarios, moves: Float2D) -> Gains:
    """Return what the holdings gain on each scenario of the symbols' ``moves``, (symbols, S)."""
    lots, rows, holdings, held = inputs.lots, book.positions, books.holdings, books.held
    market = inputs.column[inputs.registries.factors.market.proxy]
    response = np.nan_to_num(moves[np.searchsorted(books.symbols, market)])
    response = -inputs.registries.scenarios.spot_volatility_response * response
    lot = rows.lot[held]
    underlying = np.nan_to_num(moves[np.searchsorted(books.symbols, lots.symbol[lot])].T)
    shares = rows.quantity[held] * lots.multiplier[lot] * rows.rate[held]
    gained = (options.price(underlying, response[:, None]) - rows.price[held]) * shares
    is_option = (holdings.leg == 0) & lots.is_option[holdings.lot]
    return Gains(
        moves=moves,
        symbol=np.searchsorted(books.symbols, holdings.symbol),
        dollars=holdings.delta_value,
        revalued=np.ascontiguousarray(gained.T),
        revaluation=np.where(is_option, np.cumsum(is_option) - 1, -1),
        owner=np.searchsorted(books.owners, holdings.portfolio),
        equity=book.equity[books.day, books.owners],
    )


@dataclass(frozen=True)
class Gains:
    """What holdings gain on each scenario.

    ``moves`` (symbols, S) are those of the symbols, NaN without a return; ``symbol`` (H,) is each holding's row there
    and ``dollars`` (H,) its delta-adjusted notional. Options gain ``revalued`` (O, S) in money; ``revaluation`` (H,)
    is an option's row there, -1 of what moves as its symbol does. ``owner`` (H,) is each holding's portfolio among
    those of ``equity``.
    """

    moves: Float2D
    symbol: Int1D
    dollars: Float1D
    revalued: Float2D
    revaluation: Int1D
    owner: Int1D
    equity: Float1D

    @cached_property
    def on_equity(self) -> Float2D:
        """Return the sums by portfolio on equity, (S, owners); what has no return moves like the rest."""
        return covered_returns(
            *(self.moves, self.symbol, self.owner, self.dollars, self.equity),
            min_coverage=LEAST_COVERAGE,
            revalued=self.revalued,
            revaluation=self.revaluation,
        )

    def parts(self, rows: Int2D) -> Float2D:
        """Return each holding's part of its portfolio's return on equity on some scenarios of it, (K, H).

        ``rows`` (K, owners) are the scenarios. A holding without a return has its share of gross in the whole.
        """
        chosen = rows[:, self.owner]
        moved = self.moves[self.symbol, chosen]
        is_option = self.revaluation >= 0
        gained = np.nan_to_num(moved) * self.dollars
        gained[:, is_option] = self.revalued[self.revaluation[is_option], chosen[:, is_option]]
        with np.errstate(invalid="ignore", divide="ignore"):
            like_the_rest = self.on_equity[chosen, self.owner] * (np.abs(self.dollars) / self._gross[self.owner])
            own = gained / self.equity[self.owner]
        return own + np.where(np.isnan(moved), like_the_rest, 0.0)

    @cached_property
    def _gross(self) -> Float1D:
        return sum_by(self.owner, np.abs(self.dollars), len(self.equity))


def option_outcomes(inputs: Inputs, before: Book, outcome: Float2D) -> Float2D:
    """Return the outcome, (D, P), with that of books with options at unchanged positions and options revalued.

    ``before`` is the book as of the sessions before; an option is priced at the session's close and volatility.
    """
    lots, rows, ends, panel = inputs.lots, before.positions, inputs.ends, inputs.panel
    held, terms = rows.options(lots, panel.dates[ends - 1])
    if not len(held):
        return outcome
    session, lot = rows.session[held], rows.lot[held]
    row, column = ends[session], lots.symbol[lot]
    moved = panel.close[row, column] * panel.split_factor[row, column] / panel.close[row - 1, column]
    volatility = inputs.lot_market(ends).option_volatility(lots, session, lot)
    passed = (panel.dates[row] - panel.dates[row - 1]).astype(np.int64) * DAY
    after_move = replace(
        terms,
        spot=terms.spot * np.where(np.isnan(moved), 1.0, moved),
        volatility=np.where(np.isnan(volatility), terms.volatility, volatility),
        years=np.maximum(terms.years - passed, 0.0),
    )
    shares = rows.quantity[held] * lots.multiplier[lot] * rows.rate[held]
    returns = np.nan_to_num(panel.returns[row, column])
    beyond = shares * (after_move.price() - rows.price[held] - rows.delta[held] * terms.spot * returns)
    cell = session * before.equity.shape[1] + lots.portfolio[lot]
    extra = sum_by(cell, beyond, before.equity.size).reshape(before.equity.shape)
    return outcome + extra / np.where(before.equity > 0, before.equity, np.nan)
