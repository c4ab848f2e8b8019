"""The core factors: market, rates, and styles relative to the market."""

from __future__ import annotations

import numpy as np

from .arrays import Float1D, Float2D
from .sums import weighted_sums


def relative_factors(market: Float1D, rates: Float1D, styles: Float2D) -> Float2D:
    """Return the core factors (T, 2 + S): market, rates, and each style less the market."""
    return np.column_stack([market, rates, styles - market[:, None]])


def compounded_steps(core: Float2D) -> Float2D:
    """Return what each session adds to the core factors' moves since the start of a window, (L, K).

    The proxies' returns compound, so the steps up to a session sum to what the proxies had gained by then, a
    style's in excess of the market's: a fall of 34 % is 34 %, and not the sum of its days.

    Parameters
    ----------
    core : (L, K) daily returns of market, rates and relative styles; without gaps.
    """
    proxies = core.copy()
    proxies[:, 2:] += core[:, :1]
    grown = np.vstack([np.zeros(core.shape[1]), np.cumprod(1.0 + proxies, axis=0) - 1.0])
    return np.diff(relative_factors(grown[:, 0], grown[:, 1], grown[:, 2:]), axis=0)


def residual_returns(core: Float2D, proxies: Float2D, core_betas: Float2D, cross_betas: Float2D) -> Float2D:
    """Return the factors beyond the core, (L, X): what the core, and of sectors the cross-asset factors, leave.

    The coefficients are the proxies' own as of one session, so a proxy's exposures give back exactly its own return.

    Parameters
    ----------
    core : (L, K) returns of the core factors. proxies : (L, X) returns of C cross-asset proxies, then of sectors'.
    core_betas : (X, K) of the proxies. cross_betas : (X, C) of the proxies; NaN or zero is none.
    """
    left, cross = proxies - weighted_sums(core, core_betas.T), cross_betas.shape[1]
    left[:, cross:] -= weighted_sums(np.nan_to_num(left[:, :cross]), np.nan_to_num(cross_betas[cross:].T))
    return left


def residual_steps(core: Float2D, proxies: Float2D, core_betas: Float2D, cross_betas: Float2D) -> Float2D:
    """Return what each session adds to the moves of the factors beyond the core since the start of a window, (L, X).

    As ``compounded_steps``: what the proxies had gained by then, less what their exposures had. NaN where a proxy lacks
    a return; the parameters are those of ``residual_returns``.
    """
    moved = np.cumsum(compounded_steps(core), axis=0)
    gained = np.asarray(np.cumprod(1.0 + proxies, axis=0) - 1.0, dtype=np.float64)
    path = residual_returns(moved, gained, core_betas, cross_betas)
    return np.diff(path, axis=0, prepend=0.0)


def compounded_returns(daily: Float2D, betas: Float2D) -> Float2D:
    """Return what symbols with these betas have gained since the start of a window, session by session, (L, N).

    Each session a symbol returns betas times factors, and these returns compound as a holding's do. So a fund with half
    the market's beta loses less than half of what the market loses in a long fall, and one with twice its beta never
    more than all. A symbol without a beta, NaN, stands still.

    Parameters
    ----------
    daily : (L, K) returns of the factors; without gaps. betas : (N, K).
    """
    return np.asarray(np.cumprod(1.0 + weighted_sums(daily, np.nan_to_num(betas).T), axis=0) - 1.0)
