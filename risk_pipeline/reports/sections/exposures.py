"""All factor exposures with their errors, as betas and in money."""

from __future__ import annotations

from typing import Any

from ...config.factors import Factor, load_factors
from ..charts import Span
from ..narrative import reason
from ..page_rows import PortfolioDay

PAIR = {"group": "Currencies", "proxy": "", "table": "currency_exposures"}
UNESTIMATED = {"std_error": None, "r_squared": None, "coverage": None, "reason": None}
"""What a currency pair's exposure lacks: it is what is held, and nothing is estimated."""
GROUPS = {"market": "Market", "macro": "Interest rates", "style": "Styles"}


def build(day: PortfolioDay) -> dict[str, Any] | None:
    """Return a row per factor of the registry and per currency pair; None where the portfolio has no exposures."""
    rows = {row["factor_name"]: row for row in day.exposures}
    exposures = [(_facts(factor), rows[factor.name]) for factor in load_factors().factors if factor.name in rows]
    exposures += [(PAIR, {**row, **UNESTIMATED, "factor_name": row["pair"]}) for row in day.currencies]
    if not exposures:
        return None
    equity = day.snapshot["nav"]
    errors = [_twice(row["std_error"]) for _, row in exposures]
    money = [None if error is None or equity <= 0 else error * equity for error in errors]
    beta_span = Span.of(*_edges([row["exposure"] for _, row in exposures], errors))
    money_span = Span.of(*_edges([row["dollar_exposure"] for _, row in exposures], money))
    bars = [
        {
            **row,
            **facts,
            "two_errors": error,
            "two_errors_money": in_money,
            "beta_bar": beta_span.bar(row["exposure"]),
            "beta_band": beta_span.band(row["exposure"], error),
            "money_bar": money_span.bar(row["dollar_exposure"]),
            "money_band": money_span.band(row["dollar_exposure"], in_money),
            "why": reason(row["reason"]),
        }
        for (facts, row), error, in_money in zip(exposures, errors, money, strict=True)
    ]
    known = [bar for bar in bars if bar["exposure"] is not None]
    return {
        "rows": bars,
        "beta_zero": beta_span.zero,
        "money_zero": money_span.zero,
        "in_money": not known,
        "has_currencies": bool(day.currencies),
        "significant": sum(_is_clear(bar) for bar in known),
        "judged": sum(bar["std_error"] is not None for bar in known),
    }


def _facts(factor: Factor) -> dict[str, Any]:
    return {
        "group": "Spreads" if factor.method == "spread_regression" else GROUPS[factor.factor_type],
        "proxy": f"{factor.proxy} less {factor.proxy_minus}" if factor.proxy_minus else factor.proxy,
        "table": "factor_exposures",
    }


def _twice(error: float | None) -> float | None:
    return None if error is None else 2.0 * error


def _is_clear(bar: dict[str, Any]) -> bool:
    return bar["two_errors"] is not None and abs(bar["exposure"]) > bar["two_errors"]


def _edges(values: list[float | None], halves: list[float | None]) -> tuple[list[float], list[float]]:
    pairs = [(value, half or 0.0) for value, half in zip(values, halves, strict=True) if value is not None]
    return [value - half for value, half in pairs], [value + half for value, half in pairs]
