"""The page reads tables: P&L, class, terms and mark of each position, and the factors' returns.

Revision ID: 0007
Revises: 0006
Create Date: 2026-11-28
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ADDED = (
    ("investment_class", sa.String(length=10)),
    ("underlying", sa.String(length=40)),
    ("contract", sa.String(length=100)),
    ("mark_date", sa.Date()),
    ("daily_pnl", sa.Float()),
)
KNOWN = ("investment_class", "underlying")
"""What the imported positions say of rows that are stored already; the rest comes with the next run of a session."""


def upgrade() -> None:
    for name, kind in ADDED:
        op.add_column("position_values", sa.Column(name, kind, nullable=True))
    for name in KNOWN:
        op.execute(
            f"UPDATE position_values SET {name} = (SELECT {name} FROM positions "  # noqa: S608 (names are ours)
            "WHERE positions.position_id = position_values.position_id)"
        )
    op.create_table(
        "factor_returns",
        sa.Column("session", sa.Date(), nullable=False),
        sa.Column("factor_name", sa.String(length=64), nullable=False),
        sa.Column("daily_return", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("session", "factor_name", name=op.f("pk_factor_returns")),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("factor_returns")
    for name, _ in reversed(ADDED):
        op.drop_column("position_values", name)
