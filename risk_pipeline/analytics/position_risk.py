"""What each position adds to its portfolio's volatility."""

from __future__ import annotations

import numpy as np

from .arrays import Float1D, Float2D, Float3D
from .exposures import SESSIONS_A_YEAR, ModelRisk, SeriesFit
from .holdings import Holdings
from .sums import sum_by

AT_ONCE = 1024
"""Holdings worked on at a time, so that their histories stay in the processor's cache."""


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
    pairs, pair = np.unique(holdings.portfolio * returns.shape[1] + holdings.symbol, return_inverse=True)
    net = sum_by(pair, holdings.delta_value, len(pairs))
    gross = sum_by(pairs // returns.shape[1], np.abs(net), len(equity))
    direction = np.sign(net)[pair]  # lots of a symbol are one position of the book
    out = np.empty(len(holdings.symbol))
    for start in range(0, len(out), AT_ONCE):
        rows = np.arange(start, min(start + AT_ONCE, len(out)))
        padded = np.resize(rows, max(len(rows), 2))  # at least two columns: NumPy sums a single one in another order
        owner, dollars = holdings.portfolio[padded], holdings.delta_value[padded]
        symbol_returns, residual = returns[:, holdings.symbol[padded]], fit.residual[:, owner]
        with np.errstate(invalid="ignore", divide="ignore"):
            like_the_rest = series[:, owner] * (direction[padded] * dollars / gross[owner])
            part = np.where(np.isnan(symbol_returns), like_the_rest, symbol_returns * (dollars / equity[owner]))
            product = np.where(np.isnan(residual), 0.0, part * residual)
            out[rows] = (product.sum(axis=0) * (SESSIONS_A_YEAR / fit.degrees[owner]))[: len(rows)]
    return out


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
