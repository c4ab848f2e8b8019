"""The risk table of a session on the terminal: all portfolios, their sum, and those that could not be valued."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from ..analytics.reasons import Reason
from ..config.factors import load_factors
from ..reports.formatting import money, number, percent
from ..reports.limit_words import breach_sentence
from ..reports.quarantine import without_betas
from ..reports.refusals import Refusal, refusals_of
from ..reports.totals import Fund, fund
from ..reports.unpriced import unpriced_on
from ..settings import Settings
from ..storage.limit_queries import BREACH, limit_rows
from ..storage.queries import group_ids, latest_session, portfolios, read_table
from ..storage.report_queries import pair_closes
from .fitting import print_table

if TYPE_CHECKING:
    import pandas as pd
    import sqlalchemy as sa
    from rich.console import Console

LEAST = ("IR β", "Vol 21d", "its P&L", "Worst scenario", "Market β")
"""Columns that a narrow terminal leaves out first."""
UNPRICED = 5
"""Symbols without a price that are named; `doctor` names more."""
BREACHES = 10
"""Broken limits that are printed, at most."""
REFUSALS = 20
"""Portfolios that could not be valued that are printed, at most."""


def print_risk_table(console: Console, engine: sa.Engine, session: date | None) -> date | None:
    """Print one row per portfolio, their sum and those not valued; return the session shown, None if there is none."""
    from ..desk.inputs import seen_by

    session = session or latest_session(engine)
    if session is None:
        return None
    snapshots = read_table(engine, "portfolio_snapshots", first=session, last=session)
    skips = read_table(engine, "analytics_skips", first=session, last=session)
    book = portfolios(engine).set_index("portfolio_id")
    refusals = refusals_of(skips, book["name"].to_dict())
    if snapshots.empty and not refusals:
        return None
    snapshots["currency"] = snapshots["portfolio_id"].map(book["currency"])
    closes = pair_closes(engine, session, session).set_index("symbol")["close"].dropna().to_dict()
    own = snapshots[~snapshots["portfolio_id"].isin(group_ids(engine))]  # a group is its members again
    rows = own[["currency", "nav", "daily_pnl"]].itertuples(index=False, name=None)
    together = fund(rows, Settings().reporting_currency, closes, session)
    if snapshots.empty:
        console.print(f"Portfolio risk, {session}: no portfolio could be valued", style="bold", highlight=False)
    else:
        table = _table(session, snapshots)
        _add_sum(table, together)
        print_table(console, table, LEAST)
    for note in _notes(snapshots, skips):
        console.print(f"[dim]– {note}[/]", highlight=False)
    for missing in unpriced_on(engine, session)[:UNPRICED]:
        console.print(f"[yellow]![/] {escape(str(missing))}", highlight=False, soft_wrap=True)
    without = without_betas(seen_by(engine, session), load_factors(), [session])
    for one in without[:REFUSALS]:
        console.print(str(one), highlight=False, soft_wrap=True, markup=False)
    if len(without) > REFUSALS:
        console.print(f"and {len(without) - REFUSALS} more without betas (see factor_exposures)", highlight=False)
    _print_broken_limits(console, engine, session)
    for sentence in _sum_sentences(together):
        console.print(sentence, highlight=False, soft_wrap=True)
    for refusal in refusals[:REFUSALS]:
        console.print(_refused(refusal), highlight=False, soft_wrap=True, markup=False)
    if len(refusals) > REFUSALS:
        console.print(
            f"and {len(refusals) - REFUSALS} more that could not be valued, each with a page", highlight=False
        )
    if refusals:
        console.print("`risk-pipeline show --portfolio NAME` says what to do.", highlight=False)
    return session


def _table(session: date, snapshots: pd.DataFrame) -> Table:
    """Return a row per portfolio; the title names the currency of all, else each NAV has its own."""
    currencies = set(snapshots["currency"])
    one = next(iter(currencies)) if len(currencies) == 1 else None
    title = f"Portfolio risk, {session}" + (f", in {one}" if one else "")
    table = Table(title=title, title_justify="left", header_style="bold")
    table.add_column("Portfolio", no_wrap=True)
    for name in ("NAV", "Day P&L", "Market β", "IR β", "Vol 21d", "Forecast", "VaR 99 %"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("Worst scenario", no_wrap=True)
    table.add_column("its P&L", justify="right", no_wrap=True)
    for row in snapshots.itertuples(index=False):
        table.add_row(
            row.portfolio_id,
            money(row.nav) if one else f"{money(row.nav)} {row.currency}",
            money(row.daily_pnl),
            number(row.market_beta),
            number(row.ir_beta),
            percent(row.realised_21),
            percent(row.forecast),
            percent(row.var_99),
            row.worst_scenario or "–",
            money(row.worst_scenario_pnl),
        )
    return table


def _notes(snapshots: pd.DataFrame, skips: pd.DataFrame) -> list[str]:
    """Return what a reader must know of some portfolios' numbers."""
    reasons = (
        skips[(skips["entity_type"] == "portfolio") & (skips["analytic"] == "factor_exposures")]
        .set_index("entity")["reason"]
        .to_dict()
    )
    notes = []
    for row in snapshots.itertuples(index=False):
        if row.portfolio_id in reasons:
            notes.append(f"{row.portfolio_id}: {Reason(reasons[row.portfolio_id]).explain()}.")
        elif row.nav <= 0:
            notes.append(f"{row.portfolio_id}: {Reason.NON_POSITIVE_EQUITY.explain()}.")
        if not row.is_complete:
            notes.append(f"{row.portfolio_id}: incomplete, missing {row.missing}.")
    return notes


def _print_broken_limits(console: Console, engine: sa.Engine, session: date) -> None:
    """Print a line for each broken limit, the fullest first, and how many more there are."""
    rows = limit_rows(engine, session, session)
    broken = rows[rows["status"] == BREACH].sort_values("utilisation", ascending=False, na_position="first")
    lines = [f"✗ {breach_sentence(row)}" for row in broken.head(BREACHES).to_dict("records")]
    if len(broken) > BREACHES:
        lines.append(f"and {len(broken) - BREACHES} more limits broken; `show --portfolio NAME` has them")
    for line in lines:
        console.print(line, style="red", highlight=False, soft_wrap=True, markup=False)


def _add_sum(table: Table, together: Fund) -> None:
    """Add the line of all portfolios, where they can be added up."""
    total = together.total
    if total is not None and total.count > 1:
        table.add_section()
        table.add_row("all", f"{money(total.nav)} {total.currency}", money(total.daily_pnl), *[""] * 7, style="bold")


def _sum_sentences(together: Fund) -> list[str]:
    """Return at what rates portfolios were added up, or why they were not."""
    if together.why:
        return [together.why]
    if not together.rates or together.total is None:
        return []
    rates = ", ".join(f"{symbol} {close:.4f}" for symbol, close in together.rates.items())
    return [f"Added up in {together.total.currency} at {rates}; each portfolio's own numbers are in its own currency."]


def _refused(refusal: Refusal) -> str:
    return f"{refusal.id} is not valued: {refusal.why}" + (f": {'; '.join(refusal.found)}" if refusal.found else ".")


def print_refusal(console: Console, engine: sa.Engine, portfolio: str, session: date) -> date | None:
    """Print why a portfolio could not be valued and what to do; return the session, None if it was not refused."""
    skips = read_table(engine, "analytics_skips", first=session, last=session)
    names = portfolios(engine).set_index("portfolio_id")["name"].to_dict()
    for refusal in refusals_of(skips[skips["entity"] == portfolio], names):
        console.print(f"{portfolio}, {session}: not valued", style="bold", highlight=False, markup=False)
        lines = [f"{refusal.why[0].upper()}{refusal.why[1:]}.", *(f"– {line}" for line in refusal.found), "What to do:"]
        steps = [*refusal.remedies, f"Then run it again: {refusal.command}"]
        lines += [f"{at}. {step}" for at, step in enumerate(steps, 1)]
        for line in lines:
            console.print(line, highlight=False, soft_wrap=True, markup=False)
        return session
    return None
