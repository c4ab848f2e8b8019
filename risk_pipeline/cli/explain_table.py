"""What made a portfolio's P&L on the terminal: day, month and year in one table."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from rich.table import Table

from ..reports.explained import NEGLIGIBLE, pnl_explained
from ..reports.formatting import percent, signed_money
from ..storage.queries import portfolios
from .fitting import print_table

if TYPE_CHECKING:
    import sqlalchemy as sa
    from rich.console import Console


def print_explained(console: Console, engine: sa.Engine, portfolio: str, session: date) -> None:
    """Print the parts of the P&L of the day, the month and the year, and what of the period is not in them."""
    found = pnl_explained(engine, [session], portfolios(engine), portfolio).get((session, portfolio))
    if found is None:
        return
    table = Table(title="What made the P&L", title_justify="left", header_style="bold")
    table.add_column("")
    by_label = [{part.label: part.pnl for part in each.parts} for each in found.periods]
    for each in found.periods:
        table.add_column(each.period, justify="right", no_wrap=True)
    longest = max(by_label, key=len)
    labels = [*longest, *(label for parts in by_label for label in parts if label not in longest)]
    for label in dict.fromkeys(labels):
        money = [parts.get(label, 0.0) for parts in by_label]
        if max(map(abs, money)) >= NEGLIGIBLE:
            table.add_row(label, *(signed_money(value) for value in money))
    table.add_section()
    table.add_row("P&L", *(signed_money(each.total) for each in found.periods), style="bold")
    print_table(console, table)
    for each in found.periods:
        if each.sessions < each.expected:
            console.print(
                f"{each.period}: {each.sessions} of {each.expected} sessions since {each.first} have been run; "
                "the others' P&L is not in it.",
                highlight=False,
            )
    if found.share is not None:
        console.print(
            f"Explained share of the P&L over {found.sessions} sessions: {percent(found.share)}.", highlight=False
        )
