"""Diversification of each portfolio's positions."""

from __future__ import annotations

import numpy as np

from ..analytics.arrays import Float2D
from ..analytics.diversification import WINDOW, diversification
from .inputs import Inputs


def portfolio_diversification(inputs: Inputs) -> dict[str, Float2D]:
    """Return ``diversification_ratio`` and ``effective_bets``, (D, P), of the names held, currencies among them.

    Lots of a symbol are one position, options count with their delta under their underlying. NaN without any.
    """
    book, returns = inputs.book, inputs.panel.returns
    ratio, bets = np.full((2, *book.equity.shape), np.nan)
    for day, end in enumerate(inputs.ends.tolist()):
        notional = book.holdings.at(day).notional(book.equity.shape[1], len(inputs.panel.symbols))
        window = np.asarray(returns[max(end + 1 - WINDOW, 0) : end + 1])
        for portfolio in np.flatnonzero(np.diff(notional.indptr)):
            own = slice(notional.indptr[portfolio], notional.indptr[portfolio + 1])
            found = diversification(notional.data[own], window[:, notional.indices[own]])
            ratio[day, portfolio], bets[day, portfolio] = found.ratio, found.bets
    return {"diversification_ratio": ratio, "effective_bets": bets}
