"""How far the positions of a portfolio are different bets, and how its largest move together."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np

from .arrays import Bool2D, Float1D, Float2D, Int1D

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
    as the dollars; ``correlation`` (n, n) is of their returns, shrunk; ``present`` (W, n) tells on which sessions
    each has a return. ``is_covered``: they are enough of gross to stand for the portfolio.
    """

    position: Int1D
    risk: Float1D
    correlation: Float2D
    present: Bool2D
    is_covered: bool

    @cached_property
    def covariance(self) -> Float2D:
        """(n, n), of the positions' P&L."""
        return self.correlation * (self.risk[:, None] * self.risk)

    @cached_property
    def variance(self) -> float:
        """Of all together; NaN where they hedge each other but for rounding, or nothing moves."""
        together = float(self.covariance.sum())
        return together if together > HEDGED * float((self.risk**2).sum()) else np.nan


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
    else:
        both = squares.T @ present  # of each symbol, over the sessions of the other
        size = np.sqrt(both * both.T)
        variance = squares.sum(axis=0) / seen.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = np.where(size > 0, (scaled.T @ scaled) / size, 0.0)
    np.fill_diagonal(correlation, 1.0)
    correlation = _shrunk(correlation, float(weights.sum() ** 2 / (weights**2).sum()))
    return PositionRisks(np.flatnonzero(known), held * np.sqrt(variance), correlation, present, is_covered)


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
    own = float((risks.risk**2).sum())
    if not own > 0.0:
        return NOTHING
    return Diversification(
        ratio=float(np.abs(risks.risk).sum() / np.sqrt(risks.variance)),
        bets=float(own**2 / (risks.covariance**2).sum()),
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
    above, below = _ranks(len(order))
    one, other = order[above], order[below]
    present = risks.present[:, order].astype(float)
    is_enough = np.full(len(one), True) if present.all() else (present.T @ present)[above, below] >= MIN_OBSERVATIONS
    whole = risks.variance if risks.is_covered and len(order) else np.nan
    return Pairs(
        first=risks.position[one],
        second=risks.position[other],
        rank_first=above + 1,
        rank_second=below + 1,
        correlation=np.where(is_enough, risks.correlation[one, other], np.nan),
        variance_share=np.where(is_enough, 2.0 * risks.covariance[one, other] / whole, np.nan),
    )


@cache
def _ranks(count: int) -> tuple[Int1D, Int1D]:
    return np.triu_indices(count, 1)


def _shrunk(correlation: Float2D, observations: float) -> Float2D:
    """Shrink correlations towards zero by the share of their squares that noise of so many observations explains."""
    off = correlation[~np.eye(len(correlation), dtype=bool)] ** 2
    signal = float(off.sum())
    if signal == 0.0:
        return correlation
    share = min(float(((1.0 - np.minimum(off, 1.0)) ** 2).sum()) / observations / signal, 1.0)
    return np.asarray((1.0 - share) * correlation + share * np.eye(len(correlation)))
