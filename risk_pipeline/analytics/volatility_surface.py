"""A simple surface of implied volatility from the quotes of one underlying on one day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import Float1D


@dataclass(frozen=True)
class VolatilitySurface:
    """Quotes of a day by expiry: for each of ``years`` (m,), ascending, its log-moneynesses and their variances.

    Log-moneyness is ``ln(strike / forward)``, ascending within an expiry; variances are annual.
    """

    years: Float1D
    moneyness: tuple[Float1D, ...]
    variance: tuple[Float1D, ...]

    @classmethod
    def of(cls, moneyness: Float1D, years: Float1D, volatility: Float1D) -> VolatilitySurface:
        """Make the surface of quotes (q,) with years to expiry above zero; quotes of one point are averaged."""
        expiries = np.unique(years)
        slices = []
        for expiry in expiries:
            of_expiry = years == expiry
            points, place = np.unique(moneyness[of_expiry], return_inverse=True)
            total = np.bincount(place, weights=volatility[of_expiry] ** 2)
            slices.append((points, total / np.bincount(place)))
        return cls(expiries, tuple(points for points, _ in slices), tuple(variance for _, variance in slices))

    def volatility(self, moneyness: Float1D, years: Float1D) -> Float1D:
        """Return the annual volatility at some points, (n,).

        Variance is linear in log-moneyness between the quotes of an expiry and flat beyond them; total variance
        (variance times years) is linear in time between expiries, and variance is flat before the first and after
        the last.

        Examples
        --------
        >>> surface = VolatilitySurface.of(np.zeros(2), np.array([0.5, 1.0]), np.array([0.2, 0.3]))
        >>> surface.volatility(np.zeros(3), np.array([0.1, 0.75, 2.0])).round(4)
        array([0.2   , 0.2708, 0.3   ])
        """
        quotes = zip(self.years, self.moneyness, self.variance, strict=True)
        total = np.stack([expiry * np.interp(moneyness, points, variance) for expiry, points, variance in quotes])
        inside = np.clip(years, self.years[0], self.years[-1])
        at = [np.interp(year, self.years, column) for year, column in zip(inside, total.T, strict=True)]
        return np.asarray(np.sqrt(np.array(at) / inside))
