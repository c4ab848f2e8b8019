"""Queries of the asset checks: each returns the rows that are wrong, empty where all is well."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

import pandas as pd
import sqlalchemy as sa

from . import tables
from .bars_at_hand import bars_at_hand
from .columns import sorted_by
from .database import read_frame
from .shared_reads import shared
from .tables import factor_exposures, market_data_cache, portfolio_snapshots, portfolio_volatility, stress_test_results


def _in_range(table: sa.Table, sessions: Sequence[date]) -> sa.ColumnElement[bool]:
    return table.c.session.between(sessions[0], sessions[-1])


def _read(engine: sa.Engine, *columns: sa.ColumnElement[Any], where: sa.ColumnElement[bool]) -> pd.DataFrame:
    return read_frame(engine, sa.select(*columns).where(where))


def stored_proxies(engine: sa.Engine, sessions: Sequence[date], symbols: Sequence[str]) -> pd.DataFrame:
    """Return ``session, symbol`` of the stored bars of some symbols."""
    cache = market_data_cache
    return _read(
        engine,
        cache.c.session,
        cache.c.symbol,
        where=_in_range(cache, sessions) & cache.c.symbol.in_(list(symbols)),
    )


def newest_bars(engine: sa.Engine, symbols: Sequence[str], last: date | None = None) -> dict[str, date]:
    """Return the last session (up to ``last``) with a stored bar of each symbol that has one."""
    cache = market_data_cache
    select = sa.select(cache.c.symbol, sa.func.max(cache.c.session, type_=sa.Date)).where(
        cache.c.symbol.in_(list(symbols)), sa.true() if last is None else cache.c.session <= last
    )
    with engine.connect() as connection:
        return {row[0]: row[1] for row in connection.execute(select.group_by(cache.c.symbol))}


def bars(engine: sa.Engine, first: date, last: date) -> pd.DataFrame:
    """Return closes, dividends and splits of all symbols between two sessions, by symbol and session."""
    names = ["symbol", "session", "close", "dividend", "split_factor"]
    at_hand = bars_at_hand(engine, first, last)
    if at_hand is not None:
        return sorted_by(at_hand[names], ["symbol", "session"])
    cache = market_data_cache.c
    select = sa.select(*(cache[name] for name in names)).where(cache.session.between(first, last))
    return read_frame(engine, select, by=["symbol", "session"])


def forecast_outcomes(engine: sa.Engine, first: date, last: date) -> pd.DataFrame:
    """Return ``entity, forecast, outcome`` of the portfolios' own forecasts that were scored between two sessions."""
    scores = tables.volatility_scores.c
    own = (scores.entity_type == "portfolio") & (scores.model == "forecast")
    return _read(
        engine, scores.entity, scores.forecast, scores.outcome, where=scores.session.between(first, last) & own
    )


@shared
def option_volatilities(engine: sa.Engine, sessions: Sequence[date]) -> pd.DataFrame:
    """Return the options held on the sessions, and with which volatility each was valued."""
    held = tables.position_values
    names = ("session", "portfolio_id", "position_id", "underlying", "contract", "price")
    quoted = ("volatility_source", "volatility_date", "refused_mark")
    where = _in_range(held, sessions) & (held.c.investment_class == "OPTIONS") & (held.c.quantity != 0)
    return _read(engine, *(held.c[name] for name in (*names, *quoted)), where=where)


def dividends_paid(engine: sa.Engine, first: date, last: date, symbols: Collection[str]) -> pd.DataFrame:
    """Return ``symbol, session, dividend, close`` of the ex-sessions of some symbols, by symbol and session."""
    cache = market_data_cache
    found = _read(  # of all symbols: few bars have one, and a question by symbol reads the whole range each time
        engine,
        *(cache.c[name] for name in ("symbol", "session", "dividend", "close")),
        where=cache.c.session.between(first, last) & (cache.c.dividend != 0),
    )
    return found[found["symbol"].isin(list(symbols))].sort_values(["symbol", "session"], ignore_index=True)


def quarantined(engine: sa.Engine, sessions: Sequence[date]) -> pd.DataFrame:
    """Return the bars of the sessions that are not used."""
    table = tables.quarantined_bars
    return read_frame(engine, sa.select(table).where(_in_range(table, sessions)))


def factor_names_in_use(engine: sa.Engine) -> pd.DataFrame:
    """Return ``table, factor_name`` of every name that exposures, moves and definitions hold."""
    pieces = [
        sa.select(sa.literal(table.name).label("table"), table.c.factor_name).distinct()
        for table in (
            factor_exposures,
            tables.symbol_factor_exposures,
            tables.scenario_factor_moves,
            tables.factor_definitions,
        )
    ]
    with engine.connect() as connection:
        rows = [tuple(row) for piece in pieces for row in connection.execute(piece)]
    return pd.DataFrame(rows, columns=["table", "factor_name"])


@shared
def exposures(engine: sa.Engine, sessions: Sequence[date], factor: str) -> pd.DataFrame:
    """Return ``session, portfolio_id, dollar_exposure, exposure, coverage`` of one factor."""
    table = factor_exposures
    return _read(
        engine,
        table.c.session,
        table.c.portfolio_id,
        table.c.dollar_exposure,
        table.c.exposure,
        table.c.coverage,
        where=_in_range(table, sessions) & (table.c.factor_name == factor),
    )


def all_exposures(engine: sa.Engine, sessions: Sequence[date]) -> pd.DataFrame:
    """Return ``session, portfolio_id, factor_name, exposure, std_error`` of all factors."""
    table = factor_exposures
    names = ("session", "portfolio_id", "factor_name", "exposure", "std_error")
    return _read(engine, *(table.c[name] for name in names), where=_in_range(table, sessions))


def rows_of_each(
    engine: sa.Engine, column: sa.Column[str], sessions: Sequence[date], **among: Collection[str]
) -> pd.DataFrame:
    """Return ``session, portfolio_id, rows`` of a column's table, and by name how many rows hold one of some texts."""
    table = column.table
    key = (table.c.session, table.c.portfolio_id)
    found = [sa.func.count().filter(column.in_(sorted(texts))).label(name) for name, texts in among.items()]
    select = sa.select(*key, sa.func.count().label("rows"), *found).where(_in_range(table, sessions))
    return read_frame(engine, select.group_by(*key))


def symbol_fits(engine: sa.Engine, sessions: Sequence[date], factor: str) -> pd.DataFrame:
    """Return ``session, symbol, r_squared`` of the symbols' fits that give a factor's beta."""
    table = tables.symbol_factor_exposures
    columns = (table.c.session, table.c.symbol, table.c.r_squared)
    return _read(engine, *columns, where=_in_range(table, sessions) & (table.c.factor_name == factor))


def stress_of(engine: sa.Engine, sessions: Sequence[date], scenarios: Collection[str]) -> pd.DataFrame:
    """Return ``session, portfolio_id, scenario_id, direct_pnl, correlated_pnl`` of some scenarios."""
    table = stress_test_results
    names = ("session", "portfolio_id", "scenario_id", "direct_pnl", "correlated_pnl")
    some = table.c.scenario_id.in_(sorted(scenarios))
    return _read(engine, *(table.c[name] for name in names), where=_in_range(table, sessions) & some)


def correlated_stress(engine: sa.Engine, sessions: Sequence[date]) -> pd.DataFrame:
    """Return keys, ``correlated_pnl`` where it is known, and in ``beside`` what of it is no factor's contribution."""
    table = stress_test_results
    names = ("session", "portfolio_id", "scenario_id", "correlated_pnl")
    option, currency, compounding = (
        sa.func.coalesce(table.c[name], 0.0) for name in ("option_revaluation", "currency_pnl", "compounding_pnl")
    )
    beside = (option + currency + compounding).label("beside")
    where = _in_range(table, sessions) & table.c.correlated_pnl.is_not(None)
    return _read(engine, *(table.c[name] for name in names), beside, where=where)


def contribution_parts(engine: sa.Engine, sessions: Sequence[date]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the factors' moves by scenario, and the portfolios' dollar exposures to these factors."""
    moves, held = tables.scenario_factor_moves.c, factor_exposures.c
    moved = _read(
        engine,
        *(moves[name] for name in ("session", "scenario_id", "factor_name", "move")),
        where=_in_range(tables.scenario_factor_moves, sessions),
    )
    factors = moved["factor_name"].unique().tolist()  # a subquery in their place takes Postgres four times as long
    dollars = _read(
        engine,
        *(held[name] for name in ("session", "portfolio_id", "factor_name", "dollar_exposure")),
        where=_in_range(factor_exposures, sessions) & held.factor_name.in_(factors),
    )
    return moved, dollars


def volatilities(engine: sa.Engine, sessions: Sequence[date]) -> pd.DataFrame:
    """Return ``session, portfolio_id, forecast, reason``."""
    table = portfolio_volatility
    return _read(
        engine,
        table.c.session,
        table.c.portfolio_id,
        table.c.forecast,
        table.c.reason,
        where=_in_range(table, sessions),
    )


def snapshots(engine: sa.Engine, sessions: Sequence[date], *names: str) -> pd.DataFrame:
    """Return ``session, portfolio_id`` and some columns of the snapshots of the sessions."""
    table = portfolio_snapshots
    columns = (table.c[name] for name in ("session", "portfolio_id", *names))
    return _read(engine, *columns, where=_in_range(table, sessions))


def unvalued(engine: sa.Engine, sessions: Sequence[date]) -> pd.DataFrame:
    """Return ``session, portfolio_id, reason, detail`` of the portfolios without a snapshot because of a price."""
    table = tables.analytics_skips
    columns = (table.c.session, table.c.entity.label("portfolio_id"), table.c.reason, table.c.detail)
    return _read(engine, *columns, where=_in_range(table, sessions) & (table.c.analytic == "portfolio_snapshots"))


def skipped(engine: sa.Engine, sessions: Sequence[date], analytic: str) -> pd.DataFrame:
    """Return ``session, portfolio_id, reason`` of the portfolios that an analytic skipped."""
    table = tables.analytics_skips
    return _read(
        engine,
        table.c.session,
        table.c.entity.label("portfolio_id"),
        table.c.reason,
        where=_in_range(table, sessions) & (table.c.analytic == analytic) & (table.c.entity_type == "portfolio"),
    )


def skipped_symbols(engine: sa.Engine, first: date, last: date) -> pd.DataFrame:
    """Return ``session, portfolio_id, symbol, reason`` of the symbols that portfolios hold and an analytic skipped."""
    held, skips = tables.position_values, tables.analytics_skips
    priced = sa.func.coalesce(held.c.underlying, held.c.symbol)
    return read_frame(
        engine,
        sa.select(held.c.session, held.c.portfolio_id, priced.label("symbol"), skips.c.reason)
        .distinct()
        .join_from(held, skips, (skips.c.session == held.c.session) & (skips.c.entity == priced))
        .where(held.c.session.between(first, last), skips.c.entity_type == "symbol"),
        by=["session", "portfolio_id", "symbol"],
    )
