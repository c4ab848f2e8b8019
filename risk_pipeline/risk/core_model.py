"""The core factor model as ``factor_exposures`` has stored it: what stress and volatility use."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..analytics.arrays import Float2D, Float3D
from .inputs import Inputs
from .long_rows import Cells


@dataclass(frozen=True)
class CoreModel:
    """Stored exposures and covariance of a block of sessions; NaN where there is no row.

    ``dollar`` and ``coverage`` map each stored factor name to (D, P). ``core_dollar`` is (D, P, K) in the
    order of the core model, ``beyond_dollar`` (D, P, X) of the factors beyond it, 0 where there is no row.
    ``covariance`` and ``stressed`` (D, K, K) are of daily returns, ``residual_volatility`` (D, P) annualised, of the
    core model's fit, and ``recent_volatility`` that of its last month.
    """

    dollar: dict[str, Float2D]
    coverage: Float2D
    core_dollar: Float3D
    beyond_dollar: Float3D
    covariance: Float3D
    stressed: Float3D
    residual_volatility: Float2D
    recent_volatility: Float2D


def core_model(inputs: Inputs) -> CoreModel:
    """Arrange the stored rows of ``factor_exposures`` and ``factor_covariance`` by session and portfolio."""
    factors = inputs.registries.factors
    exposures, stored = inputs.stored["factor_exposures"], inputs.stored["factor_covariance"]
    names = list(exposures["factor_name"].unique())
    cells = Cells.of(exposures, session=inputs.sessions, portfolio_id=inputs.portfolio_ids, factor_name=names)
    dollars = cells.spread(exposures["dollar_exposure"])
    dollar = {name: dollars[..., k] for k, name in enumerate(names)}
    absent = np.full(inputs.book.equity.shape, np.nan)
    core = [dollar.get(name, absent) for name in factors.core_names]
    beyond = [np.nan_to_num(dollar.get(name, absent)) for name in factors.beyond_names]
    market = exposures[exposures["factor_name"] == factors.core_names[0]]
    of_market = Cells.of(market, session=inputs.sessions, portfolio_id=inputs.portfolio_ids)
    core_names = factors.core_names
    pairs = Cells.of(stored, session=inputs.sessions, factor_a=core_names, factor_b=core_names)

    def matrices(column: str) -> Float3D:
        half = pairs.spread(stored[column])
        return np.where(np.isnan(half), half.swapaxes(1, 2), half)

    return CoreModel(
        dollar=dollar,
        coverage=of_market.spread(market["coverage"]),
        core_dollar=np.stack(core, axis=-1),
        beyond_dollar=np.stack(beyond, axis=-1) if beyond else np.zeros((*absent.shape, 0)),
        covariance=matrices("covariance"),
        stressed=matrices("stressed_covariance"),
        residual_volatility=of_market.spread(market["residual_volatility"]),
        recent_volatility=of_market.spread(market["recent_residual_volatility"]),
    )
