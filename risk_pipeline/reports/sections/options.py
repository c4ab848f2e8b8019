"""What the options do: greeks by underlying, the contracts with their volatility, P&L over spot and volatility."""

from __future__ import annotations

from datetime import date
from typing import Any

from ...analytics.lots import CONTRACT
from ..formatting import MINUS, money, percent
from ..page_rows import PortfolioDay, Row

GREEKS = ("delta_value", "gamma", "vega", "theta", "rho")
SOURCES = {
    "mark": "implied by its mark",
    "quote": "quoted",
    "surface": "from quotes of its underlying",
    "position": "given at entry",
    "forecast": "forecast from its underlying’s returns",
}
MOST = 40


def build(day: PortfolioDay) -> dict[str, Any] | None:
    """Return the options of a portfolio, None without any."""
    if not day.options:
        return None
    underlyings: dict[str, dict[str, Any]] = {}
    for row in day.options:
        sums = underlyings.setdefault(row["underlying"], {"name": row["underlying"], **dict.fromkeys(GREEKS, 0.0)})
        for name in GREEKS:
            sums[name] += row[name] or 0.0
    contracts = sorted(day.options, key=lambda row: (-abs(row["value"]), row["contract"], row["position_id"]))
    grid, structures = _grid(day), _structures(day)
    return {
        "sentences": _sentences(day, grid),
        "underlyings": sorted(underlyings.values(), key=lambda row: (-abs(row["delta_value"]), row["name"])),
        "contracts": [
            {**row, "origin": _origin(row, day.session), "structure": structures.get(row["position_id"], "")}
            for row in contracts[:MOST]
        ],
        "more": max(len(contracts) - MOST, 0),
        "refused": [row for row in contracts if row["refused_mark"] is not None],
        "grid": grid,
    }


def _origin(row: Row, session: date) -> str:
    """Return where the volatility is from, and how old it is where it has a day."""
    text = SOURCES.get(row["volatility_source"] or "", "unknown")
    if row["volatility_date"] is not None:
        days = (session - row["volatility_date"]).days
        text += " today" if days == 0 else f" {days} day{'' if days == 1 else 's'} ago"
    return text


def _structures(day: PortfolioDay) -> dict[str, str]:
    """Return by position what it is together with shares of its underlying or with its twin, where it is something."""
    shares = {row["symbol"]: row["quantity"] for row in day.positions if row["kind"] == "PUBLIC"}
    sold: dict[tuple[str, str], float] = {}
    for row in day.options:
        sold[row["underlying"], row["contract"]] = sold.get((row["underlying"], row["contract"]), 0.0) + row["quantity"]
    out = {}
    for row in day.options:
        other = (
            row["contract"].replace(" call ", " put ") if _is_call(row) else row["contract"].replace(" put ", " call ")
        )
        twin = sold.get((row["underlying"], other), 0.0)
        beside, needed = shares.get(row["underlying"], 0.0), abs(row["quantity"]) * _multiplier(row)
        if row["quantity"] * twin > 0:
            out[row["position_id"]] = "short straddle" if row["quantity"] < 0 else "long straddle"
        elif row["quantity"] < 0 and _is_call(row):
            out[row["position_id"]] = "covered call" if beside >= needed - 1e-9 else "uncovered call"
        elif row["quantity"] > 0 and not _is_call(row) and beside > 0:
            out[row["position_id"]] = "protective put"
    return out


def _is_call(row: Row) -> bool:
    return " call " in row["contract"].removeprefix(row["underlying"])


def _multiplier(row: Row) -> float:
    """Return the shares a contract stands for."""
    per_share = row["quantity"] * row["price"] * row["exchange_rate"]
    return row["value"] / per_share if per_share else CONTRACT


def _grid(day: PortfolioDay) -> dict[str, Any] | None:
    """Return the grid with the shade of each cell, 0 to 1 of the largest gain or loss, and the worst of all."""
    grid = day.option_grid
    if grid is None:
        return None
    cells = [value for row in grid["pnl"] for value in row]
    largest = max(1e-9, *(abs(value) for value in cells))
    worst = min(cells)
    rows = [
        {
            "change": change,
            "cells": [
                {
                    "pnl": pnl,
                    "shade": round(60 * (abs(pnl) / largest) ** 0.5),
                    "is_now": change == 0.0 and spot == 0.0,
                    "is_worst": pnl == worst and worst < 0,
                }
                for spot, pnl in zip(grid["spot"], values, strict=True)
            ],
        }
        for change, values in zip(grid["volatility"], grid["pnl"], strict=True)
    ]
    at = [(spot, row["change"]) for row in rows for spot, cell in zip(grid["spot"], row["cells"], strict=True)
          if cell["pnl"] == worst]  # fmt: skip
    return {"spot": grid["spot"], "rows": rows, "worst": worst, "worst_at": at[0]}


def _sentences(day: PortfolioDay, grid: dict[str, Any] | None) -> list[str]:
    """Say in words what a fall, a rise of volatility and a day do to the options."""
    snapshot, out = day.snapshot, []
    theta, vega, gamma = (snapshot[name] for name in ("theta", "vega", "gamma"))
    if None not in (theta, vega, gamma):
        out.append(
            f"Each calendar day {'earns' if theta > 0 else 'costs'} {money(abs(theta))} {day.currency}; a rise of "
            f"volatility by one point {'earns' if vega > 0 else 'costs'} {money(abs(vega))}."
        )
        out.append(
            "Gamma is positive: large moves either way help, calm costs."
            if gamma > 0
            else "Gamma is negative: large moves either way hurt, calm pays."
        )
    if grid is not None and grid["worst"] < 0:
        spot, change = grid["worst_at"]
        share = f", {percent(-grid['worst'] / snapshot['nav'])} of NAV" if snapshot["nav"] > 0 else ""
        volatility = "as it is" if change == 0 else f"{100 * change:+.0f} points".replace("-", MINUS)
        where = f"underlyings {100 * spot:+.0f} %".replace("-", MINUS) + f", volatility {volatility}"
        out.append(f"The worst cell of the grid below loses {money(-grid['worst'])}{share}: {where}.")
    return out
