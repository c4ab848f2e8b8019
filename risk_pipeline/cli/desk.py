"""``risk-pipeline whatif`` and ``stress``: answers that are computed when asked and never stored."""

from __future__ import annotations

from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from .terminal import (
    LatestOr,
    UserError,
    console,
    errors,
    existing_database,
    say_if_changed_since,
    say_if_corrected_since,
)

if TYPE_CHECKING:
    import sqlalchemy as sa


def whatif(
    trades: Annotated[Path, typer.Argument(help="CSV: symbol, quantity; where needed price, portfolio_id, …")],
    portfolio: Annotated[str | None, typer.Option(help="The portfolio of trades that name none.")] = None,
    date_: LatestOr = None,
) -> None:
    """Show what trades would do to the risk of a session: before, after, difference, limits. Nothing is written."""
    from ..desk.inputs import StoredRegistries, panel_of
    from ..desk.whatif import close_on, held_terms, trade_of, what_if
    from ..storage.trade_files import read_trades
    from ..tabular.rows import ProblemsError
    from .desk_tables import print_whatif

    if not trades.is_file():
        raise UserError(f"there is no file {trades}")
    with existing_database() as engine:
        session = date_.date() if date_ else _latest(engine)
        panel = panel_of(engine, session)
        try:
            closes = partial(close_on, panel, session)
            rows = read_trades(trades, session, portfolio, closes, held_terms(engine, session))
        except ProblemsError as refused:
            for problem in refused.problems:
                errors.print(f"[red]✗[/] {escape(str(problem))}", highlight=False)
            raise UserError("nothing was computed") from None
        if not rows:
            raise UserError(f"{trades} holds no trade: a line for each, with symbol and quantity")
        registries = StoredRegistries.of_settings()
        print_whatif(console, what_if(engine, registries, session, [trade_of(row) for row in rows], panel))
        say_if_corrected_since(engine, session, session)


def stress(
    shock: Annotated[list[str], typer.Option(help="Market=-0.10, Rates=+100bp, Momentum=-5%, EURUSD=-10%.")],
    vol: Annotated[str | None, typer.Option(help="Implied volatility: +20 points, or +50% of what it is.")] = None,
    portfolio: Annotated[str | None, typer.Option(help="One portfolio; default: all.")] = None,
    date_: LatestOr = None,
) -> None:
    """Show what a shock of your own would do to the portfolios of a session. Nothing is written."""
    from ..desk.inputs import StoredRegistries
    from ..desk.stress import own_scenario, own_stress
    from .desk_tables import print_stress

    registries = StoredRegistries.of_settings()
    try:
        scenario = own_scenario(shock, vol, registries)
    except ValueError as error:
        raise UserError(str(error)) from None
    with existing_database() as engine:
        session = date_.date() if date_ else _latest(engine)
        frames = own_stress(engine, registries, session, scenario, portfolio)
        print_stress(console, engine, session, frames, scenario)
        say_if_changed_since(engine, session)


def _latest(engine: sa.Engine) -> date:
    from ..storage.queries import latest_session

    session = latest_session(engine)
    if session is None:
        raise UserError("no session has been computed yet: `risk-pipeline run` does it")
    return session
