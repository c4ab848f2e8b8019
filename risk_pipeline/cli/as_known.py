"""``risk-pipeline show --as-known-on``: the book of an earlier day, and whether its results still stand."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pandas as pd
from rich.console import Console
from rich.table import Table

from ..defs.partitions import CALENDAR
from ..reports.formatting import money
from ..storage import queries
from ..storage.as_known import as_known_at, made_since, restated_since, revisions_since
from ..storage.book_versions import newest_version, version_seen
from ..storage.errors import StorageError
from ..storage.portfolio_ids import named
from .fitting import print_table
from .risk_table import print_risk_table
from .tables import print_portfolio

if TYPE_CHECKING:
    import sqlalchemy as sa

SHOWN = ["symbol", "investment_class", "quantity", "entry_date", "entry_price", "exit_date", "exit_price"]
MOST_LOTS = 200
MOST_SYMBOLS = 8


def end_of(day: date) -> datetime:
    """Return the end of a day at the exchange, in UTC without a zone, as times are stored."""
    midnight = datetime.combine(day + timedelta(days=1), time(), ZoneInfo(CALENDAR.timezone))
    return midnight.astimezone(UTC).replace(tzinfo=None)


def print_as_known(console: Console, engine: sa.Engine, day: date, portfolio: str | None, session: date | None) -> None:
    """Print the book as it was known at the end of a day and the results of a session, with what changed since.

    Raises
    ------
    StorageError
        If nothing was imported by then, or that book had no such portfolio.
    """
    at = end_of(day)
    view = as_known_at(engine, at)
    if view is None:
        raise StorageError(f"no version of the book was known on {day}: the first import came later")
    session = session or CALENDAR.last_closed(at.replace(tzinfo=UTC))
    console.print(
        f"As known at the end of {day} ({CALENDAR.timezone}): version {version_seen(view)} of "
        f"{newest_version(engine)} of the book.",
        highlight=False,
    )
    if portfolio is None:
        _print_portfolios(console, engine, view)
    else:
        known = queries.portfolios(view)["portfolio_id"].tolist()
        if portfolio not in known:
            raise StorageError(f"the book known on {day} had no portfolio {portfolio!r}; it had {named(known)}")
        _print_lots(console, engine, view, portfolio, session)
    made = made_since(engine, session, at)
    if made is None:
        console.print(f"There are no results of {session}.", highlight=False)
        return
    if made.empty:
        console.print(f"The results of {session} are those that were known then.", highlight=False)
    else:
        for line in _why_made_again(engine, view, session, at, made):
            console.print(line, highlight=False, soft_wrap=True, markup=False)
    if portfolio is None:
        print_risk_table(console, view, session)
    else:
        print_portfolio(console, view, portfolio, session)


def _why_made_again(engine: sa.Engine, view: sa.Engine, session: date, at: datetime, made: pd.DataFrame) -> list[str]:
    """Say when results were made again, and what of their inputs has changed since."""
    last = made["made_at"].max()
    when = "at a time that was not recorded" if pd.isna(last) else f"at {last:%Y-%m-%d %H:%M} UTC"
    lines = [
        f"The results of {session} were made {when}: what was known before of them is not kept. Since then changed:"
    ]
    if (made["book_version"] > version_seen(view)).any():
        lines.append(f"– the book: they were made from version {int(made['book_version'].max())}")
    symbols = revisions_since(engine, at)["symbol"].tolist()
    if symbols:
        more = f" and {len(symbols) - MOST_SYMBOLS} more" if len(symbols) > MOST_SYMBOLS else ""
        lines.append(f"– prices or profiles of {', '.join(sorted(symbols)[:MOST_SYMBOLS])}{more}, of any session")
    for row in restated_since(engine, session, session, at).head(MOST_SYMBOLS).itertuples(index=False):
        lines.append(f"– {row.symbol}'s {row.field} of {session}: {row.old_value:g} then, {row.new_value:g} now")
    if len(lines) == 1:
        lines.append("– neither book nor prices; the session was run again, or for the first time")
    return [*lines, "These are the present numbers:"]


def _print_portfolios(console: Console, engine: sa.Engine, view: sa.Engine) -> None:
    """Print a line for each portfolio of the view, and what has changed of it since."""
    then, now = queries.portfolios(view), queries.portfolios(engine).set_index("portfolio_id")
    lots = [queries.lots(which, date.max).drop(columns="position_id", errors="ignore") for which in (view, engine)]
    by_owner = [dict(list(frame.map(str).groupby("portfolio_id"))) for frame in lots]
    table = Table("Portfolio", "Lots", "Starting equity", "Since then", title="The book", title_justify="left")
    for row in then.to_dict("records"):
        name = row["portfolio_id"]
        own = [set(map(tuple, owners[name].to_numpy())) if name in owners else set() for owners in by_owner]
        changed = own[0] != own[1] or (name in now.index and row["starting_equity"] != now.at[name, "starting_equity"])
        word = "removed" if name not in now.index else "changed" if changed else ""
        table.add_row(name, str(len(by_owner[0].get(name, ()))), money(row["starting_equity"]), word)
    print_table(console, table)
    added = sorted({*now.index} - {*then["portfolio_id"]})
    if added:
        console.print(f"Added since: {', '.join(added[:20])}", highlight=False)


def _print_lots(console: Console, engine: sa.Engine, view: sa.Engine, portfolio: str, session: date) -> None:
    """Print the lots of a portfolio as of a session in the view, and which of them have changed since."""
    frames = []
    for which in (view, engine):
        lots = queries.lots(which, session)
        frames.append(lots[lots["portfolio_id"] == portfolio].set_index("position_id")[SHOWN].map(str))
    then, now = frames
    table = Table(*(name.replace("_", " ") for name in SHOWN), "since then", title="Lots", title_justify="left")
    for name, row in then.head(MOST_LOTS).iterrows():
        word = "removed" if name not in now.index else "" if (row == now.loc[name]).all() else "changed"
        table.add_row(*("" if text in ("NaT", "nan", "None") else text.removesuffix(" 00:00:00") for text in row), word)
    print_table(console, table)
    added = len({*now.index} - {*then.index})
    if len(then) > MOST_LOTS:
        console.print(f"and {len(then) - MOST_LOTS} more", highlight=False)
    if added:
        console.print(f"{added} lots of it were added since.", highlight=False)
