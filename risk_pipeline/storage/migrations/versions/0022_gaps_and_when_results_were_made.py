"""Gaps of prices that are asked for again, and when results were made.

Revision ID: 0022
Revises: 0021
Create Date: 2026-11-28
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "market_data_gaps",
        sa.Column("symbol", sa.String(length=40), nullable=False),
        sa.Column("session", sa.Date(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("symbol", "session", name=op.f("pk_market_data_gaps")),
        sqlite_with_rowid=False,
    )
    op.add_column("session_inputs", sa.Column("made_at", sa.DateTime(), nullable=True))


def downgrade() -> None:
    op.drop_column("session_inputs", "made_at")
    op.drop_table("market_data_gaps")
