"""Groups of portfolios.

Revision ID: 0019
Revises: 0018
Create Date: 2026-11-28
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "portfolio_groups",
        sa.Column("group_id", sa.String(length=64), nullable=False),
        sa.Column("portfolio_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["portfolio_id"],
            ["portfolios.portfolio_id"],
            name=op.f("fk_portfolio_groups_portfolio_id"),
        ),
        sa.PrimaryKeyConstraint("group_id", "portfolio_id", name=op.f("pk_portfolio_groups")),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("portfolio_groups")
