"""Weighted sums over the trailing windows of many sessions at once, by matrix products.

The windows of neighbouring sessions overlap, so the weights of ``SESSIONS`` windows, each shifted by one row,
form a band matrix, and one product with the rows that the windows span gives all their sums. Rows outside a
window meet a weight of zero, which adds exactly nothing.

A window's sum must not depend, to the last bit, on where in its band it lies, because a daily run and a
backfill place it differently. BLAS adds the products of one block of rows in their order, but cuts longer
products into blocks of its own choice (128 rows or more, by processor), and would cut a window differently at
each place. So a window is first cut into segments that fit with their band into 128 rows, always at the same
places, and the segments are added here. Columns come in blocks of one width for the same reason.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .arrays import Bool2D, Float2D, Float3D, Int1D, Int2D

SESSIONS = 16
COLUMNS_AT_ONCE = 256
LONGEST_SEGMENT = 128 - SESSIONS
IMPOSSIBLE = 1e100
"""A return beyond this is a gap: its square's square would overflow."""


def session_blocks(ends: Int1D) -> Iterator[tuple[int, Int1D, Int1D]]:
    """Cut ends into blocks of ``SESSIONS`` rows: the first row, which ends are in it, and at which place each."""
    left = np.unique(ends)
    while len(left):
        start = int(left[0])
        days = np.flatnonzero((ends >= start) & (ends < start + SESSIONS))
        left = left[left >= start + SESSIONS]
        yield start, days, ends[days] - start


def as_slice(places: Int1D) -> Int1D | slice:
    """Return consecutive places as a slice, which NumPy need not gather by; others as they are."""
    is_run = len(places) > 0 and bool((np.diff(places) == 1).all())
    return slice(int(places[0]), int(places[-1]) + 1) if is_run else places


def padded_columns(returns: Float2D, window: int) -> Iterator[tuple[slice, Float2D, Bool2D]]:
    """Yield where some columns belong, their returns with zeros for gaps, and which are there (T, columns).

    Zeros lie around the rows so that every block of windows has all of its rows: window ``e`` starts at row ``e``.
    One array serves for all blocks: what is wanted later has to be copied.
    """
    rows, symbols = returns.shape
    y = np.zeros((window - 1 + rows + SESSIONS - 1, COLUMNS_AT_ONCE))
    inside = y[window - 1 : window - 1 + rows]
    for start in range(0, symbols, COLUMNS_AT_ONCE):
        place = slice(start, min(start + COLUMNS_AT_ONCE, symbols))
        width = place.stop - start
        np.copyto(inside[:, :width], returns[:, place])
        inside[:, width:] = 0.0
        if rows and inside.min() > -IMPOSSIBLE and inside.max() < IMPOSSIBLE:  # so none is NaN
            yield place, y, np.ones((rows, width), dtype=bool)
            continue
        present = np.abs(inside[:, :width]) < IMPOSSIBLE
        np.copyto(inside[:, :width], 0.0, where=~present)
        yield place, y, present


def pairs_in_window(paired: Bool2D, ends: Int1D, window: int) -> Int2D:
    """Count the true rows of each window, (D, columns), by differences of a running count, exact in integers."""
    running = np.zeros((len(paired) + 1, paired.shape[1]), dtype=np.int32)
    np.cumsum(paired, axis=0, out=running[1:])
    return np.asarray(running[ends + 1] - running[np.maximum(ends + 1 - window, 0)])


def bands(weights: Float3D) -> list[Float2D]:
    """Lay out weights as band matrices, one for each segment of the window.

    Parameters
    ----------
    weights : (Q, SESSIONS, W): for each of Q kinds of sum, the weights of windows that end on consecutive rows.
    """
    kinds, sessions, window = weights.shape
    laid = []
    for start, stop in _segments(window):
        length = stop - start
        band = np.zeros((kinds, sessions, length + sessions - 1))
        for session in range(sessions):
            band[:, session, session : session + length] = weights[:, session, start:stop]
        laid.append(band.reshape(kinds * sessions, -1))
    return laid


def window_sums(laid: list[Float2D], rows: Float2D) -> Float3D:
    """Return the weighted sums (Q, SESSIONS, columns) of what ``bands`` laid out.

    Parameters
    ----------
    rows : (W + SESSIONS - 1, columns) from the first row of the first window on; finite.
    """
    start, total = 0, np.zeros(())
    for band in laid:
        part = band @ rows[start : start + band.shape[1]]
        total = part if start == 0 else total + part
        start += band.shape[1] - SESSIONS + 1
    return np.asarray(total).reshape(-1, SESSIONS, rows.shape[1])


def _segments(window: int) -> list[tuple[int, int]]:
    """Cut a window into as few, as equal segments as fit."""
    edges = np.linspace(0, window, -(-window // LONGEST_SEGMENT) + 1).astype(int)
    return list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))
