"""What each holding adds to its portfolio's value at risk and expected shortfall."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import Float1D, Float2D, Int2D
from .holdings import Holdings
from .var import MIN_OBSERVATIONS, WINDOW, WorstScenarios

LEVEL = 0.01
MOST = 2 * int((WINDOW - 1) * LEVEL) + 3
"""Scenarios that any weight is put on: those up to twice the quantile's rank."""
MOST_SCALED = 2.0
"""The smoothed components are scaled to the quantile by at most this factor either way."""


@dataclass(frozen=True)
class TailScenarios:
    """The worst scenarios of each series, the worst first, and how much each counts; arrays are (K, M).

    ``es_weight`` sums to one. Values times ``var_weight`` sum to the quantile. Both are zero of scenarios that don't
    count, and NaN of a series with fewer than ``MIN_OBSERVATIONS``.
    """

    row: Int2D
    var_weight: Float2D
    es_weight: Float2D


def tail_scenarios(worst: WorstScenarios) -> TailScenarios:
    """Find the scenarios that make the 1 % quantile and the mean beyond it.

    The expected shortfall is the mean of those up to the quantile, so each counts alike. The quantile rests on two
    scenarios alone, which tell little of a holding's part; its components are a triangular kernel's over the ranks
    from the worst to twice the quantile's, scaled to sum to the quantile. Where that would scale them more than twice
    up or down, they are the two scenarios'.

    References
    ----------
    Tasche (1999), Risk contributions and performance measurement; Epperlein & Smillie (2006), Cracking VaR with
    kernels, Risk 19(8).
    """
    values, enough = worst.value[:MOST], worst.count >= MIN_OBSERVATIONS
    place, quantile, count = worst.quantile(LEVEL)
    below, rank = np.floor(place), np.arange(len(values))[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        es_weight = np.where(enough, np.where(rank < count, 1.0 / count, 0.0), np.nan)
        kernel = np.maximum(1.0 - np.abs(rank - place) / (place + 1.0), 0.0)
        kernel = kernel / weighted(kernel, np.ones_like(kernel))
        scale = quantile / weighted(kernel, values)
        two = np.where(rank == below, 1.0 - (place - below), np.where(rank == below + 1, place - below, 0.0))
        smooth = (scale >= 1.0 / MOST_SCALED) & (scale <= MOST_SCALED)
        var_weight = np.where(enough, np.where(smooth, kernel * scale, two), np.nan)
    return TailScenarios(worst.row[:MOST], var_weight, es_weight)


def weighted(weights: Float2D, values: Float2D) -> Float1D:
    """Return the sums of values times weights down each column, row after row; a weight of zero takes any value out."""
    out = np.zeros(values.shape[1])
    for weight, row in zip(weights, values, strict=True):
        out = out + np.where(weight == 0.0, 0.0, weight * row)
    return out


def holding_parts(
    holdings: Holdings, returns: Float2D, rows: Int2D, series: Float2D, scale: Float2D, equity: Float1D
) -> Float2D:
    """Return each holding's part of its portfolio's return on equity on some scenarios, (K, H).

    A portfolio's scenario is its return on a past session times a scale, so it is linear in the holdings. A holding
    without a return on that session moved like the rest of the book, as it does in ``constant_weight_returns``, so
    a portfolio's parts sum to its scenario.

    Parameters
    ----------
    holdings : of one session.
    returns : (T, N) of the symbols. rows : (K, P) the past sessions, rows of ``returns``.
    series, scale : (K, P) the portfolios' returns on them, on equity, and what they are multiplied by.
    equity : (P,) dollars.
    """
    owner, symbol, dollars = holdings.portfolio, holdings.symbol, holdings.delta_value
    moved = returns[rows[:, owner], symbol]
    with np.errstate(invalid="ignore", divide="ignore"):
        like_the_rest = series[:, owner] * holdings.share_of_gross()
        own = np.where(np.isnan(moved), like_the_rest, moved * (dollars / equity[owner]))
        return np.asarray(own * scale[:, owner])
