"""Gaps in stored histories: sessions without a bar between two that have one, and when each was last asked for.

Every run asks for the last sessions again. An older gap is asked for with growing intervals: after a day, two, four
and so on, some nine times until no look-back holds it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd
import sqlalchemy as sa

from ..analytics.arrays import Date1D
from .bars_at_hand import bars_at_hand
from .database import insert_rows, read_frame, transaction
from .tables import market_data_cache as bars
from .tables import market_data_gaps as gaps

SLACK = timedelta(hours=6)
"""Evenings are not exactly a day apart."""
MOST_TRIES = 12
"""From here on the interval, of years, grows no longer."""
SYMBOLS_AT_ONCE = 500
KEY = ["symbol", "session"]


def wait_after(tries: int) -> timedelta:
    """Return how long a gap is left alone after so many tries."""
    return timedelta(days=2 ** (min(tries, MOST_TRIES) - 1)) - SLACK


def gaps_to_ask(engine: sa.Engine, spans: pd.DataFrame, at: datetime) -> dict[str, date]:
    """Return the symbols with a recorded gap that it is time to ask for again, each with its earliest such session.

    ``spans`` has ``symbol, first, last``: the sessions that a run reads before those that it asks for anyway.
    """
    known = _recorded(engine, spans)
    waits = pd.to_timedelta([wait_after(tries) for tries in known["tries"]])
    due = known[known["asked_at"] + waits <= pd.Timestamp(at)]
    return {str(symbol): session.date() for symbol, session in due.groupby("symbol")["session"].min().items()}


def record_gaps(
    engine: sa.Engine,
    spans: pd.DataFrame,
    sessions_between: Callable[[date, date], Date1D],
    asked: Mapping[str, date],
    at: datetime,
) -> int:
    """Record the gaps that symbols have within their spans after a run has asked; return how many there are.

    Parameters
    ----------
    spans : ``symbol, first, last``, as :func:`gaps_to_ask` took them.
    sessions_between : the exchange's sessions from one day to another.
    asked : what :func:`gaps_to_ask` returned; later sessions of a symbol were asked for too.
    at : UTC start of the run.
    """
    if spans.empty:
        return 0
    calendar = sessions_between(spans["first"].min(), spans["last"].max())
    present = _gaps(engine, spans, calendar)
    if present.empty and _recorded(engine, spans).empty:
        return 0
    since = pd.to_datetime(present["symbol"].map(dict(asked)))
    with transaction(engine, gaps) as connection:
        known = _recorded(engine, spans)  # now: another run may have recorded some meanwhile
        rows = present.assign(since=since).merge(known, on=KEY, how="left")
        was_asked = rows["tries"].isna() | (rows["since"].notna() & (rows["session"] >= rows["since"]))
        rows["tries"] = rows["tries"].fillna(0).astype(int) + was_asked.astype(int)
        rows["asked_at"] = rows["asked_at"].where(~was_asked, pd.Timestamp(at))
        for symbol, session in known[KEY].itertuples(index=False):
            connection.execute(sa.delete(gaps).where(gaps.c.symbol == symbol, gaps.c.session == session.date()))
        insert_rows(connection, gaps, rows[[column.name for column in gaps.columns]])
    return len(rows)


def _recorded(engine: sa.Engine, spans: pd.DataFrame) -> pd.DataFrame:
    """Return the recorded gaps within the spans: ``symbol, session, tries, asked_at``."""
    return _within(read_frame(engine, sa.select(gaps)), spans)[[*KEY, "tries", "asked_at"]]


def _gaps(engine: sa.Engine, spans: pd.DataFrame, calendar: Date1D) -> pd.DataFrame:
    """Return ``symbol, session`` of the sessions of a span without a bar, between two of the spans that have one."""
    out = pd.DataFrame({"symbol": np.array([], dtype=object), "session": np.array([], dtype="datetime64[s]")})
    day = bars.c.session
    within = day.between(calendar[0].item(), calendar[-1].item())
    at_hand = bars_at_hand(engine, calendar[0].item(), calendar[-1].item())
    if at_hand is None:
        found = [sa.func.count().label("bars"), sa.func.min(day).label("since"), sa.func.max(day).label("until")]
        counts = read_frame(engine, sa.select(bars.c.symbol, *found).where(within).group_by(bars.c.symbol))
    else:
        found_here = at_hand.groupby("symbol", observed=True)["session"]
        counts = found_here.agg(bars="count", since="min", until="max").reset_index()
    counts = counts[counts["symbol"].isin(spans["symbol"])]
    since, until = (np.searchsorted(calendar, _days(counts[name])) for name in ("since", "until"))
    patchy = counts["symbol"][counts["bars"].to_numpy() < until - since + 1].to_numpy()
    parts = [out]
    for start in range(0, len(patchy), SYMBOLS_AT_ONCE):
        some = sorted(patchy[start : start + SYMBOLS_AT_ONCE])
        rows = read_frame(engine, sa.select(day, bars.c.symbol).where(within, bars.c.symbol.in_(some)))
        present = np.zeros((len(calendar), len(some)), dtype=bool)
        row = np.searchsorted(calendar, _days(rows["session"]))
        is_session = calendar[np.minimum(row, len(calendar) - 1)] == _days(rows["session"])
        present[row[is_session], pd.Index(some).get_indexer(rows["symbol"])[is_session]] = True
        inside = np.logical_or.accumulate(present) & np.logical_or.accumulate(present[::-1])[::-1]
        session, column = np.nonzero(inside & ~present)
        names = np.array(some, dtype=object)[column]
        parts.append(pd.DataFrame({"symbol": names, "session": calendar[session].astype("datetime64[s]")}))
    return _within(pd.concat(parts, ignore_index=True), spans)[KEY]


def _within(rows: pd.DataFrame, spans: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of ``symbol, session`` that lie within the span of their symbol."""
    rows = rows.merge(spans, on="symbol", how="inner")
    lies = (rows["session"] >= pd.to_datetime(rows["first"])) & (rows["session"] <= pd.to_datetime(rows["last"]))
    return rows[lies].reset_index(drop=True)


def _days(values: pd.Series) -> Date1D:
    return np.asarray(pd.to_datetime(values).to_numpy().astype("datetime64[D]"))
