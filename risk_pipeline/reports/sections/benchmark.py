"""How the portfolio differs from its benchmark: tracking error and what makes it, active weights, relative return."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ...analytics.reasons import Reason
from ...config.factors import load_factors
from ..charts import Span
from ..formatting import number, percent
from ..page_rows import PortfolioDay
from .stress import factor_label

PERIODS = {
    "relative_1m": "1 month",
    "relative_3m": "3 months",
    "relative_ytd": "Year to date",
    "relative_1y": "1 year",
    "relative_inception": "Since inception",
}
MOST_SECTORS, MOST_POSITIONS = 15, 10


def build(day: PortfolioDay) -> dict[str, Any] | None:
    """Return the comparison; None for a portfolio without a benchmark."""
    row = day.benchmark
    if row is None:
        return None
    factors = active_factors(day.active)
    sectors = [item for item in day.active if item["kind"] == "sector"]
    sectors = sorted(sectors, key=lambda item: (-abs(item["active"]), item["name"]))[:MOST_SECTORS]
    return {
        "row": row,
        "sentence": _sentence(row, day.active),
        "periods": [(label, row[name], name) for name, label in PERIODS.items() if row[name] is not None],
        "factors": _with_bars(factors, factor_label),
        "sectors": _with_bars(sectors, str),
        "positions": _positions(day.active, row["model_tracking_error"]),
    }


def active_factors(active: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the active exposures in the order of the core model."""
    rows = [item for item in active if item["kind"] == "factor" and item["active"] is not None]
    order = load_factors().core_names
    return sorted(rows, key=lambda item: order.index(item["name"]) if item["name"] in order else len(order))


def largest_positions(active: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the positions that add to the tracking error or take from it, the largest parts first."""
    rows = [item for item in active if item["kind"] == "position" and item["risk_contribution"] is not None]
    return sorted(rows, key=lambda item: (-abs(item["risk_contribution"]), item["name"]))


def _positions(active: Sequence[dict[str, Any]], total: float | None) -> dict[str, Any] | None:
    rows = largest_positions(active)
    if not rows or not total:
        return None
    shown, rest = rows[:MOST_POSITIONS], rows[MOST_POSITIONS:]
    found = _with_bars(shown, str, "risk_contribution")
    together = (len(rest), sum(item["risk_contribution"] for item in rest)) if rest else None
    return None if found is None else {**found, "rest": together}


def _sentence(row: dict[str, Any], active: Sequence[dict[str, Any]]) -> str:
    if row["reason"] is not None and row["tracking_error"] is None:
        return f"Not compared with {row['benchmark']}: {Reason(row['reason']).explain()}."
    text = f"Measured against {row['benchmark']}."
    if row["beta"] is not None:
        text += f" Beta to it is {number(row['beta'])}."
    total = row["model_tracking_error"]
    if total and row["factor_part"] is not None:
        text += f" Active factor exposures make {percent((row['factor_part'] / total) ** 2)} of the active variance."
        if largest := largest_positions(active):
            most = max(largest, key=lambda item: item["risk_contribution"])
            text += f" By position {most['name']} makes most, {percent(most['risk_contribution'] / total)}."
    return text


def _with_bars(
    rows: list[dict[str, Any]], label: Callable[[str], str], column: str = "active"
) -> dict[str, Any] | None:
    if not rows:
        return None
    span = Span.of([row[column] for row in rows])
    shown = [{**row, "label": label(row["name"]), "bar": span.bar(row[column])} for row in rows]
    return {"rows": shown, "zero": span.zero}
