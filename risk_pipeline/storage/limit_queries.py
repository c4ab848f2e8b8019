"""Queries of the limits' utilisations: those of some sessions, and since when each breach has lasted.

Since when is read from the stored rows and never stored: it cannot depend on which sessions were in a run.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import sqlalchemy as sa

from ..analytics.limits import unbroken_since
from . import tables
from .database import read_frame
from .queries import read_table

BREACH, WARNING, UNKNOWN = "breach", "warning", "unknown"
KEY = ["portfolio_id", "measure", "operator"]
MOST_NAMED = 500
"""Portfolios that a query names; of more, all are read."""


def limit_rows(engine: sa.Engine, first: date, last: date, portfolio: str | None = None) -> pd.DataFrame:
    """Return the utilisations of some sessions, and ``since``: the first session of the breach, null where none is.

    A breach lasts over sessions on which its measure has no value; a session with a snapshot on which the limit was
    kept, or did not hold yet, ends it.
    """
    rows = read_table(engine, "limit_utilisations", first=first, last=last, portfolio=portfolio)
    since = np.full(len(rows), np.datetime64("NaT", "s"))
    beyond = rows[rows["status"] == BREACH]
    if len(beyond):
        owners = sorted(set(beyond["portfolio_id"]))
        history = dict(list(_history(engine, owners, last).groupby(KEY, sort=False)))
        days_of = dict(list(_sessions(engine, owners, last).groupby("portfolio_id", sort=False)["session"]))
        for key, places in beyond.groupby(KEY, sort=False).indices.items():
            days = np.sort(days_of[key[0]].to_numpy())
            status = np.full(len(days), "", dtype=object)
            known = history[key]
            at = np.searchsorted(days, known["session"].to_numpy())
            inside = at < len(days)
            status[at[inside]] = known["status"].to_numpy(dtype=object)[inside]
            began = unbroken_since(status == BREACH, status == UNKNOWN)
            row = beyond.index.to_numpy()[places]
            since[row] = days[began[np.searchsorted(days, rows.loc[row, "session"].to_numpy())]]
    return rows.assign(since=since)


def _history(engine: sa.Engine, owners: list[str], last: date) -> pd.DataFrame:
    table = tables.limit_utilisations.c
    columns = [table[name] for name in ("session", *KEY, "status")]
    query = sa.select(*columns).where(table.session <= last, table.status.in_([BREACH, UNKNOWN]))
    return read_frame(engine, query.where(table.portfolio_id.in_(owners)) if len(owners) <= MOST_NAMED else query)


def _sessions(engine: sa.Engine, owners: list[str], last: date) -> pd.DataFrame:
    table = tables.portfolio_snapshots.c
    query = sa.select(table.session, table.portfolio_id).where(table.session <= last)
    return read_frame(engine, query.where(table.portfolio_id.in_(owners)) if len(owners) <= MOST_NAMED else query)
