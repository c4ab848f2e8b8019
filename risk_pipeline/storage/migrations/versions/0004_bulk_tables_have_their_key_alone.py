"""Bulk tables have their key alone: nothing reads prices or position values by the other indexes.

Revision ID: 0004
Revises: 0003
Create Date: 2026-11-25
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index(op.f("ix_market_data_cache_symbol_session"), "market_data_cache")
    op.drop_index(op.f("ix_position_values_portfolio_id_session"), "position_values")


def downgrade() -> None:
    op.create_index(op.f("ix_position_values_portfolio_id_session"), "position_values", ["portfolio_id", "session"])
    op.create_index(op.f("ix_market_data_cache_symbol_session"), "market_data_cache", ["symbol", "session"])
