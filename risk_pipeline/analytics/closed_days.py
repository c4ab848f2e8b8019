"""Lots bought or sold on a day that is no session: what happens at the next session's opening is still before them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .arrays import Bool1D, Date1D, Float1D, Float2D, Int1D
from .lots import InvestmentClass, LotRows, Lots


def in_terms_of_sessions(lots: Lots, dates: Date1D, dividend: Float2D, split: Float2D) -> Lots:
    """Return lots whose quantities and prices of closed days are those of the next session, on which they count.

    A share bought for ``p`` on a Saturday before a split ``s`` and a dividend ``D`` on Monday is ``s`` shares bought on
    Monday for ``(p - D) / s`` each; one sold for ``x`` on that Saturday is ``s`` sold for ``(x - D) / s``. Money paid
    and received stays the same. An option's strike is divided by ``s`` too, and it gets no dividend.

    Parameters
    ----------
    dates : (T,) consecutive sessions. dividend, split : (T, N) of the panel.
    """
    rows = LotRows.of(lots, dates)
    cash, shares = _next_opening(lots, dates, lots.entry_date, rows.entry, dividend, split)
    sold_cash, sold_shares = _next_opening(lots, dates, lots.exit_date, rows.exit, dividend, split)
    return replace(
        lots,
        quantity=lots.quantity * shares,
        entry_price=(lots.entry_price - cash) / shares,
        strike=lots.strike / shares,
        exit_price=(lots.exit_price - sold_cash) / sold_shares,
    )


def _next_opening(
    lots: Lots, dates: Date1D, days: Date1D, row: Int1D, dividend: Float2D, split: Float2D
) -> tuple[Float1D, Float1D]:
    """Return the dividend and the split, each (L,), of the session at ``row`` for lots whose day is closed; 0 and 1."""
    inside: Bool1D = ~np.isnat(days) & (days >= dates[0]) & (row < len(dates)) & (lots.symbol >= 0)
    chosen = np.flatnonzero(inside)
    chosen = chosen[days[chosen] < dates[row[chosen]]]
    cash, shares = np.zeros(len(days)), np.ones(len(days))
    where = row[chosen], lots.symbol[chosen]
    shares[chosen] = np.asarray(split)[where]
    cash[chosen] = np.where(lots.kind[chosen] == InvestmentClass.PUBLIC, np.asarray(dividend)[where], 0.0)
    return cash, shares
