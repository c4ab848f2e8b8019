"""Currencies: of quotes and positions, and exposures to their pairs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "symbol_quotes",
        sa.Column("symbol", sa.String(length=40), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("basis", sa.String(length=12), nullable=False),
        sa.PrimaryKeyConstraint("symbol", name=op.f("pk_symbol_quotes")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "currency_exposures",
        sa.Column("session", sa.Date(), nullable=False),
        sa.Column("portfolio_id", sa.String(length=64), nullable=False),
        sa.Column("pair", sa.String(length=64), nullable=False),
        sa.Column("dollar_exposure", sa.Float(), nullable=False),
        sa.Column("exposure", sa.Float(), nullable=True),
        sa.Column("risk_contribution", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("session", "portfolio_id", "pair", name=op.f("pk_currency_exposures")),
        sqlite_with_rowid=False,
    )
    # before this every lot was taken to be in its portfolio's currency
    op.add_column("position_values", sa.Column("exchange_rate", sa.Float(), nullable=False, server_default="1"))
    op.add_column("position_values", sa.Column("currency", sa.String(length=3), nullable=False, server_default="USD"))
    op.execute(
        "UPDATE position_values SET currency = (SELECT portfolios.currency FROM portfolios "
        "WHERE portfolios.portfolio_id = position_values.portfolio_id)"
    )
    with op.batch_alter_table("position_values") as batch:
        batch.alter_column("exchange_rate", server_default=None)
        batch.alter_column("currency", server_default=None)


def downgrade() -> None:
    op.drop_column("position_values", "currency")
    op.drop_column("position_values", "exchange_rate")
    op.drop_table("currency_exposures")
    op.drop_table("symbol_quotes")
