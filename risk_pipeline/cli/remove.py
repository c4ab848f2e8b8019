"""``risk-pipeline remove``: deleting a portfolio."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from .terminal import console, existing_database


def remove(
    portfolio: Annotated[str, typer.Argument(help="Its id.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove a portfolio with everything that was imported and computed of it. Shows what is deleted, and asks."""
    from ..storage.portfolio_ids import require_portfolio
    from ..storage.queries import portfolios
    from ..storage.removal import portfolio_rows, remove_portfolio

    with existing_database(writes=True) as engine:
        require_portfolio(portfolio, portfolios(engine)["portfolio_id"])
        rows = portfolio_rows(engine, portfolio)
        for name, count in rows.items():
            console.print(f"  {name} {count:,}", highlight=False)
        console.print(f"{sum(rows.values()):,} rows of {escape(portfolio)} go. Prices, marks and written pages stay.")
        if not yes and not typer.confirm("Delete them?"):
            console.print("Nothing was deleted.")
            raise typer.Exit(1)
        from ..defs.automation.catch_up import now

        remove_portfolio(engine, portfolio, made_at=now().replace(tzinfo=None))
    console.print(f"Removed {escape(portfolio)}; `risk-pipeline import` brings it back from its files.")
