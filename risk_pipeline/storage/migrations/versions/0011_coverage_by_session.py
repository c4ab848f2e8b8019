"""Coverage of market data by session and symbol; `risk-pipeline init` fills it again from the stored prices.

Revision ID: 0011
Revises: 0010
Create Date: 2026-11-28
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

NAME = "market_data_coverage"


def upgrade() -> None:
    op.drop_table(NAME)
    op.create_table(
        NAME,
        sa.Column("session", sa.Date(), nullable=False),
        sa.Column("symbol", sa.String(length=40), nullable=False),
        sa.Column("is_present", sa.Boolean(), nullable=False),
        sa.Column("is_stale", sa.Boolean(), nullable=False),
        sa.Column("missing_sessions", sa.Integer(), nullable=False),
        sa.Column("restatements", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("session", "symbol", name=op.f("pk_market_data_coverage")),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table(NAME)
    op.create_table(
        NAME,
        sa.Column("symbol", sa.String(length=40), nullable=False),
        sa.Column("first_session", sa.Date(), nullable=True),
        sa.Column("last_session", sa.Date(), nullable=True),
        sa.Column("sessions_expected", sa.Integer(), nullable=False),
        sa.Column("sessions_present", sa.Integer(), nullable=False),
        sa.Column("gap_count", sa.Integer(), nullable=False),
        sa.Column("longest_gap", sa.Integer(), nullable=False),
        sa.Column("stale_stretches", sa.Integer(), nullable=False),
        sa.Column("restatements", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("symbol", name=op.f("pk_market_data_coverage")),
        sqlite_with_rowid=False,
    )
