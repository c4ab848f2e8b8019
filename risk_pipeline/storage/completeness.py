"""Which sessions lack rows that they should have: judged from the tables, never from a record of runs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pandas as pd
import sqlalchemy as sa

from . import tables
from .database import read_frame
from .import_checks import EVERY_PORTFOLIO
from .queries import portfolios
from .result_inputs import fact
from .retention import PRUNED_BEFORE
from .tables import analytics_skips, portfolio_snapshots

TABLE_OF_ANALYTIC = {
    "factor_exposures": tables.factor_exposures,
    "stress_tests": tables.stress_test_results,
    "volatility": tables.portfolio_volatility,
    "pnl_explain": tables.pnl_explain,
}
"""Of each analytic, the table in which every portfolio has rows unless it was skipped with a reason."""


def sessions_without_rows(engine: sa.Engine, sessions: Sequence[date]) -> dict[str, list[date]]:
    """Return, by asset, the sessions whose rows are gone.

    Of an analytic, the rows that a complete snapshot was made from, unless they were pruned; else the complete
    snapshot of a portfolio active then, the judgement of a limit valid then, and the comparison with a benchmark.
    """
    pruned = fact(engine, PRUNED_BEFORE)
    kept = [day for day in sessions if pruned is None or day.isoformat() >= pruned]
    return {
        **{name: _without_rows(engine, name, table, kept) if kept else [] for name, table in TABLE_OF_ANALYTIC.items()},
        "portfolio_snapshots": _without_snapshot(engine, sessions),
        "risk_limits": _without_limits(engine, sessions),
        "benchmark_risk": _without_benchmark(engine, sessions),
    }


def unrecorded_sessions(engine: sa.Engine, sessions: Sequence[date]) -> list[date]:
    """Return the sessions whose snapshots have no record of what they were made from: an earlier version made them."""
    made, recorded = portfolio_snapshots.c.session, tables.session_inputs.c
    known = sa.select(recorded.session).where(recorded.asset == portfolio_snapshots.name)
    query = sa.select(made).where(made.between(sessions[0], sessions[-1]), made.not_in(known)).distinct()
    with engine.connect() as connection:
        return sorted(set(connection.execute(query).scalars()) & set(sessions))


def incomplete_sessions(engine: sa.Engine, sessions: Sequence[date]) -> list[date]:
    """Return the sessions on which a portfolio active then lacks a complete snapshot or what it was made from."""
    return sorted({day for days in sessions_without_rows(engine, sessions).values() for day in days})


def _without_rows(engine: sa.Engine, analytic: str, table: sa.Table, sessions: Sequence[date]) -> list[date]:
    snapshot = portfolio_snapshots.c
    rows = sa.exists().where(table.c.session == snapshot.session, table.c.portfolio_id == snapshot.portfolio_id)
    skipped = sa.exists().where(
        analytics_skips.c.session == snapshot.session,
        analytics_skips.c.analytic == analytic,
        analytics_skips.c.entity == snapshot.portfolio_id,
    )
    query = sa.select(snapshot.session).distinct().where(snapshot.is_complete, ~rows, ~skipped)
    with engine.connect() as connection:
        within = snapshot.session.between(sessions[0], sessions[-1])
        return sorted({day for (day,) in connection.execute(query.where(within))} & set(sessions))


def _without_limits(engine: sa.Engine, sessions: Sequence[date]) -> list[date]:
    """Return the sessions on which a limit held for a portfolio with a snapshot, and none of its limits was judged."""
    limit, later = tables.limits.c, tables.limits.alias("later").c
    snapshot, used = portfolio_snapshots.c, tables.limit_utilisations.c
    replaced = sa.exists().where(
        *(later[name] == limit[name] for name in ("portfolio_id", "measure", "operator")),
        later.valid_from > limit.valid_from,
        later.valid_from <= snapshot.session,
    )
    holds = sa.exists().where(
        limit.portfolio_id.in_([snapshot.portfolio_id, EVERY_PORTFOLIO]),
        limit.valid_from <= snapshot.session,
        limit.limit_value.is_not(None),
        ~replaced,
    )
    judged = sa.exists().where(used.session == snapshot.session, used.portfolio_id == snapshot.portfolio_id)
    query = sa.select(snapshot.session).where(snapshot.session.between(sessions[0], sessions[-1]), holds, ~judged)
    with engine.connect() as connection:
        return sorted({*connection.execute(query.distinct()).scalars()} & {*sessions})


def _without_benchmark(engine: sa.Engine, sessions: Sequence[date]) -> list[date]:
    """Return the sessions on which a portfolio that has a benchmark has a snapshot, and was not compared with it."""
    names = portfolios(engine).dropna(subset=["benchmark"])["portfolio_id"].tolist()
    snapshot, compared = portfolio_snapshots.c, tables.benchmark_risk.c
    known = sa.exists().where(compared.session == snapshot.session, compared.portfolio_id == snapshot.portfolio_id)
    within = snapshot.session.between(sessions[0], sessions[-1])
    found: set[date] = set()
    with engine.connect() as connection:
        for start in range(0, len(names), 500):
            some = snapshot.portfolio_id.in_(names[start : start + 500])
            found |= {*connection.execute(sa.select(snapshot.session).where(within, some, ~known).distinct()).scalars()}
    return sorted(found & {*sessions})


def _without_snapshot(engine: sa.Engine, sessions: Sequence[date]) -> list[date]:
    active = portfolios(engine)
    done = read_frame(
        engine,
        sa.select(portfolio_snapshots.c.session, portfolio_snapshots.c.portfolio_id).where(
            portfolio_snapshots.c.session.between(sessions[0], sessions[-1]),
            portfolio_snapshots.c.is_complete,
        ),
    )
    complete = set(zip(done["session"].dt.date, done["portfolio_id"], strict=True))
    with engine.connect() as connection:  # one that can't be valued has a reason instead
        skips = analytics_skips.c
        complete |= {
            (row.session, row.entity)
            for row in connection.execute(
                sa.select(skips.session, skips.entity).where(
                    skips.session.between(sessions[0], sessions[-1]), skips.analytic == "portfolio_snapshots"
                )
            )
        }
    spans = [
        (
            row.portfolio_id,
            row.inception_date.date(),
            None if pd.isna(row.closed_date) else row.closed_date.date(),
        )
        for row in active.itertuples(index=False)
    ]
    return [
        day
        for day in sessions
        if any(
            opened <= day and (closed is None or day < closed) and (day, name) not in complete
            for name, opened, closed in spans
        )
    ]
