"""How forecasts and value at risk have done, from their outcomes."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from ..analytics.arrays import Float2D
from ..analytics.backtests import (
    acerbi_szekely,
    christoffersen,
    conditional_coverage,
    dynamic_quantile,
    kupiec,
    traffic_light,
)
from ..analytics.evaluation import diebold_mariano, mincer_zarnowitz
from ..analytics.kernels.constants import HORIZON
from .long_rows import Cells

SCORED = 252
"""Forecasts in a volatility scorecard, at most; the Basel zone is of the last 250 days."""
BACKTESTED = 250
LEAST = 3 * HORIZON
"""Fewer forecasts than this overlap too much for a test; fewer sessions of value at risk say nothing either."""
MODELS = {"forecast": "", "ewma": "_ewma", "realised_21": "_trailing"}
"""Suffix of the columns of each model."""
LEVELS = {"95": 0.05, "99": 0.01}


def volatility_record(scores: pd.DataFrame) -> pd.DataFrame:
    """Return a row per entity of ``volatility_scores``, on the sessions that all three models have.

    Of the forecast, of EWMA (``_ewma``) and of the trailing 21 sessions (``_trailing``): the mean ``qlike`` (less is
    better), ``bias``, the root mean square of realised over forecast volatility (1 is unbiased), and the
    Mincer-Zarnowitz regression of variances (``mz_intercept`` of daily variances, ``mz_slope``, and the p-value
    ``mz_p`` that they are 0 and 1). ``dm`` and ``dm_p`` are Diebold and Mariano's statistic against a rival
    (negative: the forecast is better) and its p-value. Tests are NaN with fewer than 63 forecasts.
    """
    sessions, entities = (np.unique(scores[name]) for name in ("session", "entity"))
    cells = Cells.of(scores, model=MODELS, session=sessions, entity=entities)
    scores_of: dict[str, dict[str, Float2D]] = {
        name: dict(zip(MODELS, cells.spread(scores[name]), strict=True)) for name in ("qlike", "forecast", "outcome")
    }
    known = np.logical_and.reduce([~np.isnan(loss) for loss in scores_of["qlike"].values()])
    count = known.sum(axis=0)
    columns = {"entity": np.asarray(entities), "forecasts": count}
    for model, suffix in MODELS.items():
        loss, forecast, outcome = (np.where(known, scores_of[name][model], np.nan) for name in scores_of)
        columns[f"qlike{suffix}"] = _mean(loss)
        columns[f"bias{suffix}"] = np.sqrt(_mean((outcome / forecast) ** 2))
        fit = mincer_zarnowitz(outcome**2 / 252, forecast**2 / 252, lags=HORIZON)
        tests = {"mz_intercept": fit.intercept, "mz_slope": fit.slope, "mz_p": fit.p_value}
        if suffix:
            ours = np.where(known, scores_of["qlike"]["forecast"], np.nan)
            tests["dm"], tests["dm_p"] = diebold_mariano(ours, loss, horizon=HORIZON)
        columns |= {f"{name}{suffix}": np.where(count >= LEAST, values, np.nan) for name, values in tests.items()}
    return pd.DataFrame(columns)[count > 0].reset_index(drop=True)


def against_rivals(record: pd.DataFrame) -> pd.DataFrame:
    """Return a row per rival on how forecasts did against it, from a ``volatility_record``.

    ``won`` is the share of entities with a lower mean loss than the rival's, ``better`` and ``worse`` the shares
    in which the difference is significant at 5 %.
    """
    rows = []
    for model, suffix in MODELS.items():
        if not suffix or record.empty:
            continue
        significant = record[f"dm_p{suffix}"] < 0.05
        rows.append(
            {
                "rival": model,
                "symbols": len(record),
                "qlike": record["qlike"].mean(),
                "qlike_rival": record[f"qlike{suffix}"].mean(),
                "won": (record["qlike"] < record[f"qlike{suffix}"]).mean(),
                "better": (significant & (record[f"dm{suffix}"] < 0)).mean(),
                "worse": (significant & (record[f"dm{suffix}"] > 0)).mean(),
                "median_bias": record["bias"].median(),
                "median_bias_rival": record[f"bias{suffix}"].median(),
            }
        )
    return pd.DataFrame(rows)


def value_at_risk_record(outcomes: pd.DataFrame) -> pd.DataFrame:
    """Return a row per portfolio of ``value_at_risk_outcomes``.

    For 95 and 99 %: ``exceeded``, Kupiec's p-value of the rate, Christoffersen's of independence and of both
    together, Engle and Manganelli's ``quantile_p`` (that nothing known the day before predicts an exceedance; NaN with
    fewer than 100 outcomes), and Acerbi and Szekely's Z2 of the expected shortfall (negative: losses beyond it). The
    Basel ``zone`` is of 99 %, None with fewer than 250 outcomes; the tests are NaN with fewer than 63, which say
    nothing.
    """
    sessions, owners = (np.unique(outcomes[name]) for name in ("session", "portfolio_id"))
    cells = Cells.of(outcomes, session=sessions, portfolio_id=owners)

    def grid(name: str) -> Float2D:
        return cells.spread(outcomes[name])

    gained = grid("outcome")
    count = (~np.isnan(gained)).sum(axis=0)
    columns = {"portfolio_id": np.asarray(owners), "outcomes": count}
    for level, share in LEVELS.items():
        hit = grid(f"exceeded_{level}")
        exceedances = np.nansum(hit, axis=0).astype(np.int64)
        tests = {
            "kupiec_p": kupiec(exceedances, count, share).p_value,
            "independence_p": christoffersen(hit).p_value,
            "coverage_p": conditional_coverage(hit, share).p_value,
            "quantile_p": dynamic_quantile(gained, grid(f"var_{level}"), share).p_value,
            "z2": acerbi_szekely(gained, grid(f"var_{level}"), grid(f"es_{level}"), share),
        }
        columns[f"exceeded_{level}"] = exceedances
        columns |= {f"{name}_{level}": np.where(count >= LEAST, values, np.nan) for name, values in tests.items()}
    zone = traffic_light(columns["exceeded_99"]).astype(object)
    zone[count < BACKTESTED] = None
    columns["zone"] = pd.Series(zone, dtype=object)  # or pandas would make None a NaN, which is true
    return pd.DataFrame(columns)


def newest(rows: pd.DataFrame, last: date, sessions: int) -> pd.DataFrame:
    """Return the rows of the last sessions up to ``last``."""
    until = rows[rows["session"] <= pd.Timestamp(last)]
    return until[until["session"].isin(np.unique(until["session"])[-sessions:])]


def _mean(values: Float2D) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.nansum(values, axis=0) / (~np.isnan(values)).sum(axis=0))
