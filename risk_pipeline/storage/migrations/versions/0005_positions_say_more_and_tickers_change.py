"""Positions say more: multiplier, currency, fees and exercise; and tickers change.

Revision ID: 0005
Revises: 0004
Create Date: 2026-11-28
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

NEW = ("multiplier", "currency", "fees", "exit_fees", "exercise")


def upgrade() -> None:
    for name in ("multiplier", "fees", "exit_fees"):
        op.add_column("positions", sa.Column(name, sa.Float))
    op.add_column("positions", sa.Column("currency", sa.String(3)))
    op.add_column("positions", sa.Column("exercise", sa.String(8)))
    op.create_table(
        "symbol_aliases",
        sa.Column("old_symbol", sa.String(40), nullable=False),
        sa.Column("change_date", sa.Date(), nullable=False),
        sa.Column("new_symbol", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("old_symbol", "change_date", name=op.f("pk_symbol_aliases")),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("symbol_aliases")
    for name in NEW:
        op.drop_column("positions", name)
