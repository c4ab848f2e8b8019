"""How far the positions of a portfolio are different bets, and how its largest move together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import Float1D, Float2D, Int1D, Int2D

WINDOW, HALF_LIFE = 252, 126
LARGEST = 6
"""Positions whose pairs are told: 15 pairs, which a phone shows as a square and a thousand portfolios can store."""
FIRST, SECOND = np.triu_indices(LARGEST, 1)
"""The pairs, by the ranks of their positions from 0."""


@dataclass(frozen=True)
class Diversification:
    """Diversification of P portfolios.

    ``ratio`` (P,) of the positions' volatilities added up to the portfolio's, >= 1; ``bets`` (P,) from 1 to their
    number. NaN where too little of the portfolio has a history, or where nothing moves.

    ``largest`` (P, LARGEST) are the positions with the largest risks, the largest first, by their place among the
    portfolio's; -1 where it has no further one that moves. Of their pairs, as ``FIRST`` and ``SECOND`` have them,
    ``correlation`` (P, pairs) is of returns, NaN with fewer than 63 in common. ``variance_share`` (P, pairs) is what a
    pair adds to the variance of all positions, negative where one hedges the other; those of all pairs and of the
    positions alone sum to one. NaN where the positions with a history are too few to stand for the portfolio, or hedge
    each other wholly.
    """

    ratio: Float1D
    bets: Float1D
    largest: Int2D
    correlation: Float2D
    variance_share: Float2D


def diversification(first: Int1D, symbols: Int1D, dollars: Float1D, returns: Float2D) -> Diversification:
    """Return the diversification ratio, the effective number of bets and the largest pairs of each portfolio.

    With ``x`` the positions' risks, dollars times volatility, and ``R`` their correlation, the ratio is
    ``sum |x| / sqrt(x'Rx)``. The bets are ``(tr C)^2 / tr(C^2)`` of ``C = diag(x) R diag(x)``, so n for n independent
    positions of the same risk, one for positions that move together, whatever their signs. ``R`` is exponentially
    weighted, each pair over the sessions that both have, and shrunk towards no correlation by the estimated share of
    noise in it.

    Parameters
    ----------
    first : (P + 1,) where each portfolio's positions begin; portfolio ``p`` has those up to ``first[p + 1]``.
    symbols : (n,) columns of ``returns``. dollars : (n,) net delta-adjusted notional.
    returns : (W, N); NaN is a gap.

    References
    ----------
    Choueifaty & Coignard (2008), Toward maximum diversification, J. Portfolio Management 35(1). Participation ratio of
    the eigenvalues: Bell & Dean (1970). Shrinkage: Schaefer & Strimmer (2005), with the normal's variance of a
    correlation, ``(1 - r^2)^2 / n``.
    """
    from .kernels.position_pairs import write_diversification

    used, column = np.unique(symbols, return_inverse=True)
    window = np.ascontiguousarray(returns[-WINDOW:, used].T)
    weights = 0.5 ** (np.arange(window.shape[1])[::-1] / HALF_LIFE)
    count = len(first) - 1
    numbers, largest = np.empty((2, count)), np.empty((count, LARGEST), dtype=np.int64)
    correlation, share = np.empty((2, count, len(FIRST)))
    column = column.astype(np.int64, copy=False)
    write_diversification(window, weights, first, column, dollars, numbers, largest, correlation, share)
    return Diversification(numbers[0], numbers[1], largest, correlation, share)
