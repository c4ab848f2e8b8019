"""Options on many spots: the premium of early exercise on one binomial lattice, and prices with it.

A lattice of Cox, Ross & Rubinstein (1979) whose nodes lie about the strike and not about one spot. The American and the
European price on it are wrong by much the same, so their difference is exact early (Hull & White 1988).
"""

from __future__ import annotations

import math

import numpy as np

from ..arrays import Float1D, Float2D, Float3D, Int1D
from .black_scholes import normal
from .compiled import kernel, part
from .constants import LEAST_SPOT

FINE, COARSE = 100, 52
"""Steps of two lattices, even: the error is that of 1 / steps, so the two extrapolate to none."""
FINE_HALF, COARSE_HALF = 40, 33
"""Nodes on each side of the strike: eight standard deviations, and nine, so that the coarse lattice reaches beyond."""
NODES = 2 * FINE_HALF + 1
DEEP_DEVIATIONS = 7.0
"""In the money, from where on a lattice knows little of the premium."""
DEEP = FINE_HALF + DEEP_DEVIATIONS * math.sqrt(FINE) / 2.0
FIRST_EXERCISED, AT_SPOT, COLUMNS = NODES, NODES + 1, NODES + 2
"""Columns of a lattice's row after the nodes: the first node at which the option is exercised, on the way into the
money, and the premium at the present spot."""
BEYOND = 0.5
"""How far beyond the outer lattices their premiums are drawn on, in distances between them."""
EXERCISED = 1e-13
"""Share of the strike that a price may be above what exercising brings, where it is exercised."""


@part
def _cubic(values: Float1D, place: float) -> float:
    """Return the cubic through the four values about a place (Lagrange)."""
    i = min(max(math.floor(place), 1), len(values) - 3)
    x = place - i
    outer, inner = x * (x - 1.0), (x + 1.0) * (x - 2.0)
    left = inner * (x - 1.0) * 0.5 * values[i] - outer * (x - 2.0) / 6.0 * values[i - 1]
    return float(left + (x + 1.0) * outer / 6.0 * values[i + 2] - inner * x * 0.5 * values[i + 1])


@part
def _lattice(terms: tuple[float, ...], steps: int, american: Float1D, european: Float1D, scratch: Float2D) -> bool:
    """Write the prices at the nodes, in strikes, the deepest in the money last; false where the drift outruns them."""
    years, rate, dividend_yield, volatility, sign = terms
    nodes, step = len(american), years / steps
    height = volatility * math.sqrt(step)
    growth = math.exp((rate - dividend_yield) * step)
    if not height > abs(rate - dividend_yield) * step:
        return False
    rise = (growth - math.exp(-height)) / (math.exp(height) - math.exp(-height))
    inward = math.exp(-rate * step) * (rise if sign > 0.0 else 1.0 - rise)
    outward = math.exp(-rate * step) * (1.0 - rise if sign > 0.0 else rise)
    gain, gain_between, between, european_between = scratch[0], scratch[1], scratch[2], scratch[3]
    for k in range(nodes):
        away = (2 * k - nodes + 1) * height
        gain[k] = sign * math.expm1(sign * away)
        gain_between[k] = sign * math.expm1(sign * (away + height))
        american[k] = european[k] = max(gain[k], 0.0)
    last = nodes - 1
    deepest = math.exp(sign * last * height)
    for level in range(2, steps + 1, 2):  # nodes lie between those of the level before
        for k in range(last):
            kept = inward * american[k + 1] + outward * american[k]
            between[k] = kept if kept > gain_between[k] else gain_between[k]
            european_between[k] = inward * european[k + 1] + outward * european[k]
        for k in range(1, last):
            kept = inward * between[k] + outward * between[k - 1]
            american[k] = kept if kept > gain[k] else gain[k]
            european[k] = inward * european_between[k] + outward * european_between[k - 1]
        passed = level * step
        european[last] = sign * (deepest * math.exp(-dividend_yield * passed) - math.exp(-rate * passed))
        american[last] = max(european[last], gain[last])
    return True


@part
def _write_premiums(
    terms: tuple[float, ...], out: Float1D, american: Float2D, european: Float2D, scratch: Float2D
) -> None:
    fine, coarse = american[0, :NODES], american[1, : 2 * COARSE_HALF + 1]
    out[:] = 0.0
    if not _lattice(terms, FINE, fine, european[0, :NODES], scratch):
        return
    exercised = NODES
    while exercised > 0 and fine[exercised - 1] - scratch[0, exercised - 1] <= EXERCISED < fine[exercised - 1]:
        exercised -= 1
    if not _lattice(terms, COARSE, coarse, european[1, : len(coarse)], scratch):
        return
    for k in range(len(coarse)):
        coarse[k] -= european[1, k]
    closer = math.sqrt(COARSE / FINE)
    for k in range(NODES):
        premium = fine[k] - european[0, k]
        rough = _cubic(coarse, (k - FINE_HALF) * closer + COARSE_HALF)
        out[k] = max(premium + (premium - rough) * COARSE / (FINE - COARSE), 0.0)
    out[FIRST_EXERCISED] = min(exercised, NODES - 1)


@part
def _place(moneyness: float, spread: float) -> float:
    """Return where an option is on its lattice; ``moneyness`` is log(spot / strike), the other way for puts."""
    return moneyness * math.sqrt(FINE) / (2.0 * spread) + FINE_HALF


@part
def _premium_at(near: Float1D, other: Float1D, weight: float, place: float) -> float:
    """Return the premium, in strikes, at a place on two lattices, of which the other has a weight.

    None beyond the nodes, and where the option is exercised on both: what it is worth then is known.
    """
    if np.isnan(near[0]) or np.isnan(place):
        return float(near[0])
    if weight == 1.0:
        near, weight = other, 0.0
    exercised = near[FIRST_EXERCISED] if weight == 0.0 else max(near[FIRST_EXERCISED], other[FIRST_EXERCISED])
    if not 0.0 < place < exercised:
        return 0.0
    found = _cubic(near[:NODES], place)
    if weight != 0.0:
        found += weight * (_cubic(other[:NODES], place) - found)
    return max(found, 0.0)


@kernel("float64[:, ::1](float64[:, ::1])")
def premiums_about_strike(terms: Float2D) -> Float2D:
    """Return a row for each option: its premium at each node, in strikes, then what ``FIRST_EXERCISED`` says.

    The premium at the present spot is in the unit of the strike; it is 0 where the option is exercised, which is worth
    more than what is European, and beyond the nodes.

    Parameters
    ----------
    terms : (7, n) spot, strike, years, rate, dividend yield, volatility, and 1 for calls, -1 for puts.
    """
    out = np.empty((terms.shape[1], COLUMNS))
    american, european, scratch = np.empty((2, NODES)), np.empty((2, NODES)), np.empty((4, NODES))
    for n in range(len(out)):
        option = terms[:, n]
        if np.isnan(option).any():
            out[n] = np.nan
        else:
            one = (max(option[2], 0.0), option[3], option[4], option[5], option[6])
            _write_premiums(one, out[n], american, european, scratch)
            moneyness = terms[6, n] * math.log(terms[0, n] / terms[1, n])
            place = _place(moneyness, terms[5, n] * math.sqrt(one[0]))
            out[n, AT_SPOT] = terms[1, n] * _premium_at(out[n], out[n], 0.0, place)
    return out


@kernel(
    "void(float64[:, ::1], Array(int64, 1, 'C', True), Array(float64, 3, 'C', True), Array(float64, 2, 'C', True), "
    "int64, Array(float64, 1, 'C', True), Array(float64, 2, 'A', True), Array(float64, 2, 'A', True), float64, "
    "float64[:, :])"
)
def write_prices(
    terms: Float2D,
    lattice: Int1D,
    premiums: Float3D,
    volatilities: Float2D,
    present: int,
    short: Float1D,
    moves: Float2D,
    changes: Float2D,
    least_volatility: float,
    out: Float2D,
) -> None:
    """Write the price of options on scenarios, (S, n): Black & Scholes (1973), and the premium of early exercise.

    Parameters
    ----------
    terms : (7, n) as above.
    lattice : (n,) row of each option in ``premiums``, -1 of one that is not exercised early.
    premiums : (V, m, nodes + 2) as :func:`premiums_about_strike` returns them at each volatility; at the same standard
        deviations from the strike the premium is linear between two, and a little beyond the outer ones.
    volatilities : (V, m) of the lattices, ascending; those of now are at ``present``.
    short : (m,) what is added to the premium at the present spot; elsewhere the same is added, or in proportion where
        it is smaller. Of an option so deep in the money that its lattice has no premium there, the premium that it has.
    moves, changes : (S, n) returns of the underlyings and changes of volatility, which falls no lower than
        ``least_volatility``, or stays where it is if that is less.
    """
    for n in range(terms.shape[1]):
        strike, years, sign, row = terms[1, n], max(terms[2, n], 0.0), terms[6, n], lattice[n]
        discount, carry = math.exp(-terms[3, n] * years), math.exp(-terms[4, n] * years)
        drift, root = (terms[3, n] - terms[4, n]) * years, math.sqrt(years)
        at_spot = premiums[present, row, AT_SPOT] if row >= 0 else 0.0
        added = short[row] / at_spot if at_spot > 0.0 else 0.0
        least_premium = short[row] if row >= 0 and at_spot == 0.0 else 0.0
        for s in range(len(moves)):
            spot, volatility = terms[0, n] * (1.0 + moves[s, n]), terms[5, n] + changes[s, n]
            spot = LEAST_SPOT * terms[0, n] if spot < LEAST_SPOT * terms[0, n] else spot
            least = min(terms[5, n], least_volatility)
            volatility = least if volatility < least else volatility
            spread = volatility * root
            moneyness, held, paid = math.log(spot / strike), spot * carry, strike * discount
            if spread > 1e-12:
                d1 = (moneyness + drift) / spread + 0.5 * spread
                price = sign * (held * normal(sign * d1) - paid * normal(sign * (d1 - spread)))
            else:
                price = sign * (held - paid)
            price = 0.0 if price < 0.0 else price
            if row >= 0:
                lower, upper, weight = present, present, 0.0
                if volatility != terms[5, n] and len(premiums) > 1:
                    upper = 1
                    while upper < len(premiums) - 1 and volatilities[upper, row] < volatility:
                        upper += 1
                    lower = upper - 1
                    apart = volatilities[upper, row] - volatilities[lower, row]
                    weight = (volatility - volatilities[lower, row]) / apart if apart > 0.0 else 0.0
                    weight = max(min(weight, 1.0 + BEYOND), -BEYOND)
                place = _place(sign * moneyness, (volatility if len(premiums) > 1 else terms[5, n]) * root)
                premium = strike * _premium_at(premiums[lower, row], premiums[upper, row], weight, place)
                premium = max(premium, least_premium) if place >= DEEP else premium
                price += max(premium + added * min(premium, at_spot), 0.0)
                gain = sign * (spot - strike)
                price = gain if price < gain else price
            out[s, n] = price
