"""Options revalued on many scenarios of their underlyings at once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .arrays import Float2D, Int1D
from .early_premium import EarlyPremium
from .options import OptionTerms, black_scholes_price

DAY = 1.0 / 365.0
LEAST_VOLATILITY = 0.05
"""Annual: a shock takes implied volatility no lower."""


class OptionScenarios:
    """Options that are priced on many scenarios of spot and volatility.

    The European price is exact. The premium of early exercise is computed once, as a function of the spot, at the
    volatility of now.

    Parameters
    ----------
    terms : n options.
    passed : years that go by in every scenario.
    """

    def __init__(self, terms: OptionTerms, passed: float = 0.0) -> None:
        self.terms = replace(terms, years=np.maximum(terms.years - passed, 0.0))
        self._early = np.flatnonzero(self.terms.may_exercise_early)
        self._premium = EarlyPremium.of(self.terms.take(self._early)) if len(self._early) else None

    def take(self, rows: Int1D) -> OptionScenarios:
        """Return some of the options, in the order of ``rows``, without computing their lattices again."""
        place = np.full(len(self.terms.spot), -1, dtype=np.int64)
        place[self._early] = np.arange(len(self._early))
        out = object.__new__(OptionScenarios)
        out.terms = self.terms.take(rows)
        out._early = np.flatnonzero(place[rows] >= 0)
        out._premium = self._premium.take(place[rows][out._early]) if self._premium else None
        return out

    def price(self, underlying_return: Float2D, volatility_change: Float2D | float) -> Float2D:
        """Return the price per share of each option on each scenario, (S, n); the arguments broadcast to it.

        The spot does not fall below nothing, the volatility not below :data:`LEAST_VOLATILITY` (or what it is now,
        where that is less).
        """
        terms = self.terms
        spot: Float2D = np.maximum(terms.spot * (1.0 + underlying_return), 1e-9 * terms.spot)
        volatility = np.maximum(terms.volatility + volatility_change, np.minimum(terms.volatility, LEAST_VOLATILITY))
        price = black_scholes_price(
            spot, terms.strike, terms.years, terms.rate, volatility, terms.is_call, terms.dividend_yield
        )
        early = self._early
        if self._premium is not None and len(early):
            gain = np.where(terms.is_call[early], 1.0, -1.0) * (spot[:, early] - terms.strike[early])
            price[:, early] = np.maximum(price[:, early] + self._premium.at(spot[:, early]), gain)
        return price
