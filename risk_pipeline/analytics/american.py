"""American options on a Leisen-Reimer tree (Leisen & Reimer 1996)."""

from __future__ import annotations

import numpy as np

from .arrays import Bool1D, Float1D, Float2D
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

    terms = _terms(spot, strike, years, rate, dividend_yield, volatility, is_call)
    return in_parts(
        lambda part: american_prices(np.ascontiguousarray(terms[:, part]), steps), len(spot), least=LEAST_TREES
    )


def american_prices_at(
    multiples: Float1D,
    spot: Float1D,
    strike: Float1D,
    years: Float1D,
    rate: Float1D,
    dividend_yield: Float1D,
    volatility: Float1D,
    is_call: Bool1D,
    *,
    steps: int = STEPS,
) -> Float2D:
    """Return the prices at ascending multiples of the spots, (K, n); the numbers of :func:`american_price`, faster."""
    from .kernels.american_tree import american_prices_at

    terms = _terms(spot, strike, years, rate, dividend_yield, volatility, is_call)
    return in_parts(
        lambda part: american_prices_at(np.ascontiguousarray(terms[:, part]), multiples, steps),
        len(spot),
        least=LEAST_TREES // len(multiples) + 1,
        axis=1,
    )


def _terms(*terms: Float1D | Bool1D) -> Float2D:
    """Return the terms as rows, the last as 1 of calls and -1 of puts."""
    return np.stack([*terms[:-1], np.where(terms[-1], 1.0, -1.0)])
