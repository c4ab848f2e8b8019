"""Every beta of every symbol in the panel: single-factor, style ridge and the vendor's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..analytics.arrays import Float1D, Float2D, Float3D
from ..analytics.core_ridge import CoreSpec, core_ridge
from ..analytics.factor_returns import relative_factors
from ..analytics.rolling_beta import rolling_beta
from ..config.factors import Factor, FactorRegistry
from .inputs import Inputs

OUTLIER = 5.0
"""An estimate beyond this is kept and flagged."""


@dataclass(frozen=True)
class SymbolBetas:
    """Estimates by session, symbol and factor, each of shape (D, N, K); NaN is no estimate.

    ``names`` are the K names: the registry's factors, then the core model's own coefficients.
    """

    names: list[str]
    beta: Float3D
    std_error: Float3D
    t_stat: Float3D
    r_squared: Float3D
    observations: Float3D
    effective_df: Float3D
    condition_number: Float3D
    penalty: Float3D
    quality: np.ndarray

    def fields(self) -> dict[str, np.ndarray]:
        """Return the arrays by their column in ``symbol_factor_exposures``."""
        return {name: value for name, value in vars(self).items() if name != "names"}


def factor_returns(inputs: Inputs, factor: Factor) -> Float1D:
    """Return a factor's daily returns over the panel, (T,): its proxy's, less the short leg's."""
    returns = proxy_returns(inputs, factor.proxy)
    return returns - proxy_returns(inputs, factor.proxy_minus) if factor.proxy_minus else returns


def proxy_returns(inputs: Inputs, symbol: str) -> Float1D:
    """Return a proxy's daily returns over the panel, (T,); all NaN if it has no prices."""
    if symbol not in inputs.column:
        return np.full(len(inputs.panel.dates), np.nan)
    return np.asarray(inputs.panel.returns[:, inputs.column[symbol]])


def core_factor_returns(inputs: Inputs) -> Float2D:
    """Return the core model's factors over the panel, (T, 8): market, rates, styles less market."""
    factors = inputs.registries.factors
    styles = np.column_stack([proxy_returns(inputs, style.proxy) for style in factors.styles])
    return relative_factors(
        proxy_returns(inputs, factors.market.proxy), proxy_returns(inputs, factors.rates.proxy), styles
    )


def core_spec(factors: FactorRegistry) -> CoreSpec:
    """Return how the registry wants the core model estimated."""
    style = factors.styles[0]
    return CoreSpec(
        window=style.window,
        half_life=style.half_life,
        min_observations=style.min_observations,
        prior=np.array(factors.prior_mean),
        prior_variance=np.array(factors.prior_variance),
    )


def symbol_betas(inputs: Inputs) -> SymbolBetas:
    """Estimate every beta of every symbol of the panel at the block's sessions."""
    factors = inputs.registries.factors
    names = [*factors.names, *(name for name in factors.core_names if name not in factors.by_name)]
    shape = (len(inputs.sessions), len(inputs.panel.symbols), len(names))
    out = {
        field: np.full(shape, np.nan)
        for field in (
            "beta",
            "std_error",
            "t_stat",
            "r_squared",
            "observations",
            "effective_df",
            "condition_number",
            "penalty",
        )
    }
    quality = np.full(shape, "full_history", dtype=object)
    returns = np.asarray(inputs.panel.returns)
    for factor in factors.single_factor:
        k = names.index(factor.name)
        estimate = rolling_beta(
            returns,
            factor_returns(inputs, factor),
            inputs.ends,
            window=factor.window,
            min_observations=factor.min_observations,
        )
        for field in ("beta", "std_error", "t_stat", "r_squared", "observations"):
            out[field][..., k] = getattr(estimate, field)
        quality[..., k][estimate.observations < factor.window] = "limited_history"
    ridge = core_ridge(returns, core_factor_returns(inputs), inputs.ends, core_spec(factors))
    for position, name in enumerate(factors.core_names):
        k = names.index(name)
        out["beta"][..., k] = ridge.coefficients[..., position]
        out["std_error"][..., k] = ridge.std_error[..., position]
        for field in ("r_squared", "observations", "effective_df", "condition_number", "penalty"):
            out[field][..., k] = getattr(ridge, field)
        quality[..., k][ridge.observations < factors.styles[0].window] = "limited_history"
    with np.errstate(invalid="ignore", divide="ignore"):  # a proxy on itself has no error
        out["t_stat"] = np.where(out["std_error"] > 0, out["beta"] / out["std_error"], np.nan)
    k = names.index(factors.provider.name)
    out["beta"][..., k] = np.array(inputs.profiles_as_of("vendor_beta"), dtype=float)
    quality[np.abs(out["beta"]) > OUTLIER] = "outlier"
    quality[..., k] = "vendor"
    return SymbolBetas(names=names, quality=quality, **out)
