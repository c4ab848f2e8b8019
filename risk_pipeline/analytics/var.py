"""Value at risk and expected shortfall, one day ahead, by filtered historical simulation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import Float1D, Float2D, Int1D

Speeds = tuple[tuple[float, float], ...]

WINDOW, MIN_OBSERVATIONS = 1000, 504
"""Surprises, and the least of them."""
WARM_UP = 252
LOOK_BACK = WINDOW + WARM_UP
SPEEDS = ((0.80, 1.75), (0.97, 1.0))
"""The variance is the mean of exponentially weighted ones: the decay of each, and how much a squared loss counts in it.

A squared gain counts two less that, so one on average: the fast one reads losses above all, the slow one both alike.
"""


@dataclass(frozen=True)
class TailRisk:
    """Losses as positive shares of equity, each (M,); NaN with fewer than ``MIN_OBSERVATIONS`` surprises."""

    var_95: Float1D
    var_99: Float1D
    es_95: Float1D
    es_99: Float1D

    def take(self, rows: Int1D) -> TailRisk:
        """Return some of the rows."""
        return TailRisk(**{name: values[rows] for name, values in vars(self).items()})


def filtered_historical_simulation(
    returns: Float2D, *, surprises_read: int = WINDOW, speeds: Speeds = SPEEDS
) -> TailRisk:
    """Rescale past surprises to the present volatility and read off their tail.

    Each return is divided by the volatility known the day before; the quotients of the last ``WINDOW`` sessions times
    the volatility of tomorrow are the scenarios. The variance is the mean of a fast one, ``v' = .8 v + .2 r^2 (1.75 if
    r < 0 else .25)``, and a slow one, ``v' = .97 v + .03 r^2``. No volatility is taken to be below a tenth of the
    series' over the 252 sessions before: after a stretch without trade the first return would be a surprise of
    thousands.

    Parameters
    ----------
    returns : (W, M) simple returns of each series up to the session; NaN is a gap and is left out.
    surprises_read : how many of the last sessions the tail is read from.
    speeds : the variances whose mean is taken, as ``SPEEDS``. At a weight of one a variance is symmetric.

    References
    ----------
    Hull & White (1998), J. Risk 1(1); Barone-Adesi, Giannopoulos & Vosper (1999); the asymmetry: Glosten, Jagannathan &
    Runkle (1993), J. Finance 48(5), at fixed weights; a fast and a slow component: Engle & Lee (1999).
    """
    return tail_risk(filtered_scenarios(returns, surprises_read=surprises_read, speeds=speeds))


def filtered_scenarios(returns: Float2D, *, surprises_read: int = WINDOW, speeds: Speeds = SPEEDS) -> Float2D:
    """Return what each series does tomorrow if one of its last surprises comes again, (S, M); NaN where it had none.

    Arguments as of :func:`filtered_historical_simulation`. A row is one past session, the same for every series, so
    the scenarios of several series keep their dependence.
    """
    scenarios = np.empty(_shape(returns, surprises_read))
    _write(returns, speeds, scenarios, np.empty((0, 0)))
    return scenarios


def scenarios_by_series(returns: Float2D) -> Float2D:
    """Return :func:`filtered_scenarios` with the series first, (M, S), each in one piece of memory."""
    scenarios = np.empty(_shape(returns, WINDOW)[::-1])
    _write(returns, SPEEDS, scenarios.T, np.empty((0, 0)))
    return scenarios


def filtered_with_scales(returns: Float2D) -> tuple[Float2D, Float2D]:
    """Return the scenarios of :func:`filtered_scenarios` and what each past return was multiplied by, each (S, M).

    A scale is NaN where there was no volatility to divide by. The last row is the last return's.
    """
    scenarios, scales = np.empty((2, *_shape(returns, WINDOW)))
    _write(returns, SPEEDS, scenarios, scales)
    return scenarios, scales


def _shape(returns: Float2D, surprises_read: int) -> tuple[int, int]:
    """Return the shape of the scenarios: the last returns, without those that the variance starts from."""
    from .kernels.filtered_variance import START

    rows = min(len(returns), LOOK_BACK)
    return rows - max(rows - surprises_read, min(START, rows)), returns.shape[1]


def _write(returns: Float2D, speeds: Speeds, scenarios: Float2D, scales: Float2D) -> None:
    from .kernels.filtered_variance import write_scenarios

    write_scenarios(np.ascontiguousarray(returns[-LOOK_BACK:], dtype=np.float64), np.array(speeds), scenarios, scales)


def tail_risk(scenarios: Float2D) -> TailRisk:
    """Read the tail of tomorrow's returns off their scenarios, (S, M); NaN scenarios are left out."""
    several = _several(scenarios)
    known = ~np.isnan(several)
    count = known.sum(axis=0)
    ordered = np.sort(np.where(known, several, np.inf), axis=0)
    tails = [_tail(ordered, count, level) for level in (0.05, 0.01)]
    (var_95, es_95), (var_99, es_99) = (
        [np.where(count >= MIN_OBSERVATIONS, -value, np.nan) for value in pair] for pair in tails
    )
    return TailRisk(var_95, var_99, es_95, es_99).take(np.arange(scenarios.shape[1]))


def _several(columns: Float2D) -> Float2D:
    """Return the columns, a single one twice: NumPy sums a single column in another order."""
    return np.repeat(columns, 2, axis=1) if columns.shape[1] == 1 else columns


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
        # at most one tie above the quantile's rank: how many rows are read depends on the columns beside it
        beyond = (tail <= quantile) & (np.arange(len(tail))[:, None] <= below + 1)
        return quantile, np.where(beyond, tail, 0.0).sum(axis=0) / beyond.sum(axis=0)
