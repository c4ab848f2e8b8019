"""Options revalued on many scenarios of their underlyings at once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .arrays import Float1D, Float2D, Int1D
from .options import OptionTerms
from .threads import in_parts

DAY = 1.0 / 365.0
LEAST_VOLATILITY = 0.05
"""Annual: a shock takes implied volatility no lower."""
LEAST_OPTIONS = 200
"""Options whose lattices are worth a thread: some milliseconds."""


class OptionScenarios:
    """Options that are priced on many scenarios of spot and volatility.

    The European price is exact. The premium of early exercise is computed once, as a function of the spot, at the
    volatility of now, on a lattice about the strike. At the present spot it is that of a whole tree: what the lattice
    is short of there, it is short of elsewhere, in proportion where its premium is smaller.

    Parameters
    ----------
    terms : n options.
    passed : years that go by in every scenario.
    price : (n,) per share, if known, when these years have passed; saves a tree of each.
    """

    def __init__(self, terms: OptionTerms, passed: float = 0.0, price: Float1D | None = None) -> None:
        self.terms = replace(terms, years=np.maximum(terms.years - passed, 0.0))
        from .kernels.early_premium import AT_SPOT, premiums_about_strike

        early = np.flatnonzero(self.terms.may_exercise_early)
        first, place = self.terms.take(early).distinct()
        self._lattice = np.full(len(self.terms.spot), -1)
        self._lattice[early] = place
        options = self.terms.take(early[first])
        rows = options.as_rows
        self._premium = in_parts(
            lambda part: premiums_about_strike(np.ascontiguousarray(rows[:, part])), len(first), least=LEAST_OPTIONS
        )
        whole = options.tree_price() if price is None else price[early[first]]
        at_spot, premium = self._premium[:, AT_SPOT], np.maximum(whole - options.european().price, 0.0)
        self._short = np.where(at_spot > 0, premium - at_spot, 0.0)

    def take(self, rows: Int1D) -> OptionScenarios:
        """Return some of the options, in the order of ``rows``, without computing their lattices again."""
        out = object.__new__(OptionScenarios)
        out.terms, out._lattice = self.terms.take(rows), self._lattice[rows]
        out._premium, out._short = self._premium, self._short
        return out

    def price(self, underlying_return: Float2D, volatility_change: Float2D | float) -> Float2D:
        """Return the price per share of each option on each scenario, (S, n); the arguments broadcast to it.

        The spot does not fall below nothing, the volatility not below :data:`LEAST_VOLATILITY` (or what it is now,
        where that is less). An option's prices are beside each other in memory.
        """
        from .kernels.early_premium import write_prices

        out = np.empty((len(self.terms.spot), len(underlying_return))).T
        moves, changes = (np.broadcast_to(values, out.shape) for values in (underlying_return, volatility_change))
        terms = self.terms.as_rows
        write_prices(terms, self._lattice, self._premium, self._short, moves, changes, LEAST_VOLATILITY, out)
        return out
