"""American options on a Leisen-Reimer tree, all options at once (Leisen & Reimer 1996)."""

from __future__ import annotations

import numpy as np

from .arrays import Bool1D, Float1D

STEPS = 201
"""Odd, as the method asks. With the extrapolation from half as many, the error is below 1e-4 of the spot."""
AT_ONCE = 512
"""Options on the tree together: so many fit into a processor's cache."""
FAR = 7.0
"""Standard deviations between spot and strike beyond which the tree's probabilities are 0 or 1 to the last digit."""


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
    years = np.maximum(years, 0.0)
    sign = np.where(is_call, 1.0, -1.0)
    spread = volatility * np.sqrt(years)
    intrinsic = np.maximum(sign * (spot - strike), 0.0)
    forward = np.maximum(sign * (spot * np.exp(-dividend_yield * years) - strike * np.exp(-rate * years)), 0.0)
    out = np.maximum(intrinsic, forward)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        d2 = (np.log(spot / strike) + (rate - dividend_yield) * years) / spread - spread / 2.0
    near = np.flatnonzero((spread > 1e-8) & (np.abs(d2) < FAR) & (np.abs(d2 + spread) < FAR))
    for start in range(0, len(near), AT_ONCE):
        on_tree = near[start : start + AT_ONCE]
        terms = [values[on_tree] for values in (spot, strike, years, rate, dividend_yield, d2, d2 + spread, sign)]
        half = steps // 2 | 1
        fine, coarse = _tree(*terms, steps=steps), _tree(*terms, steps=half)
        # exercise is possible only at the tree's times, which costs the holder something like 1 / steps
        out[on_tree] = np.maximum(out[on_tree], fine + (fine - coarse) * half / (steps - half))
    return out


def _tree(
    spot: Float1D,
    strike: Float1D,
    years: Float1D,
    rate: Float1D,
    dividend_yield: Float1D,
    d2: Float1D,
    d1: Float1D,
    sign: Float1D,
    *,
    steps: int,
) -> Float1D:
    step = years / steps
    growth, discount = np.exp((rate - dividend_yield) * step), np.exp(-rate * step)
    up_share, up = _inversion(d1, steps), _inversion(d2, steps)
    rise = growth * up_share / up
    fall = growth * (1.0 - up_share) / (1.0 - up)
    # node k of a level has risen k times; each level is one node shorter than the one after it
    ups = np.arange(steps + 1)[:, None]
    price = spot * np.exp(ups * np.log(rise) + (steps - ups) * np.log(fall))
    value = np.maximum(sign * (price - strike), 0.0)
    later_up, later_down, scratch = discount * up, discount * (1.0 - up), np.empty_like(value)
    for level in range(steps - 1, -1, -1):
        price, value, gain = price[: level + 1], value[: level + 2], scratch[: level + 1]
        np.multiply(later_up, value[1:], out=gain)
        value = value[:-1]
        value *= later_down
        value += gain
        price /= fall
        np.subtract(price, strike, out=gain)
        gain *= sign
        np.maximum(value, gain, out=value)
    return np.asarray(value[0])


def _inversion(z: Float1D, steps: int) -> Float1D:
    """Return the binomial probability whose tree has a normal quantile at its strike (Peizer & Pratt 1968)."""
    scaled = z / (steps + 1.0 / 3.0 + 0.1 / (steps + 1.0))
    return np.asarray(0.5 + np.copysign(np.sqrt(0.25 - 0.25 * np.exp(-(scaled**2) * (steps + 1.0 / 6.0))), z))
