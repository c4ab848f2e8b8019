"""Reading results from a notebook or script, as DataFrames; nothing is written and Dagster is not imported.

>>> from risk_pipeline import read
>>> read.snapshots()                                  # the latest session  # doctest: +SKIP
>>> read.exposures("2026-11-13", "growth")            # doctest: +SKIP
>>> read.stress(read.since("2026-11-09"), "growth")   # doctest: +SKIP

Each function takes ``when`` (a session as a date or text, a pair of first and last, None for the latest session) and
``portfolio`` (an id, None for all). Rows come in the order of their key; columns are those of ``docs/tables.md``.
The database is that of the settings, unless ``url`` names another. It must have the schema of this version:
``risk-pipeline init`` brings it there.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, TypeAlias

import pandas as pd

from .settings import Settings
from .storage import queries
from .storage.database import open_engine
from .storage.limit_queries import limit_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    import sqlalchemy as sa

When: TypeAlias = date | str | tuple[date | str, date | str] | None
LAST = date(2199, 12, 31)
Reader: TypeAlias = "Callable[[sa.Engine, date, date], pd.DataFrame]"


def snapshots(when: When = None, portfolio: str | None = None, *, url: str | None = None) -> pd.DataFrame:
    """Return the portfolios' snapshots: NAV, P&L, betas, volatility, value at risk, worst scenario."""
    return table("portfolio_snapshots", when, portfolio, url=url)


def exposures(when: When = None, portfolio: str | None = None, *, url: str | None = None) -> pd.DataFrame:
    """Return the exposure of each portfolio to each factor, with its standard error and coverage."""
    return table("factor_exposures", when, portfolio, url=url)


def stress(when: When = None, portfolio: str | None = None, *, url: str | None = None) -> pd.DataFrame:
    """Return the P&L of each portfolio in each scenario."""
    return table("stress_test_results", when, portfolio, url=url)


def volatility(when: When = None, portfolio: str | None = None, *, url: str | None = None) -> pd.DataFrame:
    """Return each portfolio's volatilities, forecast, value at risk and expected shortfall."""
    return table("portfolio_volatility", when, portfolio, url=url)


def positions(when: When = None, portfolio: str | None = None, *, url: str | None = None) -> pd.DataFrame:
    """Return every lot held: value, P&L of the session, greeks, contribution to risk."""
    return table("position_values", when, portfolio, url=url)


def correlations(when: When = None, portfolio: str | None = None, *, url: str | None = None) -> pd.DataFrame:
    """Return how the eight largest positions of each portfolio move together, a row a pair."""
    return table("position_correlations", when, portfolio, url=url)


def benchmarks(when: When = None, portfolio: str | None = None, *, url: str | None = None) -> pd.DataFrame:
    """Return tracking error, beta and relative return of each portfolio that has a benchmark."""
    return table("benchmark_risk", when, portfolio, url=url)


def active(when: When = None, portfolio: str | None = None, *, url: str | None = None) -> pd.DataFrame:
    """Return exposures, sector and position weights less the benchmark's, with their parts of the tracking error."""
    return table("active_exposures", when, portfolio, url=url)


def limits(when: When = None, portfolio: str | None = None, *, url: str | None = None) -> pd.DataFrame:
    """Return how much of each limit is used, and ``since`` when each breach has lasted."""
    return _read(when, url, lambda engine, first, last: limit_rows(engine, first, last, portfolio))


def table(name: str, when: When = None, portfolio: str | None = None, *, url: str | None = None) -> pd.DataFrame:
    """Return the rows of any table with a session.

    Raises
    ------
    StorageError
        If there is no such table.
    """
    return _read(
        when,
        url,
        lambda engine, first, last: queries.read_table(engine, name, first=first, last=last, portfolio=portfolio),
    )


def since(first: date | str) -> tuple[date, date]:
    """Return all sessions from one on, as ``when``."""
    return _day(first), LAST


def _read(when: When, url: str | None, read: Reader) -> pd.DataFrame:
    engine = open_engine(url or Settings().url)
    try:
        if isinstance(when, tuple):
            first, last = (_day(day) for day in when)
        else:
            first = last = queries.latest_session(engine) or LAST if when is None else _day(when)
        return read(engine, first, last)
    finally:
        engine.dispose()


def _day(written: date | str) -> date:
    return written if isinstance(written, date) else date.fromisoformat(written)
