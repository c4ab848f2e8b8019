"""Snapshots hold time-weighted returns, drawdowns, and volatility and Sharpe ratio of the daily returns.

Revision ID: 0013
Revises: 0012
Create Date: 2026-11-28
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

TABLE = "portfolio_snapshots"
COLUMNS: dict[str, Any] = {
    **dict.fromkeys(("return_1m", "return_3m", "return_ytd", "return_1y", "return_inception"), sa.Float()),
    **dict.fromkeys(("drawdown", "worst_drawdown"), sa.Float()),
    "drawdown_sessions": sa.Integer(),
    **dict.fromkeys(("return_volatility", "sharpe"), sa.Float()),
}


def upgrade() -> None:
    for name, kind in COLUMNS.items():
        op.add_column(TABLE, sa.Column(name, kind, nullable=True))


def downgrade() -> None:
    for name in COLUMNS:
        op.drop_column(TABLE, name)
