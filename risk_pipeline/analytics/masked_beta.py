"""Betas of single (session, symbol) windows, each from the pairs that it has."""

from __future__ import annotations

import numpy as np

from .arrays import Bool2D, Float1D, Float2D, Int1D
from .window_weights import NO_SPREAD, bartlett_weights, newey_west_lag

AT_ONCE = 256
"""How many windows are fitted at once: few enough to stay in the processor's cache, and always as many, so that
no sum depends on how many were requested."""


def fit_windows(
    y: Float2D, x: Float1D, paired: Bool2D, ends: Int1D, days: Int1D, columns: Int1D, window: int
) -> Float2D:
    """Return beta, standard error, t statistic and R-squared, (4, M), of M windows.

    Parameters
    ----------
    y : (T, C) returns and x : (T,) factor, finite where ``paired`` (T, C).
    days : (M,) which of the ``ends`` each window has, and columns : (M,) whose it is. Each has a pair.

    Notes
    -----
    A window's pairs are packed to the bottom of a column, so lags count observations and a gap's neighbours
    move together. The zeros above them add exactly nothing.
    """
    out = np.empty((4, len(days)))
    used, column_index = np.unique(columns, return_inverse=True)
    pair_rows = np.argsort(~paired[:, used], axis=0, kind="stable")  # the rows of pairs first, in time
    running = np.concatenate([np.zeros((1, len(used)), dtype=np.int64), paired[:, used].cumsum(axis=0)])
    last = running[ends[days] + 1, column_index]
    count = last - running[np.maximum(ends[days] + 1 - window, 0), column_index]
    above = np.arange(window)[:, None] - window
    kernels = _kernels(window)
    for start in range(0, len(days), AT_ONCE):
        some = np.minimum(np.arange(start, start + AT_ONCE), len(days) - 1)
        inside = above >= -count[some]
        rows = pair_rows[np.maximum(last[some] + above, 0), column_index[some]]
        estimates = _fit(
            np.where(inside, y[rows, columns[some]], 0.0),
            np.where(inside, x[rows], 0.0),
            inside,
            kernels[count[some]].T,
        )
        out[:, start : start + AT_ONCE] = estimates[:, : len(days) - start]
    return out


def _kernels(window: int) -> Float2D:
    """Return the Bartlett weights by number of observations and lag, (window + 1, lags)."""
    kernels = np.zeros((window + 1, newey_west_lag(window) + 1))
    for count in range(1, window + 1):
        weights = bartlett_weights(newey_west_lag(count))
        kernels[count, : len(weights)] = weights
    return kernels


def _fit(y: Float2D, x: Float2D, inside: Bool2D, kernels: Float2D) -> Float2D:
    count = inside.sum(axis=0)
    raw_x, raw_y = _dot(x, x), _dot(y, y)
    x = np.where(inside, x - x.sum(axis=0) / count, 0.0)
    y = np.where(inside, y - y.sum(axis=0) / count, 0.0)
    spread, total = _dot(x, x), _dot(y, y)
    spread = np.where(spread > NO_SPREAD * raw_x, spread, np.nan)
    total = np.where(total > NO_SPREAD * raw_y, total, np.nan)
    beta = _dot(x, y) / spread
    residual = y - beta * x
    moment = x * residual
    meat = kernels[0] * _dot(moment, moment)
    for lag in range(1, len(kernels)):
        meat = meat + kernels[lag] * _dot(moment[lag:], moment[:-lag])
    std_error = np.sqrt(np.maximum(meat, 0.0)) / spread
    t_stat = beta / np.where(std_error > 0.0, std_error, np.nan)
    return np.stack([beta, std_error, t_stat, 1.0 - _dot(residual, residual) / total])


def _dot(left: Float2D, right: Float2D) -> Float1D:
    return np.asarray(np.einsum("ij,ij->j", left, right))
