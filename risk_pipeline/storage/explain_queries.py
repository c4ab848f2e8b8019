"""Queries of what made the P&L: sums over ranges of sessions, and what was left unexplained on each."""

from __future__ import annotations

from datetime import date

import pandas as pd
import sqlalchemy as sa

from .database import read_frame
from .shared_reads import shared
from .tables import (
    currency_exposures,
    factor_exposures,
    pnl_explain,
    portfolio_snapshots,
    portfolio_volatility,
    position_values,
)

UNEXPLAINED = ("specific", "dividends", "unattributed")
"""Kinds that no factor and no other name explains: on the ex-day the price falls by the dividend, so both count."""
RESIDUAL = ("options", "residual")


def linked(engine: sa.Engine, first: date, last: date, portfolio: str | None = None) -> pd.DataFrame:
    """Return ``portfolio_id, kind, part, pnl, options_pnl, currency_pnl, sessions``, in money over a range of sessions.

    By portfolio, kind and part, of one portfolio or of all; ``sessions`` counts those with the part.
    """
    table = pnl_explain.c
    key = (table.portfolio_id, table.kind, table.part)
    sums = [sa.func.sum(table[name]).label(name) for name in ("pnl", "options_pnl", "currency_pnl")]
    chosen: sa.ColumnElement[bool] = table.session.between(first, last)
    if portfolio is not None:
        chosen &= table.portfolio_id == portfolio
    sums.append(sa.func.count().label("sessions"))
    return read_frame(engine, sa.select(*key, *sums).where(chosen).group_by(*key), by=["portfolio_id", "kind", "part"])


def linked_positions(engine: sa.Engine, first: date, last: date, portfolio: str | None = None) -> pd.DataFrame:
    """Return ``portfolio_id, name, pnl``: what each name made in money over a range of sessions.

    A name is a symbol, or an option's contract; lots that left are in it.
    """
    held = position_values.c
    key = (held.portfolio_id, sa.func.coalesce(held.contract, held.symbol).label("name"))
    chosen: sa.ColumnElement[bool] = held.session.between(first, last)
    if portfolio is not None:
        chosen &= held.portfolio_id == portfolio
    select = sa.select(*key, sa.func.sum(held.daily_pnl).label("pnl")).where(chosen).group_by(*key)
    return read_frame(engine, select, by=["portfolio_id", "name"])


def equity_at_start(engine: sa.Engine, first: date, last: date, portfolio: str | None = None) -> pd.DataFrame:
    """Return ``portfolio_id, equity``: before the P&L of each portfolio's first stored session of a range."""
    row = portfolio_snapshots.c
    chosen: sa.ColumnElement[bool] = row.session.between(first, last)
    if portfolio is not None:
        chosen &= row.portfolio_id == portfolio
    begin = sa.select(row.portfolio_id, sa.func.min(row.session).label("session")).where(chosen)
    begin_of = begin.group_by(row.portfolio_id).subquery().c
    same = (row.portfolio_id == begin_of.portfolio_id) & (row.session == begin_of.session)
    equity = (row.nav - row.daily_pnl).label("equity")
    return read_frame(
        engine, sa.select(row.portfolio_id, equity).join_from(portfolio_snapshots, begin_of.portfolio_id.table, same)
    )


@shared
def explained_sessions(engine: sa.Engine, first: date, last: date, portfolio: str | None = None) -> pd.DataFrame:
    """Return ``session, portfolio_id, daily_pnl, nav, parts, unexplained, residual`` of each session with both tables.

    ``parts`` is the sum of all rows, ``unexplained`` of what has no name, the options' ``residual`` in it.
    """
    part, snapshot = pnl_explain.c, portfolio_snapshots.c
    key = (part.session, part.portfolio_id)
    is_residual = (part.kind == RESIDUAL[0]) & (part.part == RESIDUAL[1])
    zero = sa.literal(0.0)
    sums = (
        sa.func.sum(part.pnl).label("parts"),
        sa.func.sum(sa.case((part.kind.in_(UNEXPLAINED) | is_residual, part.pnl), else_=zero)).label("unexplained"),
        sa.func.sum(sa.case((is_residual, part.pnl), else_=zero)).label("residual"),
    )
    chosen: sa.ColumnElement[bool] = part.session.between(first, last)
    if portfolio is not None:  # by its sessions, since the key begins with the session
        own = sa.select(snapshot.session).where(
            snapshot.portfolio_id == portfolio, snapshot.session.between(first, last)
        )
        chosen = part.session.in_(own) & (part.portfolio_id == portfolio)
    summed = sa.select(*key, *sums).where(chosen).group_by(*key).subquery()  # before the join: a third of its time
    of = summed.c
    same = (of.session == snapshot.session) & (of.portfolio_id == snapshot.portfolio_id)
    columns = (of.session, of.portfolio_id, snapshot.daily_pnl, snapshot.nav, of.parts, of.unexplained, of.residual)
    return read_frame(
        engine, sa.select(*columns).join_from(summed, portfolio_snapshots, same), by=["portfolio_id", "session"]
    )


def modelled_variances(engine: sa.Engine, first: date, last: date) -> pd.DataFrame:
    """Return ``session, portfolio_id, volatility, factor_part`` of the factor model, by portfolio and session.

    ``factor_part`` is what factors and currency pairs contribute to ``volatility``, both annualised.
    """
    parts = [
        sa.select(table.c.session, table.c.portfolio_id, table.c.risk_contribution).where(
            table.c.session.between(first, last)
        )
        for table in (factor_exposures, currency_exposures)
    ]
    part = sa.union_all(*parts).subquery().c
    model = portfolio_volatility.c
    key = (model.session, model.portfolio_id, model.factor_model_volatility.label("volatility"))
    same = (part.session == model.session) & (part.portfolio_id == model.portfolio_id)
    return read_frame(
        engine,
        sa.select(*key, sa.func.sum(part.risk_contribution).label("factor_part"))
        .join_from(portfolio_volatility, part.session.table, same)
        .where(model.session.between(first, last))
        .group_by(model.session, model.portfolio_id, model.factor_model_volatility),
        by=["portfolio_id", "session"],
    )
