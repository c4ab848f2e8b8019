"""The options of a session revalued: in scenarios, and on a grid of moves of their underlyings and volatility."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..analytics.arrays import Float1D, Float2D, Int1D
from ..analytics.lots import InvestmentClass
from ..analytics.option_scenarios import OptionScenarios
from ..analytics.sums import sum_by
from .inputs import Inputs

SPOT_MOVES = (-0.20, -0.15, -0.10, -0.05, 0.0, 0.05, 0.10, 0.15, 0.20)
VOLATILITY_CHANGES = (-0.10, 0.0, 0.10, 0.20, 0.30)
GRID_COLUMNS = ["session", "portfolio_id", "grid"]


@dataclass(frozen=True)
class SessionOptions:
    """The options held on a session, each array (n,), and how many portfolios there are."""

    scenarios: OptionScenarios
    price: Float1D
    delta: Float1D
    shares: Float1D
    symbol: Int1D
    portfolio: Int1D
    portfolios: int

    def revalued(self, returns: Float2D, volatility_change: Float2D) -> Float2D:
        """Return, by scenario and portfolio (S, P), what revaluing its options adds to their delta.

        ``returns`` (S, n) are those of the underlyings; implied volatility changes, time stands still.
        """
        price = self.scenarios.whole_price(returns, volatility_change)
        extra = self.shares * (price - self.price - self.delta * self.scenarios.terms.spot * returns)
        return np.array([sum_by(self.portfolio, of_scenario, self.portfolios) for of_scenario in extra])


def options_by_session(inputs: Inputs) -> Iterator[SessionOptions]:
    """Yield the options held on each session."""
    rows, lots = inputs.book.positions, inputs.lots
    held, terms = rows.options(lots, inputs.panel.dates[inputs.ends])
    every = OptionScenarios(terms, price=rows.price[held], changes=VOLATILITY_CHANGES)
    for session_index in range(len(inputs.sessions)):
        some = np.flatnonzero(rows.session[held] == session_index)
        option_rows = held[some]
        lot = rows.lot[option_rows]
        yield SessionOptions(
            scenarios=every.take(some),
            price=rows.price[option_rows],
            delta=rows.delta[option_rows],
            shares=rows.quantity[option_rows] * lots.multiplier[lot] * rows.rate[option_rows],
            symbol=lots.symbol[lot],
            portfolio=lots.portfolio[lot],
            portfolios=len(inputs.portfolio_ids),
        )


def grid_rows(inputs: Inputs, session_index: int, options: SessionOptions) -> list[dict[str, Any]]:
    """Return the row of ``option_grids`` of each portfolio with options on a session.

    ``grid`` holds the moves ``spot`` and ``volatility`` and ``pnl``, a list for each volatility. All underlyings of the
    portfolio's options move together, its shares in them too; everything else and the time stand still.
    """
    owners = np.unique(options.portfolio)
    if not len(owners):
        return []
    lots, rows = inputs.lots, inputs.book.positions
    today = rows.session == session_index
    shares = np.flatnonzero(today & (lots.kind[rows.lot] == InvestmentClass.PUBLIC))
    holds = options.portfolio * len(inputs.panel.symbols) + options.symbol
    lot = rows.lot[shares]
    beside = np.isin(lots.portfolio[lot] * len(inputs.panel.symbols) + lots.symbol[lot], holds)
    value = sum_by(lots.portfolio[lot[beside]], rows.value[shares[beside]], options.portfolios)
    change, move = (values.reshape(-1, 1) for values in np.meshgrid(VOLATILITY_CHANGES, SPOT_MOVES, indexing="ij"))
    price = options.scenarios.whole_price(move, change)
    now = price[((move == 0.0) & (change == 0.0))[:, 0]]
    gain = [sum_by(options.portfolio, gained, options.portfolios) for gained in options.shares * (price - now)]
    pnl = np.round(np.stack(gain) + move * value, 2).T[owners].reshape(-1, len(VOLATILITY_CHANGES), len(SPOT_MOVES))
    axes = {"spot": list(SPOT_MOVES), "volatility": list(VOLATILITY_CHANGES)}
    day = pd.Timestamp(inputs.sessions[session_index])
    return [
        {"session": day, "portfolio_id": inputs.portfolio_ids[owner], "grid": {**axes, "pnl": grid}}
        for owner, grid in zip(owners.tolist(), pnl.tolist(), strict=True)
    ]
