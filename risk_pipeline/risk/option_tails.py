"""Value at risk of books with options, each option revalued on every scenario; and what such books then gained."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ..analytics.arrays import Bool2D, Float1D, Float2D, Int1D
from ..analytics.holdings import covered_returns
from ..analytics.option_scenarios import DAY, OptionScenarios
from ..analytics.sums import sum_by
from ..analytics.tail_parts import tail_scenarios, weighted
from ..analytics.valuation import Book
from ..analytics.var import LOOK_BACK, TailRisk, WorstScenarios, scenarios_by_series
from .inputs import Inputs

OWNERS_AT_ONCE = 512
"""Portfolios that are revalued together; what an option of each gains on a thousand scenarios is some 4 MB."""
VOLATILITY_CHANGES = (-0.10, 0.0, 0.10)
"""Of the lattices of early exercise: the response to the market's return is a point per cent."""
SESSIONS_AT_ONCE = 4
"""Sessions whose books are revalued on threads beside each other; one has some 40 MB where portfolios are many."""
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
    for_revalued_books(inputs, book, ends, lambda books: books.put_tail(out))
    return out


def is_revalued(inputs: Inputs, book: Book) -> Bool2D:
    """Return which portfolios have options and equity, (D, P)."""
    rows, lots = book.positions, inputs.lots
    held = lots.is_option[rows.lot]
    out = np.zeros(book.equity.shape, dtype=bool)
    out[rows.session[held], lots.portfolio[rows.lot[held]]] = True
    return np.asarray(out & (book.equity > 0))


def for_revalued_books(inputs: Inputs, book: Book, ends: Int1D, use: Callable[[RevaluedBooks], None]) -> None:
    """Call a function with the books with options and equity of each session, revalued on every scenario.

    Sessions are on several threads: what it writes has places of their own. Some of a session's at a time: an array of
    all has a gigabyte where thousands hold twenty options each.
    """
    lots, rows, holdings = inputs.lots, book.positions, book.holdings
    held, terms = rows.options(lots, inputs.panel.dates[ends])
    owner = lots.portfolio[rows.lot[held]]
    is_owned = book.equity[rows.session[held], owner] > 0
    market = inputs.column[inputs.registries.factors.market.proxy]

    def revalue(day: int) -> None:
        today = np.flatnonzero(is_owned & (rows.session[held] == day))
        today = today[np.argsort(owner[today], kind="stable")]
        owners = np.unique(owner[today])
        of_owners = np.flatnonzero(holdings.session == day)
        of_owners = of_owners[np.isin(holdings.portfolio[of_owners], owners)]
        of_owners = of_owners[np.argsort(holdings.portfolio[of_owners], kind="stable")]
        symbols = np.unique(np.append(holdings.symbol[of_owners], market))
        window = np.asarray(inputs.panel.returns[max(ends[day] + 1 - LOOK_BACK, 0) : ends[day] + 1])
        session = _Session(
            day=day,
            held=held[today],
            options=OptionScenarios(terms.take(today), DAY, changes=VOLATILITY_CHANGES),
            rows=of_owners,
            symbols=symbols,
            moves=scenarios_by_series(window, symbols),
            market=int(np.searchsorted(symbols, market)),
        )
        for first in range(0, len(owners), OWNERS_AT_ONCE):
            use(session.revalued(inputs, book, owners[first : first + OWNERS_AT_ONCE]))

    with ThreadPoolExecutor(min(os.cpu_count() or 1, SESSIONS_AT_ONCE)) as threads:
        for _ in threads.map(revalue, np.unique(rows.session[held[is_owned]]).tolist()):
            pass


@dataclass(frozen=True)
class _Session:
    """Books with options and equity on a session.

    ``held`` (O,) are their options as rows of the book's positions, ``rows`` (H,) their holdings as rows of its
    holdings, both in the order of the portfolios. ``symbols`` are those that they move with, sorted, ``market`` the
    place of the market's among them, and ``moves`` (symbols, S) their scenarios.
    """

    day: int
    held: Int1D
    options: OptionScenarios
    rows: Int1D
    symbols: Int1D
    moves: Float2D
    market: int

    def revalued(self, inputs: Inputs, book: Book, owners: Int1D) -> RevaluedBooks:
        """Return some of the portfolios revalued; what several hold is priced once."""
        lots, positions, moves = inputs.lots, book.positions, self.moves
        some = np.flatnonzero(np.isin(lots.portfolio[positions.lot[self.held]], owners))
        held, options = self.held[some], self.options.take(some)
        lot, price = positions.lot[held], positions.price[held]
        underlying = np.searchsorted(self.symbols, lots.symbol[lot])
        first, place = options.terms.distinct(underlying, price)
        response = -inputs.registries.scenarios.spot_volatility_response * np.nan_to_num(moves[self.market])
        underlying_moves = np.nan_to_num(moves[underlying[first]], copy=False).T
        gains = options.take(first).price(underlying_moves, response[:, None]).T
        gains -= price[first][:, None]
        rows = self.rows[np.isin(book.holdings.portfolio[self.rows], owners)]
        holdings = book.holdings.take(rows)
        is_option = (holdings.leg == 0) & lots.is_option[holdings.lot]
        option, shares = np.full(len(rows), -1), np.zeros(len(rows))
        option[is_option] = place
        shares[is_option] = positions.quantity[held] * lots.multiplier[lot] * positions.rate[held]
        return RevaluedBooks(
            day=self.day,
            owners=owners,
            rows=rows,
            moves=moves,
            symbol=np.searchsorted(self.symbols, holdings.symbol),
            dollars=holdings.delta_value,
            gains=gains,
            option=option,
            shares=shares,
            owner=np.searchsorted(owners, holdings.portfolio),
            equity=book.equity[self.day, owners],
        )


@dataclass(frozen=True)
class RevaluedBooks:
    """Portfolios with options and equity on a session, and what their holdings gain on each scenario.

    ``owners`` are the portfolios, ``rows`` (H,) their holdings as rows of the book's. ``moves`` (symbols, S) are those
    of the symbols, NaN without a return; ``symbol`` (H,) is each holding's row there and ``dollars`` (H,) its
    delta-adjusted notional. An option gains ``gains`` (O, S) in money a share; ``option`` (H,) is a holding's row
    there, -1 of what moves as its symbol does, and ``shares`` (H,) how many it has. ``owner`` (H,) is each holding's
    portfolio among those of ``equity``.
    """

    day: int
    owners: Int1D
    rows: Int1D
    moves: Float2D
    symbol: Int1D
    dollars: Float1D
    gains: Float2D
    option: Int1D
    shares: Float1D
    owner: Int1D
    equity: Float1D

    def put_tail(self, tail: TailRisk) -> None:
        """Replace the tail risk, (D, P), of the portfolios on their session."""
        for name, values in vars(self._worst.tail_risk()).items():
            getattr(tail, name)[self.day, self.owners] = values

    def components(self) -> tuple[Float1D, Float1D]:
        """Return each holding's components of value at risk and expected shortfall at 99 %, (H,)."""
        tail = tail_scenarios(self._worst)
        parts = self._parts(len(tail.row))
        var_weight, es_weight = (weights[:, self.owner] for weights in (tail.var_weight, tail.es_weight))
        return -weighted(var_weight, parts), -weighted(es_weight, parts)

    @cached_property
    def _worst(self) -> WorstScenarios:
        """The worst scenarios of the portfolios on equity; what has no return moves like the rest."""
        on_equity = covered_returns(
            *(self.moves, self.symbol, self.owner, self.dollars, self.equity),
            min_coverage=LEAST_COVERAGE,
            gains=self.gains,
            option=self.option,
            shares=self.shares,
        )
        return WorstScenarios.of(on_equity)

    def _parts(self, count: int) -> Float2D:
        """Return each holding's part of its portfolio's return on equity on the worst scenarios, (count, H).

        A holding without a return has its share of gross in the whole.
        """
        row, whole = (values[:count, self.owner] for values in (self._worst.row, self._worst.value))
        moved = self.moves[self.symbol, row]
        is_option = self.option >= 0
        gained = np.nan_to_num(moved) * self.dollars
        gained[:, is_option] = self.gains[self.option[is_option], row[:, is_option]] * self.shares[is_option]
        gross = sum_by(self.owner, np.abs(self.dollars), len(self.equity))
        with np.errstate(invalid="ignore", divide="ignore"):
            like_the_rest = whole * (np.abs(self.dollars) / gross[self.owner])
            own = gained / self.equity[self.owner]
        return np.asarray(own + np.where(np.isnan(moved), like_the_rest, 0.0))


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
