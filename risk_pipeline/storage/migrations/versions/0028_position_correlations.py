"""How the largest positions of portfolios move together.

Revision ID: 0028
Revises: 0027
Create Date: 2026-11-29
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "position_correlations",
        sa.Column("session", sa.Date(), nullable=False),
        sa.Column("portfolio_id", sa.String(length=64), nullable=False),
        sa.Column("rank_a", sa.Integer(), nullable=False),
        sa.Column("rank_b", sa.Integer(), nullable=False),
        sa.Column("symbol_a", sa.String(length=40), nullable=False),
        sa.Column("symbol_b", sa.String(length=40), nullable=False),
        sa.Column("correlation", sa.Float(), nullable=True),
        sa.Column("variance_share", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("session", "portfolio_id", "rank_a", "rank_b", name=op.f("pk_position_correlations")),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("position_correlations")
