"""Benchmarks, and how portfolios differ from theirs.

Revision ID: 0026
Revises: 0025
Create Date: 2026-11-28
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

NUMBERS = (
    *("tracking_error", "beta", "correlation", "model_tracking_error", "factor_part", "specific_part"),
    *("volatility_regime", "coverage"),
    *("relative_1m", "relative_3m", "relative_ytd", "relative_1y", "relative_inception"),
)


def upgrade() -> None:
    op.add_column("portfolios", sa.Column("benchmark", sa.String(length=40), nullable=True))
    op.create_table(
        "benchmarks",
        sa.Column("benchmark", sa.String(length=40), nullable=False),
        sa.Column("symbol", sa.String(length=40), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("weight", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("benchmark", "symbol", "valid_from", name=op.f("pk_benchmarks")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "benchmark_risk",
        sa.Column("session", sa.Date(), nullable=False),
        sa.Column("portfolio_id", sa.String(length=64), nullable=False),
        sa.Column("benchmark", sa.String(length=40), nullable=False),
        *(sa.Column(name, sa.Float(), nullable=True) for name in NUMBERS),
        sa.Column("reason", sa.String(length=40), nullable=True),
        sa.PrimaryKeyConstraint("session", "portfolio_id", name=op.f("pk_benchmark_risk")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "active_exposures",
        sa.Column("session", sa.Date(), nullable=False),
        sa.Column("portfolio_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        *(sa.Column(name, sa.Float(), nullable=True) for name in ("own", "benchmark", "active", "risk_contribution")),
        sa.PrimaryKeyConstraint("session", "portfolio_id", "kind", "name", name=op.f("pk_active_exposures")),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("active_exposures")
    op.drop_table("benchmark_risk")
    op.drop_table("benchmarks")
    op.drop_column("portfolios", "benchmark")
