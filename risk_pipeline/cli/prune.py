"""Pruning old sessions from the command line: what would be deleted, a confirmation, what was deleted."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import typer

from ..storage.retention import prunable_rows, prune

if TYPE_CHECKING:
    import sqlalchemy as sa
    from rich.console import Console


def prune_sessions(console: Console, engine: sa.Engine, before: date, *, ask: bool) -> None:
    """Show the rows that pruning deletes, and delete them; with ``ask`` only after a confirmation."""
    rows = {name: count for name, count in prunable_rows(engine, before).items() if count}
    if not rows:
        console.print(f"Nothing to prune: there is no bulk before {before}.")
        return
    for name, count in rows.items():
        console.print(f"  {name} {count:,}", highlight=False)
    console.print(
        f"{sum(rows.values()):,} rows of sessions before {before} go. Snapshots, what made the P&L, portfolio "
        "volatility, the records of forecasts and value at risk, prices and imports stay; "
        "`risk-pipeline rebuild` makes the rest again.",
        soft_wrap=True,
    )
    if ask and not typer.confirm("Delete them?"):
        console.print("Nothing was deleted.")
        return
    console.print(f"Deleted {sum(prune(engine, before).values()):,} rows; the database reuses their space.")
