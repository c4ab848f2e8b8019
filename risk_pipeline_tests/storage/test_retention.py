"""Pruning takes the bulk of old sessions and nothing else."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa

from risk_pipeline.storage import retention, tables
from risk_pipeline.storage.queries import read_table

BY_SESSION = (*tables.ANALYTICS, tables.market_data_coverage)
DAYS = [date(2025, 6, day) for day in (2, 3, 4)]
SAMPLES = {"String": "x", "Float": 1.0, "Integer": 1, "Boolean": False, "JSON": [1]}


def fill(engine) -> None:
    """Store one row per session in every analytics table and of coverage, and two scores: a symbol's, a portfolio's."""
    with engine.begin() as connection:
        for table in BY_SESSION:
            row = {c.name: SAMPLES.get(type(c.type).__name__, DAYS[0]) for c in table.columns}
            kinds = ("symbol", "portfolio") if table is tables.volatility_scores else ("",)
            for kind in kinds:
                more = {"entity_type": kind} if kind else {}
                connection.execute(sa.insert(table), [row | more | {"session": day} for day in DAYS])


def test_the_bulk_of_sessions_before_the_day_goes_and_the_records_stay(engine, monkeypatch):
    monkeypatch.setattr(retention, "SESSIONS_AT_ONCE", 1)
    fill(engine)
    planned = retention.prunable_rows(engine, DAYS[2])
    assert planned == {table.name: 2 for table in retention.BULK}
    assert retention.prune(engine, DAYS[2]) == planned
    for table in BY_SESSION:
        rows = read_table(engine, table.name)
        if table is tables.volatility_scores:
            assert sorted(rows["entity_type"]) == ["portfolio", "portfolio", "portfolio", "symbol"]
        else:
            assert len(rows) == (1 if table in retention.BULK else 3), table.name
    assert retention.prune(engine, DAYS[2]) == {table.name: 0 for table in retention.BULK}


def test_snapshots_and_the_records_of_forecasts_are_no_bulk():
    kept = {table.name for table in tables.ANALYTICS} - {table.name for table in retention.BULK}
    assert kept == {
        *("portfolio_snapshots", "portfolio_volatility", "value_at_risk_outcomes", "factor_covariance"),
        *(
            "factor_returns",
            "analytics_skips",
            "benchmark_risk",
            "pnl_explain",
            "limit_utilisations",
            "session_inputs",
            "portfolio_inputs",
        ),
    }
