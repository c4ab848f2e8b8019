"""What made each portfolio's P&L, and what of each position's the factors leave.

Revision ID: 0018
Revises: 0017
Create Date: 2026-11-28
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pnl_explain",
        sa.Column("session", sa.Date(), nullable=False),
        sa.Column("portfolio_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("part", sa.String(length=64), nullable=False),
        sa.Column("pnl", sa.Float(), nullable=False),
        sa.Column("options_pnl", sa.Float(), nullable=False),
        sa.Column("currency_pnl", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("session", "portfolio_id", "kind", "part", name=op.f("pk_pnl_explain")),
        sqlite_with_rowid=False,
    )
    op.add_column("position_values", sa.Column("specific_pnl", sa.Float(), nullable=True))


def downgrade() -> None:
    op.drop_column("position_values", "specific_pnl")
    op.drop_table("pnl_explain")
