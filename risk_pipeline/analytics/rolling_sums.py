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

import numpy as np

from .arrays import Float2D, Float3D

SESSIONS = 16
COLUMNS_AT_ONCE = 256
LONGEST_SEGMENT = 128 - SESSIONS


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
