"""What if and shocks of one's own on the terminal."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from ..analytics.reasons import Reason
from ..config.factors import load_factors
from ..currencies import risk_name
from ..reports.formatting import money, number, percent
from ..reports.limit_words import breach_sentence, measure_name
from ..reports.narrative import disagreement, history_count, plausibility
from ..reports.page_rows import bucket
from ..storage.queries import read_table
from .fitting import print_table

if TYPE_CHECKING:
    import pandas as pd
    import sqlalchemy as sa
    from rich.console import Console

    from ..config.scenarios import Scenario
    from ..desk.whatif import WhatIf
    from ..risk.inputs import Frames

LABELS = {
    "nav": ("NAV", money),
    "cash": ("Cash", money),
    "gross": ("Gross", money),
    "net": ("Net", money),
    "long_value": ("Long", money),
    "short_value": ("Short", money),
    "leverage": ("Leverage", number),
    "realised_21": ("Volatility, 21 sessions", percent),
    "forecast": ("Volatility forecast", percent),
    "var_95": ("VaR 95 %", percent),
    "var_95_money": ("VaR 95 %, money", money),
    "var_99": ("VaR 99 %", percent),
    "var_99_money": ("VaR 99 %, money", money),
    "es_95": ("ES 95 %", percent),
    "es_95_money": ("ES 95 %, money", money),
    "es_99": ("ES 99 %", percent),
    "es_99_money": ("ES 99 %, money", money),
    "worst_scenario_pnl": ("Worst scenario", money),
    "effective_positions": ("Effective positions", number),
    "top_3": ("Three largest, of gross", percent),
    "coverage": ("Covered by betas", percent),
}
HIDDEN = {"market_beta", "ir_beta"}
"""They stand among the factors."""


def print_whatif(console: Console, result: WhatIf) -> None:
    """Print before, after and difference of each portfolio's numbers, and the limits that would break."""
    rows = result.headlines
    scenarios, name = set(result.after["stress_test_results"]["scenario_id"]), load_factors().label
    traded = set(result.lots["portfolio_id"])
    every = sorted(rows.groupby("portfolio_id"), key=lambda one: (one[0] not in traded, one[0]))
    for portfolio, numbers in every:  # groups last
        notes = (*_sold_short(result, portfolio), *_why_none(result, portfolio), *_other_method(result, portfolio))
        for sentence in notes:
            console.print(sentence, style="yellow", highlight=False, soft_wrap=True, markup=False)
        title = f"What if, {portfolio}, {result.session}; nothing was written"
        table = Table(title=title, title_justify="left", header_style="bold")
        for head in ("", "before", "after", "difference"):
            table.add_column(head, justify="right" if head else "left")
        for row in numbers.itertuples(index=False):
            if row.number in HIDDEN or (row.before != row.before and row.after != row.after):
                continue
            label, form = LABELS.get(row.number, (name(row.number), money if row.number in scenarios else number))
            table.add_row(escape(label), *(form(value) for value in (row.before, row.after, row.difference)))
        print_table(console, table)
    _print_limits(console, result)


def _sold_short(result: WhatIf, portfolio: str) -> list[str]:
    """Say which trades of a portfolio sell more than it holds."""
    out, rows = [], result.sold_short
    for row in rows[rows["portfolio_id"] == portfolio].itertuples(index=False):
        held = f"more than the {row.held:,.6g} that it holds" if row.held else "of which it holds none"
        out.append(f"! {row.portfolio_id} would sell {row.symbol}, {held}: short {-row.after:,.6g}")
    return out


def _why_none(result: WhatIf, portfolio: str) -> list[str]:
    """Say what a portfolio lacks after the trades, and why, each reason once."""
    skips = result.skips
    out = []
    for (reason, detail), rows in skips[skips["portfolio_id"] == portfolio].groupby(["reason", "detail"], dropna=False):
        lacking = ", ".join(sorted(rows["analytic"]))
        found = f": {detail}" if isinstance(detail, str) and detail else "."
        out.append(f"{portfolio} lacks {lacking} after the trades: {Reason(reason).explain()}{found}")
    return out


def _other_method(result: WhatIf, portfolio: str) -> list[str]:
    """Say where value at risk is computed in another way after the trades than before."""
    has_options = []
    for rows in (result.before["position_values"], result.after["position_values"]):
        options = rows[(rows["investment_class"] == "OPTIONS") & (rows["quantity"] != 0)]
        has_options.append((options["portfolio_id"] == portfolio).any())
    if has_options[0] == has_options[1]:
        return []
    return [
        f"! {portfolio}: with options value at risk is of each symbol's scenarios, without any of the book's own "
        "returns. Part of its difference is the method's."
    ]


def _print_limits(console: Console, result: WhatIf) -> None:
    limits, new = result.limits, result.new_breaches
    for row in new.to_dict("records"):
        text = f"✗ would break: {breach_sentence(row)}"
        console.print(text, style="bold red", highlight=False, soft_wrap=True, markup=False)
    cured = limits[(limits["status_before"] == "breach") & (limits["status"] != "breach")]
    for row in cured.itertuples(index=False):
        text = f"✓ would keep again: {row.portfolio_id} {measure_name(row.measure)}"
        console.print(text, style="green", highlight=False, markup=False)
    if len(limits) and new.empty:
        still = int((limits["status"] == "breach").sum())
        before = f"; {still} {'is' if still == 1 else 'are'} broken before and after" if still else ""
        console.print(f"No further one of {len(limits)} limits would break{before}.", highlight=False)


UNPRICED = "a shocked pair has no prices here, as nothing is held in its currencies"


def print_stress(console: Console, engine: sa.Engine, session: date, frames: Frames, scenario: Scenario) -> None:
    """Print what the shock does to each portfolio, how the factors move, and how often that happens."""
    results = frames["stress_test_results"]
    nav = read_table(engine, "portfolio_snapshots", first=session, last=session).set_index("portfolio_id")["nav"]
    title = f"Shock of {session}, within a session; nothing was written"
    table = Table(title=title, title_justify="left", header_style="bold")
    for name in ("Portfolio", "NAV before", "NAV after", "P&L", "of equity", "direct", "in a crisis", "± 2 s.d."):
        table.add_column(name, justify="left" if name == "Portfolio" else "right")
    without: dict[str, list[str]] = {}
    notes = []
    for row in (row for rows in bucket(results, "portfolio_id").values() for row in rows):
        before, pnl, band = float(nav[row["portfolio_id"]]), row["correlated_pnl"], row["band_std"]
        table.add_row(
            escape(row["portfolio_id"]),
            money(before),
            money(None if pnl is None else before + pnl),
            money(pnl),
            percent(row["return_on_equity"]),
            money(row["direct_pnl"]),
            money(row["correlated_stressed_pnl"]),
            money(None if band is None else 2 * band),
        )
        if pnl is None and row["reason"] is not None:
            reason = Reason(row["reason"])
            told = UNPRICED if scenario.currencies and reason is Reason.MISSING_DATA else reason.explain()
            without.setdefault(told, []).append(row["portfolio_id"])
        why = disagreement(row, before)
        notes += [f"{row['portfolio_id']}: {why}."] if why else []
    print_table(console, table)
    _print_moves(console, frames["scenario_factor_moves"], scenario)
    odds = frames["scenario_plausibility"].iloc[0]
    if odds["reason"] is None:
        often = plausibility(odds["one_in_days"], odds["history_windows"], 1)
        count = history_count(odds["history_count"], odds["history_windows"], 1)
        console.print(f"A move at least as far: {often}; in history {count}.", highlight=False, soft_wrap=True)
    skips = frames["analytics_skips"]
    for row in skips[skips["entity_type"] == "portfolio"].itertuples(index=False):
        without.setdefault(Reason(row.reason).explain(), []).append(row.entity)
    notes += [f"No P&L of {', '.join(ids)}: {told}." for told, ids in without.items()]
    for note in notes:
        console.print(note, highlight=False, soft_wrap=True, markup=False)


def _print_moves(console: Console, moves: pd.DataFrame, scenario: Scenario) -> None:
    """Print the moves of shocked currency pairs and of the core factors."""
    label = load_factors().label
    parts = [f"{risk_name(pair)} {percent(size)} (shocked)" for pair, size in scenario.currencies.items()]
    parts += [
        f"{label(row.factor_name)} {percent(row.move)}{' (shocked)' if row.is_shocked else ''}"
        for row in moves.itertuples(index=False)
    ]
    if parts:
        console.print(f"Factors: {', '.join(parts)}", highlight=False, soft_wrap=True, markup=False)
