"""How the largest positions move together: a square of correlations, and the pairs that are most alike."""

from __future__ import annotations

from typing import Any

from ...currencies import pair_currencies, risk_name
from ..formatting import number, percent
from ..page_rows import PortfolioDay, Row

MOST = 6
"""Pairs in the table, the most correlated first."""
ALIKE = 0.05
"""A correlation within this of zero says nothing that a sentence would tell."""


def build(day: PortfolioDay) -> dict[str, Any] | None:
    """Return the square and the pairs; None for fewer than two positions with a history, or two that are unrelated."""
    if not day.correlations:
        return None
    rows = [_pair(row) for row in day.correlations]
    if len(rows) == 1 and abs(rows[0]["correlation"] or 0.0) < ALIKE:
        return None
    names = {row["rank_a"]: row["one"] for row in rows} | {row["rank_b"]: row["other"] for row in rows}
    cells = {(row["rank_b"], row["rank_a"]): row for row in rows}
    ranks = sorted(names)
    known = [row for row in rows if row["correlation"] is not None]
    return {
        "names": [names[rank] for rank in ranks[:-1]],
        "square": [
            {"name": names[rank], "cells": [cells.get((rank, column)) for column in ranks[:-1]]} for rank in ranks[1:]
        ],
        "pairs": sorted(known, key=lambda row: (-abs(row["correlation"]), row["rank_a"], row["rank_b"]))[:MOST],
        "sentence": _sentence(known, len(names)),
        "netted": bool(day.snapshot["option_positions"]) or any(row["proxy"] for row in day.positions),
    }


def _pair(row: Row) -> Row:
    return {
        **row,
        "one": _name(row["symbol_a"]),
        "other": _name(row["symbol_b"]),
        "key": f"{row['rank_a']}/{row['rank_b']}",
        "shade": 0 if row["correlation"] is None else round(80 * abs(row["correlation"])),
    }


def _name(symbol: str) -> str:
    return risk_name(symbol) if pair_currencies(symbol) else symbol


def _sentence(known: list[Row], count: int) -> str:
    """Say which pair is most alike, which moves against each other, and which adds most to the variance."""
    parts = []
    if alike := [row for row in known if row["correlation"] > ALIKE]:
        most = max(alike, key=lambda row: row["correlation"])
        parts.append(f"{_both(most)} move most alike, correlation {number(most['correlation'])}.")
    if against := [row for row in known if row["correlation"] < -ALIKE]:
        least = min(against, key=lambda row: row["correlation"])
        parts.append(f"{_both(least)} move against each other, {number(least['correlation'])}.")
    shares = [row for row in known if row["variance_share"] is not None]
    if count > 2 and shares:
        most = max(shares, key=lambda row: row["variance_share"])
        least = min(shares, key=lambda row: row["variance_share"])
        if most["variance_share"] > 0:
            share = percent(most["variance_share"])
            parts.append(f"By moving together {_both(most)} add more to the variance than any other pair, {share}.")
        if least["variance_share"] < -ALIKE:
            parts.append(f"{_both(least)} hedge each other most, {percent(least['variance_share'])}.")
    return " ".join(parts)


def _both(row: Row) -> str:
    return f"{row['one']} and {row['other']}"
