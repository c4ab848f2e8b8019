"""What portfolios returned since their first session: equity is derived for every session, so no stored row is read."""

from __future__ import annotations

import numpy as np

from ..analytics.arrays import Float2D, Int1D
from ..analytics.lot_gains import gains_by_portfolio
from ..analytics.performance import Performance, daily_returns, performance
from ..analytics.valuation import active_accounts, paid_by
from .inputs import Inputs


def portfolio_performance(inputs: Inputs) -> Performance:
    """Measure the portfolios' returns as of the block's sessions, (D, P).

    They are valued on every session from the first of any open portfolio on. The panel has what that needs
    (``lookback.required_history``), so a session has the same numbers alone, in a range, and later.
    """
    first = first_row(inputs)
    rows = np.arange(first, int(inputs.ends.max()) + 1)
    dates = inputs.panel.dates
    years = dates[inputs.ends].astype("datetime64[Y]").astype("datetime64[D]")
    _, flow = paid_by(inputs.accounts, dates, rows)
    return performance(
        daily_returns(equity_by_session(inputs, rows), flow),
        active_accounts(inputs.accounts, dates[rows]),
        inputs.ends - first,
        np.maximum(np.searchsorted(dates, years) - first, 0),
        risk_free_rate=inputs.risk_free_rate[inputs.ends],
    )


def first_row(inputs: Inputs) -> int:
    """Return the row of the session before the first of any portfolio that is open in the block; zero at least."""
    accounts, dates = inputs.accounts, inputs.panel.dates
    open_ones = active_accounts(accounts, dates[inputs.ends]).any(axis=0)
    opened = np.searchsorted(dates, accounts.inception[open_ones])
    return max(int(min(opened.min(initial=len(dates)), inputs.ends.min())) - 1, 0)


def equity_by_session(inputs: Inputs, rows: Int1D) -> Float2D:
    """Return the equity of every portfolio at rows of the panel, (S, P), the book's to the last bit."""
    return inputs.derived.at("equity", rows, lambda some: _equity(inputs, some))


def _equity(inputs: Inputs, rows: Int1D) -> Float2D:
    gained = gains_by_portfolio(inputs.lots, inputs.lot_market, rows, len(inputs.accounts.starting_equity))
    paid, _ = paid_by(inputs.accounts, inputs.panel.dates, rows)
    return np.asarray(inputs.accounts.starting_equity + paid + gained)
