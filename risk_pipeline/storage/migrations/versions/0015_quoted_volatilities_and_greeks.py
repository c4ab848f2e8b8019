"""Implied volatilities by date, where an option's is from, and the greeks of portfolios."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

COLUMNS = {
    "position_values": (
        ("rho", sa.Float()),
        ("volatility_source", sa.String(8)),
        ("volatility_date", sa.Date()),
        ("refused_mark", sa.Float()),
    ),
    "portfolio_snapshots": tuple((name, sa.Float()) for name in ("gamma", "vega", "theta", "rho")),
}


def upgrade() -> None:
    op.create_table(
        "implied_volatilities",
        sa.Column("symbol", sa.String(40), nullable=False),
        sa.Column("quote_date", sa.Date(), nullable=False),
        sa.Column("underlying", sa.String(40), nullable=True),
        sa.Column("expiry", sa.Date(), nullable=True),
        sa.Column("strike", sa.Float(), nullable=True),
        sa.Column("option_type", sa.String(4), nullable=True),
        sa.Column("volatility", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("symbol", "quote_date", name=op.f("pk_implied_volatilities")),
    )
    for table, columns in COLUMNS.items():
        for name, kind in columns:
            op.add_column(table, sa.Column(name, kind, nullable=True))


def downgrade() -> None:
    for table, columns in COLUMNS.items():
        for name, _ in columns:
            op.drop_column(table, name)
    op.drop_table("implied_volatilities")
