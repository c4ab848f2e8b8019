"""Value at risk of books with options, each option revalued on every scenario; and what such books then gained."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..analytics.arrays import Bool1D, Float1D, Float2D, Int1D
from ..analytics.option_scenarios import DAY, OptionScenarios
from ..analytics.options import OptionTerms
from ..analytics.sums import sum_by
from ..analytics.valuation import Book
from ..analytics.var import LOOK_BACK, TailRisk, filtered_scenarios, tail_risk
from .inputs import Inputs

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
    tail_values = {name: values.copy() for name, values in vars(tail).items()}
    held, terms = book.positions.options(inputs.lots, inputs.panel.dates[ends])
    if not len(held):
        return tail
    session = book.positions.session[held]
    for day in np.flatnonzero(chosen):
        today = np.flatnonzero(session == day)
        owners, scenarios = _scenarios(inputs, book, int(day), int(ends[day]), held[today], terms.take(today))
        if len(owners):
            risk = tail_risk(scenarios)
            for name, values in tail_values.items():
                values[day, owners] = getattr(risk, name)
    return TailRisk(**tail_values)


def _scenarios(
    inputs: Inputs, book: Book, day: int, end: int, held: Int1D, terms: OptionTerms
) -> tuple[Int1D, Float2D]:
    """Return the portfolios with options on a session, and their return on equity on each scenario, (S, owners).

    ``held`` are the book's rows of the session that are options, ``terms`` theirs.
    """
    lots, rows, holdings = inputs.lots, book.positions, book.holdings.at(day)
    owners = np.unique(lots.portfolio[rows.lot[held]])
    owners = owners[book.equity[day, owners] > 0]
    if not len(owners):
        return owners, np.empty((0, 0))
    holdings = holdings.take(np.isin(holdings.portfolio, owners))
    market = inputs.column[inputs.registries.factors.market.proxy]
    symbols = np.unique(np.append(holdings.symbol, market))
    moves = filtered_scenarios(
        np.asarray(inputs.panel.returns[max(end + 1 - LOOK_BACK, 0) : end + 1, symbols]),
    )
    place = np.searchsorted(symbols, holdings.symbol)
    present = ~np.isnan(moves)
    moves = np.where(present, moves, 0.0)
    response = -inputs.registries.scenarios.spot_volatility_response * moves[:, np.searchsorted(symbols, market)]
    gained = moves[:, place] * holdings.delta_value
    is_option = (holdings.leg == 0) & lots.is_option[holdings.lot]
    in_book = np.isin(lots.portfolio[rows.lot[held]], owners)
    held, terms = held[in_book], terms.take(np.flatnonzero(in_book))
    lot = rows.lot[held]
    underlying = moves[:, np.searchsorted(symbols, lots.symbol[lot])]
    shares = rows.quantity[held] * lots.multiplier[lot] * rows.rate[held]
    price = OptionScenarios(terms, DAY).price(underlying, response[:, None])
    gained[:, is_option] = shares * (price - rows.price[held])
    return owners, _on_equity(
        gained, present[:, place], holdings.portfolio, holdings.delta_value, owners, book.equity[day]
    )


def _on_equity(
    gained: Float2D, present: Float2D, portfolio: Int1D, dollars: Float1D, owners: Int1D, equity: Float1D
) -> Float2D:
    """Sum what holdings gain by portfolio, on equity, (S, owners); what has no return moves like the rest."""
    owner_index = np.searchsorted(owners, portfolio)
    count = len(owners)

    def by_owner(values: Float2D) -> Float2D:
        return np.stack([sum_by(owner_index, row, count) for row in values])

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
