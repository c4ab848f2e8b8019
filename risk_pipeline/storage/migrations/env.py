"""Alembic's environment: on the connection that the caller holds, or on the configured database."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import context

from risk_pipeline.settings import Settings
from risk_pipeline.storage.database import open_engine
from risk_pipeline.storage.describe import write_comments
from risk_pipeline.storage.tables import metadata


def run(connection: sa.Connection) -> None:
    """Run the migrations on a connection; with the newest schema Postgres gets its comments."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=True,
        compare_type=True,
    )
    migrations = context.get_context()
    before = migrations.get_current_revision()
    with context.begin_transaction():
        context.run_migrations()
    is_newest = migrations.get_current_revision() == context.script.get_current_head() != before
    if is_newest and connection.dialect.supports_comments:
        write_comments(connection)


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    with open_engine(Settings().url).connect() as own:
        run(own)
        own.commit()
