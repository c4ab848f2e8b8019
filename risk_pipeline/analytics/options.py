"""Black-Scholes prices and greeks of European options without dividends (Black & Scholes 1973)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import Bool1D, Float1D


@dataclass(frozen=True)
class OptionValue:
    """Value and greeks per share of the underlying, each (n,)."""

    price: Float1D
    delta: Float1D
    gamma: Float1D
    vega: Float1D
    """Per unit of volatility (1.0 = 100 %)."""
    theta: Float1D
    """Per year."""


def black_scholes(
    spot: Float1D, strike: Float1D, years: Float1D, rate: float, volatility: Float1D, is_call: Bool1D
) -> OptionValue:
    """Value options; at expiry or without volatility the limit, the discounted intrinsic value of the forward.

    ``spot`` and ``strike`` in dollars, ``years`` to expiry, ``rate`` continuous, ``volatility`` annual.
    """
    from scipy.special import ndtr

    years = np.maximum(years, 0.0)
    spread = volatility * np.sqrt(years)
    discounted = strike * np.exp(-rate * years)
    sign = np.where(is_call, 1.0, -1.0)
    certain = ~(spread > 1e-12)
    safe = np.where(certain, 1.0, spread)
    with np.errstate(divide="ignore", invalid="ignore"):
        d1 = np.log(spot / discounted) / safe + safe / 2.0
    d1 = np.where(certain, np.where(spot > discounted, np.inf, np.where(spot < discounted, -np.inf, 0.0)), d1)
    d2 = np.where(certain, d1, d1 - safe)
    density = np.exp(-0.5 * np.where(np.isfinite(d1), d1, 40.0) ** 2) / np.sqrt(2.0 * np.pi)
    price = sign * (spot * ndtr(sign * d1) - discounted * ndtr(sign * d2))
    decay = np.where(certain, 0.0, spot * density * volatility / (2.0 * np.sqrt(np.where(years > 0, years, 1.0))))
    return OptionValue(
        price=np.maximum(price, 0.0),
        delta=sign * ndtr(sign * d1),
        gamma=np.where(certain, 0.0, density / (spot * safe)),
        vega=np.where(certain, 0.0, spot * density * np.sqrt(years)),
        theta=-decay - sign * rate * discounted * ndtr(sign * d2),
    )
