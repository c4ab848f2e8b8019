"""One window of the core model: what its factors make of any returns over it, each symbol with its own penalty."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import Float1D, Float2D

NO_SPREAD = 1e-20
"""A sum of squared deviations below this share of the sum of squares is rounding error, not movement."""

SINGULAR = 1e-13
"""An eigenvalue below this share of the largest is rounding error: two factors can't be told apart."""


@dataclass(frozen=True)
class RidgeModel:
    """The factors of a window of n sessions in the axes in which every symbol's penalty is diagonal.

    With ``X`` the factors z-scored with the weights and scaled by the prior's standard deviations ``tau``, and
    ``X'WX = Q diag(eigenvalues) Q'``: ``axes`` (n, K) is ``XQ``, ``operator`` (K, n) its transpose times the weights,
    ``back`` (K, K) turns coefficients on the axes into raw units. ``spread`` (K, K*K) turns products of the axes'
    gains, ``1 / (eigenvalue + noise)``, into the coefficients' variances for returns of unit variance. ``weight``
    (n, 1) sums to n; ``prior`` (K,) is in raw units, ``prior_part`` (n, 1) what it makes of the centred factors,
    ``prior_variance`` (K,) of the z-scored coefficients.
    """

    weight: Float2D
    axes: Float2D
    operator: Float2D
    eigenvalues: Float1D
    back: Float2D
    spread: Float2D
    prior: Float1D
    prior_part: Float2D
    prior_variance: Float1D
    condition_number: float

    @property
    def least_squares_degrees(self) -> int:
        """Degrees of freedom that least squares leaves."""
        return len(self.weight) - len(self.eigenvalues) - 1


def fit_model(x: Float2D, decay: Float1D, prior_variance: Float1D, prior: Float1D) -> RidgeModel | None:
    """Prepare a window of factors (n, K) with weights proportional to ``decay``.

    None if a factor does not move, or can't be told from the others.
    """
    weight = decay[:, None] * (len(decay) / decay.sum())
    centred = x - (weight * x).mean(axis=0)
    variance = (weight * centred**2).mean(axis=0)
    if (variance <= NO_SPREAD * (weight * x**2).mean(axis=0)).any():
        return None
    scale, tau = np.sqrt(variance), np.sqrt(prior_variance)
    z = centred / scale
    gram = z.T @ (weight * z)
    eigenvalues, rotation = np.linalg.eigh(gram * np.outer(tau, tau))
    if eigenvalues[0] <= SINGULAR * eigenvalues[-1]:
        return None
    axes = z * tau @ rotation
    operator = np.ascontiguousarray((weight * axes).T)
    back = (tau / scale)[:, None] * rotation
    return RidgeModel(
        weight=weight,
        axes=np.ascontiguousarray(axes),
        operator=operator,
        eigenvalues=eigenvalues,
        back=back,
        spread=(back[:, :, None] * back[:, None, :] * (operator @ operator.T)).reshape(len(back), -1),
        prior=prior,
        prior_part=(centred * prior).sum(axis=1)[:, None],
        prior_variance=prior_variance,
        condition_number=float(np.linalg.cond(gram)),
    )


@dataclass(frozen=True)
class RidgeFit:
    """Fits of N symbols over one window; coefficients and errors (K, N) in raw units, ``residual`` (n, N), else (N,).

    ``noise`` is the residual variance of weighted least squares, which sets the penalty: ``noise / prior_variance``.
    """

    coefficients: Float2D
    std_error: Float2D
    effective_df: Float1D
    r_squared: Float1D
    noise: Float1D
    residual: Float2D


def apply_model(model: RidgeModel, y: Float2D) -> RidgeFit:
    """Fit returns (n, N) without gaps. A symbol that the factors explain to the last digit has no error, zero."""
    weight, eigenvalues = model.weight, model.eigenvalues[:, None]
    centred = y - (weight * y).sum(axis=0) / len(weight)
    beyond_prior = centred - model.prior_part
    projected = model.operator @ beyond_prior
    rest = beyond_prior - model.axes @ (projected / eigenvalues)
    loss = (weight * (rest * rest)).sum(axis=0)
    squares = (weight * (y * y)).sum(axis=0)
    total = (weight * (centred * centred)).sum(axis=0)
    loss = np.where(loss > NO_SPREAD * squares, loss, 0.0)
    noise = loss / model.least_squares_degrees
    shrunk = projected / (eigenvalues + noise)
    # the pull adds to the squares that least squares leaves, axis by axis
    loss = loss + (projected * projected * (noise / (eigenvalues + noise)) ** 2 / eigenvalues).sum(axis=0)
    df = (eigenvalues / (eigenvalues + noise)).sum(axis=0)
    gain = 1.0 / (eigenvalues + noise)
    pairs = (gain[:, None] * gain[None]).reshape(-1, gain.shape[1])
    variance = model.spread @ pairs
    residual_variance = loss / (len(weight) - df - 1.0)
    coefficients = model.back @ shrunk
    with np.errstate(invalid="ignore", divide="ignore"):
        r_squared = np.where(total > NO_SPREAD * squares, 1.0 - loss / total, np.nan)
    return RidgeFit(
        coefficients=coefficients + model.prior[:, None],
        std_error=np.sqrt(residual_variance * np.maximum(variance, 0.0)),
        effective_df=df,
        r_squared=r_squared,
        noise=noise,
        residual=np.where(noise > 0.0, beyond_prior - model.axes @ shrunk, 0.0),
    )
