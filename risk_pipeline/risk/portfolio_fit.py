"""How well the factors explain the returns that a portfolio's present weights would have had."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from ..analytics.arrays import Float1D, Float2D, Float3D
from ..analytics.exposures import SESSIONS_A_YEAR, SeriesFit, series_fit
from ..analytics.factor_returns import residual_returns
from ..analytics.holdings import constant_weight_returns
from ..analytics.position_risk import residual_covariance
from ..analytics.sums import weighted_sums
from .beyond_core import beyond_proxy_returns, proxy_betas
from .inputs import Inputs
from .symbol_betas import SymbolBetas, core_factor_returns, core_spec, factor_returns


@dataclass(frozen=True)
class PortfolioFit:
    """Fit of the constant-weight series on a factor (or the core factors together), each (D, P).

    ``recent_residual_volatility`` is that of the last month. ``std_error`` is the HAC error of the series' slope on the
    factor: that of the portfolio's exposure.
    """

    r_squared: Float2D
    residual_volatility: Float2D
    recent_residual_volatility: Float2D
    std_error: Float2D

    @classmethod
    def empty(cls, shape: tuple[int, int]) -> PortfolioFit:
        """Return a fit that has yet to be filled, all NaN."""
        return cls(*(np.full(shape, np.nan) for _ in range(4)))


@dataclass(frozen=True)
class PortfolioFits:
    """Fits by factor name, and what the residual of the core model is made of.

    ``position_part`` (H,) is each holding's part of the residual variance; ``beyond_pull`` (D, P, X) the annual
    covariance of the residual with each factor beyond the core, 0 where the factor has no returns.
    """

    by_factor: dict[str, PortfolioFit]
    position_part: Float1D
    beyond_pull: Float3D


def portfolio_fits(inputs: Inputs, betas: SymbolBetas) -> PortfolioFits:
    """Fit each portfolio's series on every factor alone, on the core factors jointly, and its residual on the rest.

    The core model's names share one joint fit, and their errors are those of the regression with the model's own
    weights; the vendor's has none. The factors beyond the core share the fit of the core's residual on them.
    """
    factors = inputs.registries.factors
    spec, core = core_spec(factors), core_factor_returns(inputs)
    beyond, model_betas = beyond_proxy_returns(inputs), betas.of(factors.model_names)
    alone = {factor: factor_returns(inputs, factor)[:, None] for factor in factors.single_factor}
    longest = max(spec.window, *(factor.window for factor in alone))
    shape = inputs.book.equity.shape
    fits = {name: PortfolioFit.empty(shape) for name in betas.names}
    pull = np.zeros((*shape, beyond.shape[1]))
    parts = []
    for session_index, end in enumerate(inputs.ends.tolist()):
        held, equity = inputs.book.holdings.at(session_index), inputs.book.equity[session_index]
        returns = np.asarray(inputs.panel.returns[max(end + 1 - longest, 0) : end + 1])
        series = constant_weight_returns(held.notional(shape[1], len(inputs.panel.symbols)), returns, equity).returns

        def put(names: tuple[str, ...], fit: SeriesFit | None, errors: Float2D, row: int = session_index) -> None:
            for k, name in enumerate(names):
                fits[name].std_error[row] = errors[:, k]
                if fit is not None:
                    fits[name].r_squared[row] = fit.r_squared
                    fits[name].residual_volatility[row] = fit.residual_volatility
                    fits[name].recent_residual_volatility[row] = fit.recent_volatility

        for factor, regressor in alone.items():
            rows = min(factor.window, len(series))
            fit = series_fit(
                series[-rows:], regressor[end + 1 - rows : end + 1], min_observations=factor.min_observations
            )
            put((factor.name,), fit, fit.std_error)
        rows = min(spec.window, len(series))
        window = series[-rows:], core[end + 1 - rows : end + 1]
        weighted_fit = partial(series_fit, min_observations=spec.min_observations, weight=spec.decay[-rows:])
        fit = series_fit(*window)
        put(factors.core_names, fit, weighted_fit(*window).std_error)
        parts.append(residual_covariance(held, returns[-rows:], series[-rows:], fit, equity))
        others = residual_returns(
            window[1], beyond[end + 1 - rows : end + 1], *proxy_betas(inputs, model_betas, session_index)
        )
        pull[session_index] = _pull(others, fit)
        usable = np.flatnonzero(~np.isnan(others[~np.isnan(window[1]).any(axis=1)]).any(axis=0))
        errors = np.full((shape[1], others.shape[1]), np.nan)
        errors[:, usable] = weighted_fit(fit.residual, others[:, usable]).std_error
        put(factors.beyond_names, None, errors)
    return PortfolioFits(fits, np.concatenate(parts), pull)


def _pull(others: Float2D, fit: SeriesFit) -> Float2D:
    """Return the annual covariance of factors (W, X) with the residuals of a fit, (P, X)."""
    both = weighted_sums(np.nan_to_num(fit.residual.T), np.nan_to_num(others))
    with np.errstate(invalid="ignore", divide="ignore"):
        return both * (SESSIONS_A_YEAR / fit.degrees)[:, None]
