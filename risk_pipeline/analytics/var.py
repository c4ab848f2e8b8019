"""Value at risk and expected shortfall, one day ahead, by filtered historical simulation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import Float1D, Float2D, Int1D
from .volatility import EWMA_DECAY

WINDOW = 504
MIN_OBSERVATIONS = 252
WARM_UP = 126
LOOK_BACK = WINDOW + WARM_UP


@dataclass(frozen=True)
class TailRisk:
    """Losses as positive shares of equity, each (M,); NaN with fewer than 252 standardised returns."""

    var_95: Float1D
    var_99: Float1D
    es_95: Float1D
    es_99: Float1D

    def take(self, rows: Int1D) -> TailRisk:
        """Return some of the rows."""
        return TailRisk(**{name: values[rows] for name, values in vars(self).items()})


def filtered_historical_simulation(returns: Float2D) -> TailRisk:
    """Rescale past surprises to the present volatility and read off their tail.

    Each return is divided by the EWMA volatility known the day before; the quotients of the last ``WINDOW``
    sessions times the volatility of tomorrow are the scenarios.

    Parameters
    ----------
    returns : (W, M) simple returns of each series up to the session; NaN is a gap and is left out.

    References
    ----------
    Hull & White (1998), J. Risk 1(1); Barone-Adesi, Giannopoulos & Vosper (1999).
    """
    if returns.shape[1] == 1:  # NumPy sums a single column in another order
        alone = filtered_historical_simulation(np.repeat(returns, 2, axis=1))
        return TailRisk(**{name: values[:1] for name, values in vars(alone).items()})
    r = returns[-LOOK_BACK:]
    present = ~np.isnan(r)
    start = np.where(present[:21], np.where(present[:21], r[:21], 0.0) ** 2, 0.0).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = start / present[:21].sum(axis=0)
    surprises = np.full(r.shape, np.nan)
    squares = r**2
    with np.errstate(invalid="ignore", divide="ignore"):
        for row in range(len(r)):
            surprises[row] = np.where(variance > 0, r[row] / np.sqrt(variance), np.nan)
            updated = EWMA_DECAY * variance + (1 - EWMA_DECAY) * squares[row]
            fresh = np.where(np.isnan(variance), squares[row], updated)
            variance = np.where(present[row], fresh, variance)
    surprises = surprises[max(len(r) - WINDOW, min(21, len(r))) :]
    known = ~np.isnan(surprises)
    enough = known.sum(axis=0) >= MIN_OBSERVATIONS
    ordered = np.sort(np.where(known, surprises, np.inf), axis=0)
    tails = [_tail(ordered, known.sum(axis=0), level) for level in (0.05, 0.01)]
    (var_95, es_95), (var_99, es_99) = (
        [np.where(enough, -value * np.sqrt(variance), np.nan) for value in pair] for pair in tails
    )
    return TailRisk(var_95, var_99, es_95, es_99)


def _tail(ordered: Float2D, count: Int1D, level: float) -> tuple[Float1D, Float1D]:
    """Return the quantile of the first ``count`` of each column's sorted values, and the mean of those up to it.

    Between two values it is interpolated, as by ``numpy.quantile``.
    """
    place = np.maximum(count - 1, 0) * level
    below = np.floor(place).astype(np.int64)
    columns = np.arange(ordered.shape[1])
    low, high = ordered[below, columns], ordered[np.minimum(below + 1, len(ordered) - 1), columns]
    with np.errstate(invalid="ignore"):
        quantile = low + (high - low) * (place - below)
        tail = ordered[: int(below.max(initial=0)) + 2]
        beyond = tail <= quantile
        return quantile, np.where(beyond, tail, 0.0).sum(axis=0) / beyond.sum(axis=0)
