"""The core factor model as ``factor_exposures`` has stored it: what stress and volatility use."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..analytics.arrays import Float2D, Float3D
from .inputs import Inputs


@dataclass(frozen=True)
class CoreModel:
    """Stored exposures and covariance of a block of sessions; NaN where there is no row.

    ``dollar`` and ``coverage`` map each stored factor name to (D, P). ``core_dollar`` is (D, P, K) in the
    order of the core model, ``beyond_dollar`` (D, P, X) of the factors beyond it, 0 where there is no row.
    ``covariance`` and ``stressed`` (D, K, K) are of daily returns, ``residual_volatility`` (D, P) annualised, of the
    core model's fit.
    """

    dollar: dict[str, Float2D]
    coverage: Float2D
    core_dollar: Float3D
    beyond_dollar: Float3D
    covariance: Float3D
    stressed: Float3D
    residual_volatility: Float2D


def core_model(inputs: Inputs) -> CoreModel:
    """Arrange the stored rows of ``factor_exposures`` and ``factor_covariance`` by session and portfolio."""
    factors = inputs.registries.factors
    exposures, stored = inputs.stored["factor_exposures"], inputs.stored["factor_covariance"]
    days = np.array(inputs.sessions, dtype="datetime64[D]").astype("datetime64[s]")
    at = (
        pd.Index(days).get_indexer(pd.DatetimeIndex(exposures["session"]).astype("datetime64[s]")),
        pd.Index(inputs.portfolio_ids).get_indexer(exposures["portfolio_id"]),
    )

    def scatter(rows: np.ndarray, column: str) -> Float2D:
        out = np.full(inputs.book.equity.shape, np.nan)
        keep = rows & (at[0] >= 0) & (at[1] >= 0)
        out[at[0][keep], at[1][keep]] = exposures[column].to_numpy(dtype=float)[keep]
        return out

    factor, names = pd.factorize(exposures["factor_name"])
    dollar = {name: scatter(factor == number, "dollar_exposure") for number, name in enumerate(names)}
    absent = np.full(inputs.book.equity.shape, np.nan)
    market = names[factor] == factors.core_names[0]
    core = [dollar.get(name, absent) for name in factors.core_names]
    beyond = [np.nan_to_num(dollar.get(name, absent)) for name in factors.beyond_names]
    order = pd.Index(factors.core_names)
    day = pd.Index(days).get_indexer(pd.DatetimeIndex(stored["session"]).astype("datetime64[s]"))
    a, b = order.get_indexer(stored["factor_a"]), order.get_indexer(stored["factor_b"])
    keep = (day >= 0) & (a >= 0) & (b >= 0)

    def matrices(column: str) -> Float3D:
        out = np.full((len(days), len(core), len(core)), np.nan)
        values = stored[column].to_numpy(dtype=float)[keep]
        out[day[keep], a[keep], b[keep]] = values
        out[day[keep], b[keep], a[keep]] = values
        return out

    return CoreModel(
        dollar=dollar,
        coverage=scatter(market, "coverage"),
        core_dollar=np.stack(core, axis=-1),
        beyond_dollar=np.stack(beyond, axis=-1) if beyond else np.zeros((*absent.shape, 0)),
        covariance=matrices("covariance"),
        stressed=matrices("stressed_covariance"),
        residual_volatility=scatter(market, "residual_volatility"),
    )
