"""One ridge regression as an operator: what a window of factors makes of any returns over it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import Float1D, Float2D

NO_SPREAD = 1e-20
"""A sum of squared deviations below this share of the sum of squares is rounding error, not movement."""


@dataclass(frozen=True)
class RidgeModel:
    """The estimate ``P y`` of a window's n sessions and K factors: ``operator`` is ``P`` (K, n), in raw units.

    ``gram`` (K, K) is the factors' weighted sum of products about their means, ``penalty`` (K,) the penalty in raw
    units; ``weight`` (n, 1) sums to n.
    """

    operator: Float2D
    factors: Float2D
    mean: Float1D
    weight: Float2D
    gram: Float2D
    penalty: Float1D
    effective_df: float
    condition_number: float

    @property
    def degrees(self) -> float:
        """Degrees of freedom that the residuals have left."""
        return len(self.weight) - self.effective_df - 1.0

    @property
    def spread(self) -> Float1D:
        """Standard errors (K,) of the coefficients where residuals have unit variance."""
        return np.asarray(np.sqrt((self.operator**2).sum(axis=1)))


def fit_model(x: Float2D, decay: Float1D, penalty: float) -> RidgeModel | None:
    """Fit the ridge to the identity, whose coefficients are the operator; None if a factor does not move."""
    from sklearn.linear_model import Ridge

    weight = decay[:, None] * (len(decay) / decay.sum())
    mean = (weight * x).mean(axis=0)
    centred = x - mean
    variance = (weight * centred**2).mean(axis=0)
    if (variance <= NO_SPREAD * (weight * x**2).mean(axis=0)).any():
        return None
    scale, root = np.sqrt(variance), np.sqrt(weight)
    z = root * centred / scale
    ridge = Ridge(alpha=penalty, fit_intercept=False, solver="cholesky").fit(z, np.diag(root[:, 0]))
    operator = np.ascontiguousarray(ridge.coef_.T) / scale[:, None]
    return RidgeModel(
        operator=operator,
        factors=x,
        mean=mean,
        weight=weight,
        gram=z.T @ z * np.outer(scale, scale),
        penalty=penalty * variance,
        effective_df=float((operator * centred.T).sum()),
        condition_number=float(np.linalg.cond(z) ** 2),
    )


def apply_model(model: RidgeModel, y: Float2D, prior: Float1D) -> tuple[Float2D, Float2D, Float1D]:
    """Return coefficients and standard errors (columns, K), and R-squared (columns,), of returns (n, columns)."""
    beyond_prior = y - (model.factors * prior).sum(axis=1)[:, None]
    coefficients = (model.operator @ beyond_prior).T + prior
    centred = y - (model.weight * y).mean(axis=0)
    residual = centred - (model.factors - model.mean) @ np.ascontiguousarray(coefficients.T)
    loss = (model.weight * residual**2).sum(axis=0)
    total = (model.weight * centred**2).sum(axis=0)
    total = np.where(total > NO_SPREAD * (model.weight * y**2).sum(axis=0), total, np.nan)
    return coefficients, np.sqrt(loss / model.degrees)[:, None] * model.spread, 1.0 - loss / total
