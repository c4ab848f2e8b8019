"""The factor model as ``factor_exposures`` has it: what stress and volatility use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..analytics.arrays import BySession, Float2D, Float3D
from .inputs import Frames, Inputs
from .long_rows import Cells

CORE, BETAS = "core model", "model betas"
"""Kinds of what a run derives."""


@dataclass(frozen=True)
class CoreModel(BySession):
    """Exposures and covariance of a block of sessions; NaN where there is no row.

    ``registry_dollar`` (D, P, R) is in the order of the registry's factors, ``core_dollar`` (D, P, K) in that of the
    core model, ``beyond_dollar`` (D, P, X) of the factors beyond it, 0 where there is no row. ``coverage`` (D, P).
    ``covariance`` and ``stressed`` (D, K, K) are of daily returns, ``residual_volatility`` (D, P) annualised, of the
    core model's fit, and ``recent_volatility`` that of its last month.
    """

    registry_dollar: Float3D
    core_dollar: Float3D
    beyond_dollar: Float3D
    coverage: Float2D
    covariance: Float3D
    stressed: Float3D
    residual_volatility: Float2D
    recent_volatility: Float2D


def core_model(inputs: Inputs) -> CoreModel:
    """Return the model of the block: as this run has computed it, else of the stored rows."""

    def stored(ends: np.ndarray) -> CoreModel:
        return _core_model(inputs, inputs.stored).take(np.searchsorted(inputs.ends, ends))

    return inputs.derived.at(CORE, inputs.ends, stored)


def model_betas(inputs: Inputs) -> Float3D:
    """Return the betas of every panel symbol in the model's order, (D, N, K + X): of this run, else the stored ones.

    NaN where there is no core beta; a factor beyond the core without a row is not taken, zero.
    """

    def stored(ends: np.ndarray) -> np.ndarray:
        return _betas(inputs, inputs.stored["symbol_factor_exposures"])[np.searchsorted(inputs.ends, ends)]

    return inputs.derived.at(BETAS, inputs.ends, stored)


def keep_model(inputs: Inputs, rows: Frames) -> None:
    """Keep the model that a run's exposures make: the assets after them need not read it back."""
    inputs.derived.keep(CORE, inputs.ends, _core_model(inputs, rows))
    inputs.derived.keep(BETAS, inputs.ends, _betas(inputs, rows["symbol_factor_exposures"]))


def _core_model(inputs: Inputs, rows: Frames) -> CoreModel:
    """Arrange rows of ``factor_exposures`` and ``factor_covariance`` by session and portfolio."""
    factors = inputs.registries.factors
    exposures, covariance = rows["factor_exposures"], rows["factor_covariance"]
    axes: dict[str, Any] = {"session": inputs.sessions, "portfolio_id": inputs.portfolio_ids}

    def dollars(names: tuple[str, ...]) -> Float3D:
        return Cells.of(exposures, **axes, factor_name=names).spread(exposures["dollar_exposure"])

    market = exposures[exposures["factor_name"] == factors.core_names[0]]
    of_market = Cells.of(market, **axes)
    pairs = Cells.of(covariance, session=inputs.sessions, factor_a=factors.core_names, factor_b=factors.core_names)

    def matrices(column: str) -> Float3D:
        half = pairs.spread(covariance[column])
        return np.where(np.isnan(half), half.swapaxes(1, 2), half)

    return CoreModel(
        registry_dollar=dollars(factors.names),
        core_dollar=dollars(factors.core_names),
        beyond_dollar=np.nan_to_num(dollars(factors.beyond_names)),
        coverage=of_market.spread(market["coverage"]),
        covariance=matrices("covariance"),
        stressed=matrices("stressed_covariance"),
        residual_volatility=of_market.spread(market["residual_volatility"]),
        recent_volatility=of_market.spread(market["recent_residual_volatility"]),
    )


def _betas(inputs: Inputs, rows: pd.DataFrame) -> Float3D:
    factors = inputs.registries.factors
    cells = Cells.of(rows, session=inputs.sessions, symbol=inputs.panel.symbols, factor_name=factors.model_names)
    out = cells.spread(rows["beta"])
    beyond = out[..., len(factors.core_names) :]
    beyond[np.isnan(beyond)] = 0.0
    return out
