"""What the overview of a session compares: every portfolio in a row, and the fund in one line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..config.factors import load_factors
from .changes import risk_changes
from .charts import Span, sparkline, without_flows
from .formatting import percent
from .narrative import scenario_name, skip_sentences
from .page_rows import PortfolioDay, SessionDay
from .totals import fund

HISTORY = 63
PROFILES = 40
NAMED = 3
"""Portfolios with a broken limit that the head names."""


def overview(day: SessionDay, file_name: Callable[[str], str], reporting: str | None = None) -> dict[str, Any]:
    """Return rows, those with most limits broken first, then by value at risk; their sum; what deserves attention."""
    rows = [_row(portfolio, day, file_name) for portfolio in day.portfolios]
    together = fund(
        ((row["currency"], row["nav"], row["daily_pnl"]) for row in rows if not row["is_group"]),
        reporting,
        day.pairs,
        day.session,
    )
    rows.sort(key=lambda row: (-row["breaches"], row["var_99"] is None, -(row["var_99"] or 0.0), row["id"]))
    span = Span.of([row["worst_share"] for row in rows])
    for row in rows:
        row["worst_bar"] = span.bar(row["worst_share"])
    return {
        "rows": rows,
        "fund": together,
        "refusals": [(refusal, f"{day.session}/{file_name(refusal.id)}") for refusal in day.refusals],
        "market_name": load_factors().market.name,
        "rates_name": load_factors().rates.name,
        "worst_zero": span.zero,
        "profile": _profile(rows),
        "sentence": " ".join(_sentences(rows)),
        "with_limits": any(row["limits"] for row in rows),
        "checks": day.provenance.checks,
        "failed": [check for check in day.provenance.checks if not check.passed],
    }


def _sentences(rows: list[dict[str, Any]]) -> list[str]:
    """Say what moved, what is too much, and what changed."""
    if not rows:
        return ["No portfolio could be valued on this session."]
    members = [row for row in rows if not row["is_group"]]
    gained, lost = (sum(sign * row["daily_pnl"] > 0.5 for row in members) for sign in (1.0, -1.0))
    counts = ((gained, "gained"), (lost, "lost"), (len(members) - gained - lost, "did not move"))
    out = [", ".join(f"{count} {word}" for count, word in counts if count) + "."]
    out += [text for text in (_broken(rows), _highest(rows), _most_changed(rows), _hardest(rows)) if text]
    return out


def _broken(rows: list[dict[str, Any]]) -> str:
    """Say how many limits are broken and by whom, or that all are kept."""
    owners = sorted((row for row in rows if row["breaches"]), key=lambda row: -row["breaches"])
    broken = sum(row["breaches"] for row in owners)
    if not broken:
        return "No limit is broken." if any(row["limits"] for row in rows) else ""
    named = [f"{row['name']} ({row['breaches']})" for row in owners[:NAMED]]
    if len(owners) > NAMED:
        named.append(f"{len(owners) - NAMED} more")
    who = named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"
    return f"{broken} limit{' is' if broken == 1 else 's are'} broken: {who}."


def _highest(rows: list[dict[str, Any]]) -> str:
    row = max((row for row in rows if row["var_99"] is not None), key=lambda row: row["var_99"], default=None)
    return f"Value at risk is highest in {row['name']}, {percent(row['var_99'])} of NAV at 99\u00a0%." if row else ""


def _most_changed(rows: list[dict[str, Any]]) -> str:
    """Name the portfolio whose forecast changed most, of those where it did."""
    known = [(row, change) for row in rows for change in row["changes"] if change.column == "forecast"]
    notable = [(row, change) for row, change in known if change.is_notable]
    if not notable:
        return "No volatility forecast changed much." if known else ""
    row, most = max(notable, key=lambda item: abs(item[1].now - item[1].before))
    way = "rose" if most.now > most.before else "fell"
    return f"The volatility forecast {way} most in {row['name']}, {percent(most.before)} to {percent(most.now)}."


def _hardest(rows: list[dict[str, Any]]) -> str:
    known = [row for row in rows if row["worst_share"] is not None]
    row = min(known, key=lambda row: row["worst_share"], default=None)
    stress = "" if row is None else f"{row['worst_name']} on {row['name']}: {percent(row['worst_share'])} of NAV"
    return f"The hardest stress is {stress}." if stress else ""


def _profile(rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the first portfolios' exposures side by side, all bars on one scale; spreads repeat the styles."""
    factors = load_factors()
    names = [
        factor.name
        for factor in factors.factors
        if factor.method != "spread_regression" and factor.name != factors.provider.name
    ]
    known = [row for row in rows if any(row["betas"].get(name) is not None for name in names)]
    if not known:
        return None
    shown = known[:PROFILES]
    span = Span.of([row["betas"].get(name) for row in shown for name in names])
    return {
        "factors": names,
        "zero": span.zero,
        "more": len(known) - len(shown),
        "rows": [{**row, "cells": [(name, row["betas"].get(name)) for name in names]} for row in shown],
        "bar": span.bar,
    }


def _row(portfolio: PortfolioDay, day: SessionDay, file_name: Callable[[str], str]) -> dict[str, Any]:
    now = portfolio.snapshot
    history = portfolio.history.tail(HISTORY)
    worst = portfolio.scenarios.get(now["worst_scenario"]) if now["worst_scenario"] else None
    return {
        **now,
        "id": portfolio.id,
        "name": portfolio.portfolio["name"],
        "currency": portfolio.currency,
        "is_group": bool(portfolio.portfolio["is_group"]),
        "href": f"{day.session}/{file_name(portfolio.id)}",
        "betas": {row["factor_name"]: row["exposure"] for row in portfolio.exposures},
        "line": sparkline(without_flows(history["nav"], history["cumulative_pnl"])),
        "nav_change": None if len(history) < 2 else now["nav"] - float(history["nav"].iloc[0]),
        "worst_name": scenario_name(worst["name"]) if worst else None,
        "worst_share": now["worst_scenario_pnl"] / now["nav"] if worst and now["nav"] > 0 else None,
        "limits": len(portfolio.limits),
        "measured": sum(limit["status"] != "unknown" for limit in portfolio.limits),
        "breaches": sum(limit["status"] == "breach" for limit in portfolio.limits),
        "warnings": sum(limit["status"] == "warning" for limit in portfolio.limits),
        "changes": [] if now["is_opening"] else risk_changes(portfolio),
        "notes": [*skip_sentences(portfolio), *_incomplete(now), *_stale(now)],
    }


def _incomplete(now: dict[str, Any]) -> list[str]:
    return [] if now["is_complete"] else [f"Incomplete: {now['missing']} is missing without a reason."]


def _stale(now: dict[str, Any]) -> list[str]:
    count = now["stale_positions"]
    return [f"{count} position{'s' if count > 1 else ''} valued at an earlier price."] if count else []
