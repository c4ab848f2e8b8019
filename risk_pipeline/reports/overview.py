"""What the overview of a session compares: every portfolio in a row, and the fund in one line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..config.factors import load_factors
from .charts import Span, sparkline
from .narrative import scenario_name, skip_sentences
from .page_rows import PortfolioDay, SessionDay
from .totals import fund

HISTORY = 63
PROFILES = 40


def overview(day: SessionDay, file_name: Callable[[str], str], reporting: str | None = None) -> dict[str, Any]:
    """Return rows, the largest first, their sum, and what deserves attention.

    Where several currencies are not added up in the ``reporting`` one, the largest of each come by currency.
    """
    rows = [_row(portfolio, day, file_name) for portfolio in day.portfolios]
    together = fund(
        ((row["currency"], row["nav"], row["daily_pnl"]) for row in rows), reporting, day.pairs, day.session
    )
    if together.total:
        rows.sort(key=lambda row: -row["nav"] * together.rate[row["currency"]])
    else:
        rows.sort(key=lambda row: (row["currency"], -row["nav"]))
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
        "gained": sum(row["daily_pnl"] > 0.5 for row in rows),
        "lost": sum(row["daily_pnl"] < -0.5 for row in rows),
        "riskiest": _most(rows, "var_99"),
        "hardest": _least(rows, "worst_share"),
        "with_limits": any(row["limits"] for row in rows),
        "broken": sum(row["breaches"] for row in rows),
        "checks": day.provenance.checks,
        "failed": [check for check in day.provenance.checks if not check.passed],
    }


def _profile(rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the largest portfolios' exposures side by side, all bars on one scale; spreads repeat the styles."""
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
        "href": f"{day.session}/{file_name(portfolio.id)}",
        "betas": {row["factor_name"]: row["exposure"] for row in portfolio.exposures},
        "line": sparkline(history["nav"].tolist()),
        "nav_change": None if len(history) < 2 else now["nav"] - float(history["nav"].iloc[0]),
        "worst_name": scenario_name(worst["name"]) if worst else None,
        "worst_share": now["worst_scenario_pnl"] / now["nav"] if worst and now["nav"] > 0 else None,
        "limits": len(portfolio.limits),
        "breaches": sum(limit["status"] == "breach" for limit in portfolio.limits),
        "warnings": sum(limit["status"] == "warning" for limit in portfolio.limits),
        "notes": [*skip_sentences(portfolio), *_incomplete(now), *_stale(now)],
    }


def _incomplete(now: dict[str, Any]) -> list[str]:
    return [] if now["is_complete"] else [f"Incomplete: {now['missing']} is missing without a reason."]


def _stale(now: dict[str, Any]) -> list[str]:
    count = now["stale_positions"]
    return [f"{count} position{'s' if count > 1 else ''} valued at an earlier price."] if count else []


def _most(rows: list[dict[str, Any]], name: str) -> dict[str, Any] | None:
    known = [row for row in rows if row[name] is not None]
    return max(known, key=lambda row: row[name], default=None)


def _least(rows: list[dict[str, Any]], name: str) -> dict[str, Any] | None:
    known = [row for row in rows if row[name] is not None]
    return min(known, key=lambda row: row[name], default=None)
