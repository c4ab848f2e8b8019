"""The rows of the tables of volatility and of its forecasts' outcomes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..analytics.arrays import Float2D
from ..analytics.evaluation import qlike
from ..analytics.exposures import model_risk
from ..analytics.kernels.constants import HORIZON
from ..analytics.reasons import Reason
from ..analytics.valuation import Book
from ..analytics.var import TailRisk
from ..analytics.volatility import VolatilityEstimates
from .core_model import core_model
from .inputs import Frames, Inputs
from .option_tails import option_outcomes
from .portfolio_series import SESSIONS_A_YEAR, portfolio_outcomes, portfolio_risk, returns_after
from .risk_changes import risk_changes
from .tail_parts import portfolio_tails

MODELS = ("forecast", "ewma", "realised_21")


def compute_volatility(inputs: Inputs) -> Frames:
    """Compute volatility of symbols and portfolios at the sessions, and how earlier forecasts turned out."""
    symbols, portfolios = list(inputs.panel.symbols), inputs.portfolio_ids
    made = inputs.ends - HORIZON
    rows = np.unique(np.concatenate([inputs.ends, inputs.ends - 1, made]))
    today, yesterday, when_made = (np.searchsorted(rows, ends) for ends in (inputs.ends, inputs.ends - 1, made))
    of_symbols = inputs.derived.at("volatility", rows, inputs.symbol_volatility)
    book = inputs.value(rows)
    recent = np.zeros(len(rows), dtype=bool)
    recent[today] = recent[yesterday] = True
    risk = portfolio_risk(inputs, book, rows, recent)
    days = np.flatnonzero(recent)
    tails = portfolio_tails(inputs, book.take(days), rows[days])
    volatility, tail = risk.volatility.take(today), tails.take(np.searchsorted(days, today))
    before = book.take(yesterday)
    present = of_symbols.take(today)
    return {
        "symbol_volatility": inputs.frame(
            inputs.symbols_in_use & ~np.isnan(present.ewma), "symbol", symbols, **columns(present)
        ),
        "portfolio_volatility": inputs.frame(
            inputs.has_public,
            "portfolio_id",
            portfolios,
            **columns(volatility),
            factor_model_volatility=factor_model_volatility(inputs),
            coverage=np.nan_to_num(risk.coverage[today]),
            **vars(tail),
            reason=_reasons(inputs.book, volatility),
        ),
        "volatility_scores": pd.concat(
            [
                scores(
                    inputs,
                    "symbol",
                    symbols,
                    inputs.symbols_in_use,
                    of_symbols.take(when_made),
                    symbol_outcomes(inputs),
                ),
                scores(
                    inputs,
                    "portfolio",
                    portfolios,
                    inputs.book.is_active & book.is_active[when_made],
                    risk.volatility.take(when_made),
                    portfolio_outcomes(inputs, book.take(when_made), made),
                ),
            ],
            ignore_index=True,
        ),
        "value_at_risk_outcomes": tail_outcomes(inputs, before, tails.take(np.searchsorted(days, yesterday))),
        "risk_changes": risk_changes(
            inputs,
            inputs.book,
            before,
            (risk.volatility.forecast[yesterday], risk.forecast_before[today], volatility.forecast),
        ),
        "analytics_skips": inputs.portfolio_skips("volatility"),
    }


def tail_outcomes(inputs: Inputs, before: Book, tail: TailRisk) -> pd.DataFrame:
    """Return the value at risk of the session before beside what its holdings then gained or lost."""
    outcome = option_outcomes(inputs, before, returns_after(inputs, before, inputs.ends - 1, 1)[:, 0])
    known = inputs.book.is_active & before.is_active & ~np.isnan(outcome) & ~np.isnan(tail.var_99)
    return inputs.frame(
        known,
        "portfolio_id",
        inputs.portfolio_ids,
        outcome=outcome,
        **vars(tail),
        exceeded_95=outcome < -tail.var_95,
        exceeded_99=outcome < -tail.var_99,
    )


def _reasons(book: Book, estimates: VolatilityEstimates) -> np.ndarray:
    """Return why a portfolio has no volatility, None where it has one."""
    reason = np.full(book.equity.shape, None, dtype=object)
    reason[np.isnan(estimates.ewma)] = Reason.TOO_SHORT.value
    reason[np.isnan(estimates.ewma) & (estimates.realised_21 == 0.0)] = Reason.NO_VARIANCE.value
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


def symbol_outcomes(inputs: Inputs) -> Float2D:
    """Return each symbol's realised volatility over the 21 sessions up to each session, (D, N)."""
    return realised([np.asarray(inputs.panel.returns[end + 1 - HORIZON : end + 1]) for end in inputs.ends])


def realised(blocks: list[Float2D]) -> Float2D:
    """Return annualised root mean square returns of each block, (D, entities); NaN if one is missing."""
    return np.asarray(np.sqrt(np.stack([(block**2).mean(axis=0) for block in blocks]) * SESSIONS_A_YEAR))


def scores(
    inputs: Inputs,
    entity_type: str,
    names: list[str],
    is_scored: np.ndarray,
    forecasts: VolatilityEstimates,
    outcome: Float2D,
) -> pd.DataFrame:
    """Return a row per entity and model whose forecast of 21 sessions ago met its outcome."""
    made = inputs.panel.dates[inputs.ends - HORIZON].astype("datetime64[s]")
    rows = []
    for model in MODELS:
        forecast = getattr(forecasts, model)
        known = is_scored & (forecast > 0) & (outcome > 0)
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
    model = core_model(inputs)
    equity = np.where(inputs.book.equity > 0, inputs.book.equity, np.nan)
    exposure = model.core_dollar / equity[..., None]
    return model_risk(exposure, model.covariance, model.residual_volatility).total
