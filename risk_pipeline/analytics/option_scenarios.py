"""Options revalued on many scenarios of their underlyings at once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .arrays import Float1D, Float2D, Int1D
from .early_premium import EarlyPremium
from .options import OptionTerms

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
    price : (n,) per share, if known, when these years have passed; saves a tree of each.
    """

    def __init__(self, terms: OptionTerms, passed: float = 0.0, price: Float1D | None = None) -> None:
        self.terms = replace(terms, years=np.maximum(terms.years - passed, 0.0))
        early = np.flatnonzero(self.terms.may_exercise_early)
        first, place = self.terms.take(early).distinct()
        self._lattice = np.full(len(self.terms.spot), -1)
        self._lattice[early] = place
        known = None if price is None else price[early[first]]
        self._premium = EarlyPremium.of(self.terms.take(early[first]), known) if len(early) else EarlyPremium.none()

    def take(self, rows: Int1D) -> OptionScenarios:
        """Return some of the options, in the order of ``rows``, without computing their lattices again."""
        out = object.__new__(OptionScenarios)
        out.terms, out._lattice, out._premium = self.terms.take(rows), self._lattice[rows], self._premium
        return out

    def price(self, underlying_return: Float2D, volatility_change: Float2D | float) -> Float2D:
        """Return the price per share of each option on each scenario, (S, n); the arguments broadcast to it.

        The spot does not fall below nothing, the volatility not below :data:`LEAST_VOLATILITY` (or what it is now,
        where that is less). An option's prices are beside each other in memory.
        """
        from .kernels.early_premium import write_prices

        out = np.empty((len(self.terms.spot), len(underlying_return))).T
        moves, changes = (np.broadcast_to(values, out.shape) for values in (underlying_return, volatility_change))
        premium = self._premium
        write_prices(
            *(self.terms.as_rows, self._lattice, premium.on_lattice, premium.at_spot, premium.short),
            *(moves, changes, LEAST_VOLATILITY, out),
        )
        return out
