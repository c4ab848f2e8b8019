"""Queries of the batch: portfolios, lots, profiles, completeness, and reading any table."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa

from ..currencies import legs
from ..symbols import priced_symbol
from . import tables
from .benchmarks import resolved, spans
from .book_versions import BOOK, book_rows_of, made_once
from .columns import sorted_by
from .database import insert_rows, read_frame, transaction
from .errors import StorageError
from .groups import flows_with_groups, lots_with_groups, with_groups
from .tables import metadata, portfolio_snapshots, positions


def portfolios(engine: sa.Engine) -> pd.DataFrame:
    """Return all portfolios, groups of them included, in the order of their ids."""
    rows = made_once(engine, "portfolios", lambda: with_groups(imported_portfolios(engine), groups(engine)))
    return rows.copy(deep=False)


def imported_portfolios(engine: sa.Engine) -> pd.DataFrame:
    """Return the portfolios that were imported, in the order of their ids."""
    return _book(engine, tables.portfolios, by=["portfolio_id"])


def groups(engine: sa.Engine) -> pd.DataFrame:
    """Return ``group_id, portfolio_id``: the members of each group."""
    return _book(engine, tables.portfolio_groups, by=["group_id", "portfolio_id"])


def group_ids(engine: sa.Engine) -> set[str]:
    """Return the portfolios that are groups: in a sum they would count their members again."""
    return set(groups(engine)["group_id"])


def lots(engine: sa.Engine, last: date) -> pd.DataFrame:
    """Return the lots entered on or before ``last``, deleted ones left out, by portfolio and position.

    Those of groups too, with ids of their own.
    """
    rows = _book(engine, positions, "entry_date", last, by=["portfolio_id", "position_id"])
    return lots_with_groups(rows[~rows["is_deleted"].astype(bool)].reset_index(drop=True), groups(engine))


def benchmarks(engine: sa.Engine) -> pd.DataFrame:
    """Return ``benchmark, symbol, weight, valid_from`` of the benchmarks that portfolios have, whenever valid."""
    return resolved(portfolios(engine), _benchmark_weights(engine))


def _benchmark_weights(engine: sa.Engine) -> pd.DataFrame:
    return _book(engine, tables.benchmarks, by=["benchmark", "symbol", "valid_from"])


def _benchmark_spans(engine: sa.Engine, last: date) -> pd.DataFrame:
    """Return ``symbol, entry_date, end_date`` of the benchmarks of portfolios that open by a day."""
    rows = made_once(engine, "benchmarks", lambda: spans(portfolios(engine), _benchmark_weights(engine)))
    return rows[rows["entry_date"] <= pd.Timestamp(last)]


def flows(engine: sa.Engine, last: date) -> pd.DataFrame:
    """Return cash paid in and out on or before ``last``."""
    rows = _book(engine, tables.portfolio_flows, "flow_date", last, by=["portfolio_id", "flow_date"])
    return flows_with_groups(rows, groups(engine))


def marks(engine: sa.Engine, last: date) -> pd.DataFrame:
    """Return the marks of private assets on or before ``last``, by symbol and date."""
    return _book(engine, tables.private_marks, "mark_date", last, by=["symbol", "mark_date"])


def volatilities(engine: sa.Engine, last: date) -> pd.DataFrame:
    """Return the quoted volatilities of options on or before ``last``, by symbol and date."""
    return _book(engine, tables.implied_volatilities, "quote_date", last, by=["symbol", "quote_date"])


def limits(engine: sa.Engine, last: date) -> pd.DataFrame:
    """Return the limits valid from ``last`` or earlier, by portfolio, measure, operator and first day."""
    key = ["portfolio_id", "measure", "operator", "valid_from"]
    return _book(engine, tables.limits, "valid_from", last, by=key)


def read_sources(
    engine: sa.Engine,
    sources: Mapping[str, Sequence[str] | None],
    first: date,
    last: date,
    factors: Sequence[str] = (),
) -> dict[str, pd.DataFrame]:
    """Return rows of some tables from one session to another: all of their columns (None), or some in no order.

    Of the symbols' betas only those to some ``factors``.
    """
    only = {tables.symbol_factor_exposures.name: factors}
    return {
        name: read_table(engine, name, first=first, last=last, columns=columns, factors=only.get(name))
        for name, columns in sources.items()
    }


def _book(
    engine: sa.Engine, table: sa.Table, column: str | None = None, last: date | None = None, by: Sequence[str] = ()
) -> pd.DataFrame:
    """Return rows of the book: of the version that the engine looks at, else the present ones."""
    rows = book_rows_of(engine, table, None if column is None or last is None else (column, last))
    if rows is not None:
        return sorted_by(rows, by) if by else rows
    select = sa.select(table)
    return read_frame(engine, select if column is None else select.where(table.c[column] <= last), by=by)


def ticker_changes(engine: sa.Engine) -> list[tuple[str, str, date]]:
    """Return old symbol, new symbol and the day of each change of ticker, by day."""
    rows = _book(engine, tables.symbol_aliases, by=["change_date", "old_symbol"])
    return list(zip(rows["old_symbol"], rows["new_symbol"], rows["change_date"].dt.date, strict=True))


def profiles(engine: sa.Engine, last: date) -> pd.DataFrame:
    """Return every version of every profile known on or before ``last``, by symbol and date."""
    table = tables.company_profiles
    return read_frame(engine, sa.select(table).where(table.c.as_of <= last), by=["symbol", "as_of"])


def upsert_profiles(engine: sa.Engine, frame: pd.DataFrame) -> int:
    """Store profile versions; one that is there already is replaced. Returns how many were written."""
    table = tables.company_profiles
    with transaction(engine, table) as connection:
        known = set(connection.execute(sa.select(table.c.symbol, table.c.as_of)).fetchall())
        keys = list(zip(frame["symbol"], pd.to_datetime(frame["as_of"]).dt.date, strict=True))
        again = [{"of_symbol": key[0], "from_day": key[1]} for key in keys if key in known]
        if again:  # on each run all that the source has known for long: one statement
            version = (table.c.symbol == sa.bindparam("of_symbol")) & (table.c.as_of == sa.bindparam("from_day"))
            connection.execute(sa.delete(table).where(version), again)
        return insert_rows(connection, table, frame[[column.name for column in table.columns]])


def position_symbols(engine: sa.Engine) -> list[str]:
    """Return every symbol with a market price that any lot or benchmark needs, sorted."""
    return sorted({*_priced_lots(_book(engine, positions))["symbol"], *benchmarks(engine)["symbol"]})


def _priced_lots(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the lots that need a market price, ``symbol`` the one that is priced.

    Their own, an option's underlying, a private asset's proxy.
    """
    symbol = priced_symbol(rows)
    return rows.assign(symbol=symbol)[symbol.notna() & ~rows["is_deleted"].astype(bool)]


def symbol_needs(engine: sa.Engine, first: date, last: date) -> pd.DataFrame:
    """Return ``symbol, first_held, last_held, active_from, first_option`` of lots entered on or before ``last``.

    A benchmark's symbols are needed as if they were held while its portfolio is open. ``last_held`` is the last day on
    which a lot needs a price (its exit or expiry, else ``last``);
    ``active_from`` the first day from ``first`` on that one does, null if none does any more; ``first_option`` the
    first day on which an option on it was held, null if none was.
    """
    rows = _priced_lots(_book(engine, positions, "entry_date", last))
    compared = _benchmark_spans(engine, last).rename(columns={"end_date": "exit_date"})
    rows = pd.concat([rows, compared], ignore_index=True) if len(compared) else rows
    ends = rows["exit_date"].fillna(rows["expiry"]).fillna(pd.Timestamp(last))
    since = rows["entry_date"].clip(lower=pd.Timestamp(first))
    needs = (
        pd.DataFrame(
            {
                "symbol": rows["symbol"],
                "first_held": rows["entry_date"],
                "last_held": ends,
                "active_from": since.where(ends >= pd.Timestamp(first)),
                "first_option": rows["entry_date"].where(rows["investment_class"] == "OPTIONS"),
            }
        )
        .groupby("symbol", sort=False)
        .agg({"first_held": "min", "last_held": "max", "active_from": "min", "first_option": "min"})
        .reset_index()
    )
    for name in ("first_held", "last_held", "active_from", "first_option"):
        needs[name] = needs[name].dt.date
    return needs.sort_values("symbol", ignore_index=True)


def conversions_needed(engine: sa.Engine, first: date, last: date) -> pd.DataFrame:
    """Return ``currency, into, first_held, last_held, active_from`` of lots in another currency than their portfolio's.

    Of the lots entered on or before ``last``, by the two currencies; the days as in :func:`symbol_needs`. A lot's
    currency is its own, else its quote's, else its portfolio's; that of a private asset has no quote.
    """
    rows = _book(engine, positions, "entry_date", last)
    rows = rows[~rows["is_deleted"].astype(bool)]
    currencies = _currencies(engine, rows)
    currency, into = currencies["currency"], currencies["into"]
    ends = rows["exit_date"].fillna(rows["expiry"]).fillna(pd.Timestamp(last))
    since = rows["entry_date"].clip(lower=pd.Timestamp(first))
    needs = pd.DataFrame(
        {
            "currency": currency,
            "into": into,
            "first_held": rows["entry_date"],
            "last_held": ends,
            "active_from": since.where(ends >= pd.Timestamp(first)),
        }
    )[(currency != into).to_numpy()]
    first_last = {"first_held": "min", "last_held": "max", "active_from": "min"}
    spans_needed = needs.groupby(["currency", "into"]).agg(first_last).reset_index()
    for name in first_last:
        spans_needed[name] = pd.to_datetime(spans_needed[name]).dt.date
    return spans_needed


def volumes(engine: sa.Engine, first: date, last: date) -> pd.DataFrame:
    """Return ``session, symbol, volume`` of the stored bars with a volume, as first stored."""
    bars = tables.market_data_cache.c
    known = bars.session.between(first, last) & bars.volume.is_not(None)
    return read_frame(engine, sa.select(bars.session, bars.symbol, bars.volume).where(known))


def quotes(engine: sa.Engine) -> pd.DataFrame:
    """Return what the sources say of the symbols' prices, by symbol."""
    return read_frame(engine, sa.select(tables.symbol_quotes), by=["symbol"])


def symbols_held(engine: sa.Engine, sessions: Sequence[date]) -> pd.DataFrame:
    """Return ``session, symbol`` of every symbol whose market price a lot needs on each of the sessions, in order.

    A lot needs one from its entry to its exit or expiry, both included; in another currency than its portfolio's, it
    needs those of the pairs between the two as well. A benchmark's symbols are needed while its portfolio is open.
    """
    lots = _book(engine, positions, "entry_date", sessions[-1])
    lots = lots[~lots["is_deleted"].astype(bool)]
    ends = lots["exit_date"].fillna(lots["expiry"]).fillna(pd.Timestamp(sessions[-1]))
    lots = lots.assign(end_date=ends)[ends >= pd.Timestamp(sessions[0])]
    columns = ["symbol", "entry_date", "end_date"]
    exchanged = lots.assign(**_currencies(engine, lots))
    exchanged = exchanged.loc[exchanged["currency"] != exchanged["into"], ["currency", "into", *columns[1:]]]
    pairs = [
        (leg.symbol, row.entry_date, row.end_date)
        for row in exchanged.drop_duplicates().itertuples(index=False)
        for leg in legs(row.currency, row.into)
    ]
    compared = _benchmark_spans(engine, sessions[-1])
    compared = compared.assign(end_date=compared["end_date"].fillna(pd.Timestamp(sessions[-1])))
    compared = compared[compared["end_date"] >= pd.Timestamp(sessions[0])]
    parts = [_priced_lots(lots)[columns], pd.DataFrame(pairs, columns=columns), compared]
    needed = pd.concat([part for part in parts if len(part)] or parts[:1]).drop_duplicates()
    days = np.array(sessions, dtype="datetime64[s]")
    first = np.searchsorted(days, needed["entry_date"].to_numpy(dtype="datetime64[s]"), side="left")
    last = np.searchsorted(days, needed["end_date"].to_numpy(dtype="datetime64[s]"), side="right")
    lot = np.repeat(np.arange(len(needed)), np.maximum(last - first, 0))
    day = np.concatenate([np.arange(a, b) for a, b in zip(first, last, strict=True)] or [np.arange(0)])
    held = pd.DataFrame({"session": days[day], "symbol": needed["symbol"].to_numpy(dtype=object)[lot]})
    return held.drop_duplicates().sort_values(["session", "symbol"], ignore_index=True)


def _currencies(engine: sa.Engine, lots: pd.DataFrame) -> dict[str, pd.Series]:
    """Return each lot's ``currency``, its own, else its quote's, else its portfolio's; and ``into``, the latter."""
    into = lots["portfolio_id"].map(portfolios(engine).set_index("portfolio_id")["currency"])
    priced = lots["underlying"].where(lots["underlying"].notna(), lots["symbol"])
    quoted = priced.map(quotes(engine).set_index("symbol")["currency"]).where(lots["investment_class"] != "PRIVATE")
    currency = lots["currency"].where(lots["currency"].notna(), quoted.where(quoted.notna(), into))
    return {"currency": currency, "into": into}


def portfolio_summary(engine: sa.Engine) -> tuple[pd.DataFrame, str]:
    """Return counts and entry dates by portfolio, and a version that changes with any imported row."""
    digest = hashlib.sha256()
    for table in BOOK:
        rows = _book(engine, table, by=[column.name for column in table.primary_key.columns])
        digest.update(pd.util.hash_pandas_object(rows.astype(str), index=False).to_numpy().tobytes())
    held = _book(engine, positions)
    held = held[~held["is_deleted"].astype(bool)].groupby("portfolio_id")
    counted = held["entry_date"].agg(positions="count", first_entry="min", last_entry="max")
    summary = imported_portfolios(engine)[["portfolio_id"]].join(counted, on="portfolio_id")
    return summary.assign(positions=summary["positions"].fillna(0).astype(int)), digest.hexdigest()[:16]


def clear_analytics(engine: sa.Engine, first: date, last: date) -> dict[str, int]:
    """Delete everything derived of a range of sessions; prices and imports stay. Returns rows by table."""
    with transaction(engine, *tables.ANALYTICS) as connection:
        return {
            table.name: connection.execute(sa.delete(table).where(table.c.session.between(first, last))).rowcount
            for table in tables.ANALYTICS
        }


def latest_session(engine: sa.Engine) -> date | None:
    """Return the latest session with a snapshot, or with a portfolio that can't be valued."""
    skips = tables.analytics_skips.c
    with engine.connect() as connection:
        made: date | None = connection.execute(sa.select(sa.func.max(portfolio_snapshots.c.session))).scalar()
        refused = sa.select(sa.func.max(skips.session)).where(skips.analytic == portfolio_snapshots.name)
        later = refused if made is None else refused.where(skips.session > made)
        return connection.execute(later).scalar() or made


def earliest_session(engine: sa.Engine) -> date | None:
    """Return the earliest session with a snapshot."""
    with engine.connect() as connection:
        return connection.execute(sa.select(sa.func.min(portfolio_snapshots.c.session))).scalar()


def read_scores(
    engine: sa.Engine, last: date, entity_type: str, sessions: int, entities: Sequence[str] | None = None
) -> pd.DataFrame:
    """Return the ``volatility_scores`` of portfolios or symbols (or some) on the last stored sessions up to ``last``.

    Without the session on which the forecast was made.
    """
    table = tables.volatility_scores
    in_scope = (table.c.session <= last) & (table.c.entity_type == entity_type)
    chosen = in_scope if entities is None else in_scope & table.c.entity.in_(entities)
    columns = [table.c[name] for name in ("session", "entity", "model", "forecast", "outcome", "qlike")]
    return read_frame(
        engine, sa.select(*columns).where(chosen, table.c.session.in_(_newest(table, in_scope, sessions)))
    )


def read_outcomes(
    engine: sa.Engine, last: date, sessions: int, portfolio_ids: Sequence[str] | None = None
) -> pd.DataFrame:
    """Return the ``value_at_risk_outcomes`` (of some portfolios) of the last stored sessions up to ``last``."""
    table = tables.value_at_risk_outcomes
    in_scope = table.c.session <= last
    chosen = in_scope if portfolio_ids is None else in_scope & table.c.portfolio_id.in_(portfolio_ids)
    return read_frame(engine, sa.select(table).where(chosen, table.c.session.in_(_newest(table, in_scope, sessions))))


def _newest(table: sa.Table, in_scope: sa.ColumnElement[bool], count: int) -> sa.Select[Any]:
    newest = sa.select(table.c.session).where(in_scope).distinct().order_by(table.c.session.desc()).limit(count)
    return sa.select(newest.subquery().c.session)


def rows_by_portfolio(engine: sa.Engine, first: date, last: date) -> pd.DataFrame:
    """Return how many rows each analytic has of each session and portfolio (the index); NaN where it has none."""
    analytics = {
        "factor_exposures": tables.factor_exposures,
        "volatility": tables.portfolio_volatility,
        "stress_tests": tables.stress_test_results,
    }
    counts = {}
    for name, table in analytics.items():
        key = [table.c.session, table.c.portfolio_id]
        counted = (
            sa.select(*key, sa.func.count().label("rows")).where(table.c.session.between(first, last)).group_by(*key)
        )
        counts[name] = read_frame(engine, counted).set_index(["session", "portfolio_id"])["rows"]
    return pd.DataFrame(counts)


def worst_scenarios(engine: sa.Engine, first: date, last: date) -> pd.DataFrame:
    """Return ``session, portfolio_id, scenario_id, correlated_pnl``: where each portfolio loses most.

    Of scenarios that are equally bad the first by name. One pass over the rows: where they are new, Postgres expects
    one row, joins them to their least in a loop and takes minutes.
    """
    table = tables.stress_test_results
    key = [table.c.session, table.c.portfolio_id]
    place = sa.func.rank().over(partition_by=key, order_by=table.c.correlated_pnl)
    known = sa.select(*key, table.c.scenario_id, table.c.correlated_pnl, place.label("place"))
    known = known.where(table.c.session.between(first, last), table.c.correlated_pnl.is_not(None))
    ranked = known.subquery()
    columns = [ranked.c[name] for name in ("session", "portfolio_id", "scenario_id", "correlated_pnl")]
    rows = read_frame(engine, sa.select(*columns).where(ranked.c.place == 1))
    return rows.sort_values("scenario_id").drop_duplicates(["session", "portfolio_id"], ignore_index=True)


def rows_of_session(engine: sa.Engine, session: date) -> dict[str, int]:
    """Return how many rows each analytics table holds of a session."""
    with engine.connect() as connection:
        return {
            table.name: connection.execute(
                sa.select(sa.func.count()).select_from(table).where(table.c.session == session)
            ).scalar_one()
            for table in tables.ANALYTICS
        }


def columns_of(name: str) -> list[str]:
    """Return the columns of a table that :func:`read_table` reads.

    Raises
    ------
    StorageError
        If there is no such table; names those there are.
    """
    return [column.name for column in _source(name)[0].columns]


def _source(name: str) -> tuple[Any, list[str]]:
    """Return what rows of a name are selected from, and the columns of their key."""
    if name == tables.STRESS_FACTOR_IMPACTS:
        key = ["session", "portfolio_id", "scenario_id", "factor_name"]
        return tables.STRESS_FACTOR_IMPACTS_SELECT.subquery(name), key
    if name not in metadata.tables:
        raise StorageError(f"there is no table {name!r}; there are {', '.join(sorted(metadata.tables))}")
    table = metadata.tables[name]
    return table, [column.name for column in table.primary_key.columns]


def read_table(
    engine: sa.Engine,
    name: str,
    *,
    first: date | None = None,
    last: date | None = None,
    portfolio: str | None = None,
    factors: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Return the rows of a table (or of the view ``stress_factor_impacts``) in the order of its key.

    ``first`` and ``last`` bound the session, ``portfolio`` the portfolio's id, ``factors`` the factors' names. With
    ``columns`` only these, which is much faster, and in no order.
    """
    seen = book_rows_of(engine, metadata.tables[name]) if name in metadata.tables else None
    if seen is not None:
        chosen = seen if portfolio is None else seen[seen["portfolio_id"] == portfolio]
        return (chosen if columns is None else chosen[list(columns)]).reset_index(drop=True)
    source, order = _source(name)
    select = sa.select(source) if columns is None else sa.select(*(source.c[column] for column in columns))
    if first is not None:
        select = select.where(source.c.session >= first)
    if last is not None:
        select = select.where(source.c.session <= last)
    if portfolio is not None:
        select = select.where(source.c.portfolio_id == portfolio)
    if factors is not None:
        select = select.where(source.c.factor_name.in_(list(factors)))
    return read_frame(engine, select, by=order if columns is None else ())
