"""What portfolios returned: time-weighted returns, drawdowns, volatility and Sharpe ratio of daily returns."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from .arrays import Bool2D, Float1D, Float2D, Int1D, Int2D
from .sums import column_sums

SESSIONS_A_YEAR = 252
MONTH, QUARTER, YEAR = 21, 63, 252
LEAST_RETURNS = 63
"""Returns that a volatility and a Sharpe ratio need."""


@dataclass(frozen=True)
class Performance:
    """Of each portfolio as of each end, (D, P).

    NaN where a return of the window is missing, or the window begins before the first session. Returns are compounded
    and not annualised: of the last 21, 63 and 252 sessions, of the calendar year (since the first session where that
    is later) and since the first session. ``drawdown`` is the distance from the highest value so far, zero or negative,
    ``worst_drawdown`` the deepest since the first session, ``drawdown_sessions`` counts those since the peak.
    ``return_volatility`` is the annualised standard deviation of the last 252 returns (63 at least), ``sharpe`` their
    mean beyond the risk-free rate over it, annualised.
    """

    return_1m: Float2D
    return_3m: Float2D
    return_ytd: Float2D
    return_1y: Float2D
    return_inception: Float2D
    drawdown: Float2D
    worst_drawdown: Float2D
    drawdown_sessions: Float2D
    return_volatility: Float2D
    sharpe: Float2D


def daily_returns(equity: Float2D, flow: Float2D) -> Float2D:
    """Return P&L over the equity before and the flow, (S, P): flows arrive at the start of the session.

    NaN in the first row, and where equity before and flow are not positive together.

    Parameters
    ----------
    equity : (S, P) dollars at the close of consecutive sessions.
    flow : (S, P) dollars paid in after the close before.
    """
    out = np.full(equity.shape, np.nan)
    invested = equity[:-1] + flow[1:]
    with np.errstate(invalid="ignore", divide="ignore"):
        out[1:] = np.where(invested > 0, (equity[1:] - invested) / invested, np.nan)
    return out


def performance(
    returns: Float2D, is_active: Bool2D, ends: Int1D, year_starts: Int1D, *, risk_free_rate: Float1D | float
) -> Performance:
    """Measure the returns of each portfolio from its first session to each end.

    A number depends on the portfolio's own returns up to its end alone, to the last bit.

    Parameters
    ----------
    returns : (S, P) daily returns of consecutive sessions; NaN is a return that does not exist.
    is_active : (S, P) whether the portfolio is open; the sessions before its first do not count.
    ends : (D,) rows.
    year_starts : (D,) row of the first session of each end's calendar year.
    risk_free_rate : as of each end (D,), or one for all; annual, continuously compounded.

    References
    ----------
    Global Investment Performance Standards (time weighting); Sharpe (1994), J. Portfolio Management 21(1).
    """
    lived = np.where(is_active, returns, 0.0)
    growth = 1.0 + lived
    age = np.cumsum(is_active, axis=0)
    wealth = np.cumprod(growth, axis=0)
    peak = np.maximum.accumulate(np.maximum(wealth, 1.0), axis=0)
    fallen = wealth / peak - 1.0
    worst = np.minimum.accumulate(fallen, axis=0)
    under = _sessions_since_peak(fallen, is_active)

    def compounded(end: int, first: int, window: int) -> Float1D:
        total = np.prod(growth[first : end + 1], axis=0) - 1.0
        return np.where(age[end] >= window, total, np.nan)

    rates = np.expm1(np.broadcast_to(risk_free_rate, len(ends)) / SESSIONS_A_YEAR)
    rows: dict[str, list[Float1D]] = {field.name: [] for field in fields(Performance)}
    for end, year_start, rate in zip(ends.tolist(), year_starts.tolist(), rates.tolist(), strict=True):
        for name, window in (("return_1m", MONTH), ("return_3m", QUARTER), ("return_1y", YEAR)):
            rows[name].append(compounded(end, max(end + 1 - window, 0), window))
        rows["return_ytd"].append(compounded(end, year_start, 0))
        rows["return_inception"].append(wealth[end] - 1.0)
        rows["drawdown"].append(fallen[end])
        rows["worst_drawdown"].append(worst[end])
        rows["drawdown_sessions"].append(np.where(np.isnan(fallen[end]), np.nan, under[end]))
        first = max(end + 1 - YEAR, 0)
        volatility, sharpe = _volatility(lived[first : end + 1], is_active[first : end + 1], rate)
        rows["return_volatility"].append(volatility)
        rows["sharpe"].append(sharpe)
    shape = (len(ends), returns.shape[1])
    return Performance(**{name: np.stack(values) if values else np.empty(shape) for name, values in rows.items()})


def _sessions_since_peak(fallen: Float2D, is_active: Bool2D) -> Int2D:
    """Count the sessions of the drawdown that each session is in; zero at a peak."""
    row = np.arange(len(fallen))[:, None]
    at_peak = np.maximum.accumulate(np.where((fallen >= 0.0) | ~is_active, row, -1), axis=0)
    return np.asarray(row - at_peak)


def _volatility(returns: Float2D, counts: Bool2D, rate: float) -> tuple[Float1D, Float1D]:
    """Return annualised standard deviation and Sharpe ratio of the returns that count."""
    return_count = counts.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = column_sums(returns) / return_count
        square = column_sums(np.where(counts, returns - mean, 0.0) ** 2)
        deviation = np.sqrt(square / (return_count - 1))
        enough = return_count >= LEAST_RETURNS
        volatility = np.where(enough, deviation * np.sqrt(SESSIONS_A_YEAR), np.nan)
        sharpe = np.where(enough & (deviation > 1e-12), (mean - rate) / deviation * np.sqrt(SESSIONS_A_YEAR), np.nan)
    return volatility, sharpe
