"""The joint core model: ridge regression of every symbol on market, rates and relative styles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import Bool1D, Bool2D, Float1D, Float2D, Float3D, Int1D, Int2D
from .blocks import column_blocks
from .ridge_blocks import RidgeBlock, apply_block, ridge_blocks
from .ridge_model import RidgeModel, apply_model, fit_model
from .rolling_sums import IMPOSSIBLE, padded_columns, pairs_in_window


@dataclass(frozen=True)
class StyleRidge:
    """Coefficients in raw units, return per unit of factor return; NaN is too few observations or a still factor.

    ``coefficients`` and ``std_error`` are (D, N, K), the others (D, N). ``std_error`` is conditional on the
    penalty and does not cover the bias that it brings. ``effective_df`` leaves the intercept out.
    ``r_squared`` is weighted; NaN where the symbol did not move. ``condition_number`` is that of the z-scored
    factors' weighted Gram matrix. ``observations`` counts the sessions with a return and all factors.
    """

    coefficients: Float3D
    std_error: Float3D
    effective_df: Float2D
    r_squared: Float2D
    condition_number: Float2D
    observations: Int2D


def core_ridge(
    returns: Float2D,
    factors: Float2D,
    ends: Int1D,
    *,
    window: int,
    half_life: float,
    min_observations: int,
    penalty: float,
    prior: Float1D,
) -> StyleRidge:
    """Fit all symbols on all factors jointly over the ``window`` sessions up to each end.

    Exponential weights by age in sessions, scaled to sum to the number of observations ``n``; factors z-scored
    with them; a free intercept; and a penalty that pulls the coefficients towards the prior, by regressing
    ``y - F prior`` and adding the prior back: ``sum_t w_t (y_t - F_t prior - c - z_t b)^2 + penalty b'b``. So the
    penalty is in z-scored units, counts as that many observations, and is the same for every symbol: no
    symbol's beta depends on which others there are.

    The estimate is linear in the returns, ``b = P y``. Symbols with the same pattern of gaps share one fit of
    scikit-learn's ``Ridge``, which gives ``P`` (``ridge_model.py``); those without gaps are fitted over many sessions
    at once (``ridge_blocks.py``). The standard error is ``s sqrt(diag(P P'))``, returns of equal
    variance taken, with ``s^2 = sum_t w_t e_t^2 / (n - effective_df - 1)``.

    Parameters
    ----------
    returns : (T, N) simple returns; NaN or infinite is a gap.
    factors : (T, K) simple returns; a session that lacks any factor is left out.
    ends : (D,) row of each window's last session.
    half_life : sessions after which a weight has halved.
    prior : (K,) in raw units.

    References
    ----------
    Hoerl & Kennard (1970), Technometrics 12. Equal to least squares on the rows augmented by
    ``sqrt(penalty)`` times the identity.
    """
    usable = np.asarray(~np.isnan(factors).any(axis=1))
    decay = 0.5 ** (np.arange(window - 1, -1, -1) / half_life)
    blocks = list(ridge_blocks(factors, usable, ends, decay, min_observations, penalty, prior))
    found = _full_windows(returns, usable, ends, window, blocks, factors.shape[1])
    models = {day: model for block in blocks for day, model in zip(block.days.tolist(), block.models, strict=True)}
    for day in np.flatnonzero(found.refit.any(axis=1)).tolist():
        columns = np.flatnonzero(found.refit[day])
        found.clear(day, columns)
        rows = slice(max(ends[day] + 1 - window, 0), ends[day] + 1)
        x, y = factors[rows], returns[rows][:, columns]
        present = (np.abs(y) < IMPOSSIBLE) & usable[rows, None]
        for members, pattern in _patterns(present):
            if pattern.sum() < min_observations:
                continue
            is_full = pattern.sum() == usable[rows].sum()
            model = models[day] if is_full else fit_model(x[pattern], decay[-len(x) :][pattern], penalty)
            if model is None:
                continue
            for place, block in column_blocks(y[np.ix_(pattern, members)]):
                estimate = (part[: place.stop - place.start] for part in apply_model(model, block, prior))
                found.put(day, columns[members[place]], model, *estimate)
    return StyleRidge(
        *(found.coefficients, found.std_error, found.effective_df, found.r_squared, found.condition_number),
        found.observations,
    )


@dataclass(frozen=True)
class _Found:
    """The fields of a ``StyleRidge`` while they are filled, and which cells have yet to be fitted by themselves."""

    coefficients: Float3D
    std_error: Float3D
    effective_df: Float2D
    r_squared: Float2D
    condition_number: Float2D
    observations: Int2D
    refit: Bool2D

    def clear(self, day: int, columns: Int1D) -> None:
        for field in (self.coefficients, self.std_error, self.effective_df, self.r_squared, self.condition_number):
            field[day, columns] = np.nan

    def put(
        self, day: int, at: Int1D, model: RidgeModel, coefficients: Float2D, error: Float2D, r_squared: Float1D
    ) -> None:
        self.coefficients[day, at], self.std_error[day, at], self.r_squared[day, at] = coefficients, error, r_squared
        self.effective_df[day, at], self.condition_number[day, at] = model.effective_df, model.condition_number


def _full_windows(
    returns: Float2D, usable: Bool1D, ends: Int1D, window: int, blocks: list[RidgeBlock], factors: int
) -> _Found:
    """Fit every symbol as if it had no gap; ``refit`` tells where it has one, or too few digits are left."""
    shape = (len(ends), returns.shape[1])
    coefficients, std_error = np.empty((2, *shape, factors))
    effective_df, r_squared, condition = np.full((3, *shape), np.nan)
    observations, refit = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=bool)
    most = pairs_in_window(usable[:, None], ends, window)
    for place, y, present in padded_columns(returns, window):
        observations[:, place] = pairs_in_window(present & usable[:, None], ends, window)
        squares, width = y * y, place.stop - place.start
        for block in blocks:
            estimate, sigma, explained, sound = apply_block(block, y, squares)
            days, at = block.days, block.place
            coefficients[days, place] = np.moveaxis(estimate[at, :, :width], 1, 2)
            std_error[days, place] = sigma[at, :width, None] * block.spread[at][:, None]
            r_squared[days, place] = explained[at, :width]
            refit[days, place] = np.logical_not(sound[at, :width])
        refit[:, place] |= observations[:, place] < most
    for block in blocks:
        for day, model in zip(block.days.tolist(), block.models, strict=True):
            if model is not None:
                effective_df[day], condition[day] = model.effective_df, model.condition_number
    return _Found(coefficients, std_error, effective_df, r_squared, condition, observations, refit)


def _patterns(present: Bool2D) -> list[tuple[Int1D, Bool1D]]:
    """Group columns by which rows they have."""
    groups: dict[bytes, list[int]] = {}
    for column, key in enumerate(np.packbits(present, axis=0).T):
        groups.setdefault(key.tobytes(), []).append(column)
    return [(np.array(columns), present[:, columns[0]]) for columns in groups.values()]
