"""Limits in words: what is limited, in which form its numbers are read, and what a breach is."""

from __future__ import annotations

from collections.abc import Iterable
from math import isnan
from typing import Any

from ..analytics.reasons import Reason
from ..config.factors import load_factors
from .formatting import FORMS, NOTHING

NAMES = {
    "leverage": "Leverage, gross / NAV",
    "single_name": "Largest single name, of NAV",
    "largest_sector": "Largest sector, of NAV",
    "mark_age": "Age of the oldest mark, days",
    "var_95": "VaR 95 %, one day",
    "var_99": "VaR 99 %, one day",
    "es_95": "ES 95 %, one day",
    "es_99": "ES 99 %, one day",
    "drawdown": "Drawdown",
    "drawdown_sessions": "Sessions below the last peak",
    "tracking_error": "Tracking error, last 252 sessions",
    "model_tracking_error": "Tracking error by the factor model",
    "forecast": "Volatility forecast",
    "gross": "Gross exposure",
    "net": "Net exposure",
    "nav": "NAV",
    "worst_scenario_pnl": "Worst scenario",
}
PERCENT = (
    *("var_", "es_", "drawdown", "worst_drawdown", "return_", "daily_return", "realised_", "forecast", "ewma", "top_"),
    *("single_name", "largest_sector", "sector", "name:", "coverage", "percentile", "factor_model_volatility"),
    *("tracking_error", "model_tracking_error", "relative_", "active_sector:", "active_name:", "sold_"),
)
"""What the names of measures begin with that are shares."""
MONEY = ("nav", "cash", "long_value", "short_value", "gross", "net", "private_value", "flow")
WHOLE = ("mark_age", "positions", "drawdown_sessions")
OPERATORS = {"<=": "at most", ">=": "at least", "abs<=": "within ±"}


def measure_name(measure: str) -> str:
    """Return a measure as readers call it."""
    plain = measure.removesuffix("/nav")
    prefix, colon, item = plain.partition(":")
    item = load_factors().label(item)
    words = {"sector": f"{item}, gross of NAV", "sector_net": f"{item}, net of NAV", "name": f"{item}, of NAV"}
    words |= {
        "active": f"{item}, active",
        "active_sector": f"{item}, active weight",
        "active_name": f"{item}, active weight",
    }
    if measure in NAMES:
        return NAMES[measure]
    name = words.get(prefix, plain) if colon else NAMES.get(plain, load_factors().label(plain).replace("_", " "))
    name = name[:1].upper() + name[1:]
    return f"{name}, of NAV" if measure.endswith("/nav") else name


def measure_form(measure: str, limit: float) -> str:
    """Return the form of a measure's numbers, a key of :data:`~.formatting.FORMS`.

    A measure that no rule knows (a factor, a scenario, a column added since) is money where its limit is that large.
    """
    if measure in WHOLE or measure.endswith("positions"):
        return "whole"
    if measure.endswith("/nav") or measure.startswith(PERCENT):
        return "percent"
    return "money" if measure in MONEY or measure.endswith("pnl") or abs(limit) >= 100.0 else "number"


def limit_text(row: dict[str, Any], form: str) -> str:
    """Return what must hold, such as ``at most 3.0 %``."""
    return f"{OPERATORS[row['operator']]} {FORMS[form](row['limit_value'])}"


def breach_sentence(row: dict[str, Any]) -> str:
    """Return portfolio, measure, value, limit, since when and cause in one line."""
    form = measure_form(row["measure"], row["limit_value"])
    value = row["value"]
    text = FORMS[form](value) if value is not None else NOTHING
    since = row.get("since")
    began = f" since {since:%Y-%m-%d}" if since is not None and since == since else ""  # noqa: PLR0124 (NaT)
    cause = f" ({row['cause']})" if isinstance(row.get("cause"), str) else ""
    limit = limit_text(row, form)
    if text == FORMS[form](row["limit_value"]):  # rounded they are the same, and a breach looks kept
        limit += f", {FORMS['percent'](row['utilisation'])} of it"
    return f"{row['portfolio_id']}: {measure_name(row['measure'])} {text}, {limit}{began}{cause}"


def status_text(row: dict[str, Any]) -> str:
    """Return the status of a limit: a breach since when, a value without a number why."""
    if row["status"] == "unknown":
        return f"Not measured: {Reason(row['reason']).explain()}"
    since = row.get("since")
    began = f" since {since:%Y-%m-%d}" if row["status"] == "breach" and since is not None and since == since else ""  # noqa: PLR0124
    return f"{str(row['status']).capitalize()}{began}"


def breaches_first(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return limits as a reader needs them: breaches, warnings, the rest, those without a number; the fullest first."""
    order = ("breach", "warning", "within", "unknown")
    return sorted(rows, key=lambda row: (order.index(row["status"]), -_known(row["utilisation"], 0.0), row["measure"]))


def _known(value: float | None, otherwise: float) -> float:
    return otherwise if value is None or isnan(value) else value
