"""What shocked currency pairs gain in a scenario."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("stress_test_results", sa.Column("currency_pnl", sa.Float(), nullable=True))


def downgrade() -> None:
    op.drop_column("stress_test_results", "currency_pnl")
