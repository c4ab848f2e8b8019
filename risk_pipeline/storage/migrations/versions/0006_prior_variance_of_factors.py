"""Factor definitions hold the prior variance of a coefficient; the penalty is each symbol's own.

Revision ID: 0006
Revises: 0005
Create Date: 2026-11-28
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("factor_definitions", sa.Column("prior_variance", sa.Float(), nullable=True))


def downgrade() -> None:
    op.drop_column("factor_definitions", "prior_variance")
