"""What the risk of private assets is assumed to follow.

Revision ID: 0027
Revises: 0026
Create Date: 2026-11-28
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

TABLES = ("positions", "position_values")


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column("proxy", sa.String(length=40), nullable=True))
        op.add_column(table, sa.Column("proxy_beta", sa.Float(), nullable=True))


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_column(table, "proxy_beta")
        op.drop_column(table, "proxy")
