"""Return series that holdings would have had, many sessions side by side, and what is estimated from them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..analytics.arrays import Float2D, Int1D
from ..analytics.holdings import Holdings, constant_weight_returns
from ..analytics.valuation import Book
from ..analytics.var import TailRisk, filtered_historical_simulation
from ..analytics.volatility import HORIZON, LOOK_BACK, VolatilityEstimates, estimate_volatility
from .inputs import Inputs

SERIES_AT_ONCE = 2048
"""So many series of one portfolio and session are held in memory together."""
SESSIONS_A_YEAR = 252


@dataclass(frozen=True)
class PortfolioRisk:
    """Estimates as of each session; arrays are (D, P)."""

    volatility: VolatilityEstimates
    tail: TailRisk
    coverage: Float2D


def portfolio_risk(inputs: Inputs, book: Book, ends: Int1D) -> PortfolioRisk:
    """Estimate volatility and tail risk of the holdings of each session, with returns up to it.

    ``book`` is valued at the rows ``ends``.
    """
    shape = book.equity.shape
    estimates, tails, coverage = [], [], []
    for stacked, covered in _stacked(inputs, book.holdings, book.equity, ends):
        estimates.append(estimate_volatility(stacked, np.array([LOOK_BACK - 1])))
        tails.append(filtered_historical_simulation(stacked))
        coverage.append(covered)
    return PortfolioRisk(
        volatility=VolatilityEstimates(**_joined(estimates, shape)),
        tail=TailRisk(**_joined(tails, shape)),
        coverage=np.concatenate(coverage) if coverage else np.empty(shape),
    )


def portfolio_forecast(inputs: Inputs, holdings: Holdings, equity: Float2D, ends: Int1D) -> Float2D:
    """Return the forecast volatility alone, (D, P), of holdings on equity, with returns up to the rows ``ends``."""
    forecasts = [
        estimate_volatility(stacked, np.array([LOOK_BACK - 1])).forecast
        for stacked, _ in _stacked(inputs, holdings, equity, ends)
    ]
    return np.concatenate(forecasts, axis=1).reshape(equity.shape) if forecasts else np.empty(equity.shape)


def returns_after(inputs: Inputs, book: Book, ends: Int1D, sessions: int) -> np.ndarray:
    """Return what the holdings of each session gained on each of the next ``sessions``, (D, sessions, P)."""
    shape = (book.equity.shape[1], len(inputs.panel.symbols))
    return np.stack(
        [
            constant_weight_returns(
                book.holdings.at(number).notional(*shape),
                np.asarray(inputs.panel.returns[end + 1 : end + 1 + sessions]),
                book.equity[number],
            ).returns
            for number, end in enumerate(ends)
        ]
    )


def portfolio_outcomes(inputs: Inputs, book: Book, made: Int1D) -> Float2D:
    """Return the annualised volatility that the holdings of each session then realised, (D, P)."""
    after = returns_after(inputs, book, made, HORIZON)
    return np.asarray(np.sqrt((after**2).sum(axis=1) / HORIZON * SESSIONS_A_YEAR))


def _stacked(inputs: Inputs, holdings: Holdings, equity: Float2D, ends: Int1D) -> Iterator[tuple[Float2D, Float2D]]:
    """Yield the series of some sessions side by side, (LOOK_BACK, sessions x P), and their coverage."""
    shape = (equity.shape[1], len(inputs.panel.symbols))
    together = max(SERIES_AT_ONCE // max(shape[0], 1), 1)
    for start in range(0, len(ends), together):
        chosen = range(start, min(start + together, len(ends)))
        stacked, coverage = np.full((LOOK_BACK, len(chosen), shape[0]), np.nan), []
        for place, number in enumerate(chosen):
            end = ends[number]
            rows = np.asarray(inputs.panel.returns[max(end + 1 - LOOK_BACK, 0) : end + 1])
            series = constant_weight_returns(holdings.at(number).notional(*shape), rows, equity[number])
            stacked[LOOK_BACK - len(rows) :, place] = series.returns
            coverage.append(series.coverage)
        yield stacked.reshape(LOOK_BACK, -1), np.array(coverage)


def _joined(parts: list[VolatilityEstimates] | list[TailRisk], shape: tuple[int, int]) -> dict[str, np.ndarray]:
    """Return each field of all parts, session by portfolio."""
    names = list(vars(parts[0])) if parts else []
    return {name: np.concatenate([getattr(part, name).ravel() for part in parts]).reshape(shape) for name in names}
