"""Prices and greeks of options: Black-Scholes (1973) with a dividend yield (Merton 1973), a tree for American ones."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .arrays import Bool1D, Float1D, Float2D, Int1D
from .threads import in_parts

STEPS = 201
"""Of the tree; odd. With the extrapolation from half as many, the error is below 1e-4 of the spot."""
LEAST_TREES = 2000
"""Prices that are worth a thread: some milliseconds."""
SPOT_BUMP, VOLATILITY_BUMP, RATE_BUMP, DAY = 0.005, 0.005, 0.001, 1.0 / 365.0
"""Moves from which the greeks of American options are differences: a share of the spot, points, points, years."""
BUMP_STEPS = 101
"""Steps of the trees whose differences are greeks, and of those of shocked volatility: less than half of the cost."""


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
    rho: Float1D
    """Per unit of the rate (1.0 = 100 %)."""
    vanna: Float1D
    """Change of delta per unit of volatility; of the European option also where it is American."""


@dataclass(frozen=True)
class OptionTerms:
    """Options with what they are valued on, each field (n,).

    ``spot`` and ``strike`` are dollars, ``years`` to expiry, ``rate`` and ``dividend_yield`` a year and continuously
    compounded, ``volatility`` annual. An American option may be exercised at any time, any other at expiry only.
    """

    spot: Float1D
    strike: Float1D
    years: Float1D
    rate: Float1D
    dividend_yield: Float1D
    volatility: Float1D
    is_call: Bool1D
    is_american: Bool1D

    @property
    def may_exercise_early(self) -> Bool1D:
        """American options that can gain by it; a call on a share without dividends can't, where rates are positive."""
        return self.is_american & ~(self.is_call & (self.dividend_yield <= 0) & (self.rate >= 0))

    def price(self, steps: int = STEPS) -> Float1D:
        """Return the price per share, of American options on trees of so many steps."""
        price = self.european().price
        early = np.flatnonzero(self.may_exercise_early)
        if len(early):
            first, place = self.take(early).distinct()
            price[early] = np.maximum(price[early], self.take(early[first]).tree_price(steps)[place])
        return price

    def value(self) -> OptionValue:
        """Return price and greeks; those of American options are central differences of their prices."""
        worth = self.european()
        early = np.flatnonzero(self.may_exercise_early)
        if len(early):
            first, place = self.take(early).distinct()
            for name, values in self.take(early[first])._differences().items():
                european, american = getattr(worth, name), values[place]
                european[early] = np.maximum(european[early], american) if name == "price" else american
        return worth

    def take(self, rows: Int1D) -> OptionTerms:
        """Return some of the options, in the order of ``rows``."""
        return OptionTerms(**{name: values[rows] for name, values in vars(self).items()})

    def distinct(self, *also: Float1D | Int1D) -> tuple[Int1D, Int1D]:
        """Return a row of each option that differs from the others, in a term or in ``also``, and which each is like.

        Of a session's options many are one: portfolios hold the same.
        """
        rows = np.stack([*vars(self).values(), *also], axis=1).astype(np.float64)
        as_bytes = rows.view(f"V{8 * rows.shape[1]}")[:, 0]
        _, first, place = np.unique(as_bytes, return_index=True, return_inverse=True)
        return first, place

    def european(self) -> OptionValue:
        """Return price and greeks if all could be exercised at expiry only."""
        return black_scholes(
            self.spot, self.strike, self.years, self.rate, self.volatility, self.is_call, self.dividend_yield
        )

    def tree_price(self, steps: int = STEPS) -> Float1D:
        """Return the price per share if all could be exercised at any time, on a tree of Leisen & Reimer (1996).

        Never below the intrinsic value; without volatility or at expiry it is the better of exercising now and the
        discounted payoff of the forward. ``steps`` are odd.

        Examples
        --------
        >>> one = np.ones(1)
        >>> put = OptionTerms(100 * one, 100 * one, one, 0.05 * one, 0 * one, 0.2 * one, one < 0, one > 0)
        >>> put.tree_price().round(3)
        array([6.09])
        """
        from .kernels.american_tree import american_prices

        terms = self.as_rows
        return in_parts(
            lambda part: american_prices(np.ascontiguousarray(terms[:, part]), steps), len(self.spot), least=LEAST_TREES
        )

    @property
    def as_rows(self) -> Float2D:
        """The terms as kernels take them, (7, n): as the fields stand, the side as 1 of calls and -1 of puts."""
        side = np.where(self.is_call, 1.0, -1.0)
        return np.stack([self.spot, self.strike, self.years, self.rate, self.dividend_yield, self.volatility, side])

    def _differences(self) -> dict[str, Float1D]:
        step = SPOT_BUMP * self.spot
        moves = {
            "now": self,
            "up": replace(self, spot=self.spot + step),
            "down": replace(self, spot=self.spot - step),
            "calm": replace(self, volatility=np.maximum(self.volatility - VOLATILITY_BUMP, 0.0)),
            "wild": replace(self, volatility=self.volatility + VOLATILITY_BUMP),
            "later": replace(self, years=np.maximum(self.years - DAY, 0.0)),
            "low": replace(self, rate=self.rate - RATE_BUMP),
            "high": replace(self, rate=self.rate + RATE_BUMP),
        }
        stacked = {name: np.concatenate([getattr(move, name) for move in moves.values()]) for name in vars(self)}
        everything = OptionTerms(**stacked).tree_price(BUMP_STEPS)
        price = dict(zip(moves, everything.reshape(len(moves), -1), strict=True))
        points = moves["wild"].volatility - moves["calm"].volatility
        passed = self.years - moves["later"].years
        return {
            "price": self.tree_price(),
            "delta": (price["up"] - price["down"]) / (2 * step),
            "gamma": (price["up"] - 2 * price["now"] + price["down"]) / step**2,
            "vega": (price["wild"] - price["calm"]) / points,
            "theta": (price["later"] - price["now"]) / np.where(passed > 0, passed, 1.0),
            "rho": (price["high"] - price["low"]) / (2 * RATE_BUMP),
        }


def black_scholes(
    spot: Float1D,
    strike: Float1D,
    years: Float1D,
    rate: float | Float1D,
    volatility: Float1D,
    is_call: Bool1D,
    dividend_yield: float | Float1D = 0.0,
) -> OptionValue:
    """Value European options; at expiry or without volatility the discounted intrinsic value of the forward.

    ``spot`` and ``strike`` in dollars, ``years`` to expiry, ``rate`` and ``dividend_yield`` continuous, ``volatility``
    annual.
    """
    from .kernels.black_scholes import write_values

    sign = np.where(is_call, 1.0, -1.0)
    terms = np.stack(np.broadcast_arrays(spot, strike, years, rate, dividend_yield, volatility, sign))
    out = np.empty_like(terms)
    write_values(terms, out)
    return OptionValue(*out)
