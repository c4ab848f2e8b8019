"""Value at risk and expected shortfall, one day ahead, by filtered historical simulation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import Float1D, Float2D, Int1D, Int2D

Speeds = tuple[tuple[float, float], ...]

WINDOW, MIN_OBSERVATIONS = 1000, 504
"""Surprises, and the least of them."""
WARM_UP = 252
LEVELS = (0.05, 0.01)
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


def filtered_historical_simulation(returns: Float2D, *, speeds: Speeds = SPEEDS) -> TailRisk:
    """Rescale past surprises to the present volatility and read off their tail.

    Each return is divided by the volatility known the day before; the quotients of the last ``WINDOW`` sessions times
    the volatility of tomorrow are the scenarios. The variance is the mean of a fast one, ``v' = .8 v + .2 r^2 (1.75 if
    r < 0 else .25)``, and a slow one, ``v' = .97 v + .03 r^2``. No volatility is taken to be below a tenth of the
    series' over the 252 sessions before: after a stretch without trade the first return would be a surprise of
    thousands.

    Parameters
    ----------
    returns : (W, M) simple returns of each series up to the session; NaN is a gap and is left out.
    speeds : the variances whose mean is taken, as ``SPEEDS``. At a weight of one a variance is symmetric.

    References
    ----------
    Hull & White (1998), J. Risk 1(1); Barone-Adesi, Giannopoulos & Vosper (1999); the asymmetry: Glosten, Jagannathan &
    Runkle (1993), J. Finance 48(5), at fixed weights; a fast and a slow component: Engle & Lee (1999).
    """
    return tail_risk(filtered_scenarios(returns, speeds=speeds))


def filtered_scenarios(returns: Float2D, *, speeds: Speeds = SPEEDS) -> Float2D:
    """Return what each series does tomorrow if one of its last surprises comes again, (S, M); NaN where it had none.

    Arguments as of :func:`filtered_historical_simulation`. A row is one past session, the same for every series, so
    the scenarios of several series keep their dependence.
    """
    scenarios = np.empty((_count(returns), returns.shape[1]))
    _write(returns, np.arange(returns.shape[1]), speeds, scenarios, np.empty((0, 0)))
    return scenarios


def scenarios_by_series(returns: Float2D, columns: Int1D) -> Float2D:
    """Return :func:`filtered_scenarios` of some columns with the series first, (M, S), each in one piece of memory."""
    scenarios = np.empty((len(columns), _count(returns)))
    _write(returns, columns, SPEEDS, scenarios.T, np.empty((0, 0)))
    return scenarios


def filtered_with_scales(returns: Float2D) -> tuple[Float2D, Float2D]:
    """Return the scenarios of :func:`filtered_scenarios` and what each past return was multiplied by, each (S, M).

    A scale is NaN where there was no volatility to divide by. The last row is the last return's.
    """
    scenarios, scales = np.empty((2, _count(returns), returns.shape[1]))
    _write(returns, np.arange(returns.shape[1]), SPEEDS, scenarios, scales)
    return scenarios, scales


def _count(returns: Float2D) -> int:
    """Return how many scenarios there are: the last returns, without those that the variance starts from."""
    from .kernels.filtered_variance import START

    rows = min(len(returns), LOOK_BACK)
    return rows - max(rows - WINDOW, min(START, rows))


def _write(returns: Float2D, columns: Int1D, speeds: Speeds, scenarios: Float2D, scales: Float2D) -> None:
    from .kernels.filtered_variance import write_scenarios

    window = np.ascontiguousarray(returns[-LOOK_BACK:], dtype=np.float64)
    write_scenarios(window, columns, np.array(speeds), scenarios, scales)


@dataclass(frozen=True)
class WorstScenarios:
    """The worst scenarios of each series, the worst first: as many as the tail of ``LEVELS[0]`` takes.

    ``row`` and ``value`` (K, M) are which scenarios and what they are, infinite where a series has fewer. ``count``
    (M,) is how many it has in all.
    """

    row: Int2D
    value: Float2D
    count: Int1D

    @classmethod
    def of(cls, scenarios: Float2D) -> WorstScenarios:
        """Find them among scenarios, (S, M); NaN is none. Of equal ones the first comes first."""
        from .kernels.worst_scenarios import write_worst

        shape = int((len(scenarios) - 1) * LEVELS[0]) + 2, scenarios.shape[1]
        out = cls(np.empty(shape, dtype=np.int64), np.empty(shape), np.empty(shape[1], dtype=np.int64))
        write_worst(scenarios, out.row, out.value, out.count)
        return out

    def quantile(self, level: float) -> tuple[Float1D, Float1D, Int1D]:
        """Return each series' rank of a quantile, the quantile, and how many scenarios are up to it; (M,) each.

        Between two scenarios it is interpolated, as by ``numpy.quantile``. Ties beyond the next one don't count.
        """
        place = np.maximum(self.count - 1, 0) * level
        below = np.floor(place).astype(np.int64)
        low, high = (np.take_along_axis(self.value, rank[None], axis=0)[0] for rank in (below, below + 1))
        with np.errstate(invalid="ignore"):
            quantile = low + (high - low) * (place - below)
            return place, quantile, below + 1 + (high <= quantile)

    def tail_risk(self) -> TailRisk:
        """Return the quantiles, and the means of the scenarios up to them."""
        sums = np.cumsum(self.value, axis=0)
        measures: list[Float1D] = []
        for level in LEVELS:
            _, quantile, count = self.quantile(level)
            mean = np.take_along_axis(sums, count[None] - 1, axis=0)[0] / count
            measures += [np.where(self.count >= MIN_OBSERVATIONS, -value, np.nan) for value in (quantile, mean)]
        var_95, es_95, var_99, es_99 = measures
        return TailRisk(var_95, var_99, es_95, es_99)


def tail_risk(scenarios: Float2D) -> TailRisk:
    """Read the tail of tomorrow's returns off their scenarios, (S, M); NaN scenarios are left out."""
    return WorstScenarios.of(scenarios).tail_risk()
