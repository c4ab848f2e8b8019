"""The first screen: how much, what moved, what is too much, and what changed in the risk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..changes import risk_changes
from ..charts import Span, time_chart, without_flows
from ..explained import NEGLIGIBLE, Part
from ..formatting import money_axis
from ..narrative import headline, scenario_name, skip_sentences
from ..page_rows import PortfolioDay
from . import limits

if TYPE_CHECKING:
    import pandas as pd

FEW = 3
"""Parts of the P&L, and limits, that the first screen names."""
LEAST_FLOW = 0.5
"""Less money than this is rounding, or nothing that a reader would ask about."""


def build(day: PortfolioDay) -> dict[str, Any]:
    """Return the headline of a portfolio; every one has it."""
    snapshot = day.snapshot
    worst = day.scenarios.get(snapshot["worst_scenario"]) if snapshot["worst_scenario"] else None
    return {
        "sentences": headline(day),
        "kindly": skip_sentences(day),
        "worst": scenario_name(worst["name"]) if worst else None,
        "worst_share": _share(snapshot["worst_scenario_pnl"], snapshot["nav"]),
        "var_money": None if snapshot["var_99"] is None else -snapshot["var_99"] * snapshot["nav"],
        **_nav_chart(day.history),
        "parts": _largest_parts(day),
        "limits": _fullest_limits(day),
        "changes": [] if snapshot["is_opening"] else risk_changes(day),
    }


def _nav_chart(history: pd.DataFrame) -> dict[str, Any]:
    """Return the chart of NAV, and ``paid``, what was paid in (out: negative) after its first session, None if nothing.

    With money paid in or out a second line is what NAV would be without: that of the first session and the P&L since.
    """
    nav, gained = history["nav"].to_numpy(), np.array(without_flows(history["nav"], history["cumulative_pnl"]))
    if len({*nav}) < 2:
        return {"chart": None, "paid": None}
    has_flows = bool((np.abs(nav - gained) >= LEAST_FLOW).any())
    lines = {"NAV": nav.tolist()} | ({"without flows": gained.tolist()} if has_flows else {})
    days = [stamp.date() for stamp in history["session"]]
    chart = time_chart(days, lines, labels=money_axis, ticks_wanted=3)
    return {"chart": chart, "paid": float(nav[-1] - gained[-1]) if has_flows else None}


def _largest_parts(day: PortfolioDay) -> dict[str, Any] | None:
    """Return the largest parts of the day's P&L, by size, and all others as one."""
    if day.explained is None:
        return None
    parts = [part for part in day.explained.periods[0].parts if abs(part.pnl) >= NEGLIGIBLE]
    if not parts:
        return None
    shown = sorted(parts, key=lambda part: -abs(part.pnl))[: FEW if len(parts) != FEW + 1 else FEW + 1]
    if len(parts) > len(shown):
        rest = sum(part.pnl for part in parts) - sum(part.pnl for part in shown)
        shown.append(Part(f"{len(parts) - len(shown)} others", "", rest))
    span = Span.of([part.pnl for part in shown])
    rows = [{"label": part.label, "key": part.key, "pnl": part.pnl, "bar": span.bar(part.pnl)} for part in shown]
    return {"rows": rows, "zero": span.zero}


def _fullest_limits(day: PortfolioDay) -> dict[str, Any]:
    """Return the limits that are broken, near or nearest to be, and how many there are of each."""
    content = limits.build(day)
    if content is None:
        return {"rows": [], "count": 0, "breach": 0, "warning": 0, "full": 0.0}
    rows = [row for row in content["rows"] if row["utilisation"] is not None][:FEW]
    return {**content, "rows": rows, "count": len(content["rows"])}


def _share(part: float | None, whole: float) -> float | None:
    return part / whole if part is not None and whole > 0 else None
