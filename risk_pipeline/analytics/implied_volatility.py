"""The volatility at which an option has its quoted price."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .arrays import Float1D, Int1D
from .options import OptionTerms

LOW, HIGH = 1e-3, 5.0
"""Annual volatilities between which one is looked for."""
PRECISION = 1e-10


def implied_volatility(price: Float1D, terms: OptionTerms) -> Float1D:
    """Return the annual volatility of each option at which it is worth its quoted price, (n,).

    A price rises with volatility, so bracketing (Chandrupatla 1997, a safer Brent) always ends at the root. NaN where
    no volatility between 0.1 % and 500 % gives the price: it is outside of the no-arbitrage bounds
    (:func:`price_bounds`), or it holds no time value to tell one from.

    Parameters
    ----------
    price : quoted, per share, (n,).
    terms : the options; their ``volatility`` is not read.

    Examples
    --------
    >>> one = np.ones(1)
    >>> call = OptionTerms(100 * one, 100 * one, one, 0.02 * one, 0 * one, 0.25 * one, one > 0, one < 0)
    >>> implied_volatility(call.price(), call).round(6)
    array([0.25])
    """
    out = np.full(len(price), np.nan)
    if not len(price):
        return out

    def miss(volatility: Float1D, row: Int1D) -> Float1D:
        chosen = terms.take(row.astype(np.int64))
        return np.asarray(replace(chosen, volatility=volatility).price() - price[row.astype(np.int64)])

    lowest, highest = price_bounds(terms)
    inside = np.flatnonzero((price > lowest) & (price <= highest))
    if len(inside):
        from scipy.optimize import elementwise  # a third of a second, for books with marked options only

        bracket = np.full(len(inside), LOW), np.full(len(inside), HIGH)
        found = elementwise.find_root(miss, bracket, args=(inside,), tolerances={"xatol": PRECISION})
        out[inside] = np.where(found.success, found.x, np.nan)
    return out


def price_bounds(terms: OptionTerms) -> tuple[Float1D, Float1D]:
    """Return what an option is worth at the lowest and at the highest volatility, (n,) each.

    The lowest is its discounted payoff at the forward, or its exercise now; the highest is nearly the spot of a call
    and nearly the strike of a put.
    """
    at = (replace(terms, volatility=np.full(len(terms.spot), volatility)) for volatility in (LOW, HIGH))
    lowest, highest = (option.price() for option in at)
    return lowest, highest
