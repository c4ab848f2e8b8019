"""Realised and forecast volatility, the forecasts' record, and the days beyond value at risk."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..charts import time_chart
from ..numbers import axis_percent, percent
from ..page_rows import PortfolioDay
from ..words import reason, trend

MODELS = {"har_ewma": "mean of HAR and EWMA", "ewma": "EWMA only, the history is short", "har": "HAR"}


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
        "sentence": _sentence(row),
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


def _record(day: PortfolioDay) -> dict[str, Any] | None:
    """Compare the forecasts of the last year with what came; None without any that met its outcome."""
    scores = day.scores
    if scores.empty:
        return None
    own = scores[scores["model"] == "forecast"]
    if len(own) < 2:
        return None
    days = [stamp.date() for stamp in own["session"]]
    loss = {str(model): float(rows["qlike"].mean()) for model, rows in scores.groupby("model")}
    last = own.iloc[-1]
    return {
        "count": len(own),
        "ratio": float(np.sqrt((own["outcome"] ** 2).mean() / (own["forecast"] ** 2).mean())),
        "last_forecast": float(last["forecast"]),
        "last_outcome": float(last["outcome"]),
        "forecast_session": last["forecast_session"].date(),
        "loss": loss,
        "chart": time_chart(
            days,
            {"forecast": own["forecast"].tolist(), "outcome": own["outcome"].tolist()},
            label=axis_percent,
            from_zero=True,
        ),
    }


def _tail(day: PortfolioDay) -> dict[str, Any] | None:
    """Set each day's return against the value at risk of the session before."""
    history = day.history
    if len(history) < 2 or history["var_99"].notna().sum() < 2:
        return None
    limit = -history["var_99"].shift().to_numpy(dtype=float)[1:]
    gained = history["daily_return"].to_numpy(dtype=float)[1:]
    days = [stamp.date() for stamp in history["session"].iloc[1:]]
    with np.errstate(invalid="ignore"):
        beyond = np.flatnonzero(gained < limit)
    judged = int((~np.isnan(limit) & ~np.isnan(gained)).sum())
    return {
        "judged": judged,
        "beyond": [{"day": days[at], "return": float(gained[at]), "limit": float(limit[at])} for at in beyond],
        "expected": 0.01 * judged,
        "chart": time_chart(
            days,
            {"limit": limit.tolist()},
            stems=gained.tolist(),
            dots=beyond.tolist(),
            label=axis_percent,
        ),
    }
