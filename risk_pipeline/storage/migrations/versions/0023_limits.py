"""Limits of portfolios, and how much of each is used on a session."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "limits",
        sa.Column("portfolio_id", sa.String(length=64), nullable=False),
        sa.Column("measure", sa.String(length=80), nullable=False),
        sa.Column("operator", sa.String(length=8), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("warning_value", sa.Float(), nullable=True),
        sa.Column("limit_value", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("portfolio_id", "measure", "operator", "valid_from", name=op.f("pk_limits")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "limit_utilisations",
        sa.Column("session", sa.Date(), nullable=False),
        sa.Column("portfolio_id", sa.String(length=64), nullable=False),
        sa.Column("measure", sa.String(length=80), nullable=False),
        sa.Column("operator", sa.String(length=8), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("warning_value", sa.Float(), nullable=True),
        sa.Column("limit_value", sa.Float(), nullable=False),
        sa.Column("utilisation", sa.Float(), nullable=True),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.Column("cause", sa.String(length=200), nullable=True),
        sa.Column("reason", sa.String(length=40), nullable=True),
        sa.PrimaryKeyConstraint("session", "portfolio_id", "measure", "operator", name=op.f("pk_limit_utilisations")),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("limit_utilisations")
    op.drop_table("limits")
