"""Stress tests: bands with the book's own risk, the worst year's correlations, implied betas, counts from history.

Revision ID: 0012
Revises: 0011
Create Date: 2026-11-28
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

COLUMNS = (
    ("factor_covariance", "stressed_covariance", sa.Float()),
    ("factor_covariance", "stressed_last", sa.Date()),
    ("scenario_plausibility", "history_count", sa.Integer()),
    ("scenario_plausibility", "history_windows", sa.Integer()),
    ("stress_test_results", "correlated_stressed_pnl", sa.Float()),
    ("stress_test_results", "band_std", sa.Float()),
    ("stress_test_results", "registry_beta", sa.Float()),
    ("stress_test_results", "implied_beta", sa.Float()),
)


def upgrade() -> None:
    for table, column, kind in COLUMNS:
        op.add_column(table, sa.Column(column, kind, nullable=True))


def downgrade() -> None:
    for table, column, _ in reversed(COLUMNS):
        op.drop_column(table, column)  # in place: a copy would break the view on it
