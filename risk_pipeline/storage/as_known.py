"""What was known at an earlier time: the version of the book, and which stored results have been made since.

Nothing of the book is overwritten. Results are: a session that is run again replaces its rows, and only when that
happened is kept. So the book of a day can be read, and of the results whether they are still those of the day.
"""

from __future__ import annotations

from datetime import date, datetime

import pandas as pd
import sqlalchemy as sa

from .book_versions import book_at, looking_at
from .database import read_frame
from .tables import batch_runs, book_versions, input_revisions, price_restatements, session_inputs


def version_known_at(engine: sa.Engine, at: datetime) -> int:
    """Return the newest version of the book that was known at a UTC time, 0 if there was none.

    A version that no import recorded counts from the start of the first run that read it.
    """
    versions = read_frame(engine, sa.select(book_versions.c.version, book_versions.c.made_at))
    runs = read_frame(
        engine,
        sa.select(batch_runs.c.book_version, sa.func.min(batch_runs.c.started_at).label("started_at"))
        .where(batch_runs.c.book_version.is_not(None))
        .group_by(batch_runs.c.book_version),
    )
    first_read = dict(zip(runs["book_version"], runs["started_at"], strict=True))
    since = [
        first_read.get(version, pd.NaT) if pd.isna(made_at) else made_at
        for version, made_at in versions.itertuples(index=False)
    ]
    known = [version for version, time in zip(versions["version"], since, strict=True) if time <= pd.Timestamp(at)]
    return int(max(known, default=0))


def as_known_at(engine: sa.Engine, at: datetime) -> sa.Engine | None:
    """Return the engine as one through which ``queries`` see the book that was known at a UTC time, None before any."""
    version = version_known_at(engine, at)
    return looking_at(engine, book_at(engine, version)) if version else None


def made_since(engine: sa.Engine, session: date, at: datetime) -> pd.DataFrame | None:
    """Return ``asset, made_at, book_version`` of a session's results that were made after a UTC time, oldest first.

    Where it isn't recorded when they were made they count as later. None if the session has no results.
    """
    rows = read_frame(engine, sa.select(session_inputs).where(session_inputs.c.session == session), by=["asset"])
    if rows.empty:
        return None
    later = ~(rows["made_at"] <= pd.Timestamp(at))
    found = rows.loc[later, ["asset", "made_at", "book_version"]]
    return found.sort_values(["made_at", "asset"], ignore_index=True)


def restated_since(engine: sa.Engine, first: date, last: date, at: datetime) -> pd.DataFrame:
    """Return the rows of ``price_restatements`` between two sessions that became known after a UTC time."""
    table = price_restatements
    query = sa.select(table).where(table.c.session.between(first, last), table.c.known_at > at)
    return read_frame(engine, query, by=["session", "symbol", "field"])


def revisions_since(engine: sa.Engine, at: datetime) -> pd.DataFrame:
    """Return ``kind, symbol`` of prices and profiles that changed, or came late, after a UTC time."""
    table = input_revisions
    return read_frame(engine, sa.select(table.c.kind, table.c.symbol).where(table.c.known_at > at).distinct())
