"""Removal of a portfolio with everything imported and computed for it."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from . import tables
from .book_versions import BOOK, record_version
from .database import transaction


def portfolio_rows(engine: sa.Engine, portfolio: str) -> dict[str, int]:
    """Return how many rows of each table belong to a portfolio, tables without any left out."""
    with engine.connect() as connection:
        counts = {
            table.name: connection.execute(sa.select(sa.func.count()).select_from(table).where(owned)).scalar_one()
            for table, owned in _owned(portfolio)
        }
    return {name: count for name, count in counts.items() if count}


def remove_portfolio(engine: sa.Engine, portfolio: str, *, made_at: datetime | None = None) -> dict[str, int]:
    """Delete a portfolio with all its rows, all or nothing; return how many by table.

    Prices, private marks and what was computed of symbols stay: other portfolios may need them. The book without it is
    a version, made at ``made_at`` (UTC).
    """
    owned = _owned(portfolio)
    with transaction(engine, *{*(table for table, _ in owned), *BOOK}) as connection:
        gone = {table.name: connection.execute(sa.delete(table).where(which)).rowcount for table, which in owned}
        record_version(connection, made_at)
    return gone


def _owned(portfolio: str) -> list[tuple[sa.Table, sa.ColumnElement[bool]]]:
    """Return each table with rows of portfolios, and which are this one's; tables that refer to others first."""
    conditions: list[tuple[sa.Table, sa.ColumnElement[bool]]] = []
    for table in reversed(tables.metadata.sorted_tables):
        if table is tables.portfolio_groups:
            conditions.append((table, (table.c.portfolio_id == portfolio) | (table.c.group_id == portfolio)))
        elif "portfolio_id" in table.c:
            conditions.append((table, table.c.portfolio_id == portfolio))
        elif "entity_type" in table.c:
            conditions.append((table, (table.c.entity_type == "portfolio") & (table.c.entity == portfolio)))
    return conditions
