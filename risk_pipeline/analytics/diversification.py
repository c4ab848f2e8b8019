"""How far the positions of a portfolio are different bets, and how its largest move together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import Float1D, Float2D, Int1D, Int2D

WINDOW, HALF_LIFE, MIN_OBSERVATIONS = 252, 126, 63
LEAST_COVERAGE = 0.8
"""Share of gross whose symbols have the least observations."""
LARGEST = 8
"""Positions whose pairs are told: 28 pairs, which a phone shows as a square and a thousand portfolios can store."""
HEDGED = 1e-12
"""A variance of the whole below this share of the positions' own is a perfect hedge, of which nothing is a share."""


@dataclass(frozen=True)
class PositionRisks:
    """How the n positions with a history of one portfolio move.

    ``position`` (n,) are their places among those asked for; ``risk`` (n,) is dollars times daily volatility, signed
    as the dollars; ``correlation`` (n, n) is of their returns, shrunk; ``common`` (n, n) counts the sessions on which
    both have a return. ``is_covered``: they are enough of gross to stand for the portfolio.
    """

    position: Int1D
    risk: Float1D
    correlation: Float2D
    common: Int2D
    is_covered: bool


def position_risks(dollars: Float1D, returns: Float2D) -> PositionRisks:
    """Return the risks and correlations of a portfolio's positions.

    Correlations are exponentially weighted, each pair over the sessions that both have, and shrunk towards none by the
    estimated share of noise in them.

    Parameters
    ----------
    dollars : (n,) net delta-adjusted notional by symbol. returns : (W, n) of the same symbols; NaN is a gap.

    References
    ----------
    Schaefer & Strimmer (2005), with the normal's variance of a correlation, ``(1 - r^2)^2 / n``.
    """
    window = returns[-WINDOW:]
    known = (~np.isnan(window)).sum(axis=0) >= MIN_OBSERVATIONS
    gross = float(np.abs(dollars).sum())
    is_covered = gross > 0 and float(np.abs(dollars[known]).sum()) >= LEAST_COVERAGE * gross
    window, held = window[:, known], dollars[known]
    weights = 0.5 ** (np.arange(len(window))[::-1] / HALF_LIFE)
    present = ~np.isnan(window)
    scaled = np.where(present, window, 0.0) * np.sqrt(weights)[:, None]
    squares, seen = scaled**2, present * weights[:, None]
    if present.all():
        total = squares.sum(axis=0)
        size = np.sqrt(np.outer(total, total))
        variance = total / weights.sum()
        common = np.full((len(held), len(held)), len(window))
    else:
        both = squares.T @ present  # of each symbol, over the sessions of the other
        size = np.sqrt(both * both.T)
        variance = squares.sum(axis=0) / seen.sum(axis=0)
        common = present.T.astype(np.int64) @ present
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = np.where(size > 0, (scaled.T @ scaled) / size, 0.0)
    np.fill_diagonal(correlation, 1.0)
    correlation = _shrunk(correlation, float(weights.sum() ** 2 / (weights**2).sum()))
    return PositionRisks(np.flatnonzero(known), held * np.sqrt(variance), correlation, common, is_covered)


@dataclass(frozen=True)
class Diversification:
    """``ratio`` of the positions' volatilities added up to the portfolio's, >= 1; ``bets`` from 1 to their number.

    NaN where too little of the portfolio has a history, or where nothing moves.
    """

    ratio: float
    bets: float


NOTHING = Diversification(np.nan, np.nan)


def diversification(risks: PositionRisks) -> Diversification:
    """Return the diversification ratio and the effective number of bets of one portfolio.

    With ``x`` the positions' risks and ``R`` their correlation, the ratio is ``sum |x| / sqrt(x'Rx)``. The bets are
    ``(tr C)^2 / tr(C^2)`` of ``C = diag(x) R diag(x)``, so n for n independent positions of the same risk, one for
    positions that move together, whatever their signs.

    References
    ----------
    Choueifaty & Coignard (2008), Toward maximum diversification, J. Portfolio Management 35(1). Participation ratio of
    the eigenvalues: Bell & Dean (1970).
    """
    if not risks.is_covered:
        return NOTHING
    covariance = risks.correlation * np.outer(risks.risk, risks.risk)
    own, together = float((risks.risk**2).sum()), float(covariance.sum())
    if not own > 0.0:
        return NOTHING
    return Diversification(
        ratio=float(np.abs(risks.risk).sum() / np.sqrt(together)) if together > HEDGED * own else np.nan,
        bets=float(own**2 / (covariance**2).sum()),
    )


@dataclass(frozen=True)
class Pairs:
    """The pairs of a portfolio's largest positions by risk, m = k (k - 1) / 2 of them, in the order of their ranks.

    ``first`` and ``second`` (m, 2 arrays) are places among the positions asked for, ``rank_first`` < ``rank_second``
    their ranks from 1. ``correlation`` (m,) is of returns, NaN with fewer than 63 in common. ``variance_share`` (m,) is
    what the pair adds to the variance of all positions, negative where one hedges the other; those of all pairs and
    of the positions alone sum to one. NaN where the positions with a history are too few to stand for the portfolio,
    or hedge each other wholly.
    """

    first: Int1D
    second: Int1D
    rank_first: Int1D
    rank_second: Int1D
    correlation: Float1D
    variance_share: Float1D


def largest_pairs(risks: PositionRisks) -> Pairs:
    """Return the pairs of the ``LARGEST`` positions by risk; of equal ones the first."""
    size = np.abs(risks.risk)
    order = np.argsort(-size, kind="stable")[:LARGEST]
    order = order[size[order] > 0.0]
    above, below = np.triu_indices(len(order), 1)
    one, other = order[above], order[below]
    correlation, share = risks.correlation[one, other], np.full(len(one), np.nan)
    if risks.is_covered and len(one):
        together = float((risks.correlation * np.outer(risks.risk, risks.risk)).sum())
        if together > HEDGED * float((risks.risk**2).sum()):
            share = 2.0 * risks.risk[one] * risks.risk[other] * correlation / together
    return Pairs(
        first=risks.position[one],
        second=risks.position[other],
        rank_first=above + 1,
        rank_second=below + 1,
        correlation=np.where(risks.common[one, other] >= MIN_OBSERVATIONS, correlation, np.nan),
        variance_share=np.where(risks.common[one, other] >= MIN_OBSERVATIONS, share, np.nan),
    )


def _shrunk(correlation: Float2D, observations: float) -> Float2D:
    """Shrink correlations towards zero by the share of their squares that noise of so many observations explains."""
    off = correlation[~np.eye(len(correlation), dtype=bool)] ** 2
    signal = float(off.sum())
    if signal == 0.0:
        return correlation
    share = min(float(((1.0 - np.minimum(off, 1.0)) ** 2).sum()) / observations / signal, 1.0)
    return np.asarray((1.0 - share) * correlation + share * np.eye(len(correlation)))
