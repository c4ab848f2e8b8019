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
    "Array(int64, 1, 'C', True), Array(float64, 1, 'C', True))"
)
def scenario_returns(
    moves: Float2D,
    symbol: Int1D,
    first: Int1D,
    dollars: Float1D,
    equity: Float1D,
    least: float,
    gains: Float2D,
    option: Int1D,
    shares: Float1D,
) -> Float2D:
    """Return the gains of portfolios on equity, (P, S); NaN where less than a share of their gross has a return.

    Parameters
    ----------
    moves : (N, S) of symbols; NaN is no return.
    symbol : (H,) of holdings, rows of ``moves``; those of portfolio ``p`` are from ``first[p]`` to ``first[p + 1]``.
    dollars : (H,) their delta-adjusted notional.
    equity : (P,).
    gains : (O, S) of options, a share of each; ``option`` (H,) is the row of a holding, -1 of one that moves as its
        symbol does, ``shares`` (H,) how many it has.
    """
    out, missing = np.zeros((len(equity), moves.shape[1])), np.empty(moves.shape[1])
    for p in range(len(equity)):
        total, gross = out[p], 0.0
        missing[:] = 0.0
        for h in range(first[p], first[p + 1]):
            moved, value, size = moves[symbol[h]], dollars[h], abs(dollars[h])
            gross += size
            for s in range(len(moved)):
                missing[s] += size if np.isnan(moved[s]) else 0.0
            if option[h] >= 0:
                gained, count = gains[option[h]], shares[h]
                for s in range(len(moved)):
                    total[s] += gained[s] * count
            else:
                for s in range(len(moved)):
                    total[s] += 0.0 if np.isnan(moved[s]) else value * moved[s]
        for s in range(len(missing)):
            share = 1.0 - missing[s] / gross if gross > 0.0 else 1.0
            total[s] = _on_equity(total[s], share, equity[p], least)
    return out


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
