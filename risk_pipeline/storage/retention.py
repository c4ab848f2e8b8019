"""Retention: the bulk of old sessions is pruned; what matters years later is kept.

Snapshots, what made the P&L, tracking errors, portfolio volatility, the record of forecasts and of value at risk,
factor returns and covariances, prices, imports and restatements are kept for ever; ``risk-pipeline rebuild`` makes the
rest again.
"""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa

from . import tables
from .database import transaction
from .result_inputs import fact, record_fact

BULK = (
    tables.symbol_factor_exposures,
    tables.symbol_volatility,
    tables.factor_exposures,
    tables.position_values,
    tables.sector_exposures,
    tables.position_correlations,
    tables.active_exposures,
    tables.currency_exposures,
    tables.stress_test_results,
    tables.scenario_factor_moves,
    tables.scenario_plausibility,
    tables.option_grids,
    tables.risk_changes,
    tables.volatility_scores,  # of symbols only
    tables.market_data_coverage,
)
PRUNED_BEFORE = "pruned_before"
"""The fact that remembers before which day bulk rows are no longer expected."""
SESSIONS_AT_ONCE = 20
"""Deleted in one transaction, so that readers and other writers never wait long."""


def prunable_rows(engine: sa.Engine, before: date) -> dict[str, int]:
    """Return how many rows of each table pruning would delete."""
    with engine.connect() as connection:
        return {
            table.name: connection.execute(
                sa.select(sa.func.count()).select_from(table).where(_is_bulk(table), table.c.session < before)
            ).scalar_one()
            for table in BULK
        }


def prune(engine: sa.Engine, before: date) -> dict[str, int]:
    """Delete the bulk rows of the sessions before a day, oldest first; return how many by table.

    If it is killed, only whole sessions are gone and the next call continues. The day is stored, so that pruned
    sessions are not taken for missing.
    """
    record_fact(engine, PRUNED_BEFORE, max(before.isoformat(), fact(engine, PRUNED_BEFORE) or ""))
    gone = dict.fromkeys((table.name for table in BULK), 0)
    sessions = sorted({day for table in BULK for day in _sessions(engine, table, before)})
    for start in range(0, len(sessions), SESSIONS_AT_ONCE):
        until = sessions[: start + SESSIONS_AT_ONCE][-1]
        with transaction(engine, *BULK) as connection:
            for table in BULK:
                deleted = connection.execute(sa.delete(table).where(_is_bulk(table), table.c.session <= until))
                gone[table.name] += deleted.rowcount
    return gone


def _is_bulk(table: sa.Table) -> sa.ColumnElement[bool]:
    return table.c.entity_type == "symbol" if table is tables.volatility_scores else sa.true()


def _sessions(engine: sa.Engine, table: sa.Table, before: date) -> list[date]:
    with engine.connect() as connection:
        query = sa.select(table.c.session).where(_is_bulk(table), table.c.session < before).distinct()
        return list(connection.execute(query).scalars())
