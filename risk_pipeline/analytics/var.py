"""Value at risk and expected shortfall, one day ahead, by filtered historical simulation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import Float1D, Float2D
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
    r = returns[-LOOK_BACK:]
    count = r.shape[1]
    present = ~np.isnan(r)
    start = np.where(present[:21], np.where(present[:21], r[:21], 0.0) ** 2, 0.0).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = start / present[:21].sum(axis=0)
    surprises = np.full(r.shape, np.nan)
    for row in range(len(r)):
        with np.errstate(invalid="ignore", divide="ignore"):
            surprises[row] = np.where(variance > 0, r[row] / np.sqrt(variance), np.nan)
            updated = EWMA_DECAY * variance + (1 - EWMA_DECAY) * r[row] ** 2
            fresh = np.where(np.isnan(variance), r[row] ** 2, updated)
        variance = np.where(present[row], fresh, variance)
    surprises = surprises[max(len(r) - WINDOW, min(21, len(r))) :]
    known = ~np.isnan(surprises)
    enough = known.sum(axis=0) >= MIN_OBSERVATIONS
    ordered = np.sort(np.where(known, surprises, np.inf), axis=0)
    out: dict[str, Float1D] = {}
    for name, level in (("95", 0.05), ("99", 0.01)):
        quantile, shortfall = np.full(count, np.nan), np.full(count, np.nan)
        for column in np.flatnonzero(enough):
            values = ordered[: int(known[:, column].sum()), column]
            quantile[column] = np.quantile(values, level)
            shortfall[column] = values[values <= quantile[column]].mean()
        scale = np.sqrt(variance)
        out[f"var_{name}"], out[f"es_{name}"] = -quantile * scale, -shortfall * scale
    return TailRisk(**out)
