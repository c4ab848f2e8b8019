"""How the positions of each portfolio move together, one portfolio after the other."""

from __future__ import annotations

import numpy as np

from ..arrays import Float1D, Float2D, Int1D, Int2D
from .compiled import kernel, part
from .vectors import dot

MIN_OBSERVATIONS = 63
"""Sessions that a position, or a pair, must have a return on."""
LEAST_COVERAGE = 0.8
"""Share of gross whose symbols have the least observations."""
HEDGED = 1e-12
"""A variance of the whole below this share of the positions' own is a perfect hedge, of which nothing is a share."""


@part
def _write_correlations(
    chosen: Int1D,
    scaled: Float2D,
    squares: Float2D,
    present: Float2D,
    count: Float1D,
    total: Float1D,
    observations: float,
    out: Float2D,
    both: Float2D,
) -> None:
    """Write the shrunk correlations of some symbols, (n, n), and on how many sessions each pair has returns.

    ``count`` and ``total`` (N,) are each symbol's returns and the sum of their ``squares``.
    """
    length = scaled.shape[1]
    signal, noise = 0.0, 0.0
    for i in range(len(chosen)):
        a = chosen[i]
        out[i, i], both[i, i] = 1.0, count[a]
        for j in range(i):
            b = chosen[j]
            if count[a] == length and count[b] == length:
                common, size = float(length), np.sqrt(total[a] * total[b])
            else:  # of each, over the sessions of the other
                common = dot(present[a], present[b])
                size = np.sqrt(dot(squares[a], present[b]) * dot(squares[b], present[a]))
            correlation = dot(scaled[a], scaled[b]) / size if size > 0.0 else 0.0
            square = correlation * correlation
            signal += 2.0 * square
            noise += 2.0 * (1.0 - min(square, 1.0)) ** 2
            out[i, j] = out[j, i] = correlation
            both[i, j] = both[j, i] = common
    kept = 1.0 - min(noise / observations / signal, 1.0) if signal > 0.0 else 1.0
    for i in range(len(chosen)):
        for j in range(len(chosen)):
            out[i, j] = 1.0 if i == j else kept * out[i, j]


@kernel(
    "void(float64[:, ::1], float64[::1], int64[::1], int64[::1], float64[::1], float64[:, ::1], int64[:, ::1], "
    "float64[:, ::1], float64[:, ::1])"
)
def write_diversification(
    returns: Float2D,
    weights: Float1D,
    first: Int1D,
    symbols: Int1D,
    dollars: Float1D,
    numbers: Float2D,
    largest: Int2D,
    correlation: Float2D,
    variance_share: Float2D,
) -> None:
    """Write the diversification of portfolios and the pairs of their largest positions.

    Parameters
    ----------
    returns : (N, W) of symbols; NaN is a gap. weights : (W,) of sessions.
    first : (P + 1,) where each portfolio's positions begin. symbols, dollars : (n,) of positions.
    numbers : (2, P) diversification ratio and effective bets.
    largest : (P, K) the largest positions, by their place among the portfolio's; -1 of none.
    correlation, variance_share : (P, K (K - 1) / 2) of their pairs.
    """
    numbers[:] = np.nan
    largest[:] = -1
    correlation[:] = np.nan
    variance_share[:] = np.nan
    present = np.where(np.isnan(returns), 0.0, 1.0)
    scaled = np.where(np.isnan(returns), 0.0, returns) * np.sqrt(weights)
    squares = scaled * scaled
    count, total, variance = np.empty((3, len(returns)))
    for symbol in range(len(returns)):
        count[symbol] = present[symbol].sum()
        total[symbol] = dot(squares[symbol], present[symbol])
        variance[symbol] = total[symbol] / dot(weights, present[symbol])
    observations = weights.sum() ** 2 / (weights * weights).sum()
    for p in range(len(first) - 1):
        start, stop = first[p], first[p + 1]
        gross, covered, n = 0.0, 0.0, 0
        place, chosen, risk = np.empty(stop - start, np.int64), np.empty(stop - start, np.int64), np.empty(stop - start)
        for h in range(start, stop):
            symbol = symbols[h]
            gross += abs(dollars[h])
            if count[symbol] >= MIN_OBSERVATIONS:
                covered += abs(dollars[h])
                place[n], chosen[n], risk[n] = h - start, symbol, dollars[h] * np.sqrt(variance[symbol])
                n += 1
        risk = risk[:n]
        matrix, both = np.empty((n, n)), np.empty((n, n))
        _write_correlations(chosen[:n], scaled, squares, present, count, total, observations, matrix, both)
        own, together, together_squared = 0.0, 0.0, 0.0
        for i in range(n):
            own += risk[i] * risk[i]
            for j in range(n):
                covariance = matrix[i, j] * (risk[i] * risk[j])
                together += covariance
                together_squared += covariance * covariance
        is_covered = gross > 0.0 and covered >= LEAST_COVERAGE * gross
        whole = together if is_covered and together > HEDGED * own else np.nan
        if is_covered and own > 0.0:
            numbers[0, p] = np.abs(risk).sum() / np.sqrt(whole)
            numbers[1, p] = own * own / together_squared
        order = np.argsort(-np.abs(risk), kind="mergesort")[: largest.shape[1]]  # of equal ones the first
        pair = 0
        for a in range(largest.shape[1]):
            for b in range(a + 1, largest.shape[1]):
                if b < len(order) and risk[order[b]] != 0.0:
                    i, j = order[a], order[b]
                    largest[p, a], largest[p, b] = place[i], place[j]
                    if both[i, j] >= MIN_OBSERVATIONS:
                        correlation[p, pair] = matrix[i, j]
                        variance_share[p, pair] = 2.0 * (matrix[i, j] * (risk[i] * risk[j])) / whole
                pair += 1
