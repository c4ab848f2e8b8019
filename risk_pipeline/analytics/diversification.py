"""How far the positions of a portfolio are different bets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import Float1D, Float2D

WINDOW, HALF_LIFE, MIN_OBSERVATIONS = 252, 126, 63
LEAST_COVERAGE = 0.8
"""Share of gross whose symbols have the least observations."""


@dataclass(frozen=True)
class Diversification:
    """``ratio`` of the positions' volatilities added up to the portfolio's, >= 1; ``bets`` from 1 to their number.

    NaN where too little of the portfolio has a history, or where nothing moves.
    """

    ratio: float
    bets: float


NOTHING = Diversification(np.nan, np.nan)


def diversification(dollars: Float1D, returns: Float2D) -> Diversification:
    """Return the diversification ratio and the effective number of bets of one portfolio.

    With ``x`` the positions' risks (dollars times volatility) and ``R`` their correlation, the ratio is
    ``sum |x| / sqrt(x'Rx)``. The bets are ``(tr C)^2 / tr(C^2)`` of ``C = diag(x) R diag(x)``, so n for n independent
    positions of the same risk, one for positions that move together, whatever their signs. ``R`` is exponentially
    weighted, each pair over the sessions that both have, and shrunk towards no correlation by the estimated share of
    noise in it.

    Parameters
    ----------
    dollars : (n,) net delta-adjusted notional by symbol. returns : (W, n) of the same symbols; NaN is a gap.

    References
    ----------
    Choueifaty & Coignard (2008), Toward maximum diversification, J. Portfolio Management 35(1). Participation ratio of
    the eigenvalues: Bell & Dean (1970). Shrinkage: Schaefer & Strimmer (2005), with the normal's variance of a
    correlation, ``(1 - r^2)^2 / n``.
    """
    window = returns[-WINDOW:]
    known = (~np.isnan(window)).sum(axis=0) >= MIN_OBSERVATIONS
    gross = float(np.abs(dollars).sum())
    if not gross > 0 or float(np.abs(dollars[known]).sum()) < LEAST_COVERAGE * gross:
        return NOTHING
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
    risk = held * np.sqrt(variance)
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = np.where(size > 0, (scaled.T @ scaled) / size, 0.0)
    np.fill_diagonal(correlation, 1.0)
    correlation = _shrunk(correlation, float(weights.sum() ** 2 / (weights**2).sum()))
    covariance = correlation * np.outer(risk, risk)
    own, together = float((risk**2).sum()), float(covariance.sum())
    if not own > 0.0:
        return NOTHING
    return Diversification(
        ratio=float(np.abs(risk).sum() / np.sqrt(together)) if together > 1e-12 * own else np.nan,
        bets=float(own**2 / (covariance**2).sum()),
    )


def _shrunk(correlation: Float2D, observations: float) -> Float2D:
    """Shrink correlations towards zero by the share of their squares that noise of so many observations explains."""
    off = correlation[~np.eye(len(correlation), dtype=bool)] ** 2
    signal = float(off.sum())
    if signal == 0.0:
        return correlation
    share = min(float(((1.0 - np.minimum(off, 1.0)) ** 2).sum()) / observations / signal, 1.0)
    return np.asarray((1.0 - share) * correlation + share * np.eye(len(correlation)))
