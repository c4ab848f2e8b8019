"""Data quality: coverage, what was skipped, stale and restated prices, check results, and what made the page."""

from __future__ import annotations

from typing import Any

from ..narrative import reason, skip_sentences
from ..page_rows import PortfolioDay


def build(day: PortfolioDay) -> dict[str, Any]:
    """Return what a reader must know before trusting the page."""
    symbols = sorted({row["priced"] for row in day.positions if row["priced"]})
    gaps = [day.coverage[symbol] for symbol in symbols if symbol in day.coverage and _is_patchy(day.coverage[symbol])]
    held = set(symbols)
    private = [row for row in day.positions if row["kind"] == "PRIVATE"]
    marked = [row for row in private if row["marked"]]
    restated = [row for row in day.restatements if row["symbol"] in held and row["session"].date() <= day.session]
    partly = sorted(
        {(row["factor_name"], reason(row["reason"])) for row in day.exposures if row["reason"]},
        key=lambda pair: pair[0],
    )
    return {
        "kindly": skip_sentences(day),
        "stale": sorted({row["symbol"] for row in day.positions if row["is_stale"]}),
        "marks": bool(private),
        "oldest": min(marked, key=lambda row: row["marked"], default=None),
        "unmarked": sorted(row["symbol"] for row in private if not row["marked"]),
        "never": [symbol for symbol in symbols if _has_none(day.coverage.get(symbol))],
        "gaps": gaps[:20],
        "more_gaps": max(len(gaps) - 20, 0),
        "restated": restated[-20:],
        "more_restated": max(len(restated) - 20, 0),
        "partly": partly if day.snapshot["nav"] > 0 else [],
        "checks": sorted(day.provenance.checks, key=lambda check: (check.passed, check.asset, check.name)),
        "failed": sum(not check.passed for check in day.provenance.checks),
        "symbols": len(symbols),
        "panel": day.panel,
        "code_version": day.provenance.code_version,
    }


def _has_none(row: dict[str, Any] | None) -> bool:
    """Return whether a symbol has no price on the session nor in the year before."""
    return row is not None and not row["is_present"] and not row["missing_sessions"]


def _is_patchy(row: dict[str, Any]) -> bool:
    return bool(row["missing_sessions"] or row["is_stale"])
