"""Reading results from a notebook or script, as DataFrames; nothing is written and Dagster is not imported.

>>> from risk_pipeline import read
>>> read.snapshots()                                  # the latest session  # doctest: +SKIP
>>> read.exposures("2026-11-13", "growth")            # doctest: +SKIP
>>> read.stress(read.since("2026-11-09"), "growth")   # doctest: +SKIP

Each function takes ``session`` (a date or its text, a pair of first and last, None for the latest session) and
``portfolio`` (an id, None for all; an unknown one is a StorageError that names those there are). A day that is no
session is a NoSessionError that names the session before, and so are what is no day and a pair whose first is after its
last; a session that has not been computed has no rows. Rows come
in the order of their key; columns are those of ``docs/tables.md``. The database is that of the settings, unless ``url``
names another. It must have the schema of this version: ``risk-pipeline init`` brings it there.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pandas as pd

from .sessions import NoSessionError, written_day
from .settings import Settings
from .storage import queries
from .storage.database import open_existing, require_schema
from .storage.errors import StorageError
from .storage.limit_queries import limit_rows
from .storage.portfolio_ids import require_portfolio

if TYPE_CHECKING:
    from collections.abc import Callable

    import sqlalchemy as sa

Sessions: TypeAlias = date | str | tuple[date | str, date | str] | None
LAST = date(2199, 12, 31)
Reader: TypeAlias = "Callable[[sa.Engine, date, date], pd.DataFrame]"


def snapshots(session: Sessions = None, portfolio: str | None = None, *, url: str | None = None) -> pd.DataFrame:
    """Return the portfolios' snapshots: NAV, P&L, betas, volatility, value at risk, worst scenario."""
    return table("portfolio_snapshots", session, portfolio, url=url)


def exposures(session: Sessions = None, portfolio: str | None = None, *, url: str | None = None) -> pd.DataFrame:
    """Return the exposure of each portfolio to each factor, with its standard error and coverage."""
    return table("factor_exposures", session, portfolio, url=url)


def stress(session: Sessions = None, portfolio: str | None = None, *, url: str | None = None) -> pd.DataFrame:
    """Return the P&L of each portfolio in each scenario."""
    return table("stress_test_results", session, portfolio, url=url)


def volatility(session: Sessions = None, portfolio: str | None = None, *, url: str | None = None) -> pd.DataFrame:
    """Return each portfolio's volatilities, forecast, value at risk and expected shortfall."""
    return table("portfolio_volatility", session, portfolio, url=url)


def positions(session: Sessions = None, portfolio: str | None = None, *, url: str | None = None) -> pd.DataFrame:
    """Return every lot held: value, P&L of the session, greeks, contribution to risk."""
    return table("position_values", session, portfolio, url=url)


def correlations(session: Sessions = None, portfolio: str | None = None, *, url: str | None = None) -> pd.DataFrame:
    """Return how the six largest positions of each portfolio move together, a row a pair."""
    return table("position_correlations", session, portfolio, url=url)


def benchmarks(session: Sessions = None, portfolio: str | None = None, *, url: str | None = None) -> pd.DataFrame:
    """Return tracking error, beta and relative return of each portfolio that has a benchmark."""
    return table("benchmark_risk", session, portfolio, url=url)


def active(session: Sessions = None, portfolio: str | None = None, *, url: str | None = None) -> pd.DataFrame:
    """Return exposures, sector and position weights less the benchmark's, with their parts of the tracking error."""
    return table("active_exposures", session, portfolio, url=url)


def limits(session: Sessions = None, portfolio: str | None = None, *, url: str | None = None) -> pd.DataFrame:
    """Return how much of each limit is used, and ``since`` when each breach has lasted."""
    return _read(session, portfolio, url, lambda engine, first, last: limit_rows(engine, first, last, portfolio))


def table(name: str, session: Sessions = None, portfolio: str | None = None, *, url: str | None = None) -> pd.DataFrame:
    """Return the rows of any table; of one without sessions, such as ``portfolios``, all of them.

    Raises
    ------
    StorageError
        If there is no such table or portfolio, or the table has no sessions or portfolios to choose from.
    NoSessionError
        If the day is no session.
    """
    columns = queries.columns_of(name)
    for given, column, argument in ((session, "session", "session"), (portfolio, "portfolio_id", "portfolio")):
        if given is not None and column not in columns:
            raise StorageError(
                f"{name} has no column {column}: read it without {argument}; it has {', '.join(columns)}"
            )
    if "session" not in columns:
        return _read(None, portfolio, url, lambda engine, *_: queries.read_table(engine, name, portfolio=portfolio))
    return _read(
        session,
        portfolio,
        url,
        lambda engine, first, last: queries.read_table(engine, name, first=first, last=last, portfolio=portfolio),
    )


def since(first: date | str) -> tuple[date, date]:
    """Return all sessions from one on, as ``session``."""
    return _day(first), LAST


def _read(session: Sessions, portfolio: str | None, url: str | None, read: Reader) -> pd.DataFrame:
    engine = open_existing(url or Settings().url)
    try:
        require_schema(engine)
        if portfolio is not None:
            require_portfolio(portfolio, queries.portfolios(engine)["portfolio_id"])
        if isinstance(session, tuple):
            first, last = _pair(session)
        elif session is None:
            first = last = queries.latest_session(engine) or LAST
        else:
            first = last = _day(session)
        rows = read(engine, first, last)
        if rows.empty and session is not None and first == last:
            Settings().sessions.require_session(first)
        return rows
    finally:
        engine.dispose()


def _pair(days: tuple[object, ...]) -> tuple[date, date]:
    if len(days) != 2:
        raise NoSessionError(f"{days!r} is no range of sessions: give a pair of first and last")
    first, last = map(_day, days)
    if last < first:
        raise NoSessionError(f"{first} is after {last}: give the earlier session first")
    return first, last


def _day(written: object) -> date:
    """Return a day, also of a cell of a column ``session``."""
    if isinstance(written, np.datetime64):
        written = pd.Timestamp(written)
    if written is pd.NaT or not isinstance(written, date):
        return written_day(written)
    return written.date() if isinstance(written, datetime) else written
