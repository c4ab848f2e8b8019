"""American options on a Leisen-Reimer tree (Leisen & Reimer 1996), one option after the other."""

from __future__ import annotations

import numpy as np

from ..arrays import Float1D, Float2D
from .compiled import kernel, part

FAR = 7.0
"""Standard deviations between spot and strike beyond which this tree's probabilities are 0 or 1 to the last digit: then
it is that of Cox, Ross & Rubinstein (1979), which the strike no longer disturbs."""


@part
def _inversion(z: float, steps: int) -> tuple[float, float]:
    """Return the binomial probability whose tree has a normal quantile at its strike, and one less it.

    Peizer & Pratt (1968). The smaller one is not a difference, which would lose its digits.
    """
    scaled = z / (steps + 1.0 / 3.0 + 0.1 / (steps + 1.0))
    away = np.exp(-(scaled * scaled) * (steps + 1.0 / 6.0))
    root = np.sqrt(0.25 - 0.25 * away)
    large, small = 0.5 + root, 0.25 * away / (0.5 + root)
    return (large, small) if z > 0.0 else (small, large)


@part
def _tree(option: tuple[float, ...], steps: int, spots: Float1D, values: Float1D) -> float:
    """Return the price on a tree; ``spots`` and ``values`` are scratch."""
    spot, strike, years, rate, dividend_yield, d2, d1, sign = option
    step = years / steps
    growth, discount = np.exp((rate - dividend_yield) * step), np.exp(-rate * step)
    if abs(d2) < FAR and abs(d1) < FAR:
        share_up, share_down = _inversion(d1, steps)
        up, down = _inversion(d2, steps)
        rise, fall = growth * share_up / up, growth * share_down / down
    else:
        rise = np.exp((d1 - d2) / np.sqrt(steps))
        fall = 1.0 / rise
        up = (growth - fall) / (rise - fall)
        down = 1.0 - up
    spots[0] = sign * spot * fall**steps
    for k in range(1, steps + 1):  # node k of a level has risen k times
        spots[k] = spots[k - 1] * (rise / fall)
    for k in range(steps + 1):
        values[k] = max(spots[k] - sign * strike, 0.0)
    back = 1.0
    for level in range(steps - 1, -1, -1):
        back /= fall
        spot_at, now, risen = spots[: level + 1], values[: level + 1], values[1 : level + 2]
        for k in range(level + 1):
            exercised = spot_at[k] * back - sign * strike
            kept = discount * up * risen[k] + discount * down * now[k]
            now[k] = kept if kept > exercised else exercised
    return float(values[0])


@part
def _price(option: Float1D, steps: int, spots: Float1D, values: Float1D) -> float:
    """Return the price of an option, a column of :func:`american_prices`' terms; the rest is scratch."""
    spot, strike, years, rate, dividend_yield, volatility, sign = option[:7]
    if np.isnan(spot + strike + years + rate + dividend_yield):
        return np.nan
    years = max(years, 0.0)
    spread = volatility * np.sqrt(years)
    forward = sign * (spot * np.exp(-dividend_yield * years) - strike * np.exp(-rate * years))
    least: float = max(sign * (spot - strike), forward, 0.0)
    if not spread > 1e-8:
        return least
    d2 = (np.log(spot / strike) + (rate - dividend_yield) * years) / spread - spread / 2.0
    half = steps // 2 | 1
    if not (abs(d2) < FAR and abs(d2 + spread) < FAR):
        drift_outruns = not spread * np.sqrt(half) > abs(rate - dividend_yield) * years
        if drift_outruns or sign * (spot - strike) <= 0.0:
            return least
    terms = (spot, strike, years, rate, dividend_yield, d2, d2 + spread, sign)
    fine, coarse = _tree(terms, steps, spots, values), _tree(terms, half, spots, values)
    # exercise is possible only at the tree's times, which costs the holder something like 1 / steps
    return max(least, fine + (fine - coarse) * half / (steps - half))


@kernel("float64[::1](float64[:, ::1], int64)")
def american_prices(terms: Float2D, steps: int) -> Float1D:
    """Return the price of each option, (n,).

    Parameters
    ----------
    terms : (7, n) spot, strike, years, rate, dividend yield, volatility, and 1 for calls, -1 for puts.
    steps : of the tree; odd.
    """
    out = np.empty(terms.shape[1])
    spots, values = np.empty(steps + 1), np.empty(steps + 1)
    for n in range(len(out)):
        out[n] = _price(terms[:, n], steps, spots, values)
    return out
