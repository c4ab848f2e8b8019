"""How fast a portfolio can be sold.

Revision ID: 0021
Revises: 0020
Create Date: 2026-11-28
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

COLUMNS = ("days_to_liquidate", "sold_1d", "sold_5d", "sold_20d", "volume_coverage")


def upgrade() -> None:
    for name in COLUMNS:
        op.add_column("portfolio_snapshots", sa.Column(name, sa.Float(), nullable=True))


def downgrade() -> None:
    for name in COLUMNS:
        op.drop_column("portfolio_snapshots", name)
