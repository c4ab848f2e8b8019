"""Reads and writes of stored prices: bars, restatements, requested ranges, coverage, panel pointers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa

from ..analytics.reasons import Reason
from . import bulk, tables
from .bars_at_hand import PRICES, bars_at_hand, end_holding, hold, keep
from .database import insert_rows, read_frame, replace_sessions, replace_table, transaction
from .result_inputs import record_revisions
from .tables import market_data_cache as bars_table
from .tables import market_data_ranges as ranges_table
from .tables import price_panels

COMPARED = PRICES
"""Fields whose change is a restatement; volume is revised all the time and used by nothing."""
COLUMNS = [column.name for column in bars_table.columns]

REBASED = "base"
"""In place of a field in the ledger: all prices of the symbol were multiplied by the ratio of new to old value."""
SAME_RATIO = 2e-3
"""Vendors round adjusted prices to cents."""
LEAST_OVERLAP = 3


@dataclass(frozen=True)
class StoredBars:
    """How many bars were new and how many values of stored ones had changed.

    ``rebased`` are symbols with a new base, of which nothing was stored: the ratio of new to old prices.
    """

    rows: int
    restatements: int
    rebased: Mapping[str, float] = field(default_factory=dict)


def store_bars(
    engine: sa.Engine, bars: pd.DataFrame, *, known_at: datetime, rebased: Mapping[str, float] | None = None
) -> StoredBars:
    """Insert new bars; record and apply restated ones; leave equal ones alone. One transaction.

    Nothing is overwritten silently: old and new value go to ``price_restatements`` with ``known_at``, the
    UTC start of the run that saw them. Where the earliest stored sessions among ``bars`` have all changed by one
    ratio, so have those before: an adjusted series has a new base. Nothing of such a symbol is stored, or its
    history would be in two bases; it is returned in ``rebased``. Given back with its whole history, its stored bars
    are replaced, with one entry in the ledger.
    """
    if bars.empty:
        return StoredBars(0, 0)
    bars = bars.assign(session=pd.to_datetime(bars["session"]).astype("datetime64[s]"))
    if "source" not in bars:
        bars = bars.assign(source=None)
    with transaction(engine, bars_table, tables.input_revisions) as connection:
        stored = _stored(connection, bars)
        if len(stored):
            return _merge(connection, bars, stored, known_at, rebased)
        # the first sight of these sessions
        is_kept = hold(connection)
        record_revisions(connection, "price", _within_asked(connection, bars), known_at)
        rows = insert_rows(connection, bars_table, bars[COLUMNS])
    if is_kept:
        keep(engine, bars)
    return StoredBars(rows, 0)


def _merge(
    connection: sa.Connection,
    bars: pd.DataFrame,
    stored: pd.DataFrame,
    known_at: datetime,
    rebased: Mapping[str, float] | None,
) -> StoredBars:
    """Store bars of sessions of which some are stored; see :func:`store_bars`."""
    both = bars.merge(stored, on=["session", "symbol"], how="left", suffixes=("", "_old"), indicator=True)
    new_bases = {} if rebased is not None else _new_bases(both)
    both = both[~both["symbol"].isin(list(new_bases))].reset_index(drop=True)
    is_new = (both["_merge"] == "left_only").to_numpy()
    is_whole = both["symbol"].isin(list(rebased or {})).to_numpy()
    changes = []
    changed = np.zeros(len(both), dtype=bool)
    for name in COMPARED:
        new, old = both[name].to_numpy(dtype=float), both[f"{name}_old"].to_numpy(dtype=float)
        differs = ~is_new & ~np.isclose(new, old, rtol=1e-9, atol=0, equal_nan=True)
        changed |= differs
        listed = differs & ~is_whole
        changes.append(
            both.loc[listed, ["session", "symbol"]].assign(
                field=name, known_at=known_at, old_value=old[listed], new_value=new[listed]
            )
        )
    for symbol, ratio in (rebased or {}).items():
        first = both.loc[both["symbol"] == symbol, "session"].min()
        row = {"session": first, "symbol": symbol, "field": REBASED, "known_at": known_at}
        changes.append(pd.DataFrame([{**row, "old_value": 1.0, "new_value": ratio}]))
        connection.execute(sa.delete(bars_table).where(bars_table.c.symbol == symbol))
    restated = pd.concat([rows for rows in changes if len(rows)] or changes, ignore_index=True)
    if len(restated):
        _record(connection, restated, known_at)
        for row in both.loc[changed & ~is_whole, ["session", "symbol"]].itertuples(index=False):
            connection.execute(
                sa.delete(bars_table).where(
                    bars_table.c.session == row.session.date(), bars_table.c.symbol == row.symbol
                )
            )
    written = is_new | changed | is_whole
    late = _within_asked(connection, both.loc[is_new & ~is_whole, ["session", "symbol"]])
    restated_bars = both.loc[written & ~(is_new & ~is_whole), ["session", "symbol"]]
    record_revisions(connection, "price", pd.concat([late, restated_bars]), known_at)
    insert_rows(connection, bars_table, both.loc[written, COLUMNS])
    if written.any() or rebased:
        end_holding(connection)
    return StoredBars(rows=int(is_new.sum()), restatements=len(restated), rebased=new_bases)


def _record(connection: sa.Connection, restated: pd.DataFrame, known_at: datetime) -> None:
    """Add to the ledger; of what one run sees change twice, a retry of it, the first old and the last new value."""
    table = tables.price_restatements
    of_run = table.c.known_at == known_at
    before = bulk.read(connection, sa.select(table).where(of_run))
    key = ["session", "symbol", "field"]
    both = restated.merge(before, on=key, how="left", suffixes=("", "_before"), indicator=True)
    is_again = both["_merge"] == "both"
    is_base = is_again & (both["field"] == REBASED)
    rows = restated.assign(
        old_value=both["old_value"].where(~is_again, both["old_value_before"]).to_numpy(),
        new_value=both["new_value"].where(~is_base, both["new_value"] * both["new_value_before"]).to_numpy(),
    )
    for row in both[is_again].itertuples(index=False):
        is_row = (table.c.session == row.session.date()) & (table.c.symbol == row.symbol) & (table.c.field == row.field)
        connection.execute(sa.delete(table).where(of_run & is_row))
    insert_rows(connection, table, rows)


def restated_symbols(engine: sa.Engine, known_at: datetime) -> pd.DataFrame:
    """Return ``symbol, sessions, first`` of the stored prices that a run saw corrected, most sessions first."""
    table = tables.price_restatements
    query = (
        sa.select(
            table.c.symbol,
            sa.func.count(table.c.session.distinct()).label("sessions"),
            sa.func.min(table.c.session).label("first"),
        )
        .where(table.c.known_at == known_at)
        .group_by(table.c.symbol)
        .order_by(sa.desc("sessions"), table.c.symbol)
    )
    return read_frame(engine, query)


def _within_asked(connection: sa.Connection, bars: pd.DataFrame) -> pd.DataFrame:
    """Return the bars whose absence a result may have read: none before the first session asked for of a symbol.

    The history that an earlier session needs is no news to a later one, which has read all that it needs.
    """
    table = tables.market_data_ranges
    first = {row.symbol: row.first_session for row in connection.execute(sa.select(table))}
    return bars[bars["session"].to_numpy() >= days_of_symbols(bars["symbol"], first)]


def days_of_symbols(symbols: pd.Series, days: Mapping[str, date]) -> np.ndarray[Any, Any]:
    """Return the day of each row's symbol (B,), NaT where it has none; millions of rows are a few symbols."""
    codes, names = pd.factorize(symbols)
    by_name = np.array([days.get(name) for name in names], dtype="datetime64[s]")
    return np.asarray(by_name[codes])


def _new_bases(both: pd.DataFrame) -> dict[str, float]:
    """Return the symbols whose earliest stored closes have all changed by one ratio, and the ratio.

    ``both`` has new and old closes; at least three sessions must agree.
    """
    overlap = both[both["_merge"] == "both"].sort_values(["symbol", "session"])
    ratio = overlap["close"] / overlap["close_old"]
    out = {}
    for symbol, ratios in ratio.groupby(overlap["symbol"], sort=True):
        first = float(ratios.iloc[0])
        head = ratios.iloc[:LEAST_OVERLAP]
        if len(head) == LEAST_OVERLAP and abs(first - 1) > 1e-9 and (abs(head / first - 1) < SAME_RATIO).all():
            out[str(symbol)] = float(head.median())
    return out


def store_quotes(engine: sa.Engine, quotes: Mapping[str, tuple[str | None, str]]) -> int:
    """Store ``symbol -> (currency, basis)`` of fetched prices; returns how many changed.

    A currency that isn't said leaves the stored one alone.
    """
    table = tables.symbol_quotes
    with engine.connect() as connection:
        known = {row.symbol: (row.currency, row.basis) for row in connection.execute(sa.select(table))}
    quotes_of = {
        symbol: (currency or known.get(symbol, (None, ""))[0], basis) for symbol, (currency, basis) in quotes.items()
    }
    changed = {symbol: quote for symbol, quote in quotes_of.items() if known.get(symbol) != quote}
    if changed:
        rows = {**known, **changed}
        with transaction(engine, table) as connection:
            frame = pd.DataFrame([(s, *rows[s]) for s in sorted(rows)], columns=[c.name for c in table.columns])
            replace_table(connection, table, frame)
    return len(changed)


def last_units(engine: sa.Engine, symbols: Sequence[str], first: date, last: date) -> dict[str, tuple[float, int]]:
    """Return ``symbol -> (close, unit level)`` of its newest bar between two days, in use or quarantined."""
    out: dict[str, tuple[date, float, int]] = {}
    quarantined = tables.quarantined_bars
    for table, level in ((bars_table, sa.literal(0)), (quarantined, quarantined.c.unit_level)):
        for start in range(0, len(symbols), 500):
            within = table.c.session.between(first, last) & table.c.symbol.in_(list(symbols[start : start + 500]))
            newest = sa.select(table.c.symbol, sa.func.max(table.c.session).label("session")).where(within)
            of_symbol = newest.group_by(table.c.symbol).subquery()
            same = (table.c.symbol == of_symbol.c.symbol) & (table.c.session == of_symbol.c.session)
            columns = (table.c.symbol, table.c.session, table.c.close, level.label("level"))
            with engine.connect() as connection:
                for row in connection.execute(sa.select(*columns).join(of_symbol, same).where(within)):
                    if row.symbol not in out or row.session > out[row.symbol][0]:
                        out[row.symbol] = (row.session, row.close, row.level)
    return {symbol: (close, level) for symbol, (_, close, level) in out.items()}


def store_quarantined(engine: sa.Engine, bars: pd.DataFrame, seen: pd.DataFrame) -> None:
    """Store bars that are not used, with their ``unit_level``; those of ``seen`` (sound ones too) take their place."""
    table = tables.quarantined_bars
    if seen.empty:
        return
    with transaction(engine, table) as connection:
        stored = connection.execute(
            sa.select(table.c.session, table.c.symbol).where(
                table.c.session.between(seen["session"].min().date(), seen["session"].max().date())
            )
        ).fetchall()
        known = set(zip(seen["session"].dt.date, seen["symbol"], strict=True)) if stored else set()
        for session, symbol in stored:
            if (session, symbol) in known:
                connection.execute(sa.delete(table).where(table.c.session == session, table.c.symbol == symbol))
        if len(bars):
            insert_rows(connection, table, bars[[column.name for column in table.columns]])


def _stored(connection: sa.Connection, bars: pd.DataFrame) -> pd.DataFrame:
    first, last = bars["session"].min().date(), bars["session"].max().date()
    symbols = sorted(bars["symbol"].unique())
    columns = [bars_table.c.session, bars_table.c.symbol, *(bars_table.c[name] for name in COMPARED)]
    parts = [
        bulk.read(
            connection,
            sa.select(*columns).where(
                bars_table.c.session.between(first, last), bars_table.c.symbol.in_(symbols[start : start + 500])
            ),
        )
        for start in range(0, len(symbols), 500)
    ]
    return pd.concat(parts, ignore_index=True)


def asked_ranges(engine: sa.Engine, symbols: Sequence[str]) -> dict[str, tuple[date, date]]:
    """Return the range of sessions requested from the source, by symbol."""
    chosen = set(symbols)
    with engine.connect() as connection:
        return {
            row.symbol: (row.first_session, row.last_session)
            for row in connection.execute(sa.select(ranges_table))
            if row.symbol in chosen
        }


def extend_ranges(engine: sa.Engine, stretches: Mapping[str, tuple[date, date]]) -> None:
    """Record that each symbol was requested from the source from a first session to a last."""
    with transaction(engine, ranges_table) as connection:
        ranges = {row.symbol: tuple(row[1:]) for row in connection.execute(sa.select(ranges_table))}
        for symbol, (first, last) in stretches.items():
            known_first, known_last = ranges.get(symbol, (first, last))
            ranges[symbol] = (min(first, known_first), max(last, known_last))
        rows = [(symbol, *stretch) for symbol, stretch in ranges.items()]
        replace_table(connection, ranges_table, pd.DataFrame(rows, columns=[c.name for c in ranges_table.columns]))


def sessions_with_bars(engine: sa.Engine, sessions: Sequence[date]) -> set[date]:
    """Return those of the sessions for which any bar is stored."""
    with engine.connect() as connection:
        rows = connection.execute(
            sa.select(bars_table.c.session).where(bars_table.c.session.between(sessions[0], sessions[-1])).distinct()
        )
        return {row[0] for row in rows} & set(sessions)


def newest_session(engine: sa.Engine) -> date | None:
    """Return the last session for which any bar is stored."""
    with engine.connect() as connection:
        newest: date | None = connection.execute(sa.select(sa.func.max(bars_table.c.session))).scalar()
        return newest


def give_up(engine: sa.Engine, sessions: Sequence[date], given_up: Sequence[date], exchange: str) -> None:
    """Record which of the sessions the source has passed over: no bar of them, but bars of a later one."""
    rows = pd.DataFrame(
        {
            "session": pd.to_datetime(list(given_up)).astype("datetime64[s]"),
            "analytic": "market_data",
            "entity_type": "session",
            "entity": exchange,
            "reason": Reason.MISSING_DATA.value,
            "detail": "the source has no bar of this session, but of later ones: the last prices stand",
        }
    )
    replace_sessions(engine, list(sessions), {tables.analytics_skips: rows}, analytic="market_data")


def symbols_with_bars(engine: sa.Engine, sessions: Sequence[date]) -> list[set[str]]:
    """Return which symbols have a stored bar on each of the sessions."""
    with engine.connect() as connection:
        return [
            set(connection.execute(sa.select(bars_table.c.symbol).where(bars_table.c.session == day)).scalars())
            for day in sessions
        ]


def read_bars(engine: sa.Engine, first: date, last: date, symbols: Sequence[str] | None = None) -> pd.DataFrame:
    """Return ``session, symbol`` and the compared fields of stored bars, in no order; all symbols if None.

    Callers don't change them; the symbols may be categorical.
    """
    at_hand = bars_at_hand(engine, first, last)
    if at_hand is None:
        columns = [bars_table.c[name] for name in ("session", "symbol", *COMPARED)]
        select = sa.select(*columns).where(bars_table.c.session.between(first, last))
        if symbols is not None and len(symbols) <= 500:
            select = select.where(bars_table.c.symbol.in_(list(symbols)))
        frame = read_frame(engine, select)
    else:
        frame = at_hand
    if symbols is not None and (at_hand is not None or len(symbols) > 500):
        codes, names = pd.factorize(frame["symbol"])
        is_asked = np.isin(names, symbols)
        frame = frame if is_asked.all() else frame[is_asked[codes]]
    return frame


def record_panel(
    engine: sa.Engine,
    panel_hash: str,
    first: date,
    last: date,
    symbols: int,
    sessions: Sequence[date],
    revision: int | None = None,
) -> None:
    """Point the sessions to a panel, built when ``revision`` was the newest of the prices."""
    with transaction(engine, price_panels) as connection:
        for start in range(0, len(sessions), 500):
            connection.execute(
                sa.delete(price_panels).where(price_panels.c.session.in_(list(sessions[start : start + 500])))
            )
        insert_rows(
            connection,
            price_panels,
            pd.DataFrame(
                {
                    "session": list(sessions),
                    "panel_hash": panel_hash,
                    "first_session": first,
                    "last_session": last,
                    "symbols": symbols,
                    "revision": np.nan if revision is None else revision,
                }
            ),
        )


def panels_for(engine: sa.Engine, sessions: Sequence[date]) -> dict[date, str]:
    """Return the panel of each session that has one."""
    chosen = set(sessions)
    with engine.connect() as connection:
        rows = connection.execute(
            sa.select(price_panels.c.session, price_panels.c.panel_hash).where(
                price_panels.c.session.between(min(chosen), max(chosen))
            )
        )
        return {row.session: row.panel_hash for row in rows if row.session in chosen}


def panel_revisions(engine: sa.Engine, sessions: Sequence[date]) -> list[int]:
    """Return the newest revision of prices that is in the panel of each session; 0 where none was recorded."""
    with engine.connect() as connection:
        rows = connection.execute(
            sa.select(price_panels.c.session, price_panels.c.revision).where(
                price_panels.c.session.between(min(sessions), max(sessions))
            )
        )
        known = {row.session: row.revision or 0 for row in rows}
    return [known.get(session, 0) for session in sessions]


def newest_panels(engine: sa.Engine, count: int) -> set[str]:
    """Return the panels of the newest sessions, at most ``count`` different ones."""
    with engine.connect() as connection:
        rows = connection.execute(
            sa.select(price_panels.c.panel_hash)
            .group_by(price_panels.c.panel_hash)
            .order_by(sa.func.max(price_panels.c.session).desc(), price_panels.c.panel_hash)
            .limit(count)
        )
        return {row[0] for row in rows}
