"""The weights that turn a symbol's returns over full windows into its beta and the parts of its HAC error."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .arrays import Float1D, Float2D, Int1D
from .rolling_sums import SESSIONS, as_slice, bands, session_blocks

NO_SPREAD = 1e-20
"""A sum of squared deviations below this share of the sum of squares is rounding error, not movement."""


def newey_west_lag(observations: int) -> int:
    """Return the lag ``floor(4 (n / 100)^(2/9))`` of Newey & West (1994) for the Bartlett kernel."""
    return int(np.floor(4.0 * (observations / 100.0) ** (2.0 / 9.0)))


def bartlett_weights(lag: int) -> Float1D:
    """Return what each autocovariance counts for: 1 at lag 0, ``2 (1 - l / (lag + 1))`` at lag ``l``."""
    weights = 2.0 * (1.0 - np.arange(lag + 1) / (lag + 1.0))
    weights[0] = 1.0
    return weights


@dataclass(frozen=True)
class WindowBlock:
    """``SESSIONS`` windows of the factor that end on consecutive rows, and the bands made from them.

    ``rows`` are the rows that the windows of length ``window`` span; ``days`` which of the asked-for ends the
    block answers, and ``place`` which of its windows each of them is (slices where they are consecutive).
    ``spread`` (SESSIONS,) is the factor's sum of squared deviations, NaN where it does not move. The bands:
    ``linear`` gives the beta, the mean and the two sums that the HAC error takes from the returns; ``square`` the sums
    of squares and of weighted squares; ``lagged[l - 1]`` the sums of products of returns ``l`` rows apart.
    ``constant`` (3, SESSIONS) are the sums that need no returns.
    """

    rows: slice
    window: int
    days: Int1D | slice
    place: Int1D | slice
    spread: Float1D
    linear: list[Float2D]
    square: list[Float2D]
    lagged: list[list[Float2D]]
    constant: Float2D


def window_blocks(factor: Float1D, ends: Int1D, window: int) -> Iterator[WindowBlock]:
    """Cut the ends into blocks; ``factor`` is padded so that window ``e`` starts at row ``e`` and has no NaN."""
    for start, days, place in session_blocks(ends):
        rows = slice(start, start + window + SESSIONS - 1)
        x = np.ascontiguousarray(sliding_window_view(factor[rows], window))
        yield _block(rows, as_slice(days), as_slice(place), x)


def _block(rows: slice, days: Int1D | slice, place: Int1D | slice, x: Float2D) -> WindowBlock:
    """Expand ``sum_l k_l sum_s a_s a_(s-l) e_s e_(s-l)``, with ``e = y - m - b a``, into sums of ``y``."""
    a = x - x.mean(axis=1, keepdims=True)
    spread = (a * a).sum(axis=1)
    spread = np.where(spread > NO_SPREAD * (x * x).sum(axis=1), spread, np.nan)
    slope = (a / spread[:, None])[None]
    kernel = bartlett_weights(newey_west_lag(x.shape[1]))
    pairs = np.zeros((len(kernel), *a.shape))  # k_l a_s a_(s-l), by lag
    beside = np.zeros((2, *a.shape))  # of m (y_s + y_(s-l)), and of b (a_(s-l) y_s + a_s y_(s-l))
    constant = np.zeros((3, len(a)))
    for lag, weight in enumerate(kernel):
        late, early = a[:, lag:], a[:, : a.shape[1] - lag]
        product = weight * late * early
        pairs[lag, :, lag:] = product
        beside[0, :, lag:] += product
        beside[0, :, : a.shape[1] - lag] += product
        beside[1, :, lag:] += product * early
        beside[1, :, : a.shape[1] - lag] += product * late
        constant += [
            product.sum(axis=1),
            (product * (late + early)).sum(axis=1),
            (product * late * early).sum(axis=1),
        ]
    ones = np.ones((1, *a.shape))
    return WindowBlock(
        *(rows, x.shape[1], days, place, spread),
        linear=bands(np.concatenate([slope, ones / a.shape[1], beside])),
        square=bands(np.concatenate([ones, pairs[:1]])),
        lagged=[bands(pairs[lag : lag + 1]) for lag in range(1, len(kernel))],
        constant=constant,
    )
