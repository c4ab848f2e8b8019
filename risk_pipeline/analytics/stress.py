"""Stress tests: what a shock to some factors does to all of them, and to portfolios."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import Float1D, Float2D, Float3D, Int1D, Int2D
from .reasons import Reason
from .sums import column_sums, weighted_sums

WORST_CONDITION = 1e8
REVERSE_LOSS = 0.20
"""The share of equity that the reverse stress test loses."""
SESSIONS_A_YEAR = 252


@dataclass(frozen=True)
class ConditionalMoves:
    """How the K core factors move when some are shocked.

    ``move`` (K,) holds the shocks exactly and the conditional mean of the others; ``covariance`` (K, K) what
    stays uncertain over the horizon, zero for shocked factors. ``mahalanobis`` is the distance of the shock
    over the horizon, ``p_value`` how likely one as far is where returns have fat tails, ``one_in_days`` the sessions
    between two such. ``tail_scale`` is how many times ``covariance`` a multivariate t leaves, given this shock.
    ``reason`` is set, and the arrays are NaN, where the shocked factors can't be told apart (``singular``), or no
    covariance could be estimated (``too_short``).
    """

    move: Float1D
    covariance: Float2D
    mahalanobis: float
    p_value: float
    one_in_days: float
    tail_scale: float
    reason: Reason | None = None


def tail_probability(squared: float, shocked: int, degrees_of_freedom: float) -> float:
    """Return how likely a move is of ``shocked`` factors at a squared Mahalanobis distance of ``squared`` or more.

    Of a multivariate t whose covariance is the one that the distance was taken with, so its scatter is
    ``(nu - 2) / nu`` of it: ``F.sf(d^2 / k nu / (nu - 2), k, nu)``. Infinite degrees of freedom are the normal's.
    """
    from scipy.special import chdtrc, fdtrc

    if np.isinf(degrees_of_freedom):
        return float(chdtrc(shocked, squared))
    scale = degrees_of_freedom / (degrees_of_freedom - 2.0)
    return float(fdtrc(shocked, degrees_of_freedom, squared / shocked * scale))


def tail_scale(squared: float, shocked: int, degrees_of_freedom: float) -> float:
    """Return the covariance of the other factors given a shock of ``shocked``, over the normal's.

    ``(nu - 2 + d^2) / (nu - 2 + k)`` of the multivariate t of :func:`tail_probability`: on a wild day everything is
    wilder, on a calm one calmer. One where the degrees of freedom are infinite.

    References
    ----------
    Ding (2016), The American Statistician 70(3).
    """
    if np.isinf(degrees_of_freedom):
        return 1.0
    excess = degrees_of_freedom - 2.0
    return (excess + squared) / (excess + shocked)


def conditional_moves(
    covariance: Float2D, shocked: Int1D, shocks: Float1D, *, horizon: int = 1, degrees_of_freedom: float
) -> ConditionalMoves:
    """Propagate shocks: ``E[f_U | f_S = s] = S_US inv(S_SS) s``, by solving and never by inverting.

    Parameters
    ----------
    covariance : (K, K) of daily factor returns, positive definite; NaN is none.
    shocked : (S,) positions of shocked factors. shocks : (S,) their returns over ``horizon`` sessions.
    degrees_of_freedom : of the multivariate t by which the plausibility is judged, above 2.

    References
    ----------
    Kupiec (1998), J. Derivatives 6(1).
    """
    reason = _why_refused(covariance, shocked)
    if reason is not None:
        nothing = np.full_like(covariance, np.nan)
        return ConditionalMoves(nothing[0], nothing, np.nan, np.nan, np.nan, np.nan, reason)
    block = covariance[np.ix_(shocked, shocked)]
    cross = covariance[:, shocked]
    solved = np.linalg.solve(block, np.column_stack([shocks, cross.T]))
    move = cross @ solved[:, 0]
    move[shocked] = shocks
    remaining = (covariance - cross @ solved[:, 1:]) * horizon
    remaining[shocked, :] = 0.0
    remaining[:, shocked] = 0.0
    squared = float(shocks @ solved[:, 0]) / horizon
    p_value = tail_probability(squared, len(shocked), degrees_of_freedom)
    return ConditionalMoves(
        move=move,
        covariance=(remaining + remaining.T) / 2.0,
        mahalanobis=float(np.sqrt(squared)),
        p_value=p_value,
        one_in_days=horizon / p_value if p_value > 1e-300 else np.inf,
        tail_scale=tail_scale(squared, len(shocked), degrees_of_freedom),
    )


def _why_refused(covariance: Float2D, shocked: Int1D) -> Reason | None:
    if np.isnan(covariance).any():
        return Reason.TOO_SHORT
    block = covariance[np.ix_(shocked, shocked)]
    root = np.sqrt(np.diag(block))
    told_apart = (root > 0).all() and np.linalg.cond(block / np.outer(root, root)) <= WORST_CONDITION
    return None if told_apart else Reason.SINGULAR


def deepest_fall(path: Float2D) -> Float1D:
    """Return the deepest fall of each running P&L (L, P) from its highest point so far, (P,), as a negative number.

    A path starts from zero.
    """
    whole = np.zeros((len(path) + 1, path.shape[1]))
    whole[1:] = path
    return np.asarray((whole - np.maximum.accumulate(whole, axis=0)).min(axis=0))


def conditional_std(dollars: Float2D, covariance: Float2D) -> Float1D:
    """Return the standard deviation (P,) of dollars (P, K) that a scenario leaves open: ``sqrt(x' C x)``."""
    terms = weighted_sums(covariance, dollars.T) * dollars.T
    return np.asarray(np.sqrt(np.maximum(column_sums(terms), 0.0)))


def band_std(
    conditional: Float2D, scale: Float2D | float, residual: Float1D, recent: Float1D, horizon: Int2D | int
) -> Float2D:
    """Return the standard deviation (S, P) of the scenarios' outcomes in dollars, the book's own risk in it.

    ``sqrt(scale conditional^2 + horizon residual variance)``: what the scenario leaves open of the factors over the
    horizon, fat tails in it, and what the factors leave of the book's series. That is the larger of the year's and the
    month's, since the year's lags when a market turns wild.

    Parameters
    ----------
    conditional : (S, P) from ``conditional_std``. scale : from ``tail_scale``, and horizon : in sessions, (S, 1) each.
    residual, recent : (P,) residual volatility of the year and of the month, annualised, in dollars; a NaN month is
        the year.
    """
    own = np.fmax(recent, residual)
    return np.asarray(np.sqrt(scale * conditional**2 + horizon * own**2 / SESSIONS_A_YEAR))


def reverse_stress(dollars: Float3D, covariance: Float3D, loss: Float2D) -> Float3D:
    """Return the most plausible factor moves that lose ``loss`` dollars, (D, P, K): along ``covariance @ dollars``.

    Of all moves with that loss the one with the least Mahalanobis distance. NaN where nothing is exposed or there is
    nothing to lose.

    Parameters
    ----------
    dollars : (D, P, K) dollar exposures. covariance : (D, K, K). loss : (D, P), positive.
    """
    dollars = np.ascontiguousarray(dollars)  # the order of a sum, and so its last bit, depends on the layout
    pull = np.einsum("dkl,dpl->dpk", covariance, dollars)
    squared = (dollars * pull).sum(axis=2)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(pull * np.where((squared > 0) & (loss > 0), -loss / squared, np.nan)[..., None])
