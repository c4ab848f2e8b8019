"""The rows of ``symbol_volatility``, ``portfolio_volatility`` and ``volatility_scores``."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ..analytics.arrays import Float2D, Int1D
from ..analytics.evaluation import qlike
from ..analytics.exposures import model_risk
from ..analytics.holdings import constant_weight_returns
from ..analytics.reasons import Reason
from ..analytics.valuation import Book
from ..analytics.var import TailRisk, filtered_historical_simulation
from ..analytics.volatility import HORIZON, LOOK_BACK, VolatilityEstimates, estimate_volatility
from ..storage import tables
from .core_model import read_core_model
from .inputs import Frames, Inputs

SESSIONS_A_YEAR = 252
MODELS = ("forecast", "ewma", "realised_21")


def compute_volatility(inputs: Inputs) -> Frames:
    """Compute volatility of symbols and portfolios at the sessions, and score the forecasts of 21 before."""
    made = inputs.ends - HORIZON
    symbols = list(inputs.panel.symbols)
    now = inputs.symbol_volatility(inputs.ends)
    earlier = inputs.symbol_volatility(made)
    has_estimate = inputs.symbols_in_use & ~np.isnan(now.ewma)
    book, book_then = inputs.book, inputs.value(made)
    portfolio, tail, coverage = portfolio_volatility(inputs, book, inputs.ends)
    portfolio_then, _, _ = portfolio_volatility(inputs, book_then, made)
    return {
        tables.symbol_volatility: inputs.frame(has_estimate, "symbol", symbols, **columns(now)),
        tables.portfolio_volatility: inputs.frame(
            inputs.has_public,
            "portfolio_id",
            inputs.portfolio_ids,
            **columns(portfolio),
            factor_model_volatility=factor_model_volatility(inputs),
            coverage=np.nan_to_num(coverage),
            var_95=tail.var_95,
            var_99=tail.var_99,
            es_95=tail.es_95,
            es_99=tail.es_99,
            reason=_reasons(book, portfolio),
        ),
        tables.volatility_scores: pd.concat(
            [
                scores(inputs, "symbol", symbols, inputs.symbols_in_use, earlier, symbol_outcomes(inputs)),
                scores(
                    inputs,
                    "portfolio",
                    inputs.portfolio_ids,
                    book.is_active & book_then.is_active,
                    portfolio_then,
                    portfolio_outcomes(inputs, book_then, made),
                ),
            ],
            ignore_index=True,
        ),
        tables.analytics_skips: inputs.portfolio_skips("volatility"),
    }


def _reasons(book: Book, estimates: VolatilityEstimates) -> np.ndarray:
    """Return why a portfolio has no volatility, None where it has one."""
    reason = np.full(book.equity.shape, None, dtype=object)
    reason[np.isnan(estimates.ewma)] = Reason.TOO_SHORT.value
    reason[book.equity <= 0] = Reason.NON_POSITIVE_EQUITY.value
    return reason


def columns(estimates: VolatilityEstimates) -> dict[str, np.ndarray]:
    """Return the estimates by column name; a number that is not there stays NaN."""
    return {
        name: getattr(estimates, name)
        for name in (
            "realised_21",
            "realised_63",
            "realised_252",
            "ewma",
            "forecast",
            "model",
            "variance_input",
            "trend",
            "trend_strength",
            "percentile",
            "observations",
        )
    }


def portfolio_volatility(inputs: Inputs, book: Book, ends: Int1D) -> tuple[VolatilityEstimates, TailRisk, Float2D]:
    """Return volatility, tail risk and coverage of every portfolio, each (D, P).

    The holdings as of each session applied to the symbols' history up to it.
    """
    by_session, tails, coverage = [], [], []
    shape = (book.equity.shape[1], len(inputs.panel.symbols))
    for number, end in enumerate(ends):
        first = max(end + 1 - LOOK_BACK, 0)
        series = constant_weight_returns(
            book.holdings.at(number).notional(*shape),
            np.asarray(inputs.panel.returns[first : end + 1]),
            book.equity[number],
        )
        by_session.append(estimate_volatility(series.returns, np.array([len(series.returns) - 1], dtype=np.int64)))
        tails.append(filtered_historical_simulation(series.returns))
        coverage.append(series.coverage)
    return stack(by_session, axis=0), stack(tails, axis=None), np.array(coverage)


def stack(parts: list[Any], axis: int | None) -> Any:
    """Join dataclasses of arrays session by session: along ``axis``, or along a new first one if None."""
    join = np.stack if axis is None else np.concatenate
    names = parts[0].__dataclass_fields__
    return type(parts[0])(**{name: join([getattr(part, name) for part in parts]) for name in names})


def symbol_outcomes(inputs: Inputs) -> Float2D:
    """Return each symbol's realised volatility over the 21 sessions up to each session, (D, N)."""
    return realised([np.asarray(inputs.panel.returns[end + 1 - HORIZON : end + 1]) for end in inputs.ends])


def portfolio_outcomes(inputs: Inputs, book: Book, made: Int1D) -> Float2D:
    """Return what the holdings of the forecast's session then realised over its 21 sessions, (D, P)."""
    shape = (book.equity.shape[1], len(inputs.panel.symbols))
    return realised(
        [
            constant_weight_returns(
                book.holdings.at(number).notional(*shape),
                np.asarray(inputs.panel.returns[end + 1 : end + 1 + HORIZON]),
                book.equity[number],
            ).returns
            for number, end in enumerate(made)
        ]
    )


def realised(blocks: list[Float2D]) -> Float2D:
    """Return annualised root mean square returns of each block, (D, entities); NaN if one is missing."""
    return np.sqrt(np.stack([(block**2).mean(axis=0) for block in blocks]) * SESSIONS_A_YEAR)


def scores(
    inputs: Inputs,
    entity_type: str,
    names: list[str],
    wanted: np.ndarray,
    forecasts: VolatilityEstimates,
    outcome: Float2D,
) -> pd.DataFrame:
    """Return a row per entity and model whose forecast of 21 sessions ago met its outcome."""
    made = inputs.panel.dates[inputs.ends - HORIZON].astype("datetime64[s]")
    rows = []
    for model in MODELS:
        forecast = getattr(forecasts, model)
        known = wanted & (forecast > 0) & (outcome > 0)
        loss = np.full(outcome.shape, np.nan)
        loss[known] = qlike(outcome[known] ** 2, forecast[known] ** 2)
        rows.append(
            inputs.frame(
                known,
                "entity",
                names,
                forecast=forecast,
                outcome=outcome,
                qlike=loss,
                forecast_session=np.broadcast_to(made[:, None], outcome.shape),
            ).assign(entity_type=entity_type, model=model)
        )
    return pd.concat(rows, ignore_index=True)


def factor_model_volatility(inputs: Inputs) -> Float2D:
    """Return the annualised volatility that the core factor model implies, (D, P)."""
    model = read_core_model(inputs)
    equity = np.where(inputs.book.equity > 0, inputs.book.equity, np.nan)
    exposure = model.core_dollar / equity[..., None]
    return model_risk(exposure, model.covariance, model.residual_volatility).total
