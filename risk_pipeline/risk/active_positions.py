"""Which positions make a portfolio's tracking error: active weights and their parts of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..analytics.arrays import Float1D, Float2D, Int1D
from ..analytics.tracking import TrackingModel, position_contributions

if TYPE_CHECKING:
    import scipy.sparse as sp

POSITION = "position"


@dataclass(frozen=True)
class ActivePositions:
    """A portfolio's holdings and its benchmark's by symbol, (n,): columns of the panel, weights, parts of the risk."""

    session: int
    portfolio: int
    symbol: Int1D
    own: Float1D
    benchmark: Float1D
    contribution: Float1D


def active_positions(
    session: int,
    own: sp.csr_array,
    benchmark: sp.csr_array,
    returns: Float2D,
    beta: Float2D,
    factors: Float2D,
    model: TrackingModel,
) -> Iterator[ActivePositions]:
    """Yield the positions of each portfolio that has weights of its benchmark.

    Parameters
    ----------
    own, benchmark : (Q, N) weights. returns : (W, N), NaN is a gap. beta : (N, K), zero where there is none.
    factors : (W, K). model : of the same portfolios and window.
    """
    for row in range(own.shape[0]):
        theirs = benchmark.indices[benchmark.indptr[row] : benchmark.indptr[row + 1]]
        if not len(theirs):
            continue
        mine = own.indices[own.indptr[row] : own.indptr[row + 1]]
        symbols = np.union1d(mine, theirs).astype(np.int64)
        held, compared = np.zeros(len(symbols)), np.zeros(len(symbols))
        held[np.searchsorted(symbols, mine)] = own.data[own.indptr[row] : own.indptr[row + 1]]
        compared[np.searchsorted(symbols, theirs)] = benchmark.data[benchmark.indptr[row] : benchmark.indptr[row + 1]]
        window = returns[:, symbols]
        added = _added(held, window, np.abs(held)) - _added(compared, window, compared)
        parts = position_contributions(model, row, held - compared, beta[symbols], added, factors)
        yield ActivePositions(session, row, symbols, held, compared, parts)


def _added(weight: Float1D, returns: Float2D, size: Float1D) -> Float2D:
    """Return what each position adds to the return of all, (W, n): of one in a gap nothing, the others scaled up."""
    gaps = np.isnan(returns)
    added = np.where(gaps, 0.0, returns) * weight
    if not gaps[:, weight != 0.0].any() or not size.sum():
        return np.asarray(added)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(added / (1.0 - (gaps * size).sum(axis=1) / size.sum())[:, None])


def position_rows(
    found: Sequence[ActivePositions], sessions: Sequence[object], ids: Sequence[str], symbols: Sequence[str]
) -> pd.DataFrame:
    """Return the rows of ``active_exposures``, by session, portfolio and symbol."""
    size = [len(one.symbol) for one in found]
    days = np.array(sessions, dtype="datetime64[D]").astype("datetime64[s]")
    names = np.array(symbols, dtype=object)

    def joined(name: str) -> np.ndarray:
        return np.concatenate([getattr(one, name) for one in found])

    own, benchmark = joined("own"), joined("benchmark")
    return pd.DataFrame(
        {
            "session": np.repeat(days[[one.session for one in found]], size),
            "portfolio_id": np.repeat(np.array(ids, dtype=object)[[one.portfolio for one in found]], size),
            "kind": POSITION,
            "name": names[joined("symbol")],
            "own": own,
            "benchmark": benchmark,
            "active": own - benchmark,
            "risk_contribution": joined("contribution"),
        }
    )
