"""Position values, outcomes of value at risk, and what changed the risk; reverse stress and replay paths."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("factor_exposures", sa.Column("reverse_move", sa.Float(), nullable=True))
    op.add_column("scenario_plausibility", sa.Column("path", sa.JSON(), nullable=True))
    op.create_table(
        "position_values",
        sa.Column("session", sa.Date(), nullable=False),
        sa.Column("position_id", sa.String(length=64), nullable=False),
        sa.Column("portfolio_id", sa.String(length=64), nullable=False),
        sa.Column("symbol", sa.String(length=40), nullable=False),
        sa.Column("quantity", sa.Float(), nullable=False),
        sa.Column("price", sa.Float(), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("delta_value", sa.Float(), nullable=True),
        sa.Column("gamma", sa.Float(), nullable=True),
        sa.Column("vega", sa.Float(), nullable=True),
        sa.Column("theta", sa.Float(), nullable=True),
        sa.Column("volatility", sa.Float(), nullable=True),
        sa.Column("risk_contribution", sa.Float(), nullable=True),
        sa.Column("is_stale", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("session", "position_id", name=op.f("pk_position_values")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_position_values_portfolio_id_session"), "position_values", ["portfolio_id", "session"])
    op.create_table(
        "value_at_risk_outcomes",
        sa.Column("session", sa.Date(), nullable=False),
        sa.Column("portfolio_id", sa.String(length=64), nullable=False),
        sa.Column("outcome", sa.Float(), nullable=False),
        sa.Column("var_95", sa.Float(), nullable=False),
        sa.Column("var_99", sa.Float(), nullable=False),
        sa.Column("es_95", sa.Float(), nullable=False),
        sa.Column("es_99", sa.Float(), nullable=False),
        sa.Column("exceeded_95", sa.Boolean(), nullable=False),
        sa.Column("exceeded_99", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("session", "portfolio_id", name=op.f("pk_value_at_risk_outcomes")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "risk_changes",
        sa.Column("session", sa.Date(), nullable=False),
        sa.Column("portfolio_id", sa.String(length=64), nullable=False),
        sa.Column("measure", sa.String(length=64), nullable=False),
        sa.Column("previous", sa.Float(), nullable=False),
        sa.Column("by_positions", sa.Float(), nullable=False),
        sa.Column("by_prices", sa.Float(), nullable=False),
        sa.Column("by_model", sa.Float(), nullable=False),
        sa.Column("current", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("session", "portfolio_id", "measure", name=op.f("pk_risk_changes")),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("risk_changes")
    op.drop_table("value_at_risk_outcomes")
    op.drop_index(op.f("ix_position_values_portfolio_id_session"), "position_values")
    op.drop_table("position_values")
    for table, column in (("scenario_plausibility", "path"), ("factor_exposures", "reverse_move")):
        op.drop_column(table, column)  # in place: a copy would break the view on it
