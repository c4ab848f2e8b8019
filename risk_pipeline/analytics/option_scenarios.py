"""Options revalued on many scenarios of their underlyings at once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.interpolate import CubicSpline

from .arrays import Float2D
from .options import OptionTerms

DAY = 1.0 / 365.0
LEAST_VOLATILITY = 0.05
"""Annual: a shock takes implied volatility no lower."""
KNOTS = np.geomspace(0.2, 5.0, 49)
"""Spots, as multiples of the present one, which is among them, at which the premium of early exercise is computed."""


class OptionScenarios:
    """Options that are priced on many scenarios of spot and volatility.

    The European price is exact. The premium of early exercise, a smooth function of the spot, is computed once on a
    tree at :data:`KNOTS` and interpolated by cubic splines, at the volatility of now.

    Parameters
    ----------
    terms : n options.
    passed : years that go by in every scenario.
    """

    def __init__(self, terms: OptionTerms, passed: float = 0.0) -> None:
        self.terms = replace(terms, years=np.maximum(terms.years - passed, 0.0))
        self._early = np.flatnonzero(self.terms.may_exercise_early)
        every = self.terms.take(np.tile(self._early, len(KNOTS)))
        every = replace(every, spot=every.spot * np.repeat(KNOTS, len(self._early)))
        european = replace(every, is_american=np.zeros(len(every.spot), dtype=bool))
        self._premium = (every.price() - european.price()).reshape(len(KNOTS), len(self._early))

    def price(self, underlying_return: Float2D, volatility_change: Float2D | float) -> Float2D:
        """Return the price per share of each option on each scenario, (S, n); the arguments broadcast to it.

        The spot does not fall below nothing, the volatility not below :data:`LEAST_VOLATILITY` (or what it is now,
        where that is less).
        """
        terms = self.terms
        spot: Float2D = np.maximum(terms.spot * (1.0 + underlying_return), 1e-9 * terms.spot)
        volatility = np.maximum(terms.volatility + volatility_change, np.minimum(terms.volatility, LEAST_VOLATILITY))
        every = terms.take(np.tile(np.arange(spot.shape[1]), len(spot)))
        european = replace(
            every,
            spot=spot.ravel(),
            volatility=np.broadcast_to(volatility, spot.shape).ravel(),
            is_american=np.zeros(spot.size, dtype=bool),
        )
        price = european.price().reshape(spot.shape)
        for place, n in enumerate(self._early):
            inside = np.clip(spot[:, n] / terms.spot[n], KNOTS[0], KNOTS[-1])
            premium = np.maximum(CubicSpline(np.log(KNOTS), self._premium[:, place])(np.log(inside)), 0.0)
            gain = spot[:, n] - terms.strike[n]
            price[:, n] = np.maximum(price[:, n] + premium, gain if terms.is_call[n] else -gain)
        return price
