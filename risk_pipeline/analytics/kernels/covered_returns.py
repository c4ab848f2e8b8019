"""What portfolios gain on equity, from what their holdings gain; those without a return move like the rest."""

from __future__ import annotations

import numpy as np

from ..arrays import Float1D, Float2D, Int1D
from .compiled import kernel, part

ROUNDING = 1e-12
"""What a share of gross may lack of the least one."""
ROWS = 64
"""Rows of history that are summed together."""


@part
def _on_equity(gained: float, share: float, equity: float, least: float) -> float:
    return gained / share / equity if share >= least - ROUNDING else np.nan


@kernel(
    "float64[:, ::1](Array(float64, 2, 'C', True), Array(int64, 1, 'C', True), Array(int64, 1, 'C', True), "
    "Array(float64, 1, 'C', True), Array(float64, 1, 'C', True), float64, Array(float64, 2, 'C', True), "
    "Array(int64, 1, 'C', True))"
)
def scenario_returns(
    moves: Float2D,
    symbol: Int1D,
    owner: Int1D,
    dollars: Float1D,
    equity: Float1D,
    least: float,
    revalued: Float2D,
    revaluation: Int1D,
) -> Float2D:
    """Return the gains of portfolios on equity, (P, S); NaN where less than a share of their gross has a return.

    Parameters
    ----------
    moves : (N, S) of symbols; NaN is no return.
    symbol, owner : (H,) of holdings: rows of ``moves``, positions in ``equity`` (P,).
    dollars : (H,) their delta-adjusted notional.
    revalued : (O, S) what some holdings gain in money; ``revaluation`` (H,) is the row of each, -1 of the others.
    """
    shape = (len(equity), moves.shape[1])
    total, covered, gross = np.zeros(shape), np.zeros(shape), np.zeros(len(equity))
    for h in range(len(symbol)):
        portfolio, value, size = owner[h], dollars[h], abs(dollars[h])
        gross[portfolio] += size
        moved, total_here, covered_here = moves[symbol[h]], total[portfolio], covered[portfolio]
        if revaluation[h] >= 0:
            own = revalued[revaluation[h]]
            for s in range(shape[1]):
                total_here[s] += own[s]
                covered_here[s] += 0.0 if np.isnan(moved[s]) else size
        else:
            for s in range(shape[1]):
                total_here[s] += 0.0 if np.isnan(moved[s]) else value * moved[s]
                covered_here[s] += 0.0 if np.isnan(moved[s]) else size
    for p in range(shape[0]):
        for s in range(shape[1]):
            share = covered[p, s] / gross[p] if gross[p] > 0.0 else 1.0
            total[p, s] = _on_equity(total[p, s], share, equity[p], least)
    return total


@kernel(
    "void(Array(float64, 2, 'C', True), Array(float64, 1, 'C', True), Array(int64, 1, 'C', True), "
    "Array(int64, 1, 'C', True), Array(float64, 1, 'C', True), float64, int64, float64[:, ::1], float64[::1])"
)
def write_history(
    returns: Float2D,
    dollars: Float1D,
    symbols: Int1D,
    first: Int1D,
    equity: Float1D,
    least: float,
    coverage_rows: int,
    out: Float2D,
    coverage: Float1D,
) -> None:
    """Write the gains of portfolios on equity on each row of history, and the mean share of gross that has a return.

    Parameters
    ----------
    returns : (W, N); NaN is a gap.
    dollars, symbols : (H,) of holdings; those of portfolio ``p`` are from ``first[p]`` to ``first[p + 1]``.
    equity : (P,); NaN for one without returns.
    out : (W, P). coverage : (P,) over the last ``coverage_rows``.
    """
    coverage[:] = 0.0
    gross = np.zeros(len(equity))
    for p in range(len(equity)):
        for h in range(first[p], first[p + 1]):
            gross[p] += abs(dollars[h])
    held = np.unique(symbols)
    by_symbol = np.zeros((returns.shape[1], ROWS))  # a symbol's rows beside each other
    gained, missing = np.empty((len(equity), ROWS)), np.empty((len(equity), ROWS))
    for start in range(0, len(returns), ROWS):
        rows = min(ROWS, len(returns) - start)
        for row in range(rows):
            for symbol in held:
                by_symbol[symbol, row] = returns[start + row, symbol]
        gained[:] = 0.0
        missing[:] = 0.0
        for p in range(len(equity)):
            gained_here, missing_here = gained[p], missing[p]
            for h in range(first[p], first[p + 1]):
                r, value, size = by_symbol[symbols[h]], dollars[h], abs(dollars[h])
                for row in range(ROWS):
                    gained_here[row] += 0.0 if np.isnan(r[row]) else value * r[row]
                    missing_here[row] += size if np.isnan(r[row]) else 0.0
        for row in range(rows):
            for p in range(len(equity)):
                share = 1.0 - missing[p, row] / gross[p] if gross[p] > 0.0 else 1.0
                if start + row >= len(returns) - coverage_rows:
                    coverage[p] += share
                out[start + row, p] = _on_equity(gained[p, row], share, equity[p], least)
    coverage /= coverage_rows
