"""What the portfolio holds and what each part adds to its risk: factors, positions, sectors, concentration."""

from __future__ import annotations

from typing import Any

from ...config.factors import load_factors
from ..charts import Span
from ..formatting import money, percent
from ..page_rows import PortfolioDay
from .stress import factor_label

MOST = 40
MOST_FACTORS = 8
"""Parts of volatility by factor that have a row of their own, the largest by size."""
KINDS = {"PUBLIC": "", "OPTIONS": "option", "PRIVATE": "private"}


def build(day: PortfolioDay) -> dict[str, Any]:
    """Return the composition of a portfolio; one without positions has its cash."""
    positions = _positions(day)
    return {
        "sentence": _sentence(day, positions),
        "by_factor": _by_factor(day),
        "positions": positions,
        "sectors": _sectors(day),
    }


def _sentence(day: PortfolioDay, positions: dict[str, Any] | None) -> str:
    if positions is None:
        return "There are no positions: all of the NAV is cash."
    snapshot, first = day.snapshot, positions["rows"][0]
    sentences = []
    if snapshot["nav"] > 0:
        gross, net = (percent(snapshot[name] / snapshot["nav"]) for name in ("gross", "net"))
        sentences.append(f"Gross is {gross} of NAV, net {net}.")
    sentences.append(f"The largest position is {first['symbol']}, {money(first['value'])} {day.currency}.")
    risky = [row for row in positions["rows"] if row["risk_share"] is not None]
    if risky:
        most = max(risky, key=lambda row: row["risk_share"])
        sentences.append(f"{most['symbol']} adds most to volatility, {percent(most['risk_share'])} of it.")
    tail = [row for row in positions["rows"] if row["es_share"] is not None]
    if tail:
        most = max(tail, key=lambda row: row["es_share"])
        sentences.append(f"{most['symbol']} adds most to the losses of the worst days, {percent(most['es_share'])}.")
    return " ".join(sentences)


def _by_factor(day: PortfolioDay) -> dict[str, Any] | None:
    """Return the Euler parts of the factor model's volatility, currencies among them.

    The largest have a row each, the others one together; what neither explains is one part.
    """
    model = load_factors().model_names
    parts = [row for row in day.exposures if row["factor_name"] in model and row["risk_contribution"] is not None]
    total = None if day.volatility is None else day.volatility["factor_model_volatility"]
    if not parts or not total:
        return None
    named = [
        (factor_label(row["factor_name"]), f"factor_exposures.risk_contribution:{row['factor_name']}", row)
        for row in parts
    ]
    named += [
        (row["pair"], f"currency_exposures.risk_contribution:{row['pair']}", row)
        for row in day.currencies
        if row["risk_contribution"] is not None
    ]
    named.sort(key=lambda item: -abs(item[2]["risk_contribution"]))
    shown, others = named[:MOST_FACTORS], named[MOST_FACTORS:]
    rows: list[dict[str, Any]] = [
        {"name": name, "key": key, "part": row["risk_contribution"]}
        for name, key, row in sorted(shown, key=lambda item: -item[2]["risk_contribution"])
    ]
    if others:
        rest = sum(row["risk_contribution"] for _, _, row in others)
        rows.append({"name": f"{len(others)} others", "key": "", "part": rest})
    rows.append({"name": "Specific to the holdings", "key": "", "part": total - sum(row["part"] for row in rows)})
    for row in rows:
        row["share"] = row["part"] / total
    span = Span.of([row["share"] for row in rows])
    for row in rows:
        row["bar"] = span.bar(row["share"])
    return {"rows": rows, "zero": span.zero, "total": total}


def _positions(day: PortfolioDay) -> dict[str, Any] | None:
    """Return the positions, the largest first; those beyond the first forty as one row."""
    if not day.positions:
        return None
    equity = day.snapshot["nav"]
    ordered = sorted(day.positions, key=lambda row: (-abs(row["value"]), row["symbol"]))
    known = [row["contribution"] for row in ordered if row["contribution"] is not None]
    total = sum(known) if known else None
    shortfall = day.snapshot["es_99"] if any(row["es_part"] is not None for row in ordered) else None
    rows = [
        {
            **row,
            "kind_word": KINDS.get(row["kind"], ""),
            "weight": row["value"] / equity if equity > 0 else None,
            "risk_share": row["contribution"] / total if total and row["contribution"] is not None else None,
            "es_share": row["es_part"] / shortfall if shortfall and row["es_part"] is not None else None,
        }
        for row in ordered
    ]
    value_span = Span.of([row["value"] for row in rows])
    risk_span = Span.of([row["risk_share"] for row in rows])
    for row in rows:
        row["bar"] = value_span.bar(row["value"])
        row["risk_bar"] = risk_span.bar(row["risk_share"])
    rest = rows[MOST:]
    return {
        "rows": rows[:MOST],
        "rest": {
            "count": len(rest),
            "value": sum(row["value"] for row in rest),
            "gain": sum(row["gain"] or 0.0 for row in rest),
            "risk_share": sum(row["risk_share"] or 0.0 for row in rest) if total else None,
            "es_share": sum(row["es_share"] or 0.0 for row in rest) if shortfall else None,
        }
        if rest
        else None,
        "value_zero": value_span.zero,
        "risk_zero": risk_span.zero,
        "total": total,
        "shortfall": shortfall,
        "sold": sum(day.gains.values()) - sum(row["gain"] or 0.0 for row in rows),
        "is_assumed": any(row["proxy"] for row in rows),
        "stale": [row["symbol"] for row in rows if row["is_stale"]],
    }


def _sectors(day: PortfolioDay) -> dict[str, Any] | None:
    """Return the sectors, the largest gross first."""
    if not day.sectors:
        return None
    rows = sorted(day.sectors, key=lambda row: (-row["gross"], row["sector"]))
    span = Span.of([row["net"] for row in rows], [row["gross"] for row in rows])
    return {
        "rows": [{**row, "net_bar": span.bar(row["net"]), "gross_bar": span.bar(row["gross"])} for row in rows],
        "zero": span.zero,
    }
