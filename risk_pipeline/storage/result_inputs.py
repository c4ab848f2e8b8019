"""What stored results were made from: fingerprints, revisions of prices and profiles, sessions passed over, facts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime

import pandas as pd
import sqlalchemy as sa

from . import tables
from .bars_at_hand import end_holding
from .database import insert_rows, read_frame, transaction
from .errors import StorageError
from .tables import (
    database_facts,
    input_revisions,
    passed_sessions,
    portfolio_inputs,
    price_panels,
    session_inputs,
    symbol_volatility,
)

PRICE_SOURCE = "price_source"
"""The fact that names the source which filled the stored prices."""
REVISION_COLUMNS = ["revision", "kind", "symbol", "first_session", "last_session"]


def revisions(engine: sa.Engine) -> pd.DataFrame:
    """Return ``revision, kind, symbol, first_session, last_session`` of every revision, oldest first."""
    columns = [input_revisions.c[name] for name in REVISION_COLUMNS]
    return read_frame(engine, sa.select(*columns), by=["revision"])


def corrected_since(engine: sa.Engine, first: date, last: date) -> pd.DataFrame:
    """Return ``session, symbol`` of computed sessions that read a price which was corrected since.

    That is after their panel was made, or after a run that made one of their results had begun: only some of them may
    have been made again. The price is of the session or one before it, the symbol one that the session has a volatility
    of.
    """
    used, panels = symbol_volatility.c, price_panels.c
    made = sa.select(session_inputs.c.session, sa.func.min(session_inputs.c.made_at).label("at")).group_by("session")
    results = made.subquery()
    is_later = input_revisions.c.revision > sa.func.coalesce(panels.revision, 0)
    is_later |= input_revisions.c.known_at > results.c.at
    is_read = (input_revisions.c.kind == "price") & (input_revisions.c.first_session <= panels.session)
    corrected = (
        sa.select(panels.session, input_revisions.c.symbol)
        .join_from(price_panels, results, panels.session == results.c.session, isouter=True)
        .join(input_revisions, is_later & is_read)
        .where(panels.session.between(first, last))
        .distinct()
        .subquery()
    )
    same = (used.session == corrected.c.session) & (used.symbol == corrected.c.symbol)
    rows = sa.select(corrected.c.session, corrected.c.symbol).where(sa.exists().where(same))
    return read_frame(engine, rows, by=["session", "symbol"])


def newest_revision(engine: sa.Engine) -> int:
    """Return the number of the newest revision, 0 before the first."""
    with engine.connect() as connection:
        return _newest(connection)


def _newest(connection: sa.Connection) -> int:
    newest = sa.func.coalesce(sa.func.max(input_revisions.c.revision), 0)
    return int(connection.execute(sa.select(newest)).scalar_one())


def record_revisions(connection: sa.Connection, kind: str, changes: pd.DataFrame, known_at: datetime | None) -> int:
    """Record changed prices or profiles that results may have read: one revision a symbol; return how many.

    ``changes`` has ``session, symbol``. What lies after every session that ever had a panel was read by nothing, and
    is left out.
    """
    read_until = connection.execute(sa.select(sa.func.max(tables.price_panels.c.session))).scalar()
    if read_until is None or changes.empty:
        return 0
    changed = changes[pd.to_datetime(changes["session"]) <= pd.Timestamp(read_until)]
    spans = changed.groupby("symbol", sort=True)["session"].agg(first_session="min", last_session="max").reset_index()
    if spans.empty:
        return 0
    begin = _newest(connection) + 1
    rows = spans.assign(revision=range(begin, begin + len(spans)), kind=kind, known_at=known_at)
    return insert_rows(connection, input_revisions, rows)


def session_fingerprints(engine: sa.Engine, first: date, last: date) -> pd.DataFrame:
    """Return the rows of ``session_inputs`` between two sessions, in no order."""
    return read_frame(engine, sa.select(session_inputs).where(session_inputs.c.session.between(first, last)))


def book_version_of(engine: sa.Engine, session: date, asset: str) -> int | None:
    """Return the version of the book that an asset's rows of a session were made from, None if none is recorded."""
    table = session_inputs
    select = sa.select(table.c.book_version).where(table.c.session == session, table.c.asset == asset)
    with engine.connect() as connection:
        version: int | None = connection.execute(select).scalar()
    return version


def portfolio_fingerprints(engine: sa.Engine, sessions: Sequence[date]) -> pd.DataFrame:
    """Return the rows of ``portfolio_inputs`` of some sessions, in no order."""
    parts = [
        read_frame(
            engine, sa.select(portfolio_inputs).where(portfolio_inputs.c.session.in_(sessions[start : start + 500]))
        )
        for start in range(0, max(len(sessions), 1), 500)
    ]
    return pd.concat(parts, ignore_index=True)


def pass_over(engine: sa.Engine, sessions: Iterable[date], reason: str, asked_at: datetime) -> None:
    """Record that a run found no market data for the sessions."""
    with transaction(engine, passed_sessions) as connection:
        tries = {row.session: row.tries for row in connection.execute(sa.select(passed_sessions))}
        for session in sessions:
            values = {"reason": reason[:200], "tries": tries.get(session, 0) + 1, "asked_at": asked_at}
            if session in tries:
                update = sa.update(passed_sessions).where(passed_sessions.c.session == session)
                connection.execute(update.values(**values))
            else:
                connection.execute(sa.insert(passed_sessions).values(session=session, **values))


def forget_passed(engine: sa.Engine, sessions: Iterable[date]) -> None:
    """Forget that sessions were passed over: their market data has come."""
    days = list(sessions)
    with transaction(engine, passed_sessions) as connection:
        for start in range(0, len(days), 500):
            gone = passed_sessions.c.session.in_(days[start : start + 500])
            connection.execute(sa.delete(passed_sessions).where(gone))


def passed_over(engine: sa.Engine) -> dict[date, tuple[int, datetime, str]]:
    """Return tries, UTC time of the last and reason of each session that was passed over."""
    with engine.connect() as connection:
        rows = connection.execute(sa.select(passed_sessions)).all()
    return {row.session: (row.tries, row.asked_at, row.reason) for row in rows}


def fact(engine: sa.Engine, name: str) -> str | None:
    """Return a recorded fact about the database."""
    with engine.connect() as connection:
        query = sa.select(database_facts.c.value).where(database_facts.c.name == name)
        return connection.execute(query).scalar_one_or_none()


def record_fact(engine: sa.Engine, name: str, value: str) -> None:
    """Record a fact about the database, in place of what was recorded before."""
    with transaction(engine, database_facts) as connection:
        connection.execute(sa.delete(database_facts).where(database_facts.c.name == name))
        connection.execute(sa.insert(database_facts).values(name=name, value=value))


def claim_source(engine: sa.Engine, source: str) -> None:
    """Record which source fills the prices of this database; one that has filled none does not bind.

    Raises
    ------
    StorageError
        If another one did: prices of two sources in one series are wrong in silence.
    """
    known = fact(engine, PRICE_SOURCE)
    if known == source:
        return
    with engine.connect() as connection:
        has_prices = connection.execute(sa.select(tables.market_data_cache.c.session).limit(1)).first() is not None
    if known is None or not has_prices:
        record_fact(engine, PRICE_SOURCE, source)
    else:
        raise StorageError(
            f"this database holds the prices of the source {known!r}, the settings name {source!r}: correct "
            "RISK_PIPELINE_MARKET__SOURCE, use another home (RISK_PIPELINE_HOME), or read all prices again with "
            "`risk-pipeline run --switch-source`"
        )


def forget_prices(engine: sa.Engine, known_at: datetime) -> int:
    """Delete all stored prices, since another source is to fill them; return how many bars there were.

    Every symbol gets a revision over its whole history, so that all results that read it are made again.
    """
    bars, ranges, gaps = tables.market_data_cache, tables.market_data_ranges, tables.market_data_gaps
    with transaction(engine, bars, input_revisions, ranges, gaps) as connection:
        spans = connection.execute(
            sa.select(bars.c.symbol, sa.func.min(bars.c.session), sa.func.max(bars.c.session)).group_by(bars.c.symbol)
        ).all()
        ends = pd.DataFrame(
            [(symbol, day) for symbol, first, last in spans for day in (first, last)], columns=["symbol", "session"]
        )
        record_revisions(connection, "price", ends, known_at)
        connection.execute(sa.delete(ranges))
        connection.execute(sa.delete(gaps))
        end_holding(connection)
        return connection.execute(sa.delete(bars)).rowcount
