"""Where each bar came from, and bars that are not used."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("market_data_cache", sa.Column("source", sa.String(length=32), nullable=True))
    op.create_table(
        "quarantined_bars",
        sa.Column("session", sa.Date(), nullable=False),
        sa.Column("symbol", sa.String(length=40), nullable=False),
        sa.Column("close", sa.Float(), nullable=False),
        sa.Column("unit_level", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("session", "symbol", name=op.f("pk_quarantined_bars")),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("quarantined_bars")
    op.drop_column("market_data_cache", "source")
