"""Options revalued on many scenarios of their underlyings at once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .arrays import Float2D, Float3D, Int1D
from .cubic_spline import cubic_pieces
from .options import OptionTerms, black_scholes_price

DAY = 1.0 / 365.0
LEAST_VOLATILITY = 0.05
"""Annual: a shock takes implied volatility no lower."""
KNOTS = np.geomspace(0.2, 5.0, 49)
"""Spots, as multiples of the present one, which is among them, at which the premium of early exercise is computed."""
KNOT_STEPS = 101
"""Steps of the trees at the knots; their premium is scaled to that of a whole tree at the present spot."""


class OptionScenarios:
    """Options that are priced on many scenarios of spot and volatility.

    The European price is exact. The premium of early exercise, a smooth function of the spot, is computed once on
    trees at :data:`KNOTS` and interpolated by cubic splines, at the volatility of now.

    Parameters
    ----------
    terms : n options.
    passed : years that go by in every scenario.
    """

    def __init__(self, terms: OptionTerms, passed: float = 0.0) -> None:
        self.terms = replace(terms, years=np.maximum(terms.years - passed, 0.0))
        self._early = np.flatnonzero(self.terms.may_exercise_early)
        self._pieces = self._splines() if len(self._early) else np.empty((4, len(KNOTS) - 1, 0))

    def _splines(self) -> Float3D:
        """Return the cubic pieces between the knots, (4, knots - 1, early), the highest power first."""
        early = self.terms.take(self._early)
        every = early.take(np.tile(np.arange(len(self._early)), len(KNOTS)))
        every = replace(every, spot=every.spot * np.repeat(KNOTS, len(self._early)))
        european = every.european_price().reshape(len(KNOTS), -1)
        premium = np.maximum(early.tree_prices_at(KNOTS, KNOT_STEPS) - european, 0.0)
        now = np.maximum(early.tree_price() - early.european_price(), 0.0)
        at_spot = premium[len(KNOTS) // 2]
        scale = np.where(at_spot > 1e-5 * early.spot, now / np.where(at_spot > 0, at_spot, 1.0), 1.0)
        return cubic_pieces(np.log(KNOTS), premium * scale)

    def take(self, rows: Int1D) -> OptionScenarios:
        """Return some of the options, in the order of ``rows``, without computing their trees again."""
        place = np.full(len(self.terms.spot), -1, dtype=np.int64)
        place[self._early] = np.arange(len(self._early))
        out = object.__new__(OptionScenarios)
        out.terms = self.terms.take(rows)
        out._early = np.flatnonzero(place[rows] >= 0)
        out._pieces = self._pieces[:, :, place[rows][out._early]]
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
        if len(early):
            gain = np.where(terms.is_call[early], 1.0, -1.0) * (spot[:, early] - terms.strike[early])
            premium = self._premium(spot[:, early] / terms.spot[early])
            price[:, early] = np.maximum(price[:, early] + premium, gain)
        return price

    def _premium(self, moved: Float2D) -> Float2D:
        """Return the premium of early exercise at multiples of the present spots, (S, early)."""
        start, step = np.log(KNOTS[0]), np.log(KNOTS[1] / KNOTS[0])
        away = (np.log(np.clip(moved, KNOTS[0], KNOTS[-1])) - start) / step
        piece = np.minimum(away.astype(np.int64), len(KNOTS) - 2)
        x = (away - piece) * step
        column = np.arange(moved.shape[1])
        a, b, c, d = (power[piece, column] for power in self._pieces)
        return np.asarray(np.maximum(((a * x + b) * x + c) * x + d, 0.0))
