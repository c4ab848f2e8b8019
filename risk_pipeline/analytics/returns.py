"""Returns between consecutive sessions."""

from __future__ import annotations

import numpy as np

from .arrays import Float2D


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


def price_returns(close: Float2D, split: Float2D) -> Float2D:
    """Return simple returns without dividends; parameters and NaN as in :func:`total_returns`."""
    return total_returns(close, np.zeros_like(close), split)
