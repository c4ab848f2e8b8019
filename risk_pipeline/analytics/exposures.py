"""Portfolio exposures from symbol betas, and what explains a portfolio's risk."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import Float1D, Float2D, Float3D
from .holdings import Holdings
from .sums import sum_by

SESSIONS_A_YEAR = 252
RECENT = 21
"""Sessions of a fit's recent residual volatility: a month."""


@dataclass(frozen=True)
class PortfolioExposures:
    """Exposures by session, portfolio and factor, each (D, P, K).

    ``dollar`` is the signed sum over holdings that have a beta; ``exposure`` is a share of equity, NaN where equity is
    zero or less; ``coverage`` is the share of gross delta-adjusted notional that has a beta, 1 if there is none to
    have one and any holding does, NaN without holdings.
    """

    dollar: Float3D
    exposure: Float3D
    coverage: Float3D


def aggregate_exposures(holdings: Holdings, betas: Float3D, equity: Float2D) -> PortfolioExposures:
    """Sum signed dollars times betas over each portfolio's holdings.

    Parameters
    ----------
    holdings : rows of PUBLIC symbols and OPTIONS underlyings, at their delta-adjusted notional.
    betas : (D, N, K); NaN is no estimate, which lowers the coverage and is never a zero.
    equity : (D, P) dollars.
    """
    (days, names), factors = equity.shape, betas.shape[2]
    cells = days * names
    cell = holdings.session * names + holdings.portfolio
    gross = sum_by(cell, np.abs(holdings.delta_value), cells)
    dollar, covered, known = (np.zeros((cells, factors)) for _ in range(3))
    for k in range(factors):
        beta = betas[holdings.session, holdings.symbol, k]
        has_beta = ~np.isnan(beta)
        dollar[:, k] = sum_by(cell, np.where(has_beta, holdings.delta_value * beta, 0.0), cells)
        covered[:, k] = sum_by(cell, np.where(has_beta, np.abs(holdings.delta_value), 0.0), cells)
        known[:, k] = np.bincount(cell, has_beta, minlength=cells) > 0
    shape = (days, names, factors)
    base = np.where(equity > 0, equity, np.nan)[..., None]
    with np.errstate(invalid="ignore", divide="ignore"):
        coverage = np.where(gross[:, None] > 0, covered / gross[:, None], known)  # options that are worth nothing
    held = np.bincount(cell, minlength=cells)[:, None] > 0
    coverage = np.where(held, coverage, np.nan)
    dollars = np.where(held, dollar, np.nan).reshape(shape)
    return PortfolioExposures(dollar=dollars, exposure=dollars / base, coverage=coverage.reshape(shape))


@dataclass(frozen=True)
class SeriesFit:
    """Fit of return series on factors: R squared and annualised residual volatility, each (P,).

    ``recent_volatility`` (P,) is the annualised root mean square of the residuals of the last ``RECENT`` sessions, NaN
    where none is used. ``residual`` (W, P) are the residuals themselves, NaN on sessions left out, zero where they are
    only rounding; ``degrees`` (P,) the sessions used less the coefficients. ``std_error`` (P, K) is the HAC error of
    each slope, NaN where a factor depends on the others.
    """

    r_squared: Float1D
    residual_volatility: Float1D
    recent_volatility: Float1D
    residual: Float2D
    degrees: Float1D
    std_error: Float2D


def series_fit(
    series: Float2D, factors: Float2D, *, min_observations: int = 60, weight: Float1D | None = None
) -> SeriesFit:
    """Regress each series (W, P) on all factors (W, K) with an intercept by least squares.

    Sessions on which a series or a factor lacks a return are left out for that series; with fewer than
    ``min_observations`` the fit is NaN. With ``weight`` (W,) the sums are weighted, but not those of
    ``recent_volatility``.

    The errors: Bartlett kernel, Newey and West's lag. Those of a book's symbols are not independent, so they can't be
    added up; without gaps the book's slope is the sum of its symbols', and this is that slope's own error.

    References
    ----------
    Newey & West (1987, 1994); equal to statsmodels' ``WLS(...).fit(cov_type="HAC")``.
    """
    from .kernels.series_regression import write_regressions

    usable = ~np.isnan(factors).any(axis=1, keepdims=True)
    y, x = np.ascontiguousarray(np.where(usable, series, np.nan).T), np.ascontiguousarray(factors.T)
    weights = np.ones(len(series)) if weight is None else np.ascontiguousarray(weight)
    fits, residual, std_error = np.empty((4, len(y))), np.empty_like(y), np.empty((len(y), len(x)))
    write_regressions(y, x, weights, min_observations, RECENT, fits, residual, std_error)
    r_squared, variance, recent_variance, degrees = fits
    volatility, recent_volatility = np.sqrt(variance * SESSIONS_A_YEAR), np.sqrt(recent_variance * SESSIONS_A_YEAR)
    return SeriesFit(r_squared, volatility, recent_volatility, residual.T, degrees, std_error)


@dataclass(frozen=True)
class ModelRisk:
    """Annualised volatility on equity that the core model implies, and its Euler parts.

    ``total`` and ``specific`` are (D, P), ``factor`` (D, P, K); the parts sum to the total. ``pull`` (D, P, K) is
    the annual covariance of each factor with the portfolio's factor part.
    """

    total: Float2D
    factor: Float3D
    specific: Float2D
    pull: Float3D


def model_risk(exposure: Float3D, covariance: Float3D, residual_volatility: Float2D) -> ModelRisk:
    """Combine exposures on equity (D, P, K) with the factors' covariance and what they leave of each portfolio.

    ``covariance`` (D, K, K) is of daily returns, ``residual_volatility`` (D, P) annualised. ``position_risk``
    splits the same total among positions.

    References
    ----------
    Euler's theorem on the homogeneous function ``sigma(w)``; Litterman (1996).
    """
    exposure = np.ascontiguousarray(exposure)  # the order of a sum, and so its last bit, depends on the layout
    pull = np.einsum("dkl,dpl->dpk", covariance * SESSIONS_A_YEAR, exposure)
    specific = residual_volatility**2
    total = np.sqrt((exposure * pull).sum(axis=2) + specific)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(total > 0, 1.0 / total, 0.0)
    share = np.where(np.isnan(total), np.nan, share)
    return ModelRisk(total, exposure * pull * share[..., None], specific * share, pull)
