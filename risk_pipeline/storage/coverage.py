"""The state of stored prices by session and symbol: ``market_data_coverage``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import date

import numpy as np
import pandas as pd
import sqlalchemy as sa

from ..analytics.arrays import Bool2D, Date1D, Float2D, Int1D, Int2D, Text1D
from ..analytics.returns import stale_closes
from . import tables
from .database import read_frame, replace_sessions
from .market_data import read_bars
from .queries import symbols_held

YEAR = 252
"""Sessions in which the gaps of a symbol are counted, its own included."""
SESSIONS_AT_ONCE = 250


def update_coverage(
    engine: sa.Engine,
    sessions: Sequence[date],
    always: Collection[str],
    sessions_between: Callable[[date, date], Date1D],
    back: Callable[[date, int], date],
) -> pd.DataFrame:
    """Replace the rows of some sessions, a row per symbol in use on each; returns them.

    A symbol is in use while a lot needs its price, and always if it is one of ``always`` (the proxies). A session's
    rows depend on the stored bars of the year up to it and on nothing else.

    Parameters
    ----------
    sessions : in order. always : symbols.
    sessions_between, back : the exchange's sessions from one day to another, and so many sessions before one.
    """
    written = []
    for start in range(0, len(sessions), SESSIONS_AT_ONCE):
        block = list(sessions[start : start + SESSIONS_AT_ONCE])
        calendar = sessions_between(back(block[0], YEAR - 1), block[-1])
        rows = _coverage(engine, block, always, calendar)
        replace_sessions(engine, block, {tables.market_data_coverage: rows})
        written.append(rows)
    return pd.concat(written, ignore_index=True)


def newest_coverage(engine: sa.Engine) -> date | None:
    """Return the latest session with rows."""
    with engine.connect() as connection:
        return connection.execute(sa.select(sa.func.max(tables.market_data_coverage.c.session))).scalar()


def _coverage(engine: sa.Engine, sessions: list[date], always: Collection[str], calendar: Date1D) -> pd.DataFrame:
    days = np.array(sessions, dtype="datetime64[D]")
    held = symbols_held(engine, sessions)
    symbols = np.array(sorted({*always, *held["symbol"]}), dtype=object)
    in_use = np.zeros((len(days), len(symbols)), dtype=bool)
    in_use[:, np.isin(symbols, list(always))] = True
    place = np.searchsorted(days, held["session"].to_numpy().astype("datetime64[D]"))
    in_use[place, pd.Index(symbols).get_indexer(held["symbol"])] = True
    close = _closes(engine, calendar, symbols)
    calendar_row = np.searchsorted(calendar, days)
    is_stale, missing = stale_closes(close), _missing(~np.isnan(close), calendar_row)
    row, column = np.nonzero(in_use)
    frame = pd.DataFrame(
        {
            "session": days[row].astype("datetime64[s]"),
            "symbol": symbols[column],
            "is_present": ~np.isnan(close[calendar_row[row], column]),
            "is_stale": is_stale[calendar_row[row], column],
            "missing_sessions": missing[row, column],
        }
    )
    restated = _restatements(engine, sessions)
    counts = frame.merge(restated, on=["session", "symbol"], how="left")["restatements"]
    return frame.assign(restatements=counts.fillna(0).astype(int).to_numpy())


def _closes(engine: sa.Engine, calendar: Date1D, symbols: Text1D) -> Float2D:
    """Return stored closes (T, N); NaN where there is no bar."""
    bars = read_bars(engine, calendar[0].item(), calendar[-1].item(), symbols.tolist())
    close = np.full((len(calendar), len(symbols)), np.nan)
    bars = bars[bars["session"].isin(calendar.astype("datetime64[s]"))]  # a check tells of one on a closed day
    row = np.searchsorted(calendar, bars["session"].to_numpy().astype("datetime64[D]"))
    close[row, pd.Index(symbols).get_indexer(bars["symbol"])] = bars["close"].to_numpy(dtype=float)
    return close


def _missing(present: Bool2D, calendar_row: Int1D) -> Int2D:
    """Return, of the year up to each row of ``at``, the sessions without a bar since the year's first with one."""
    counted = np.vstack([np.zeros(present.shape[1], dtype=int), np.cumsum(present, axis=0)])
    # the first bar at or after a row: looked for from the end
    rows = np.where(present, np.arange(len(present))[:, None], len(present))
    following = np.minimum.accumulate(rows[::-1], axis=0)[::-1]
    start = np.maximum(calendar_row - YEAR + 1, 0)
    first = np.minimum(following[start], calendar_row[:, None] + 1)
    missing: Int2D = calendar_row[:, None] + 1 - first - (counted[calendar_row + 1] - counted[start])
    return missing


def _restatements(engine: sa.Engine, sessions: list[date]) -> pd.DataFrame:
    table = tables.price_restatements
    return read_frame(
        engine,
        sa.select(table.c.session, table.c.symbol, sa.func.count().label("restatements"))
        .where(table.c.session.between(sessions[0], sessions[-1]))
        .group_by(table.c.session, table.c.symbol),
    )
