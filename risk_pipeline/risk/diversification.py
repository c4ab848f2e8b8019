"""Diversification of each portfolio's positions, and the rows of ``position_correlations``."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pandas as pd

from ..analytics.arrays import Float2D
from ..analytics.diversification import WINDOW, Pairs, diversification, largest_pairs, position_risks
from .inputs import Inputs

PAIR_FIELDS = tuple(field.name for field in fields(Pairs))


def portfolio_diversification(inputs: Inputs) -> tuple[dict[str, Float2D], pd.DataFrame]:
    """Return ``diversification_ratio`` and ``effective_bets``, (D, P), and the rows of ``position_correlations``.

    Both are of the names held, currencies among them: lots of a symbol are one position, options count with their
    delta under their underlying. NaN, and no row, without any.
    """
    book, returns = inputs.book, inputs.panel.returns
    ratio, bets = np.full((2, *book.equity.shape), np.nan)
    cells: list[tuple[int, int, int]] = []
    pairs: dict[str, list[np.ndarray]] = {name: [np.empty(0, dtype=np.int64)] for name in PAIR_FIELDS}
    for day, end in enumerate(inputs.ends.tolist()):
        notional = book.holdings.at(day).notional(book.equity.shape[1], len(inputs.panel.symbols))
        window = np.asarray(returns[max(end + 1 - WINDOW, 0) : end + 1])
        for portfolio in np.flatnonzero(np.diff(notional.indptr)).tolist():
            own = slice(notional.indptr[portfolio], notional.indptr[portfolio + 1])
            symbols = notional.indices[own]
            risks = position_risks(notional.data[own], window[:, symbols])
            found = diversification(risks)
            ratio[day, portfolio], bets[day, portfolio] = found.ratio, found.bets
            told = largest_pairs(risks)
            cells.append((day, portfolio, len(told.first)))
            for name, values in vars(told).items():
                pairs[name].append(symbols[values] if name in ("first", "second") else values)
    numbers = {"diversification_ratio": ratio, "effective_bets": bets}
    return numbers, _pair_rows(inputs, cells, {name: np.concatenate(parts) for name, parts in pairs.items()})


def _pair_rows(inputs: Inputs, cells: list[tuple[int, int, int]], pairs: dict[str, np.ndarray]) -> pd.DataFrame:
    """Return the rows of pairs, of which each of the cells (session, portfolio, count) has its own in turn."""
    session, portfolio, count = np.array(cells, dtype=np.int64).reshape(-1, 3).T
    symbols = np.array(inputs.panel.symbols, dtype=object)
    return pd.DataFrame(
        {
            "session": np.array(inputs.sessions, dtype="datetime64[s]")[np.repeat(session, count)],
            "portfolio_id": np.array(inputs.portfolio_ids, dtype=object)[np.repeat(portfolio, count)],
            "rank_a": pairs["rank_first"],
            "rank_b": pairs["rank_second"],
            "symbol_a": symbols[pairs["first"]],
            "symbol_b": symbols[pairs["second"]],
            "correlation": pairs["correlation"],
            "variance_share": pairs["variance_share"],
        }
    )
