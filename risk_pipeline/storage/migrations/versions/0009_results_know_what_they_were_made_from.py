"""Results know what they were made from: versions of the book, revisions of prices, fingerprints of inputs.

The rows of an existing book become version 1 when the next import or run records it.

Revision ID: 0009
Revises: 0008
Create Date: 2026-11-28
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def _tables() -> dict[str, list[sa.schema.SchemaItem]]:
    return {
        "book_versions": [
            sa.Column("version", sa.Integer(), nullable=False),
            sa.Column("made_at", sa.DateTime()),
            sa.Column("rows_added", sa.Integer(), nullable=False),
            sa.Column("rows_ended", sa.Integer(), nullable=False),
            sa.PrimaryKeyConstraint("version", name="pk_book_versions"),
        ],
        "book_rows": [
            sa.Column("kind", sa.String(24), nullable=False),
            sa.Column("row_key", sa.String(200), nullable=False),
            sa.Column("valid_from_version", sa.Integer(), nullable=False),
            sa.Column("valid_to_version", sa.Integer()),
            sa.Column("content", sa.Text(), nullable=False),
            sa.PrimaryKeyConstraint("kind", "row_key", "valid_from_version", name="pk_book_rows"),
        ],
        "input_revisions": [
            sa.Column("revision", sa.Integer(), nullable=False),
            sa.Column("kind", sa.String(8), nullable=False),
            sa.Column("symbol", sa.String(40), nullable=False),
            sa.Column("first_session", sa.Date(), nullable=False),
            sa.Column("last_session", sa.Date(), nullable=False),
            sa.Column("known_at", sa.DateTime()),
            sa.PrimaryKeyConstraint("revision", name="pk_input_revisions"),
        ],
        "session_inputs": [
            sa.Column("session", sa.Date(), nullable=False),
            sa.Column("asset", sa.String(24), nullable=False),
            sa.Column("fingerprint", sa.String(16), nullable=False),
            sa.Column("registry", sa.String(16), nullable=False),
            sa.Column("code_version", sa.String(40), nullable=False),
            sa.Column("book_version", sa.Integer()),
            sa.PrimaryKeyConstraint("session", "asset", name="pk_session_inputs"),
        ],
        "portfolio_inputs": [
            sa.Column("session", sa.Date(), nullable=False),
            sa.Column("portfolio_id", sa.String(64), nullable=False),
            sa.Column("book", sa.String(16), nullable=False),
            sa.Column("revision", sa.Integer(), nullable=False),
            sa.PrimaryKeyConstraint("session", "portfolio_id", name="pk_portfolio_inputs"),
        ],
        "passed_sessions": [
            sa.Column("session", sa.Date(), nullable=False),
            sa.Column("reason", sa.String(200), nullable=False),
            sa.Column("tries", sa.Integer(), nullable=False),
            sa.Column("asked_at", sa.DateTime(), nullable=False),
            sa.PrimaryKeyConstraint("session", name="pk_passed_sessions"),
        ],
        "database_facts": [
            sa.Column("name", sa.String(64), nullable=False),
            sa.Column("value", sa.String(200), nullable=False),
            sa.PrimaryKeyConstraint("name", name="pk_database_facts"),
        ],
    }


def upgrade() -> None:
    for name, columns in _tables().items():
        op.create_table(name, *columns, sqlite_with_rowid=False)
    op.add_column("batch_runs", sa.Column("book_version", sa.Integer()))
    op.add_column("price_panels", sa.Column("revision", sa.Integer()))


def downgrade() -> None:
    op.drop_column("price_panels", "revision")
    op.drop_column("batch_runs", "book_version")
    for name in reversed(_tables()):
        op.drop_table(name)
