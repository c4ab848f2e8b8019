"""``risk-pipeline show``: the risk table of a session, one portfolio's numbers, its page."""

from __future__ import annotations

import json
import os
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from .terminal import LatestOr, UserError, console, existing_database, say_if_changed_since

if TYPE_CHECKING:
    import pandas as pd
    import sqlalchemy as sa


class Format(StrEnum):
    """How ``show`` prints."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def show(
    portfolio: Annotated[str | None, typer.Option(help="One portfolio, with all its numbers.")] = None,
    date_: LatestOr = None,
    open_: Annotated[bool, typer.Option("--open", help="Open the risk page in a browser.")] = False,
    as_known_on: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="The book as known at the end of a day, and what changed since."),
    ] = None,
    format_: Annotated[
        Format, typer.Option("--format", help="json or csv: rows as they are stored, for another program.")
    ] = Format.TABLE,
) -> None:
    """Show the risk table of a session, or everything about one portfolio."""
    if as_known_on is not None:
        from .as_known import print_as_known

        with existing_database() as engine:
            print_as_known(console, engine, as_known_on.date(), portfolio, date_.date() if date_ else None)
        return
    if format_ is not Format.TABLE:
        _print_rows(portfolio, date_.date() if date_ else None, format_)
        return
    show_table(portfolio, date_.date() if date_ else None, open_page=open_)


SHOWN = (
    *("portfolio_snapshots", "pnl_explain", "risk_changes", "factor_exposures", "currency_exposures"),
    *("sector_exposures", "benchmark_risk", "active_exposures", "stress_test_results", "portfolio_volatility"),
    *("position_values", "position_correlations"),
)
"""What the JSON of one portfolio holds, beside its limits."""


def _print_rows(portfolio: str | None, session: date | None, format_: Format) -> None:
    """Print the snapshots of a session as CSV, or them, and of one portfolio all its rows, as JSON."""
    from ..storage.limit_queries import limit_rows
    from ..storage.queries import latest_session, read_table

    with existing_database() as engine:
        session = session or latest_session(engine)
        span: dict[str, Any] = {"first": session, "last": session, "portfolio": portfolio}
        rows = read_table(engine, SHOWN[0], **span) if session else None
        if rows is None or rows.empty:
            _refuse(engine, portfolio, session)
        if format_ is Format.CSV:
            typer.echo(rows.to_csv(index=False), nl=False)
            return
        names = SHOWN if portfolio else SHOWN[:1]
        frames = {name: read_table(engine, name, **span) for name in names}
        frames["limit_utilisations"] = limit_rows(engine, **span)
    content = {name: _records(frame) for name, frame in frames.items()}
    typer.echo(json.dumps({"session": str(session), **content}, indent=2, ensure_ascii=False))


def _records(frame: pd.DataFrame) -> Any:
    """Return rows as JSON has them: days such as 2026-11-30, null for what is absent."""
    days = {name: frame[name].dt.strftime("%Y-%m-%d") for name in frame.select_dtypes("datetime")}
    return json.loads(frame.assign(**days).to_json(orient="records"))


def show_table(portfolio: str | None, session: date | None, *, open_page: bool = False) -> None:
    """Print the risk table of a session (the latest if None)."""
    from ..reports.page_paths import page_path

    with existing_database() as engine:
        if portfolio:
            from .tables import print_portfolio

            shown = print_portfolio(console, engine, portfolio, session)
        else:
            from .risk_table import print_risk_table

            shown = print_risk_table(console, engine, session)
        if shown is None:
            _refuse(engine, portfolio, session)
        say_if_changed_since(engine, shown)
    page = page_path(shown, portfolio)
    if open_page:
        _write_pages(shown, only_stale=page.exists())
    if page.exists():
        console.print(f"Report: {page}", soft_wrap=True, highlight=False)
        if open_page:
            typer.launch(page.as_uri())


def _refuse(engine: sa.Engine, portfolio: str | None, session: date | None) -> NoReturn:
    """Say what has no snapshot, and what makes one, if anything does."""
    from ..storage.portfolio_ids import require_open, require_portfolio
    from ..storage.queries import latest_session, portfolios

    book, shown = portfolios(engine), session or latest_session(engine)
    if portfolio and len(book):
        require_portfolio(portfolio, book["portfolio_id"])
    if portfolio and len(book) and shown:
        require_open(portfolio, book, shown)
    what = "no snapshot " + (f"of portfolio {portfolio!r} " if portfolio else "")
    if session is None:
        raise UserError(f"{what}yet: `risk-pipeline run` makes them")
    from ..defs.automation.catch_up import now
    from ..defs.partitions import CALENDAR as calendar  # noqa: N811 (it takes a second, and only an error needs it)

    calendar.require_session(session)
    if session < calendar.first_session:
        earlier = "set RISK_PIPELINE_FIRST_SESSION to an earlier session"
        raise UserError(f"{what}for {session}, before the first partition: {earlier}")
    closed = calendar.last_closed(now())
    if session > closed:
        raise UserError(f"{session} has not closed yet: the last closed session is {closed}")
    raise UserError(f"{what}for {session}: `risk-pipeline run --date {session}` makes it")


def _write_pages(session: date, *, only_stale: bool) -> None:
    """Write the pages of a session that a long run has left out, that are gone or whose numbers are stale."""
    from ..defs.assets.stale import freshness
    from ..defs.code_version import package_version
    from ..reports.page_rows import Provenance
    from ..reports.risk_page import write_sessions
    from ..settings import Settings
    from .places import existing_part

    with existing_database() as engine:
        fresh = freshness(engine, [session])
        if only_stale and session not in fresh.stale:
            return
        if not os.access(existing_part(Settings().report_folder), os.W_OK):
            if not only_stale:
                raise UserError("that page has not been written, and this user may not write it: its owner may")
            console.print(
                "[yellow]The page is stale[/]: the book or prices have changed since, its owner may write it."
            )
            return
        console.print(f"Writing the pages of {session}…")
        write_sessions(engine, [session], Provenance(package_version(), freshness=fresh))
