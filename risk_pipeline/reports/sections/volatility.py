"""Realised and forecast volatility, the forecasts' record, and the days beyond value at risk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...risk.scorecards import LEVELS
from ..charts import time_chart
from ..formatting import percent, percent_axis
from ..narrative import SESSIONS_A_YEAR, reason, trend
from ..page_rows import PortfolioDay

NORMAL_99 = 2.326
"""Standard deviations that a normal return falls by on one day of a hundred."""
FAR = 1.25
"""A value at risk within this factor of the normal's needs no word."""
MODELS = {"har_ewma": "⅔ HAR, ⅓ EWMA", "ewma": "EWMA only, the history is short", "har": "HAR"}


def build(day: PortfolioDay) -> dict[str, Any] | None:
    """Return the volatility of a portfolio; None where it was skipped."""
    if day.volatility is None:
        return None
    row = day.volatility
    return {
        **row,
        "why": reason(row["reason"]),
        "trend_word": trend(row["trend"]),
        "model_words": MODELS.get(row["model"] or "", row["model"]),
        "sentence": _sentence(row) + ("" if day.snapshot["option_positions"] else value_at_risk_sentence(row)),
        "record": _record(day),
        "tail": _tail(day),
    }


def _sentence(row: dict[str, Any]) -> str:
    if row["forecast"] is None or not row["realised_21"]:
        return "There is no forecast."
    ratio = row["forecast"] / row["realised_21"]
    against = "about what" if 0.9 <= ratio <= 1.1 else ("more than" if ratio > 1 else "less than")
    return (
        f"Volatility is {trend(row['trend'])}. The forecast for the next 21 sessions, "
        f"{percent(row['forecast'])} a year, is {against} the last 21 were, {percent(row['realised_21'])}."
    )


def value_at_risk_sentence(row: Mapping[str, Any]) -> str:
    """Return why a day's value at risk is far from what the forecast would make of it, if it is.

    Not of a book with options, which is revalued.
    """
    if not row["var_99"] or not row["forecast"]:
        return ""
    implied = NORMAL_99 * row["forecast"] / np.sqrt(SESSIONS_A_YEAR)
    ratio = row["var_99"] / implied
    if 1.0 / FAR < ratio < FAR:
        return ""
    where = "above" if ratio > 1 else "below"
    return (
        f" VaR 99\u00a0%, {percent(row['var_99'])} of NAV, is {where} the {percent(implied)} "
        "of normal returns at that volatility: it is of tomorrow alone, at the volatility of the last days."
    )


def _record(day: PortfolioDay) -> dict[str, Any] | None:
    """Compare the forecasts of the last year with their outcomes; None without any outcome."""
    scores = day.scores
    if scores.empty:
        return None
    forecasts = scores[scores["model"] == "forecast"]
    if len(forecasts) < 2:
        return None
    days = [stamp.date() for stamp in forecasts["session"]]
    last = forecasts.iloc[-1]
    return {
        "count": len(forecasts),
        "models": _models(day.forecast_record),
        "last_forecast": float(last["forecast"]),
        "last_outcome": float(last["outcome"]),
        "forecast_session": last["forecast_session"].date(),
        "chart": time_chart(
            days,
            {"forecast": forecasts["forecast"].tolist(), "outcome": forecasts["outcome"].tolist()},
            labels=percent_axis,
            from_zero=True,
        ),
    }


def _models(record: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Return a row per model of the record of forecasts."""
    if record is None:
        return []
    names = ("qlike", "bias", "mz_slope", "dm_p")
    return [
        {"name": name, **{key: record.get(f"{key}{suffix}") for key in names}}
        for name, suffix in (("forecast", ""), ("EWMA", "_ewma"), ("trailing 21", "_trailing"))
    ]


def _tail(day: PortfolioDay) -> dict[str, Any] | None:
    """Compare what the holdings of the session before gained with their value at risk."""
    outcomes, record = day.outcomes, day.tail_record
    if len(outcomes) < 2 or record is None:
        return None
    limit, gained = -outcomes["var_99"].to_numpy(dtype=float), outcomes["outcome"].to_numpy(dtype=float)
    days = [stamp.date() for stamp in outcomes["session"]]
    beyond = np.flatnonzero(outcomes["exceeded_99"].to_numpy(dtype=bool))
    return {
        "judged": len(outcomes),
        "beyond": [{"day": days[row], "return": float(gained[row]), "limit": float(limit[row])} for row in beyond],
        "expected": 0.01 * len(outcomes),
        "zone": record["zone"],
        "levels": [
            {
                "name": f"{level}\u00a0%",
                "expected": share * record["outcomes"],
                **{
                    name: record[f"{name}_{level}"]
                    for name in ("exceeded", "kupiec_p", "independence_p", "coverage_p", "quantile_p", "z2")
                },
            }
            for level, share in LEVELS.items()
        ],
        "sessions": record["outcomes"],
        "chart": time_chart(
            days,
            {"limit": limit.tolist()},
            stems=gained.tolist(),
            dots=beyond.tolist(),
            labels=percent_axis,
        ),
    }
