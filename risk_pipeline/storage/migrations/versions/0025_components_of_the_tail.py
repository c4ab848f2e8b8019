"""Components of value at risk by position, and how diversified a portfolio is.

Revision ID: 0025
Revises: 0024
Create Date: 2026-11-28
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

ADDED = (
    ("position_values", "component_var_99"),
    ("position_values", "component_es_99"),
    ("portfolio_snapshots", "diversification_ratio"),
    ("portfolio_snapshots", "effective_bets"),
)


def upgrade() -> None:
    for table, column in ADDED:
        op.add_column(table, sa.Column(column, sa.Float(), nullable=True))


def downgrade() -> None:
    for table, column in reversed(ADDED):
        op.drop_column(table, column)
