"""A portfolio's options on the terminal: greeks by underlying, and P&L over spot and volatility."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table

from ..reports.formatting import MINUS, money, signed_money
from ..storage.queries import read_table
from .fitting import print_table

if TYPE_CHECKING:
    import sqlalchemy as sa
    from rich.console import Console

GREEKS = {
    "delta_value": "Delta",
    "gamma": "Gamma, 1 %",
    "vega": "Vega, point",
    "theta": "Theta, day",
    "rho": "Rho, point",
}


def print_options(console: Console, engine: sa.Engine, span: dict[str, Any]) -> None:
    """Print the greeks and the grid of a portfolio on a session; nothing without options."""
    lots = read_table(engine, "position_values", **span)
    options = lots[(lots["investment_class"] == "OPTIONS") & (lots["quantity"] != 0)]
    if options.empty:
        return
    table = Table(title="Options", title_justify="left", header_style="bold")
    table.add_column("Underlying")
    for label in GREEKS.values():
        table.add_column(label, justify="right")
    sums = options.groupby("underlying")[list(GREEKS)].sum()
    for row in sums.itertuples():
        table.add_row(str(row.Index), *(money(getattr(row, name)) for name in GREEKS))
    if len(sums) > 1:
        table.add_section()
        table.add_row("all", *(money(value) for value in sums.sum()))
    print_table(console, table)
    for grid in read_table(engine, "option_grids", **span)["grid"]:
        moves = Table(title="P&L if underlyings and volatility move", title_justify="left", header_style="bold")
        moves.add_column("Volatility")
        for spot in grid["spot"]:
            moves.add_column(_move(spot, " %"), justify="right", no_wrap=True)
        for change, pnl in zip(grid["volatility"], grid["pnl"], strict=True):
            moves.add_row(_move(change, " points") if change else "as it is", *(signed_money(value) for value in pnl))
        print_table(console, moves)


def _move(value: float, unit: str) -> str:
    return f"{100 * value:+.0f}{unit}".replace("-", MINUS) if value else f"0{unit}"
