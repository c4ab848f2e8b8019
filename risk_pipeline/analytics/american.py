"""American options on a Leisen-Reimer tree (Leisen & Reimer 1996)."""

from __future__ import annotations

import numpy as np

from .arrays import Bool1D, Float1D
from .threads import in_parts

STEPS = 201
"""Odd, as the method asks. With the extrapolation from half as many, the error is below 1e-4 of the spot."""
LEAST_TREES = 2000
"""Prices that are worth a thread: some milliseconds."""


def american_price(
    spot: Float1D,
    strike: Float1D,
    years: Float1D,
    rate: Float1D,
    dividend_yield: Float1D,
    volatility: Float1D,
    is_call: Bool1D,
    *,
    steps: int = STEPS,
) -> Float1D:
    """Return the price per share of options that may be exercised at any time, (n,).

    Never below the intrinsic value; without volatility or at expiry it is the better of exercising now and the
    discounted payoff of the forward.

    Parameters
    ----------
    spot, strike : dollars.
    years : to expiry.
    rate, dividend_yield : a year, continuously compounded.
    volatility : annual.
    steps : of the tree; odd.

    Examples
    --------
    >>> one = np.ones(1)
    >>> american_price(100 * one, 100 * one, one, 0.05 * one, 0 * one, 0.2 * one, one < 0).round(3)
    array([6.09])
    """
    from .kernels.american_tree import american_prices

    terms = np.stack([spot, strike, years, rate, dividend_yield, volatility, np.where(is_call, 1.0, -1.0)])
    return in_parts(
        lambda part: american_prices(np.ascontiguousarray(terms[:, part]), steps), len(spot), least=LEAST_TREES
    )
