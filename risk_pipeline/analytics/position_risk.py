"""What each position adds to its portfolio's volatility."""

from __future__ import annotations

import numpy as np

from .arrays import Float1D, Float2D, Float3D
from .exposures import SESSIONS_A_YEAR, ModelRisk, SeriesFit
from .holdings import Holdings


def residual_covariance(
    holdings: Holdings, returns: Float2D, series: Float2D, fit: SeriesFit, equity: Float1D
) -> Float1D:
    """Return each holding's part of its portfolio's residual variance, annualised, (H,).

    The covariance of the holding's own part of the constant-weight series with the residual that the factors
    leave of the whole. A holding without a return on a day moved like the rest of the book, as it does in
    ``constant_weight_returns``, so a portfolio's parts sum to its residual variance.

    Parameters
    ----------
    holdings : of one session.
    returns : (W, N) of the symbols. series : (W, P) on equity. fit : of the series on the factors.
    equity : (P,) dollars.
    """
    from .kernels.residual_parts import residual_products

    owner, dollars = holdings.portfolio, holdings.delta_value
    moved = np.ascontiguousarray(returns.T)
    whole, rest = (np.nan_to_num(np.ascontiguousarray(rows.T)) for rows in (series, fit.residual))
    with np.errstate(invalid="ignore", divide="ignore"):
        weight, share = dollars / equity[owner], holdings.share_of_gross()
        products = residual_products(moved, whole, rest, holdings.symbol, owner, weight, share)
        return np.asarray(products * (SESSIONS_A_YEAR / fit.degrees[owner]))


def position_risk(holdings: Holdings, betas: Float3D, equity: Float2D, residual: Float1D, risk: ModelRisk) -> Float1D:
    """Return each holding's Euler part of its portfolio's annualised volatility, (H,); they sum to ``risk.total``.

    Parameters
    ----------
    holdings : of D sessions. betas : (D, N, K) to the core factors; one without is left to the residual.
    equity : (D, P) dollars. residual : (H,) from ``residual_covariance``. risk : of the portfolios.

    References
    ----------
    Euler's theorem on the homogeneous function ``sigma(w)``; Litterman (1996).
    """
    day, owner = holdings.session, holdings.portfolio
    with np.errstate(invalid="ignore", divide="ignore"):
        weight = holdings.delta_value / equity[day, owner]
        pull = risk.pull[day, owner]
        factor = weight * (np.nan_to_num(betas[day, holdings.symbol]) * pull).sum(axis=1)
        total = risk.total[day, owner]
        return np.asarray(np.where(total > 0, (factor + residual) / total, np.where(total == 0, 0.0, np.nan)))
