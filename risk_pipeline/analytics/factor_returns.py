"""The core factors: market, rates, and styles relative to the market."""

from __future__ import annotations

import numpy as np

from .arrays import Float1D, Float2D


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
