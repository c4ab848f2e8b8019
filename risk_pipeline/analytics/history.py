"""The proxies' history: how often a move happened, and which year was the worst.

History is a fixed number of sessions up to the requested one, whatever else a run loads.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .arrays import Bool1D, Float1D, Float2D, Float3D, Int1D
from .factor_returns import relative_factors
from .kernels.constants import NO_SPREAD

CRISIS = 252
"""Sessions of the stressed window."""
LEAST_USABLE = 0.8
"""The share of its sessions that must have every factor."""


def window_moves(core: Float2D, horizon: int) -> Float2D:
    """Return what the core factors moved over the ``horizon`` sessions up to each row, (T, K).

    The proxies' returns compound; a style's move is what its proxy gained less what the market did. NaN with any of
    the returns missing.

    Parameters
    ----------
    core : (T, K) daily returns of market, rates and relative styles.
    """
    proxies = core.copy()
    proxies[:, 2:] += core[:, :1]
    gained = np.full(core.shape, np.nan)
    for k in range(core.shape[1]) if len(core) >= horizon else ():
        windows = sliding_window_view(np.ascontiguousarray(1.0 + proxies[:, k]), horizon)
        gained[horizon - 1 :, k] = np.multiply.reduce(windows, axis=1) - 1.0
    return np.asarray(relative_factors(gained[:, 0], gained[:, 1], gained[:, 2:]))


@dataclass(frozen=True)
class HistoryCount:
    """In how many of the ``windows`` (D,) of history a move happened: ``count`` (D,)."""

    count: Int1D
    windows: Int1D


def moves_as_far(
    moves: Float2D, ends: Int1D, shocked: Int1D, shocks: Float1D, *, horizon: int, history: int
) -> HistoryCount:
    """Count the windows of history in which every shocked factor moved at least as far, in the same direction.

    A window has ``horizon`` sessions, all within the last ``history`` up to the end asked about; windows overlap. One
    in which a shocked factor lacks a return is not counted at all. A shock of zero is met by every move.

    Parameters
    ----------
    moves : (T, K) from ``window_moves`` of this horizon. ends : (D,) rows.
    shocked : (S,) positions. shocks : (S,) their moves over the horizon.
    """
    some = moves[:, shocked]
    known = np.asarray(~np.isnan(some).any(axis=1))
    with np.errstate(invalid="ignore"):
        as_far = (some * np.sign(shocks) >= np.abs(shocks)).all(axis=1) & known
    length = max(history - horizon + 1, 0)
    return HistoryCount(_trailing(as_far, ends, length), _trailing(known, ends, length))


def _trailing(flags: Bool1D, ends: Int1D, length: int) -> Int1D:
    """Count the true rows among the last ``length`` up to each end."""
    running = np.concatenate([[0], np.cumsum(flags, dtype=np.int64)])
    return np.asarray(running[ends + 1] - running[np.maximum(ends + 1 - length, 0)])


@dataclass(frozen=True)
class StressedCovariance:
    """Covariance (D, K, K) of daily factor returns over the worst year of history, and its last row (D,).

    NaN and -1 where history holds no year with enough sessions.
    """

    covariance: Float3D
    last: Int1D


def stressed_covariance(core: Float2D, ends: Int1D, *, history: int) -> StressedCovariance:
    """Estimate the covariance over the ``CRISIS`` sessions of history in which the market did worst.

    The window lies within the last ``history`` sessions up to each end; ``LEAST_USABLE`` of its sessions must have
    every factor, and it is these that count, with equal weights. Correlations rise in crises, so this is what a shock
    would carry along then.

    References
    ----------
    Kupiec (1998), J. Derivatives 6(1).
    """
    days, count = len(ends), core.shape[1]
    covariance, last = np.full((days, count, count), np.nan), np.full(days, -1)
    if len(core) < CRISIS:
        return StressedCovariance(covariance, last)
    usable = np.asarray(~np.isnan(core).any(axis=1))
    market = np.full(len(core), np.nan)
    windows = sliding_window_view(1.0 + np.nan_to_num(core[:, 0]), CRISIS)
    market[CRISIS - 1 :] = np.multiply.reduce(windows, axis=1)
    market[_trailing(usable, np.arange(len(core)), CRISIS) < LEAST_USABLE * CRISIS] = np.nan
    estimates: dict[int, Float2D] = {}
    for day, end in enumerate(ends.tolist()):
        first = max(end + 1 - history, 0) + CRISIS - 1
        candidates = market[first : end + 1]
        if not len(candidates) or np.isnan(candidates).all():
            continue
        worst = first + int(np.nanargmin(candidates))
        if worst not in estimates:
            estimates[worst] = _sample_covariance(
                core[worst + 1 - CRISIS : worst + 1][usable[worst + 1 - CRISIS : worst + 1]]
            )
        covariance[day], last[day] = estimates[worst], worst
    return StressedCovariance(covariance, np.where(np.isnan(covariance[:, 0, 0]), -1, last))


def _sample_covariance(x: Float2D) -> Float2D:
    centred = x - x.mean(axis=0)
    if ((centred**2).mean(axis=0) <= NO_SPREAD * (x**2).mean(axis=0)).any():
        return np.full((x.shape[1], x.shape[1]), np.nan)
    covariance = centred.T @ centred / len(x)
    return np.asarray((covariance + covariance.T) / 2.0)
