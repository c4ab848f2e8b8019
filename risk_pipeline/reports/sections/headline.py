"""NAV, the day's P&L, forecast volatility, value at risk, the worst scenario, and what changed."""

from __future__ import annotations

from typing import Any

from ..charts import time_chart
from ..formatting import money_axis
from ..narrative import headline, scenario_name, skip_sentences
from ..page_rows import PortfolioDay


def build(day: PortfolioDay) -> dict[str, Any]:
    """Return the headline of a portfolio; every one has it."""
    snapshot = day.snapshot
    history = day.history
    chart = None
    if history["nav"].nunique() > 1:
        days = [stamp.date() for stamp in history["session"]]
        chart = time_chart(days, {"NAV": history["nav"].tolist()}, labels=money_axis, ticks_wanted=3)
    worst = day.scenarios.get(snapshot["worst_scenario"]) if snapshot["worst_scenario"] else None
    return {
        "sentences": headline(day),
        "kindly": skip_sentences(day),
        "worst": scenario_name(worst["name"]) if worst else None,
        "worst_share": _share(snapshot["worst_scenario_pnl"], snapshot["nav"]),
        "var_money": None if snapshot["var_99"] is None else -snapshot["var_99"] * snapshot["nav"],
        "chart": chart,
    }


def _share(part: float | None, whole: float) -> float | None:
    return part / whole if part is not None and whole > 0 else None
