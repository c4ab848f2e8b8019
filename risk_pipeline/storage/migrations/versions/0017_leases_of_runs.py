"""A run that works renews its lease."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("batch_runs", sa.Column("lease_renewed_at", sa.DateTime(timezone=False), nullable=True))


def downgrade() -> None:
    op.drop_column("batch_runs", "lease_renewed_at")
