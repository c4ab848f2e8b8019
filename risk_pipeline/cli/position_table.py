"""What each position adds to a portfolio's risk, on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from ..reports.formatting import money, number, percent
from ..reports.page_positions import positions_by_name
from ..storage.queries import read_table
from .fitting import print_table

if TYPE_CHECKING:
    import sqlalchemy as sa
    from rich.console import Console

MOST = 15
"""Positions with a row of their own, the largest parts of the expected shortfall."""
PARTS = ["value", "contribution", "var_part", "es_part"]


def print_position_risk(console: Console, engine: sa.Engine, span: dict[str, Any], snapshot: Any) -> None:
    """Print value, parts of volatility, VaR and ES by name, those that move the tail most first; all add up."""
    lots = read_table(engine, "position_values", **span)
    if lots.empty:
        return
    rows = positions_by_name(lots)
    rows = rows[rows["is_held"].astype(bool)]
    if rows["es_part"].isna().all():
        return
    order = rows["es_part"].abs().sort_values(ascending=False, na_position="last", kind="stable").index
    rows = rows.loc[order]
    table = Table(title="What each position adds to the risk", title_justify="left", header_style="bold")
    for name in ("Position", "Value", "Volatility", "VaR 99 %", "ES 99 %", "of the ES"):
        table.add_column(name, justify="left" if name == "Position" else "right", no_wrap=name != "Position")
    shown, rest = rows.head(MOST), rows.iloc[MOST:]

    def add(label: str, parts: Any, **style: Any) -> None:
        share = parts["es_part"] / snapshot.es_99 if snapshot.es_99 else None
        tails = (money(parts[name] * snapshot.nav) for name in ("var_part", "es_part"))
        table.add_row(
            escape(label), money(parts["value"]), percent(parts["contribution"]), *tails, percent(share), **style
        )

    for row in shown.to_dict("records"):
        add(row["symbol"], row)
    if len(rest):
        add(f"{len(rest)} others", rest[PARTS].sum())
    table.add_section()
    add("All", rows[PARTS].sum(), style="bold")
    print_table(console, table)
    assumed = rows[rows["proxy"].notna()]
    for name, proxy, beta in zip(assumed["symbol"], assumed["proxy"], assumed["proxy_beta"], strict=True):
        console.print(f"– {escape(name)}: its risk is assumed to be {number(beta)} × {escape(proxy)}.", highlight=False)
