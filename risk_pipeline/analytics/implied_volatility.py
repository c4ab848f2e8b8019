"""The volatility at which a model gives an option's quoted price."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .arrays import Float1D

LOW, HIGH = 1e-3, 5.0
"""Annual volatilities between which one is looked for."""
HALVINGS = 50
"""Bisections: the answer is within 5e-15."""


def implied_volatility(price: Float1D, model: Callable[[Float1D], Float1D]) -> Float1D:
    """Return the annual volatility of each option at which ``model`` gives its price, (n,).

    A price rises with volatility, so bisection always ends at the root. NaN where no volatility between 0.1 % and
    500 % gives the price: it is outside of the no-arbitrage bounds, or it holds no time value to tell one from.

    Parameters
    ----------
    price : quoted, per share, (n,).
    model : prices (n,) of the options at some volatilities (n,).

    Examples
    --------
    >>> from risk_pipeline.analytics.options import black_scholes
    >>> one = np.ones(1)
    >>> quoted = black_scholes(100 * one, 100 * one, one, 0.02, 0.25 * one, one > 0).price
    >>> implied_volatility(quoted, lambda v: black_scholes(100 * one, 100 * one, one, 0.02, v, one > 0).price).round(6)
    array([0.25])
    """
    low, high = np.full(price.shape, LOW), np.full(price.shape, HIGH)
    lowest, highest = model(low), model(high)
    for _ in range(HALVINGS):
        middle = (low + high) / 2.0
        too_cheap = model(middle) < price
        low, high = np.where(too_cheap, middle, low), np.where(too_cheap, high, middle)
    has_root = (price > lowest) & (price <= highest)
    return np.where(has_root, (low + high) / 2.0, np.nan)
