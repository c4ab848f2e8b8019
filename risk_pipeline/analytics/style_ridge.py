"""The joint core model: ridge regression of every symbol on market, rates and relative styles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import Bool1D, Bool2D, Float1D, Float2D, Float3D, Int1D, Int2D
from .blocks import column_blocks, product


@dataclass(frozen=True)
class StyleRidge:
    """Coefficients in raw units; NaN is too few observations.

    ``coefficients`` and ``std_error`` are (D, N, K), the others (D, N). ``std_error`` is conditional on the
    penalty and does not cover the bias that it brings. ``effective_df`` leaves the intercept out.
    ``condition_number`` is that of the z-scored factors' Gram matrix.
    """

    coefficients: Float3D
    std_error: Float3D
    effective_df: Float2D
    r_squared: Float2D
    condition_number: Float2D
    observations: Int2D


def relative_factors(market: Float1D, rates: Float1D, styles: Float2D) -> Float2D:
    """Return the core factors (T, 2 + S): market, rates, and each style less the market."""
    return np.column_stack([market, rates, styles - market[:, None]])


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

    Exponential weights that sum to the number of observations, weighted z-scored factors, a free intercept,
    and a penalty that pulls the coefficients towards ``prior`` (K,), in raw units: ``y - F prior`` is
    regressed and the prior added back. The penalty is in z-scored units and the same for every symbol, so no
    symbol's beta depends on which others there are. Symbols with the same pattern of gaps are targets of
    one scikit-learn ``Ridge``.

    References
    ----------
    Hoerl & Kennard (1970), Technometrics 12. Equal to least squares on the rows augmented by
    ``sqrt(penalty)`` times the identity.
    """
    days, symbols, count = len(ends), returns.shape[1], factors.shape[1]
    coefficients = np.full((days, symbols, count), np.nan)
    std_error = np.full((days, symbols, count), np.nan)
    per_symbol = np.full((3, days, symbols), np.nan)
    observations = np.zeros((days, symbols), dtype=np.int64)
    for day, end in enumerate(ends):
        rows = slice(max(end + 1 - window, 0), end + 1)
        x, y = factors[rows], returns[rows]
        age = np.arange(len(x) - 1, -1, -1)
        decay = 0.5 ** (age / half_life)
        usable = np.all(~np.isnan(x), axis=1)
        present = ~np.isnan(y) & usable[:, None]
        observations[day] = present.sum(axis=0)
        for columns, pattern in _patterns(present):
            if pattern.sum() < min_observations:
                continue
            fit = _fit(x[pattern], y[pattern][:, columns], decay[pattern], penalty, prior)
            coefficients[day, columns], std_error[day, columns] = fit[0], fit[1]
            per_symbol[:, day, columns] = fit[2]
    return StyleRidge(coefficients, std_error, per_symbol[0], per_symbol[1], per_symbol[2], observations)


def _patterns(present: Bool2D) -> list[tuple[Int1D, Bool1D]]:
    """Group columns by which rows they have."""
    groups: dict[bytes, list[int]] = {}
    for column, key in enumerate(np.packbits(present, axis=0).T):
        groups.setdefault(key.tobytes(), []).append(column)
    return [(np.array(columns), present[:, columns[0]]) for columns in groups.values()]


def _fit(x: Float2D, y: Float2D, decay: Float1D, penalty: float, prior: Float1D) -> tuple[Float2D, Float2D, Float2D]:
    from sklearn.linear_model import Ridge

    weight = decay * (len(decay) / decay.sum())
    mean = weight @ x / weight.sum()
    scale = np.sqrt(weight @ (x - mean) ** 2 / weight.sum())
    scale = np.where(scale > 0, scale, np.nan)
    root = np.sqrt(weight)[:, None]
    z = root * (x - mean) / scale
    if np.isnan(z).any():  # a factor that does not move has no beta
        shape = (y.shape[1], x.shape[1])
        return np.full(shape, np.nan), np.full(shape, np.nan), np.full((3, y.shape[1]), np.nan)
    centred = y - (x @ prior)[:, None]
    target_mean = (weight[:, None] * centred).sum(axis=0) / weight.sum()
    target = root * (centred - target_mean)
    ridge = Ridge(alpha=penalty, fit_intercept=False, solver="cholesky")
    coefficients = np.empty((y.shape[1], x.shape[1]))
    for place, block in column_blocks(target):
        coefficients[place] = ridge.fit(z, block).coef_[: place.stop - place.start]
    residual = target - product(z, np.ascontiguousarray(coefficients.T))
    gram = z.T @ z
    inverse = np.linalg.inv(gram + penalty * np.eye(len(gram)))
    effective_df = float(np.trace(inverse @ gram))
    loss = (residual * residual).sum(axis=0)
    raw_mean = (weight[:, None] * y).sum(axis=0) / weight.sum()
    total = (weight[:, None] * (y - raw_mean) ** 2).sum(axis=0)
    variance = loss / (len(x) - effective_df - 1.0)
    spread = np.sqrt(np.diag(inverse @ gram @ inverse))
    with np.errstate(invalid="ignore", divide="ignore"):
        r_squared = 1.0 - loss / total
    constant = np.ones(y.shape[1])
    return (
        coefficients / scale + prior,
        np.sqrt(variance)[:, None] * spread / scale,
        np.stack([effective_df * constant, r_squared, float(np.linalg.cond(gram)) * constant]),
    )
