"""What made the P&L: waterfalls of day, month and year, and the positions that moved by themselves."""

from __future__ import annotations

from typing import Any

from ..charts import Span
from ..explained import NEGLIGIBLE, Explained, PnlExplained
from ..formatting import percent, signed_money
from ..page_rows import PortfolioDay

MOVERS = 4
SMALL = 0.015
"""Of the sum of all parts' sizes: a part below this has no row of its own."""


def build(day: PortfolioDay) -> dict[str, Any] | None:
    """Return the waterfalls of a portfolio; None where nothing made a P&L."""
    explained = day.explained
    if explained is None or not any(abs(part.pnl) >= NEGLIGIBLE for each in explained.periods for part in each.parts):
        return None
    periods = _distinct(explained.periods)
    contributions = [{"name": each.period, "rows": each.contributions} for each in periods if each.contributions]
    return {
        "sentence": _sentence(explained, day.currency),
        "periods": [_waterfall(each) for each in periods],
        "share": explained.share,
        "contributions": contributions,
        "positions": _positions_summary(contributions),
        "movers": _movers(day),
    }


def _sentence(explained: PnlExplained, currency: str) -> str:
    """Say what made most of the day's P&L."""
    of_day = explained.periods[0]
    most = sorted(of_day.parts, key=lambda part: -abs(part.pnl))[:2]
    named = " and ".join(f"{part.label} {signed_money(part.pnl)}" for part in most if abs(part.pnl) >= NEGLIGIBLE)
    if not named:
        return f"Nothing moved on the day: its P&L is {signed_money(of_day.total)} {currency}."
    text = f"Of the day’s {signed_money(of_day.total)} {currency} the largest parts are {named}."
    if explained.share is not None:
        text += f" Over {explained.sessions} sessions {percent(explained.share)} of the P&L’s variance had a name."
    return text


def _distinct(periods: list[Explained]) -> list[Explained]:
    """Return the periods without those that have the sessions of a shorter one: in January, or after few runs."""
    return list({each.sessions: each for each in reversed(periods)}.values())[::-1]


def _positions_summary(contributions: list[dict[str, Any]]) -> str:
    """Name the best and the worst position of the longest period, for a fold."""
    if not contributions:
        return "Positions that moved by themselves"
    period, rows = contributions[-1]["name"], contributions[-1]["rows"]
    ends = [row for row in (rows[0], rows[-1]) if row.pnl]
    best = [f"best {row.name} {signed_money(row.pnl)}" for row in ends[:1] if row.pnl > 0]
    worst = [f"worst {row.name} {signed_money(row.pnl)}" for row in ends[-1:] if row.pnl < 0]
    named = ", ".join([*best, *worst])
    return f"Best and worst positions{f': {period.lower()}, {named}' if named else ''}"


def _waterfall(each: Explained) -> dict[str, Any]:
    """Return the rows of a period, each bar from where the one before ended; small parts are one row, the last."""
    least = max(SMALL * sum(abs(part.pnl) for part in each.parts), NEGLIGIBLE)
    shown = [part for part in each.parts if abs(part.pnl) >= least]
    rest = sum(part.pnl for part in each.parts) - sum(part.pnl for part in shown)
    ends = [0.0]
    for part in shown:
        ends.append(ends[-1] + part.pnl)
    span = Span.of(ends, [each.total])
    rows = [
        {
            "label": part.label,
            "key": part.key,
            "pnl": part.pnl,
            "bar": {**span.between(start, end), "down": part.pnl < 0},
        }
        for part, start, end in zip(shown, ends, ends[1:], strict=False)
    ]
    return {
        "name": each.period,
        "rows": rows,
        "rest": rest if abs(rest) >= NEGLIGIBLE else None,
        "total": each.total,
        "total_bar": span.bar(each.total),
        "zero": span.zero,
        "options": each.options_delta if abs(each.options_delta) >= NEGLIGIBLE else None,
        "currency": each.currency if abs(each.currency) >= NEGLIGIBLE else None,
        "missing": each.expected - each.sessions,
        "sessions": each.sessions,
        "first": each.first,
    }


def _movers(day: PortfolioDay) -> dict[str, Any] | None:
    """Return the positions whose specific P&L of the day is largest, by size."""
    rows = [row for row in day.positions if row["specific"] is not None and abs(row["specific"]) >= NEGLIGIBLE]
    rows = sorted(rows, key=lambda row: -abs(row["specific"]))[:MOVERS]
    if len(rows) < 2:
        return None
    span = Span.of([row["specific"] for row in rows])
    return {"rows": [{**row, "bar": span.bar(row["specific"])} for row in rows], "zero": span.zero}
