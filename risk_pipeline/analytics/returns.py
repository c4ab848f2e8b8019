"""Returns between consecutive sessions."""

from __future__ import annotations

import numpy as np

from .arrays import Bool2D, Float2D

IMPOSSIBLE = 1e100
"""A return beyond this is a gap: its square's square would overflow."""
STALE_RUN = 5
"""Closes in a row that are equal before the last of them is taken to be carried forward."""


def total_returns(close: Float2D, dividend: Float2D, split: Float2D) -> Float2D:
    """Return simple total returns ``(P_t * split_t + D_t) / P_(t-1) - 1``, shape (T, N).

    NaN wherever a session or the one before lacks a price, and in the first row: a gap is never zero, and a
    return over several sessions is never labelled as one day's.

    Parameters
    ----------
    close : (T, N) prices as traded on consecutive sessions; NaN, zero or less is no price.
    dividend : (T, N) cash per share held before the session, so per old share on the day of a split.
    split : (T, N) new shares per old; 1 on ordinary days.
    """
    price = np.where(close > 0.0, close, np.nan)
    out = np.full(close.shape, np.nan)
    out[1:] = (price[1:] * split[1:] + dividend[1:]) / price[:-1] - 1.0
    return out


def stale_closes(close: Float2D) -> Bool2D:
    """Return which closes (T, N) are carried forward: equal to each of the ``STALE_RUN - 1`` closes before.

    Judged by what was known on the session, so that later closes change no number of an earlier one: the first four
    closes of a run stay as they are, since on their sessions nobody could tell. A missing close ends a run.
    """
    same = np.zeros(close.shape, dtype=bool)
    same[1:] = close[1:] == close[:-1]
    stale = same.copy()
    for lag in range(1, STALE_RUN - 1):
        stale[lag:] &= same[:-lag]
        stale[:lag] = False
    return stale


def returns_for_estimates(close: Float2D, dividend: Float2D, split: Float2D) -> Float2D:
    """Return :func:`total_returns` with carried-forward closes taken as missing, (T, N).

    The returns of a stretch without trade are gaps, not zeros, and so is the first return after it, which spans many
    sessions. Betas, models, volatilities and series read nothing else. Real returns of zero count until the fifth equal
    close; a fund whose price never moves has no estimates.
    """
    return total_returns(np.where(stale_closes(close), np.nan, close), dividend, split)


def by_symbol(returns: Float2D) -> Float2D:
    """Return returns (T, N) as regressions read them, (N, T): each symbol's in one piece, impossible ones as gaps."""
    return np.ascontiguousarray(np.where(np.abs(returns) < IMPOSSIBLE, returns, np.nan).T)
