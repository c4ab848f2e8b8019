"""Value at risk of books with options, each option revalued on every scenario; and what such books then gained."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from ..analytics.arrays import Bool1D, Float1D, Float2D, Int1D
from ..analytics.holdings import Holdings
from ..analytics.option_scenarios import DAY, OptionScenarios
from ..analytics.options import OptionTerms
from ..analytics.sums import sum_by
from ..analytics.valuation import Book
from ..analytics.var import LOOK_BACK, TailRisk, filtered_scenarios, tail_risk
from .inputs import Inputs

COLUMNS = 1024
"""Series that are filtered together; they are the windows of so many symbols and sessions, some 10 MB an array."""
LEAST_COVERAGE = 0.8
"""A scenario counts where so much of a book's gross exposure has a return on its session."""


def with_options(inputs: Inputs, book: Book, ends: Int1D, chosen: Bool1D, tail: TailRisk) -> TailRisk:
    """Return the tail risk with that of books with options replaced by a full revaluation.

    Each symbol's past surprises are scaled to its present volatility. On every such scenario shares move by it, an
    option is priced at its underlying's new spot and at a volatility that moves by the registry's response to the
    market's return, a day later. So gamma, vega and theta count, which a delta leaves out.

    Parameters
    ----------
    book : valued at the rows ``ends``, (D, P).
    chosen : (D,) which sessions to revalue.
    """
    held, terms = book.positions.options(inputs.lots, inputs.panel.dates[ends])
    if not len(held):
        return tail
    tail_values = {name: values.copy() for name, values in vars(tail).items()}
    session = book.positions.session[held]
    days = [_SessionBooks.of(inputs, book, int(day), held[session == day]) for day in np.flatnonzero(chosen)]
    days = [day for day in days if len(day.owners)]
    for books, moves in zip(days, _moves(inputs, ends, days), strict=True):
        today = np.flatnonzero(session == books.day)
        risk = tail_risk(_scenarios(inputs, book, books, terms.take(today[books.is_owned]), moves))
        for name, values in tail_values.items():
            values[books.day, books.owners] = getattr(risk, name)
    return TailRisk(**tail_values)


@dataclass(frozen=True)
class _SessionBooks:
    """The portfolios with options and equity on a session: their holdings, and the symbols that move them, sorted.

    ``held`` are their options as rows of the book's positions; ``is_owned`` which of the session's options these are.
    """

    day: int
    owners: Int1D
    holdings: Holdings
    symbols: Int1D
    held: Int1D
    is_owned: Bool1D

    @classmethod
    def of(cls, inputs: Inputs, book: Book, day: int, held: Int1D) -> _SessionBooks:
        of_option = inputs.lots.portfolio[book.positions.lot[held]]
        owners = np.unique(of_option)
        owners = owners[book.equity[day, owners] > 0]
        holdings = book.holdings.at(day)
        holdings = holdings.take(np.isin(holdings.portfolio, owners))
        market = inputs.column[inputs.registries.factors.market.proxy]
        is_owned = np.isin(of_option, owners)
        return cls(day, owners, holdings, np.unique(np.append(holdings.symbol, market)), held[is_owned], is_owned)


def _moves(inputs: Inputs, ends: Int1D, days: list[_SessionBooks]) -> Iterator[Float2D]:
    """Yield the filtered scenarios of each session's symbols, (S, symbols); of many sessions in one pass of the filter.

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
            windows.append(np.asarray(inputs.panel.returns[max(end + 1 - LOOK_BACK, 0) : end + 1, books.symbols]))
        edges = np.cumsum([len(books.symbols) for books in days[start:stop]])[:-1]
        yield from np.split(filtered_scenarios(np.hstack(windows)), edges, axis=1)
        start = stop


def _scenarios(inputs: Inputs, book: Book, books: _SessionBooks, terms: OptionTerms, moves: Float2D) -> Float2D:
    """Return the portfolios' return on equity on each scenario, (S, owners); ``terms`` are those of their options."""
    lots, rows, holdings, held = inputs.lots, book.positions, books.holdings, books.held
    market = inputs.column[inputs.registries.factors.market.proxy]
    place = np.searchsorted(books.symbols, holdings.symbol)
    present = ~np.isnan(moves)
    moves = np.where(present, moves, 0.0)
    response = -inputs.registries.scenarios.spot_volatility_response * moves[:, np.searchsorted(books.symbols, market)]
    gained = moves[:, place] * holdings.delta_value
    is_option = (holdings.leg == 0) & lots.is_option[holdings.lot]
    lot = rows.lot[held]
    underlying = moves[:, np.searchsorted(books.symbols, lots.symbol[lot])]
    shares = rows.quantity[held] * lots.multiplier[lot] * rows.rate[held]
    price = OptionScenarios(terms, DAY).price(underlying, response[:, None])
    gained[:, is_option] = shares * (price - rows.price[held])
    equity = book.equity[books.day]
    return _on_equity(gained, present[:, place], holdings.portfolio, holdings.delta_value, books.owners, equity)


def _on_equity(
    gained: Float2D, present: Float2D, portfolio: Int1D, dollars: Float1D, owners: Int1D, equity: Float1D
) -> Float2D:
    """Sum what holdings gain by portfolio, on equity, (S, owners); what has no return moves like the rest."""
    owner_index = np.searchsorted(owners, portfolio)
    count = len(owners)

    def by_owner(values: Float2D) -> Float2D:
        cell = np.arange(len(values))[:, None] * count + owner_index
        return sum_by(cell.ravel(), values.ravel(), len(values) * count).reshape(len(values), count)

    gross = sum_by(owner_index, np.abs(dollars), count)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(gross > 0, by_owner(np.where(present, np.abs(dollars), 0.0)) / gross, 1.0)
        return np.where(share >= LEAST_COVERAGE - 1e-12, by_owner(gained) / share, np.nan) / equity[owners]


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
