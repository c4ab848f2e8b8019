"""The factors beyond the core: cross-asset proxies and sectors, of which any may be absent."""

from __future__ import annotations

import numpy as np

from ..analytics.arrays import Float2D, Float3D, Int1D, Int2D
from ..analytics.core_ridge import BeyondSpec
from ..analytics.kernels.constants import NO_SECTOR, UNKNOWN_SECTOR
from .inputs import Inputs


def present_cross(inputs: Inputs) -> Int1D:
    """Return which of the registry's cross-asset factors have a proxy in the panel."""
    factors = inputs.registries.factors
    return np.array([index for index, f in enumerate(factors.cross_asset) if f.proxy in inputs.column], dtype=np.int64)


def present_sectors(inputs: Inputs) -> Int1D:
    """Return which of the registry's sectors have a proxy in the panel."""
    factors = inputs.registries.factors
    return np.array([index for index, f in enumerate(factors.sectors) if f.proxy in inputs.column], dtype=np.int64)


def beyond_spec(inputs: Inputs) -> BeyondSpec:
    """Return what of the panel the factors beyond the core are made of."""
    factors, cross, sectors = inputs.registries.factors, present_cross(inputs), present_sectors(inputs)
    return BeyondSpec(
        cross=_columns(inputs, [factors.cross_asset[index].proxy for index in cross]),
        prior_variance=np.array([factors.cross_asset[index].prior_variance for index in cross]),
        sectors=_columns(inputs, [factors.sectors[index].proxy for index in sectors]),
        sector_of=_sector_of(inputs, sectors),
    )


def _columns(inputs: Inputs, symbols: list[str]) -> Int1D:
    return np.array([inputs.column[symbol] for symbol in symbols], dtype=np.int64)


def _sector_of(inputs: Inputs, present: Int1D) -> Int2D:
    """Return the place of each symbol's sector among those present, as known on each session."""
    place = {int(sector_index): position for position, sector_index in enumerate(present)}
    spellings = inputs.registries.factors.sector_spellings
    code: dict[str | None, int] = {None: UNKNOWN_SECTOR}
    rows = inputs.profiles_as_of("sector")
    for name in {name for row in rows for name in row} - {None}:
        sector_index = spellings.get(name.strip().lower())
        code[name] = NO_SECTOR if sector_index is None else place.get(sector_index, NO_SECTOR)
    return np.array([[code[name] for name in row] for row in rows], dtype=np.int64).reshape(
        len(rows), len(inputs.panel.symbols)
    )


def beyond_proxy_returns(inputs: Inputs) -> Float2D:
    """Return the returns of the proxies beyond the core over the panel, (T, X), in the registry's order."""
    out = np.full((len(inputs.panel.dates), len(inputs.registries.factors.beyond_proxies)), np.nan)
    for column, symbol in enumerate(inputs.registries.factors.beyond_proxies):
        if symbol in inputs.column:
            out[:, column] = inputs.panel.returns[:, inputs.column[symbol]]
    return out


def proxy_betas(inputs: Inputs, betas: Float3D, session_index: int) -> tuple[Float2D, Float2D]:
    """Return the proxies' own core coefficients (X, K) and cross-asset coefficients (X, C) as of a session.

    ``betas`` (D, N, K + X) are those of all symbols in the order of the registry's ``model_names``.
    """
    factors = inputs.registries.factors
    core, cross = len(factors.core_names), len(factors.cross_asset)
    estimates = np.full((len(factors.beyond_proxies), core + cross), np.nan)
    for row, symbol in enumerate(factors.beyond_proxies):
        if symbol in inputs.column:
            estimates[row] = betas[session_index, inputs.column[symbol], : core + cross]
    return estimates[:, :core], estimates[:, core:]
