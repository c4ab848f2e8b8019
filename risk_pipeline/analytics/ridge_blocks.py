"""The core model over many windows at once, for symbols without gaps: sums over the windows by band products.

The coefficients are linear in the returns. So is what the fit leaves, once the squares of the returns are summed:
with ``b`` the coefficients in raw units, ``G`` the factors' sums of products and ``L`` the penalty in those units,
``sum w e^2 = sum w (y - m)^2 - b'Gb - 2 b'L(b - prior)``, since ``b`` solves ``(G + L)(b - prior) = F'w y - G prior``.
No residual is ever written down.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .arrays import Bool1D, Bool2D, Float1D, Float2D, Float3D, Int1D
from .ridge_model import RidgeModel, fit_model
from .rolling_sums import SESSIONS, bands, session_blocks, window_sums

FEW_DIGITS = 1e-4
"""Below this share of the squares they are differences of, sums of squared residuals have too few digits left."""


@dataclass(frozen=True)
class RidgeBlock:
    """``SESSIONS`` windows that end on consecutive rows.

    ``rows`` of padded returns that the windows span; ``days`` which ends the block answers, ``place`` which of its
    windows each is, ``models`` the ridge of each, None if too short or a factor stood still. ``linear`` gives
    coefficients and mean, ``square`` the weighted squares. By window: ``shift`` (SESSIONS, K) is what the prior adds
    to the coefficients, ``quadratic`` (SESSIONS, K, K) and ``slope`` (SESSIONS, K) make the squares explained, and
    ``count``, ``degrees`` (SESSIONS,), ``spread`` (SESSIONS, K) the errors; NaN where there is no model.
    """

    rows: slice
    days: Int1D
    place: Int1D
    models: list[RidgeModel | None]
    linear: list[Float2D]
    square: list[Float2D]
    shift: Float2D
    quadratic: Float3D
    slope: Float2D
    count: Float1D
    degrees: Float1D
    spread: Float2D


def ridge_blocks(
    factors: Float2D, usable: Bool1D, ends: Int1D, decay: Float1D, least: int, penalty: float, prior: Float1D
) -> Iterator[RidgeBlock]:
    """Fit every window once and lay its sums out; ``decay`` (W,) are the weights by age, oldest first."""
    window, width = len(decay), factors.shape[1]
    for start, days, place in session_blocks(ends):
        linear = np.zeros((width + 1, SESSIONS, window))
        square = np.zeros((1, SESSIONS, window))
        shift, slope, spread = np.full((3, SESSIONS, width), np.nan)
        quadratic = np.zeros((SESSIONS, width, width))
        count, degrees = np.full((2, SESSIONS), np.nan)
        models: dict[int, RidgeModel | None] = {}
        for at in np.unique(place).tolist():
            end = start + at
            rows = slice(max(end + 1 - window, 0), end + 1)
            there = np.flatnonzero(usable[rows])
            inside = there + window - (end + 1 - rows.start)
            x = factors[rows][there]
            models[at] = model = fit_model(x, decay[inside], penalty) if len(x) >= least else None
            if model is None:
                continue
            linear[:width, at, inside] = model.operator
            linear[width, at, inside] = model.weight[:, 0] / len(x)
            square[0, at, inside] = model.weight[:, 0]
            shift[at] = prior - (model.operator * (x * prior).sum(axis=1)).sum(axis=1)
            quadratic[at] = model.gram + np.diag(2.0 * model.penalty)
            slope[at] = 2.0 * model.penalty * prior
            count[at], degrees[at], spread[at] = len(x), model.degrees, model.spread
        yield RidgeBlock(
            rows=slice(start, start + window + SESSIONS - 1),
            days=days,
            place=place,
            models=[models[at] for at in place.tolist()],
            linear=bands(linear),
            square=bands(square),
            shift=shift,
            quadratic=quadratic,
            slope=slope,
            count=count,
            degrees=degrees,
            spread=spread,
        )


def apply_block(block: RidgeBlock, y: Float2D, squares: Float2D) -> tuple[Float3D, Float2D, Float2D, Bool2D]:
    """Return coefficients (SESSIONS, K, columns), residual volatility, R-squared and whether their digits are sound.

    ``y`` and its ``squares`` are padded returns, with zeros for gaps.
    """
    sums = window_sums(block.linear, y[block.rows])
    raw = window_sums(block.square, squares[block.rows])[0]
    coefficients = np.moveaxis(sums[:-1], 0, 1) + block.shift[:, :, None]
    total = raw - block.count[:, None] * sums[-1] * sums[-1]
    pull = np.matmul(block.quadratic, coefficients)
    pull -= block.slope[:, :, None]
    pull *= coefficients
    loss = total - pull.sum(axis=1)
    sound = (loss > FEW_DIGITS * raw) & (total > FEW_DIGITS * raw)
    loss = np.where(sound, loss, np.nan)
    explained = 1.0 - loss / np.where(sound, total, np.nan)
    return coefficients, np.sqrt(loss / block.degrees[:, None]), explained, sound
