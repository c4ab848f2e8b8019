"""Diversification of each portfolio's positions, and the rows of ``position_correlations``."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..analytics.arrays import Float2D
from ..analytics.diversification import FIRST, SECOND, WINDOW, diversification
from .inputs import Inputs


def portfolio_diversification(inputs: Inputs) -> tuple[dict[str, Float2D], pd.DataFrame]:
    """Return ``diversification_ratio`` and ``effective_bets``, (D, P), and the rows of ``position_correlations``.

    Both are of the names held, currencies among them: lots of a symbol are one position, options count with their
    delta under their underlying. NaN, and no row, without any.
    """
    book, returns = inputs.book, inputs.panel.returns
    ratio, bets = np.full((2, *book.equity.shape), np.nan)
    names, ids = (np.array(values, dtype=object) for values in (inputs.panel.symbols, inputs.portfolio_ids))
    rows = []
    for day, (session, end) in enumerate(zip(inputs.sessions, inputs.ends.tolist(), strict=True)):
        notional = book.holdings.at(day).notional(book.equity.shape[1], len(inputs.panel.symbols))
        first, symbols = notional.indptr.astype(np.int64), notional.indices.astype(np.int64)
        window = np.asarray(returns[max(end + 1 - WINDOW, 0) : end + 1])
        found = diversification(first, symbols, notional.data, window)
        ratio[day], bets[day] = found.ratio, found.bets
        portfolio, pair = np.nonzero(found.largest[:, SECOND] >= 0)
        one, other = (first[portfolio] + found.largest[portfolio, rank[pair]] for rank in (FIRST, SECOND))
        columns = {
            "session": np.full(len(pair), np.datetime64(session, "s")),
            "portfolio_id": ids[portfolio],
            "rank_a": FIRST[pair] + 1,
            "rank_b": SECOND[pair] + 1,
            "symbol_a": names[symbols[one]],
            "symbol_b": names[symbols[other]],
            "correlation": found.correlation[portfolio, pair],
            "variance_share": found.variance_share[portfolio, pair],
        }
        rows.append(pd.DataFrame(columns))
    numbers = {"diversification_ratio": ratio, "effective_bets": bets}
    return numbers, pd.concat(rows, ignore_index=True)
