"""P&L of portfolios with options over spot and volatility."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "option_grids",
        sa.Column("session", sa.Date(), nullable=False),
        sa.Column("portfolio_id", sa.String(64), nullable=False),
        sa.Column("grid", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("session", "portfolio_id", name=op.f("pk_option_grids")),
    )


def downgrade() -> None:
    op.drop_table("option_grids")
