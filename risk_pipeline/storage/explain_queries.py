"""Queries of what made the P&L: sums over ranges of sessions, and what was left unexplained on each."""

from __future__ import annotations

from datetime import date

import pandas as pd
import sqlalchemy as sa

from .database import read_frame
from .tables import pnl_explain, portfolio_snapshots

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


def explained_sessions(engine: sa.Engine, first: date, last: date, portfolio: str | None = None) -> pd.DataFrame:
    """Return ``session, portfolio_id, daily_pnl, nav, parts, unexplained, residual`` of each session with both tables.

    ``parts`` is the sum of all rows, ``unexplained`` of what has no name, the options' ``residual`` in it.
    """
    part, snapshot = pnl_explain.c, portfolio_snapshots.c
    is_residual = (part.kind == RESIDUAL[0]) & (part.part == RESIDUAL[1])
    zero = sa.literal(0.0)
    sums = (
        sa.func.sum(part.pnl).label("parts"),
        sa.func.sum(sa.case((part.kind.in_(UNEXPLAINED) | is_residual, part.pnl), else_=zero)).label("unexplained"),
        sa.func.sum(sa.case((is_residual, part.pnl), else_=zero)).label("residual"),
    )
    key = (snapshot.session, snapshot.portfolio_id, snapshot.daily_pnl, snapshot.nav)
    chosen: sa.ColumnElement[bool] = snapshot.session.between(first, last)
    if portfolio is not None:
        chosen &= snapshot.portfolio_id == portfolio
    same = (part.session == snapshot.session) & (part.portfolio_id == snapshot.portfolio_id)
    return read_frame(
        engine,
        sa.select(*key, *sums).join_from(portfolio_snapshots, pnl_explain, same).where(chosen).group_by(*key),
        by=["portfolio_id", "session"],
    )
