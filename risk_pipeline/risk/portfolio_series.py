"""Return series that holdings would have had, many sessions side by side, and what is estimated from them."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields

import numpy as np

from ..analytics.arrays import Bool1D, Float2D, Int1D
from ..analytics.holdings import Holdings, constant_weight_returns
from ..analytics.kernels.constants import HORIZON, LOOK_BACK
from ..analytics.threads import MOST_THREADS
from ..analytics.valuation import Book
from ..analytics.volatility import VolatilityEstimates, estimate_volatility
from .inputs import Inputs

SERIES_AT_ONCE = 1024
"""Maximum series that a thread holds in memory at once."""
SESSIONS_A_YEAR = 252
KIND = "volatility of portfolios"
Estimate = Callable[[Float2D], dict[str, np.ndarray]]
"""Makes numbers by name, each (series,), of series side by side, (rows, series)."""


@dataclass(frozen=True)
class PortfolioRisk:
    """Volatility as of each session; arrays are (D, P).

    ``forecast_before`` is the forecast of the same holdings with returns up to the session before.
    """

    volatility: VolatilityEstimates
    forecast_before: Float2D
    coverage: Float2D


def portfolio_risk(inputs: Inputs, book: Book, ends: Int1D, whole: Bool1D) -> PortfolioRisk:
    """Estimate the volatility of the holdings of each session, with returns up to it.

    ``book`` is valued at the sorted rows ``ends``. Where ``whole`` (D,) is false, ``forecast_before`` and ``coverage``
    are left out, NaN: half of the work, and nothing where an earlier block has estimated the session.
    """

    def volatility(series: Float2D) -> dict[str, np.ndarray]:
        return {name: values[0] for name, values in vars(estimate_volatility(series, _last(series, 1))).items()}

    def everything(series: Float2D) -> dict[str, np.ndarray]:
        estimates = estimate_volatility(series, _last(series, 2))
        latest = {name: values[1] for name, values in vars(estimates).items()}
        return {**latest, "before": estimates.forecast[0]}

    def of_sessions(chosen: Int1D, rows: int, estimate: Estimate) -> dict[str, np.ndarray]:
        some = book.take(chosen)
        return by_series(inputs, some.holdings, some.equity, ends[chosen], rows, estimate)

    def volatility_at(some: Int1D) -> VolatilityEstimates:
        return _volatility(of_sessions(np.searchsorted(ends, some), LOOK_BACK, volatility))

    recent, earlier = np.flatnonzero(whole), np.flatnonzero(~whole)
    of_recent = of_sessions(recent, LOOK_BACK + 1, everything)  # the session's look-back and the session before's
    known = inputs.derived.keep(KIND, ends[recent], _volatility(of_recent))
    older = inputs.derived.at(KIND, ends[earlier], volatility_at) if len(earlier) else known.take(earlier)
    back = np.argsort(np.concatenate([recent, earlier]))

    def laid_out(name: str) -> np.ndarray:
        out = np.full(book.equity.shape, np.nan)
        out[recent] = of_recent[name]
        return out

    return PortfolioRisk(
        volatility=VolatilityEstimates.join([known, older]).take(back),
        forecast_before=laid_out("before"),
        coverage=laid_out("coverage"),
    )


def _volatility(estimates: dict[str, np.ndarray]) -> VolatilityEstimates:
    return VolatilityEstimates(**{field.name: estimates[field.name] for field in fields(VolatilityEstimates)})


def portfolio_forecast(inputs: Inputs, holdings: Holdings, equity: Float2D, ends: Int1D) -> Float2D:
    """Return the forecast volatility alone, (D, P), of holdings on equity, with returns up to the rows ``ends``."""

    def estimate(series: Float2D) -> dict[str, np.ndarray]:
        return {"forecast": estimate_volatility(series, _last(series, 1)).forecast[0]}

    return by_series(inputs, holdings, equity, ends, LOOK_BACK, estimate)["forecast"]


def returns_after(inputs: Inputs, book: Book, ends: Int1D, sessions: int) -> np.ndarray:
    """Return what the holdings of each session gained on each of the next ``sessions``, (D, sessions, P)."""
    shape = (book.equity.shape[1], len(inputs.panel.symbols))
    return np.stack(
        [
            constant_weight_returns(
                book.holdings.at(session_index).notional(*shape),
                np.asarray(inputs.panel.returns[end + 1 : end + 1 + sessions]),
                book.equity[session_index],
            ).returns
            for session_index, end in enumerate(ends)
        ]
    )


def portfolio_outcomes(inputs: Inputs, book: Book, made: Int1D) -> Float2D:
    """Return the annualised volatility that the holdings of each session then realised, (D, P)."""
    after = returns_after(inputs, book, made, HORIZON)
    return np.asarray(np.sqrt((after**2).sum(axis=1) / HORIZON * SESSIONS_A_YEAR))


def by_series(
    inputs: Inputs,
    holdings: Holdings,
    equity: Float2D,
    ends: Int1D,
    rows: int,
    estimate: Estimate,
) -> dict[str, np.ndarray]:
    """Return what ``estimate`` makes of each portfolio's series as of each session, (D, P, …), and ``coverage``.

    It is given some series side by side, (rows, series), on a thread for each of some processors, and returns arrays
    (series, …); no series' numbers depend on which others are beside it.
    """
    sessions, portfolios = equity.shape
    together = max(SERIES_AT_ONCE // max(portfolios, 1), 1)
    parts = [
        (slice(day, min(day + together, sessions)), slice(first, min(first + SERIES_AT_ONCE, portfolios)))
        for day in range(0, sessions, together)
        for first in range(0, max(portfolios, 1), SERIES_AT_ONCE)
    ]

    def estimated(part: tuple[slice, slice]) -> dict[str, np.ndarray]:
        series, coverage = _stacked(inputs, holdings, equity, ends, rows, *part)
        made = {name: values.reshape(coverage.shape + values.shape[1:]) for name, values in estimate(series).items()}
        return {"coverage": coverage, **made}

    out: dict[str, np.ndarray] = {}
    with ThreadPoolExecutor(min(os.cpu_count() or 1, MOST_THREADS)) as threads:
        for part, estimates in zip(parts, threads.map(estimated, parts), strict=True):
            for name, values in estimates.items():
                out.setdefault(name, np.empty(equity.shape + values.shape[2:], values.dtype))[part] = values
    return out


def _last(series: Float2D, count: int) -> Int1D:
    """Return the last rows of some series."""
    return np.arange(len(series) - count, len(series))


def _stacked(
    inputs: Inputs, holdings: Holdings, equity: Float2D, ends: Int1D, rows: int, sessions: slice, portfolios: slice
) -> tuple[Float2D, Float2D]:
    """Return the series of some portfolios and sessions side by side, (rows, series), and their coverage.

    Coverage is of the last ``LOOK_BACK`` rows, however many are read.
    """
    chosen = range(*sessions.indices(len(ends)))
    count = portfolios.stop - portfolios.start
    stacked, coverage = np.full((rows, len(chosen), count), np.nan), np.empty((len(chosen), count))
    for place, session_index in enumerate(chosen):
        end = ends[session_index]
        read = np.asarray(inputs.panel.returns[max(end + 1 - rows, 0) : end + 1])
        notional = holdings.at(session_index).notional(equity.shape[1], len(inputs.panel.symbols))[portfolios]
        series = constant_weight_returns(notional, read, equity[session_index, portfolios], coverage_rows=LOOK_BACK)
        stacked[rows - len(read) :, place] = series.returns
        coverage[place] = series.coverage
    return stacked.reshape(rows, -1), coverage
