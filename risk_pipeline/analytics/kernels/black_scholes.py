"""European options by Black & Scholes (1973), with a dividend yield (Merton 1973): price and greeks."""

from __future__ import annotations

import math

import numpy as np

from ..arrays import Float2D
from .compiled import kernel, part


@part
def normal(x: float) -> float:
    """Return the standard normal's distribution function."""
    return 0.5 * math.erfc(-x * math.sqrt(0.5))


@kernel("void(float64[:, ::1], float64[:, ::1])")
def write_values(terms: Float2D, out: Float2D) -> None:
    """Write price, delta, gamma, vega, theta, rho and vanna, (7, n).

    At expiry or without volatility the price is the discounted payoff at the forward; gamma, vega and vanna are zero.

    Parameters
    ----------
    terms : (7, n) spot, strike, years, rate, dividend yield, volatility, and 1 for calls, -1 for puts.
    """
    for n in range(terms.shape[1]):
        spot, years, rate, paid = terms[0, n], max(terms[2, n], 0.0), terms[3, n], terms[4, n]
        volatility, sign, root = terms[5, n], terms[6, n], math.sqrt(years)
        carry, spread = math.exp(-paid * years), volatility * root
        held, owed = spot * carry, terms[1, n] * math.exp(-rate * years)
        moves = spread > 1e-12
        if moves:
            d1 = math.log(held / owed) / spread + 0.5 * spread
            d2 = d1 - spread
        else:
            d1 = d2 = math.copysign(np.inf, held - owed) if held != owed else 0.0
        held_if, owed_if = held * normal(sign * d1), owed * normal(sign * d2)
        density = math.exp(-0.5 * d1 * d1) / math.sqrt(2.0 * math.pi) if moves else 0.0
        price = sign * (held_if - owed_if)
        out[0, n] = 0.0 if price < 0.0 else price
        out[1, n] = sign * carry * normal(sign * d1)
        out[2, n] = carry * density / (spot * spread) if moves else 0.0
        out[3, n] = held * density * root
        decay = held * density * volatility / (2.0 * root) if moves else 0.0
        out[4, n] = sign * (paid * held_if - rate * owed_if) - decay
        out[5, n] = sign * years * owed_if
        out[6, n] = -carry * density * d2 / volatility if moves else 0.0
