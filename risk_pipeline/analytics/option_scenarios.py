"""Options revalued on many scenarios of their underlyings at once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .arrays import Float1D, Float2D, Int1D
from .kernels.constants import LEAST_SPOT
from .options import BUMP_STEPS, OptionTerms
from .threads import in_parts

DAY = 1.0 / 365.0
LEAST_VOLATILITY = 0.05
"""Annual: a shock takes implied volatility no lower."""
LEAST_OPTIONS = 200
"""Options whose lattices are worth a thread: some milliseconds."""


class OptionScenarios:
    """Options that are priced on many scenarios of spot and volatility.

    The European price is exact. The premium of early exercise is computed as a function of the spot on lattices about
    the strike, one for each of some volatilities, and linear between them. At the present spot and volatility it is
    that of a whole tree: what the lattice is short of there, it is short of elsewhere, in proportion where its premium
    is smaller.

    Parameters
    ----------
    terms : n options.
    passed : years that go by in every scenario.
    price : (n,) per share, if known, when these years have passed; saves a tree of each.
    changes : of volatility, annual and ascending, at which there are lattices; the present one's is 0.
    """

    def __init__(
        self,
        terms: OptionTerms,
        passed: float = 0.0,
        price: Float1D | None = None,
        changes: tuple[float, ...] = (0.0,),
    ) -> None:
        self.terms = replace(terms, years=np.maximum(terms.years - passed, 0.0))
        from .kernels.early_premium import AT_SPOT, COLUMNS, DEEP_DEVIATIONS, EXERCISED, premiums_about_strike

        early = np.flatnonzero(self.terms.may_exercise_early)
        first, place = self.terms.take(early).distinct()
        self._lattice = np.full(len(self.terms.spot), -1)
        self._lattice[early] = place
        options = self.terms.take(early[first])
        self._present = changes.index(0.0)
        self._volatilities = np.stack([changed_volatility(options.volatility, change) for change in changes])
        lattices = [replace(options, volatility=values).as_rows for values in self._volatilities]
        rows, count = np.concatenate(lattices, axis=1), len(changes)
        self._premium = in_parts(
            lambda part: premiums_about_strike(np.ascontiguousarray(rows[:, part])), rows.shape[1], least=LEAST_OPTIONS
        ).reshape(count, len(first), COLUMNS)
        whole = options.tree_price() if price is None else price[early[first]]
        european = options.european().price
        at_spot = self._premium[self._present, :, AT_SPOT]
        side = np.where(options.is_call, 1.0, -1.0)
        gain = side * (options.spot - options.strike)
        premium = np.maximum(whole - european, 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            spread = options.volatility * np.sqrt(options.years)
            deviations = side * np.log(options.spot / options.strike) / spread
        is_deep = (deviations >= DEEP_DEVIATIONS) & (whole > gain + EXERCISED * options.strike)  # and not exercised
        self._short = np.where(at_spot > 0, premium - at_spot, np.where(is_deep, premium, 0.0))

    def take(self, rows: Int1D) -> OptionScenarios:
        """Return some of the options, in the order of ``rows``, without computing their lattices again."""
        out = object.__new__(OptionScenarios)
        out.terms, out._lattice = self.terms.take(rows), self._lattice[rows]
        out._premium, out._volatilities = self._premium, self._volatilities
        out._present, out._short = self._present, self._short
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
        lattices = self._lattice, self._premium, self._volatilities, self._present, self._short
        write_prices(terms, *lattices, moves, changes, LEAST_VOLATILITY, out)
        return out

    def whole_price(self, underlying_return: Float2D, volatility_change: Float2D | float) -> Float2D:
        """Return what :meth:`price` does, but beyond the volatilities of the lattices by a tree for each.

        A put that would be exercised today has no premium at the volatility of now; in a crisis that of a long one is
        several per cent of the spot.
        """
        out = self.price(underlying_return, volatility_change)
        if not self._premium.size:
            return out
        moves, changes = (np.broadcast_to(values, out.shape) for values in (underlying_return, volatility_change))
        volatility = changed_volatility(self.terms.volatility, changes)
        lowest, highest = self._volatilities[0, self._lattice], self._volatilities[-1, self._lattice]
        is_beyond = (volatility < lowest) | (volatility > highest)
        which = np.nonzero(is_beyond & (self._lattice >= 0))
        now = self.terms.take(which[1])
        spot = now.spot * np.maximum(1.0 + moves[which], LEAST_SPOT)
        out[which] = replace(now, spot=spot, volatility=volatility[which]).price(BUMP_STEPS)
        return out


def changed_volatility(volatility: Float1D, change: Float2D | float) -> Float2D:
    """Return volatilities after a change: none below :data:`LEAST_VOLATILITY`, or what it is now where that is less."""
    return np.asarray(np.maximum(volatility + change, np.minimum(volatility, LEAST_VOLATILITY)))
