"""``risk-pipeline symbols``: which symbols the prices must hold, what for, and which of them the source has."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from .fitting import print_table
from .terminal import console, existing_database, listed

if TYPE_CHECKING:
    import pandas as pd
    import sqlalchemy as sa

    from ..config.factors import FactorRegistry

RECENT = 10
"""Sessions up to the newest one in which the source is asked for a price."""


def symbols(
    plain: Annotated[bool, typer.Option(help="Print the symbols alone, one a line.")] = False,
    ask_source: Annotated[bool, typer.Option(help="Ask the source of prices which of them it has.")] = True,
) -> None:
    """List the symbols that the prices must hold: proxies, what is held, currency pairs, the risk-free rate."""
    from ..config.factors import load_factors
    from ..defs.automation.catch_up import now
    from ..settings import Settings
    from .newest import newest_session

    newest = newest_session(Settings(), now()).session
    factors = load_factors()
    with existing_database() as engine:
        needs = _needs(engine, newest)
        uses = _uses(engine, factors, newest)
    if plain:
        for symbol in needs:
            print(symbol)  # noqa: T201 (for another program)
        return
    found = _reach(needs, newest) if ask_source else {}
    table = Table(title=f"Symbols that a run of {newest} reads", title_justify="left", header_style="bold")
    for name in ("Symbol", "What for", "From", *(["Last price"] if ask_source else [])):
        table.add_column(name)
    for symbol, first in needs.items():
        last = found.get(symbol)
        shown = [] if not ask_source else [str(last) if last else "[red]none[/]"]
        table.add_row(symbol, uses.get(symbol, "currency pair"), str(first), *shown)
    print_table(console, table)
    console.print(
        f"A session needs {' and '.join(factors.required_proxies)}; without another proxy its factor is left out, "
        "without a price of something held its portfolio counts it at the last one."
    )


def _needs(engine: sa.Engine, newest: date) -> dict[str, date]:
    """Return each symbol that a run of the newest session reads, and the first session of it, proxies first."""
    from types import SimpleNamespace
    from typing import cast

    from ..config.factors import load_factors
    from ..defs.assets.inputs import history_needed
    from ..defs.resources import Database, Registries

    registries = Registries()
    needs = history_needed(cast("Database", SimpleNamespace(engine=engine)), registries, [newest])
    proxies = set(load_factors().proxies)
    rows = sorted(needs.itertuples(index=False), key=lambda row: (row.symbol not in proxies, row.symbol))
    return {row.symbol: row.first for row in rows}


def _uses(engine: sa.Engine, factors: FactorRegistry, newest: date) -> dict[str, str]:
    """Return what each symbol is needed for, in words."""
    from ..settings import Settings
    from ..storage.queries import lots

    out: dict[str, list[str]] = {}
    for factor in factors.factors:
        for proxy in (factor.proxy, factor.proxy_minus):
            if proxy:
                out.setdefault(proxy, []).append(factor.name)
    for name, proxy in zip(factors.beyond_names, factors.beyond_proxies, strict=True):
        out.setdefault(proxy, []).append(name)
    uses = {
        symbol: ("required: " if symbol in factors.required_proxies else "proxy of ") + listed(names)
        for symbol, names in out.items()
    }
    rows = lots(engine, newest)
    rows = rows[rows["investment_class"] != "PRIVATE"]
    held = rows["portfolio_id"].groupby(rows["underlying"].where(rows["underlying"].notna(), rows["symbol"]))
    for symbol, owners in held:
        text = f"held by {listed(sorted(set(owners)))}"
        uses[str(symbol)] = f"{uses[str(symbol)]}; {text}" if symbol in uses else text
    bill = Settings().risk_free_symbol
    return uses | ({bill: "risk-free rate"} if bill else {})


def _reach(needs: Iterable[str], newest: date) -> dict[str, date]:
    """Return the last session of the newest ones on which the source has a price of each symbol."""
    from ..defs.partitions import CALENDAR
    from ..defs.resources import MarketData

    first = CALENDAR.look_back_from(newest, RECENT - 1)
    bars: pd.DataFrame = MarketData().source.fetch(sorted(needs), CALENDAR.index(first, newest)).bars
    return {str(symbol): day.date() for symbol, day in bars.groupby("symbol")["session"].max().items()}
