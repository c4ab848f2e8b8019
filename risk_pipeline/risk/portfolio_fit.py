"""How well the factors explain the returns that a portfolio's present weights would have had."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..analytics.arrays import Float1D, Float2D
from ..analytics.exposures import series_fit
from ..analytics.holdings import constant_weight_returns
from ..analytics.position_risk import residual_covariance
from .inputs import Inputs
from .symbol_betas import core_factor_returns, factor_returns


@dataclass(frozen=True)
class PortfolioFit:
    """Fit of the constant-weight series on a factor (or the core factors together), each (D, P)."""

    r_squared: Float2D
    residual_volatility: Float2D


def portfolio_fits(inputs: Inputs) -> tuple[dict[str, PortfolioFit], Float1D]:
    """Return the fit by factor name, and each holding's part of the variance that the core model leaves, (H,).

    The core model's names share one joint fit; the vendor's has none.
    """
    factors = inputs.registries.factors
    models: dict[tuple[str, ...], tuple[Float2D, int]] = {
        (factor.name,): (factor_returns(inputs, factor)[:, None], factor.window) for factor in factors.single_factor
    }
    models[factors.core_names] = (core_factor_returns(inputs), factors.styles[0].window)
    longest = max(window for _, window in models.values())
    shape = inputs.book.equity.shape
    fits = {
        name: PortfolioFit(np.full(shape, np.nan), np.full(shape, np.nan))
        for name in (factors.provider.name, *(name for names in models for name in names))
    }
    parts = []
    for number, end in enumerate(inputs.ends):
        held, equity = inputs.book.holdings.at(number), inputs.book.equity[number]
        returns = np.asarray(inputs.panel.returns[max(end + 1 - longest, 0) : end + 1])
        series = constant_weight_returns(held.notional(shape[1], len(inputs.panel.symbols)), returns, equity).returns
        for names, (regressors, window) in models.items():
            rows = min(window, len(series))
            fit = series_fit(series[-rows:], regressors[end + 1 - rows : end + 1])
            if names == factors.core_names:
                parts.append(residual_covariance(held, returns[-rows:], series[-rows:], fit, equity))
            for name in names:
                fits[name].r_squared[number] = fit.r_squared
                fits[name].residual_volatility[number] = fit.residual_volatility
    return fits, np.concatenate(parts)
