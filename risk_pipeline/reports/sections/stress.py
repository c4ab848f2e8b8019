"""Every scenario, the worst first: P&L with its band, direct and in a crisis, plausibility, factors, paths."""

from __future__ import annotations

from typing import Any

from ...config.factors import load_factors
from ..charts import Span, sparkline
from ..formatting import NOTHING
from ..narrative import disagreement, history_count, once_in, plausibility, reason, scenario_name
from ..page_rows import PortfolioDay, Row


def build(day: PortfolioDay) -> dict[str, Any] | None:
    """Return a row per scenario; None where the portfolio has no stress tests."""
    if not day.stress:
        return None
    ordered = sorted(day.stress, key=lambda row: (row["correlated_pnl"] is None, row["correlated_pnl"]))
    halves = [None if row["band_std"] is None else 2.0 * row["band_std"] for row in ordered]
    known = [(row, half or 0.0) for row, half in zip(ordered, halves, strict=True) if row["correlated_pnl"] is not None]
    span = Span.of(
        [row["correlated_pnl"] - half for row, half in known],
        [row["correlated_pnl"] + half for row, half in known],
        [row["direct_pnl"] for row in ordered],
    )
    rows = [_scenario(day, row, half, span) for row, half in zip(ordered, halves, strict=True)]
    return {
        "rows": rows,
        "zero": span.zero,
        "labels": "|".join(f"{name}={factor_label(name)}" for name in load_factors().model_names),
        "losses": sum(1 for row, _ in known if row["correlated_pnl"] < 0),
        "beyond": sum(bool(row["exceeds_equity"]) for row in ordered) if day.snapshot["nav"] > 0 else 0,
    }


def _scenario(day: PortfolioDay, row: Row, half: float | None, span: Span) -> dict[str, Any]:
    scenario = day.scenarios.get(row["scenario_id"], {})
    odds = day.plausibility.get(row["scenario_id"], {})
    direct = row["direct_pnl"]
    horizon = _horizon(scenario, odds)
    path = day.replays.get(row["scenario_id"]) if odds.get("method") == "realised" else None
    return {
        **row,
        "name": scenario_name(str(scenario.get("name", row["scenario_id"]))),
        "category": scenario.get("category", ""),
        "severity": scenario.get("severity", ""),
        "horizon": horizon,
        "two_sd": half,
        "bar": span.bar(row["correlated_pnl"]),
        "band": span.band(row["correlated_pnl"], half),
        "direct_at": None if direct is None else span.at(direct),
        "odds": _often(scenario, odds),
        "once_in": _often(scenario, odds, short=True),
        "history": history_count(odds.get("history_count"), odds.get("history_windows"), horizon),
        "disagreement": disagreement(row, day.snapshot["nav"]),
        "mahalanobis": odds.get("mahalanobis"),
        "method": _method(scenario, odds),
        "parts": _parts(day.impacts.get(row["scenario_id"], [])),
        "path": None if not path else sparkline([0.0, *path]),
        "why": reason(row["reason"]),
    }


def _horizon(scenario: Row, odds: Row) -> int:
    """Return over how many sessions a scenario happens: a replay's own, else the stated ones."""
    path = odds.get("path")
    return len(path["sessions"]) if path else int(scenario.get("horizon") or 1)


def _often(scenario: Row, odds: Row, *, short: bool = False) -> str:
    if odds.get("reason") is not None:
        return NOTHING
    say = once_in if short else plausibility
    return say(odds.get("one_in_days"), odds.get("history_windows"), _horizon(scenario, odds))


def _method(scenario: Row, odds: Row) -> str:
    """Return where the moves of a historical scenario come from; nothing to say of another."""
    if odds.get("method") not in ("realised", "stated"):
        return ""
    if not scenario.get("replay_first"):
        return "The shocks are stated"
    days = f"{scenario['replay_first']} to {scenario['replay_last']}"
    if odds["method"] == "realised":
        return f"Realised returns of {days} are replayed"
    return f"The shocks are stated: the prices known on this session don't cover {days}"


def _parts(impacts: list[Row]) -> str:
    """Return the contributions of a scenario's factors for the page's script: ``factor=value``, ``*`` if shocked.

    A factor is its place among the labels, or its name where it has none.
    """
    places = {name: str(place) for place, name in enumerate(load_factors().model_names)}
    known = [(places.get(row["factor_name"], row["factor_name"]), row) for row in impacts if row["impact"] is not None]
    return "|".join(f"{place}{'*' if row['is_shocked'] else ''}={row['impact']:.9g}" for place, row in known)


def factor_label(name: str) -> str:
    """Return what the page calls a factor of the core model."""
    return load_factors().label(name)
