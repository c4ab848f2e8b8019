"""Every beta of every symbol in the panel: single-factor, style ridge and the vendor's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..analytics.arrays import Float1D, Float2D, Float3D, Int1D
from ..analytics.core_ridge import CoreRidge, CoreSpec, core_ridge
from ..analytics.factor_returns import relative_factors
from ..analytics.rolling_beta import rolling_beta
from ..config.factors import Factor, FactorRegistry
from .beyond_core import beyond_spec, present_cross, present_sectors
from .inputs import Inputs

MODEL = "betas of the model"
OUTLIER = 5.0
"""An estimate beyond this is kept and flagged."""


@dataclass(frozen=True)
class SymbolBetas:
    """Estimates by session, symbol and factor, each of shape (D, N, K); NaN is no estimate.

    ``names`` are the K names: the registry's factors, the core model's own coefficients, the factors beyond the core;
    of the latter a beta is 0 where the symbol has a core model and the factor isn't taken.
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

    def of(self, names: Sequence[str]) -> Float3D:
        """Return the betas of some names, (D, N, names)."""
        return self.beta[..., [self.names.index(name) for name in names]]

    def take(self, sessions: Int1D) -> SymbolBetas:
        """Return the estimates of some sessions."""
        return SymbolBetas(names=self.names, **{name: values[sessions] for name, values in self.fields().items()})

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
    names = [*factors.names, *(name for name in factors.model_names if name not in factors.by_name)]
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
    longest = max(int(inputs.ends.min()) + 1 - factors.look_back, 0)  # a proxy's history reaches back much further
    returns, ends = np.asarray(inputs.panel.returns[longest:]), inputs.ends - longest
    for factor in factors.single_factor:
        k = names.index(factor.name)
        estimate = rolling_beta(
            returns,
            factor_returns(inputs, factor)[longest:],
            ends,
            window=factor.window,
            min_observations=factor.min_observations,
        )
        for field in ("beta", "std_error", "t_stat", "r_squared", "observations"):
            out[field][..., k] = getattr(estimate, field)
        quality[..., k][estimate.observations < factor.window] = "limited_history"
    ridge = core_ridge(returns, core_factor_returns(inputs)[longest:], ends, core_spec(factors), beyond_spec(inputs))
    for position, name in enumerate(factors.core_names):
        k = names.index(name)
        out["beta"][..., k] = ridge.coefficients[..., position]
        out["std_error"][..., k] = ridge.std_error[..., position]
        for field in ("r_squared", "observations", "effective_df", "condition_number", "penalty"):
            out[field][..., k] = getattr(ridge, field)
        quality[..., k][ridge.observations < factors.styles[0].window] = "limited_history"
    for k, beta, error, share in _beyond(inputs, ridge, names):
        out["beta"][..., k], out["std_error"][..., k], out["r_squared"][..., k] = beta, error, share
        out["observations"][..., k] = ridge.observations
        quality[..., k][ridge.observations < factors.styles[0].window] = "limited_history"
    with np.errstate(invalid="ignore", divide="ignore"):  # a proxy on itself has no error
        out["t_stat"] = np.where(out["std_error"] > 0, out["beta"] / out["std_error"], np.nan)
    k = names.index(factors.provider.name)
    out["beta"][..., k] = np.array(inputs.profiles_as_of("vendor_beta"), dtype=float)
    quality[np.abs(out["beta"]) > OUTLIER] = "outlier"
    quality[..., k] = "vendor"
    return SymbolBetas(names=names, quality=quality, **out)


def betas_and_before(inputs: Inputs) -> tuple[SymbolBetas, Float3D]:
    """Estimate every beta at the block's sessions, and those of the model at the sessions before; each session once."""
    rows = np.unique(np.concatenate([inputs.ends, inputs.ends - 1]))
    both = _betas_at(inputs, rows)
    model = inputs.derived.keep(MODEL, rows, both.of(inputs.registries.factors.model_names))
    return both.take(np.searchsorted(rows, inputs.ends)), model[np.searchsorted(rows, inputs.ends - 1)]


def betas_before(inputs: Inputs) -> Float3D:
    """Estimate the betas of the model's factors at the sessions before the block's, (D, N, K)."""
    names = inputs.registries.factors.model_names
    return inputs.derived.at(MODEL, inputs.ends - 1, lambda rows: _betas_at(inputs, rows).of(names))


def _betas_at(inputs: Inputs, rows: Int1D) -> SymbolBetas:
    return symbol_betas(replace(inputs, sessions=inputs.panel.dates[rows].astype("datetime64[D]").tolist()))


def _beyond(inputs: Inputs, ridge: CoreRidge, names: list[str]) -> Iterator[tuple[int, Float2D, Float2D, Float2D]]:
    """Yield the place among the names, beta, error and explained share of each factor beyond the core, (D, N) each."""
    factors = inputs.registries.factors
    for column, factor_index in enumerate(present_cross(inputs).tolist()):
        k = names.index(factors.cross_asset[factor_index].name)
        yield k, ridge.cross[..., column], ridge.cross_error[..., column], ridge.cross_share[..., column]
    for column, factor_index in enumerate(present_sectors(inputs).tolist()):
        mine = ridge.sector == column
        beta = np.where(mine, ridge.sector_beta, np.where(np.isnan(ridge.sector_beta), np.nan, 0.0))
        error, share = (np.where(mine, values, np.nan) for values in (ridge.sector_error, ridge.sector_share))
        yield names.index(factors.sectors[factor_index].name), beta, error, share
