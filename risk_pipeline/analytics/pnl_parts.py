"""The P&L of options by greek."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import Float1D


@dataclass(frozen=True)
class OptionParts:
    """Money by greek, each (n,); NaN of what is no option. With ``residual`` they sum to the P&L."""

    delta: Float1D
    gamma: Float1D
    vega: Float1D
    vanna: Float1D
    theta: Float1D
    residual: Float1D


def option_parts(
    pnl: Float1D,
    shares: Float1D,
    *,
    delta: Float1D,
    gamma: Float1D,
    vega: Float1D,
    vanna: Float1D,
    theta: Float1D,
    spot_move: Float1D,
    volatility_move: Float1D,
    years: Float1D,
) -> OptionParts:
    """Split the P&L of options by a Taylor expansion at the start, and the rest.

    ``Δ·dS + Γ/2·dS² + vega·dσ + vanna·dS·dσ + θ·dt``.

    Parameters
    ----------
    pnl : (n,) money, of a change of price alone.
    shares : (n,) money for a price change of one: quantity times multiplier times exchange rate.
    delta, gamma, vega, vanna, theta : (n,) per share at the start; vega and vanna per unit of volatility, theta a year.
    spot_move, volatility_move : (n,) of the underlying, splits taken out, and of its volatility; an unknown move of
        volatility is none. years : (n,) that passed.
    """
    volatility_move = np.nan_to_num(volatility_move)
    parts = {
        "delta": shares * delta * spot_move,
        "gamma": shares * 0.5 * gamma * spot_move**2,
        "vega": shares * vega * volatility_move,
        "vanna": shares * vanna * spot_move * volatility_move,
        "theta": shares * theta * years,
    }
    return OptionParts(**parts, residual=pnl - sum(parts.values()))
