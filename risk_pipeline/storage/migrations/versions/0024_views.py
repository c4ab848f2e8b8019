"""Views for BI tools: ``env.py`` makes them after the last migration, see ``storage/views.py``."""

from __future__ import annotations

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing but a new revision, which is what makes the views."""


def downgrade() -> None:
    """The views are dropped before any migration."""
