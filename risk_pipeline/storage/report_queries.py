"""Queries of the risk page: the rows of some sessions, and the history before them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd
import sqlalchemy as sa

from . import tables
from .database import read_frame
from .limit_queries import limit_rows
from .queries import group_ids, portfolios, read_table

HISTORY_COLUMNS = (
    *(
        "session",
        "portfolio_id",
        "nav",
        "daily_pnl",
        "cumulative_pnl",
        "daily_return",
        "is_opening",
        "market_beta",
        "provider_beta",
    ),
    *("ir_beta", "realised_21", "forecast", "var_99"),
)
SESSION_TABLES = (
    *("portfolio_snapshots", "portfolio_volatility", "factor_exposures", "stress_test_results", "sector_exposures"),
    *("scenario_plausibility", "stress_factor_impacts", "price_panels", "risk_changes", "currency_exposures"),
    *("position_values", "factor_returns", "option_grids", "benchmark_risk", "active_exposures"),
    "position_correlations",
)


@dataclass(frozen=True)
class ReportRows:
    """Rows of the sessions of ``tables`` by table, and what is needed beside them.

    ``history`` are some columns of the snapshots of the year before, the sessions included; ``scores`` the
    portfolios' forecasts that met their outcome in it, ``outcomes`` the values at risk that did; ``skips`` of
    portfolios and of symbols; ``restatements`` the prices of that year that the source changed later;
    ``coverage`` the state of each symbol's prices on each session; ``pairs`` the closes of currency pairs;
    ``limits`` their utilisations and since when each breach has lasted.
    """

    tables: dict[str, pd.DataFrame]
    portfolios: pd.DataFrame
    scenarios: pd.DataFrame
    history: pd.DataFrame
    scores: pd.DataFrame
    outcomes: pd.DataFrame
    skips: pd.DataFrame
    restatements: pd.DataFrame
    coverage: pd.DataFrame
    pairs: pd.DataFrame
    limits: pd.DataFrame


def report_rows(engine: sa.Engine, first: date, last: date, history_from: date) -> ReportRows:
    """Read everything that the pages of the sessions from ``first`` to ``last`` show."""
    snapshots, scores = tables.portfolio_snapshots, tables.volatility_scores
    outcomes, restated = tables.value_at_risk_outcomes, tables.price_restatements
    return ReportRows(
        tables={name: read_table(engine, name, first=first, last=last) for name in SESSION_TABLES},
        portfolios=portfolios(engine).assign(is_group=lambda rows: rows["portfolio_id"].isin(group_ids(engine))),
        scenarios=read_table(engine, "stress_scenarios"),
        history=read_frame(
            engine,
            _between(sa.select(*(snapshots.c[name] for name in HISTORY_COLUMNS)), snapshots, history_from, last),
        ),
        scores=read_frame(
            engine,
            _between(sa.select(scores), scores, history_from, last).where(scores.c.entity_type == "portfolio"),
        ),
        outcomes=read_frame(engine, _between(sa.select(outcomes), outcomes, history_from, last)),
        skips=read_table(engine, "analytics_skips", first=first, last=last),
        restatements=read_frame(engine, _between(sa.select(restated), restated, history_from, last)),
        coverage=read_table(engine, "market_data_coverage", first=first, last=last),
        pairs=pair_closes(engine, first, last),
        limits=limit_rows(engine, first, last),
    )


def pair_closes(engine: sa.Engine, first: date, last: date) -> pd.DataFrame:
    """Return ``session, symbol, close`` of the currency pairs stored, of the sessions from ``first`` to ``last``."""
    bars = tables.market_data_cache
    select = sa.select(bars.c.session, bars.c.symbol, bars.c.close).where(bars.c.symbol.like("%=X"))
    return read_frame(engine, _between(select, bars, first, last))


def _between(select: sa.Select[Any], table: sa.Table, first: date, last: date) -> sa.Select[Any]:
    return select.where(table.c.session.between(first, last)).order_by(*table.primary_key.columns)


def sessions_after(engine: sa.Engine, session: date, count: int) -> list[date]:
    """Return the sessions with a snapshot after one, at most ``count``, in order."""
    column = tables.portfolio_snapshots.c.session
    with engine.connect() as connection:
        later = sa.select(column).where(column > session).distinct().order_by(column).limit(count)
        return list(connection.execute(later).scalars())


def previous_sessions(engine: sa.Engine, sessions: Sequence[date]) -> dict[date, date]:
    """Return, of each of the sessions, the last one before it that has a snapshot; none where there is none."""
    column = tables.portfolio_snapshots.c.session
    with engine.connect() as connection:
        before = connection.execute(sa.select(sa.func.max(column)).where(column < sessions[0])).scalar()
        inside = connection.execute(
            sa.select(column).where(column.between(sessions[0], sessions[-1])).distinct().order_by(column)
        ).scalars()
        made = set(inside)
    out: dict[date, date] = {}
    for session in sessions:
        if before is not None:
            out[session] = before
        before = session if session in made else before
    return out


def sessions_around(engine: sa.Engine, first: date, last: date, reach: int) -> list[date]:
    """Return, in order, the sessions with a snapshot or a refusal, from ``reach`` before ``first`` to as many after."""
    snapshots, skips = tables.portfolio_snapshots.c.session, tables.analytics_skips
    valued = sa.select(snapshots).distinct()
    refused = sa.select(skips.c.session).where(skips.c.analytic == "portfolio_snapshots").distinct()
    earlier: set[date] = set()
    inside: set[date] = set()
    later: set[date] = set()
    with engine.connect() as connection:
        for day, made in ((snapshots, valued), (skips.c.session, refused)):
            earlier.update(connection.scalars(made.where(day < first).order_by(day.desc()).limit(reach)))
            inside.update(connection.scalars(made.where(day.between(first, last))))
            later.update(connection.scalars(made.where(day > last).order_by(day).limit(reach)))
    return [*sorted(earlier)[-reach:], *sorted(inside), *sorted(later)[:reach]]


def session_totals(engine: sa.Engine) -> pd.DataFrame:
    """Return ``session, portfolios, incomplete`` of every session with a snapshot or a refusal, newest first.

    A portfolio that can't be valued counts as incomplete.
    """
    table, skips = tables.portfolio_snapshots, tables.analytics_skips
    valued = sa.select(table.c.session, sa.case((table.c.is_complete, 0), else_=1).label("incomplete"))
    refused = sa.select(skips.c.session, sa.literal(1).label("incomplete")).where(skips.c.analytic == table.name)
    rows = sa.union_all(valued, refused).subquery()
    return read_frame(
        engine,
        sa.select(
            rows.c.session,
            sa.func.count().label("portfolios"),
            sa.func.sum(rows.c.incomplete, type_=sa.Integer).label("incomplete"),
        )
        .group_by(rows.c.session)
        .order_by(rows.c.session.desc()),
    )
