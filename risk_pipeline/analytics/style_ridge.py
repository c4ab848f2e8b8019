"""The joint core model: ridge regression of every symbol on market, rates and relative styles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import Bool1D, Bool2D, Float1D, Float2D, Float3D, Int1D, Int2D
from .blocks import column_blocks

NO_SPREAD = 1e-20
"""A sum of squared deviations below this share of the sum of squares is rounding error, not movement."""


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


def style_ridge(
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
    scikit-learn's ``Ridge``, which gives ``P``. The standard error is ``s sqrt(diag(P P'))``, returns of equal
    variance taken, with ``s^2 = sum_t w_t e_t^2 / (n - effective_df - 1)``.

    Parameters
    ----------
    returns : (T, N) simple returns; NaN is a gap.
    factors : (T, K) simple returns; a session that lacks any factor is left out.
    ends : (D,) row of each window's last session.
    half_life : sessions after which a weight has halved.
    prior : (K,) in raw units.

    References
    ----------
    Hoerl & Kennard (1970), Technometrics 12. Equal to least squares on the rows augmented by
    ``sqrt(penalty)`` times the identity.
    """
    days, symbols, count = len(ends), returns.shape[1], factors.shape[1]
    coefficients = np.full((days, symbols, count), np.nan)
    std_error = np.full((days, symbols, count), np.nan)
    effective_df, r_squared, condition = np.full((3, days, symbols), np.nan)
    observations = np.zeros((days, symbols), dtype=np.int64)
    for day, end in enumerate(ends):
        rows = slice(max(end + 1 - window, 0), end + 1)
        x, y = factors[rows], returns[rows]
        decay = 0.5 ** (np.arange(len(x) - 1, -1, -1) / half_life)
        usable = np.asarray(~np.isnan(x).any(axis=1))
        present = ~np.isnan(y) & usable[:, None]
        observations[day] = present.sum(axis=0)
        for columns, pattern in _patterns(present, usable):
            if pattern.sum() < min_observations:
                continue
            model = _fit(x[pattern], decay[pattern], penalty)
            if model is None:
                continue
            for place, block in column_blocks(y[np.ix_(pattern, columns)]):
                estimate = (part[: place.stop - place.start] for part in _apply(model, block, prior))
                at = columns[place]
                coefficients[day, at], std_error[day, at], r_squared[day, at] = estimate
            effective_df[day, columns], condition[day, columns] = model.effective_df, model.condition_number
    return StyleRidge(coefficients, std_error, effective_df, r_squared, condition, observations)


def _patterns(present: Bool2D, usable: Bool1D) -> list[tuple[Int1D, Bool1D]]:
    """Group columns by which rows they have; most have all that the factors have."""
    gappy = (present != usable[:, None]).any(axis=0)
    groups: dict[bytes, list[int]] = {}
    keys = np.packbits(present[:, gappy], axis=0).T
    for column, key in zip(np.flatnonzero(gappy).tolist(), keys, strict=True):
        groups.setdefault(key.tobytes(), []).append(column)
    grouped = [(np.array(columns), present[:, columns[0]]) for columns in groups.values()]
    return grouped if gappy.all() else [(np.flatnonzero(~gappy), usable), *grouped]


@dataclass(frozen=True)
class _Model:
    """What a pattern of gaps makes of any returns: ``operator`` is ``P`` (K, n), in raw units."""

    operator: Float2D
    factors: Float2D
    mean: Float1D
    weight: Float2D
    effective_df: float
    condition_number: float


def _fit(x: Float2D, decay: Float1D, penalty: float) -> _Model | None:
    """Fit the ridge to the identity, whose coefficients are the operator; None if a factor does not move."""
    from sklearn.linear_model import Ridge

    weight = decay[:, None] * (len(decay) / decay.sum())
    mean = (weight * x).mean(axis=0)
    variance = (weight * (x - mean) ** 2).mean(axis=0)
    if (variance <= NO_SPREAD * (weight * x**2).mean(axis=0)).any():
        return None
    scale, root = np.sqrt(variance), np.sqrt(weight)
    z = root * (x - mean) / scale
    ridge = Ridge(alpha=penalty, fit_intercept=False, solver="cholesky").fit(z, np.diag(root[:, 0]))
    operator = np.ascontiguousarray(ridge.coef_.T) / scale[:, None]
    effective_df = float((operator * (x - mean).T).sum())
    return _Model(operator, x, mean, weight, effective_df, float(np.linalg.cond(z) ** 2))


def _apply(model: _Model, y: Float2D, prior: Float1D) -> tuple[Float2D, Float2D, Float1D]:
    """Return coefficients and standard errors (columns, K), and R-squared (columns,), of a block of returns."""
    beyond_prior = y - (model.factors * prior).sum(axis=1)[:, None]
    coefficients = (model.operator @ beyond_prior).T + prior
    centred = y - (model.weight * y).mean(axis=0)
    residual = centred - (model.factors - model.mean) @ np.ascontiguousarray(coefficients.T)
    loss = (model.weight * residual**2).sum(axis=0)
    total = (model.weight * centred**2).sum(axis=0)
    total = np.where(total > NO_SPREAD * (model.weight * y**2).sum(axis=0), total, np.nan)
    sigma = np.sqrt(loss / (len(y) - model.effective_df - 1.0))
    spread = np.sqrt((model.operator**2).sum(axis=1))
    return coefficients, sigma[:, None] * spread, 1.0 - loss / total
