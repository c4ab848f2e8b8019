"""Views for BI tools: stable names beginning with ``v_``, one row per portfolio and session where they are wide.

They are dropped before a migration, which may change what they read, and made anew when the schema is the newest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa

from ..config.factors import load_factors
from ..config.scenario_file import load_scenarios
from . import tables

BEFORE_ALL = date(1900, 1, 1)
FACTOR_KINDS = ("core", "cross_asset", "sector")
OTHER_KINDS = ("currency", "specific", "options", "dividends", "trades", "marks", "fees", "unattributed")
"""Kinds of ``pnl_explain``: whose parts are factors, and the others, each with a column of its own."""
COMMENTS = {
    "v_latest_snapshots": "The snapshots of the latest session, with name and currency of each portfolio.",
    "v_exposures_wide": "Exposure (beta on equity) to each factor, a column each, by session and portfolio.",
    "v_stress_wide": "correlated_pnl of each shipped scenario, a column each, by session and portfolio.",
    "v_pnl_explain_wide": "daily_pnl and its parts, a column for each factor and each other kind, which sum to it.",
    "v_benchmark_wide": "benchmark_risk with the active exposure to each core factor, a column each.",
    "v_breaches": "Every broken limit by session, and since which session it has been.",
}


def view_selects() -> dict[str, sa.Select[Any]]:
    """Return the query of each view by its name."""
    factors = load_factors()
    scenarios = {scenario.id: scenario.id for scenario in load_scenarios(factors).active}
    exposures = {column_name(name): name for name in dict.fromkeys((*factors.names, *factors.model_names))}
    return {
        "v_latest_snapshots": _latest_snapshots(),
        "v_exposures_wide": _wide(tables.factor_exposures, "factor_name", "exposure", exposures),
        "v_stress_wide": _wide(
            tables.stress_test_results,
            "scenario_id",
            "correlated_pnl",
            scenarios,
        ),
        "v_pnl_explain_wide": _pnl_explain(factors.model_names),
        "v_benchmark_wide": _benchmark(factors.core_names),
        "v_breaches": _breaches(),
    }


def column_name(factor: str) -> str:
    """Return a factor's name as a column's: ``Market Beta (90D)`` is ``market_beta_90d``."""
    return re.sub(r"[^a-z0-9]+", "_", factor.lower()).strip("_")


def create_views(connection: sa.Connection) -> None:
    """Make every view."""
    for name, select in view_selects().items():
        text = select.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
        connection.exec_driver_sql(f"CREATE VIEW {name} AS {text}".replace("%", "%%"))


def drop_views(connection: sa.Connection) -> None:
    """Drop those of the views that are there."""
    for name in _known(sa.inspect(connection).get_view_names()):
        connection.exec_driver_sql(f"DROP VIEW {name}")


def _known(names: Iterable[str]) -> list[str]:
    return [name for name in names if name in COMMENTS]


def _latest_snapshots() -> sa.Select[Any]:
    snapshots, portfolios = tables.portfolio_snapshots, tables.portfolios
    latest = sa.select(sa.func.max(snapshots.c.session)).scalar_subquery()
    return (
        sa.select(portfolios.c.name, portfolios.c.currency, *snapshots.columns)
        .join_from(snapshots, portfolios, portfolios.c.portfolio_id == snapshots.c.portfolio_id)
        .where(snapshots.c.session == latest)
    )


def _wide(table: sa.Table, key: str, value: str, names: Mapping[str, str]) -> sa.Select[Any]:
    columns = [
        sa.func.max(sa.case((table.c[key] == name, table.c[value]))).label(column) for column, name in names.items()
    ]
    group = (table.c.session, table.c.portfolio_id)
    return sa.select(*group, *columns).group_by(*group)


def _pnl_explain(factors: Sequence[str]) -> sa.Select[Any]:
    """Return the P&L and its parts: by factor, else by kind; a part without a row is nothing."""
    row, snapshot = tables.pnl_explain.c, tables.portfolio_snapshots.c

    def summed(condition: sa.ColumnElement[bool], label: str) -> sa.Label[Any]:
        return sa.func.sum(sa.case((condition, row.pnl), else_=0.0)).label(label)

    key = (snapshot.session, snapshot.portfolio_id, snapshot.daily_pnl)
    of_factor = row.kind.in_(FACTOR_KINDS)
    return (
        sa.select(
            *key,
            *(summed(sa.and_(of_factor, row.part == name), column_name(name)) for name in factors),
            *(summed(row.kind == kind, kind) for kind in OTHER_KINDS),
        )
        .join_from(
            tables.portfolio_snapshots,
            tables.pnl_explain,
            sa.and_(row.session == snapshot.session, row.portfolio_id == snapshot.portfolio_id),
        )
        .group_by(*key)
    )


def _benchmark(factors: Sequence[str]) -> sa.Select[Any]:
    risk, active = tables.benchmark_risk.c, tables.active_exposures.c
    columns = {f"active_{column_name(name)}": name for name in factors}
    is_factor = active.kind == "factor"
    wide = _wide(tables.active_exposures, "name", "active", columns).where(is_factor).subquery("wide")
    return sa.select(*risk, *(wide.c[name] for name in columns)).join_from(
        tables.benchmark_risk,
        wide,
        sa.and_(wide.c.session == risk.session, wide.c.portfolio_id == risk.portfolio_id),
        isouter=True,
    )


def _breaches() -> sa.Select[Any]:
    """Return breaches with ``since``, as ``limit_queries.limit_rows`` dates them."""
    kept = tables.portfolio_snapshots.alias("kept")
    row, snapshot = tables.limit_utilisations.c, kept.c
    open_, first = (tables.limit_utilisations.alias(name).c for name in ("still", "began"))

    def same(other: Any) -> list[Any]:
        return [other[name] == row[name] for name in ("portfolio_id", "measure", "operator")]

    still = sa.exists().where(*same(open_), open_.session == snapshot.session, open_.status.in_(["breach", "unknown"]))
    still = still.correlate(tables.limit_utilisations, kept)
    last_kept = (
        sa.select(sa.func.max(snapshot.session))
        .where(snapshot.portfolio_id == row.portfolio_id, snapshot.session < row.session, ~still)
        .correlate(tables.limit_utilisations)
        .scalar_subquery()
    )
    since = (
        sa.select(sa.func.min(first.session))
        .where(
            *same(first),
            first.status == "breach",
            first.session <= row.session,
            first.session > sa.func.coalesce(last_kept, BEFORE_ALL),
        )
        .scalar_subquery()
    )
    return sa.select(*tables.limit_utilisations.columns, since.label("since")).where(row.status == "breach")
