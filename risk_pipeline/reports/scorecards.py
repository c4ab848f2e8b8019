"""How forecasts and value at risk have done, from the outcomes stored up to a session.

Read, not stored: a stored record would depend on which sessions had been run before.
"""

from __future__ import annotations

from datetime import date
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..analytics.backtests import acerbi_szekely, christoffersen, conditional_coverage, kupiec, traffic_light
from ..analytics.evaluation import diebold_mariano, mincer_zarnowitz
from ..analytics.volatility import HORIZON
from ..storage.queries import read_outcomes, read_scores

if TYPE_CHECKING:
    import sqlalchemy as sa

SCORED = 252
"""Forecasts in a volatility scorecard, at most; the Basel zone is of the last 250 days."""
BACKTESTED = 250
LEAST = 3 * HORIZON
"""Fewer forecasts than this overlap too much for a test."""
RIVALS = {"ewma": "ewma", "realised_21": "trailing"}


def volatility_scorecard(
    engine: sa.Engine, last: date, entity_type: str = "portfolio", *, most: int | None = None
) -> pd.DataFrame:
    """Return a row per portfolio (or symbol) on its last forecasts whose outcome is known by ``last``.

    ``qlike`` of the forecast and of its rivals (``qlike_ewma``, ``qlike_trailing``; less is better); the
    Diebold-Mariano statistic and p-value against each (negative: the forecast is better); the Mincer-Zarnowitz
    regression of variances (``mz_intercept``, ``mz_slope`` and the p-value that they are 0 and 1); ``bias``, the
    root mean square of realised over forecast volatility (1 is unbiased). Tests are NaN with fewer than 63 forecasts.
    Of the first ``most`` entities, all if None.
    """
    scores = read_scores(engine, last, entity_type, SCORED)
    rows = []
    for entity, own in islice(scores.groupby("entity"), most):
        loss = own.pivot_table(index="session", columns="model", values="qlike")
        ours = own[own["model"] == "forecast"].set_index("session").sort_index()
        row: dict[str, Any] = {"entity": entity, "forecasts": len(ours), "qlike": loss["forecast"].mean()}
        for model, name in RIVALS.items():
            pair = loss[["forecast", model]].dropna() if model in loss else loss.iloc[:0]
            tested = len(pair) >= LEAST
            row[f"qlike_{name}"] = loss[model].mean() if model in loss else np.nan
            row[f"dm_{name}"], row[f"dm_p_{name}"] = (
                diebold_mariano(pair["forecast"].to_numpy(), pair[model].to_numpy(), horizon=HORIZON)
                if tested
                else (np.nan, np.nan)
            )
        outcome, forecast = (ours[name].to_numpy() ** 2 / 252 for name in ("outcome", "forecast"))
        row["bias"] = float(np.sqrt(np.mean(outcome / forecast)))
        if len(ours) >= LEAST:
            fit = mincer_zarnowitz(outcome, forecast, lags=HORIZON)
            row |= {"mz_intercept": fit.intercept, "mz_slope": fit.slope, "mz_p": fit.p_value}
        rows.append(row)
    return pd.DataFrame(rows, columns=VOLATILITY_COLUMNS)


VOLATILITY_COLUMNS = [
    *("entity", "forecasts", "qlike", "qlike_ewma", "qlike_trailing"),
    *("dm_ewma", "dm_p_ewma", "dm_trailing", "dm_p_trailing"),
    *("mz_intercept", "mz_slope", "mz_p", "bias"),
]


def value_at_risk_scorecard(engine: sa.Engine, last: date, *, most: int | None = None) -> pd.DataFrame:
    """Return a row per portfolio on its last 250 stored outcomes up to ``last``.

    Exceedances of 95 and 99 %; Kupiec's p-value of each rate and Christoffersen's of independence and of both
    together; Acerbi and Szekely's Z2 at 99 % (negative: losses beyond the expected shortfall); the Basel ``zone``,
    None with fewer than 250 outcomes. Of the first ``most`` portfolios, all if None.
    """
    outcomes = read_outcomes(engine, last, BACKTESTED)
    rows = []
    for portfolio, own in islice(outcomes.sort_values("session").groupby("portfolio_id"), most):
        hit_95, hit_99 = (own[f"exceeded_{level}"].to_numpy(dtype=bool) for level in ("95", "99"))
        count = len(own)
        rows.append(
            {
                "portfolio_id": portfolio,
                "outcomes": count,
                "exceeded_95": int(hit_95.sum()),
                "exceeded_99": int(hit_99.sum()),
                "kupiec_p_95": kupiec(int(hit_95.sum()), count, 0.05).p_value,
                "kupiec_p_99": kupiec(int(hit_99.sum()), count, 0.01).p_value,
                "independence_p_99": christoffersen(hit_99).p_value if count > 1 else np.nan,
                "coverage_p_99": conditional_coverage(hit_99, 0.01).p_value if count > 1 else np.nan,
                "z2_99": acerbi_szekely(
                    own["outcome"].to_numpy(), own["var_99"].to_numpy(), own["es_99"].to_numpy(), 0.01
                ),
                "zone": traffic_light(int(hit_99.sum())) if count >= BACKTESTED else None,
            }
        )
    return pd.DataFrame(rows, columns=TAIL_COLUMNS)


TAIL_COLUMNS = [
    *("portfolio_id", "outcomes", "exceeded_95", "exceeded_99", "kupiec_p_95", "kupiec_p_99"),
    *("independence_p_99", "coverage_p_99", "z2_99", "zone"),
]
