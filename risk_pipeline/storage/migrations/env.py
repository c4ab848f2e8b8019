"""Alembic's environment: on the connection that the caller holds, or on the configured database."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import context

from risk_pipeline.settings import Settings
from risk_pipeline.storage.database import open_engine
from risk_pipeline.storage.describe import write_comments
from risk_pipeline.storage.tables import metadata
from risk_pipeline.storage.views import create_views, drop_views


def run(connection: sa.Connection) -> None:
    """Run the migrations on a connection, without the views; with the newest schema come views and comments."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=True,
        compare_type=True,
    )
    migrations = context.get_context()
    before = migrations.get_current_revision()
    with context.begin_transaction():
        if _destination() != before:
            drop_views(connection)
        context.run_migrations()
    if migrations.get_current_revision() == context.script.get_current_head() != before:
        create_views(connection)
        if connection.dialect.supports_comments:
            write_comments(connection)


def _destination() -> object:
    """Return the revision that is asked for; of a command that asks for none, the present one."""
    try:
        return context.get_revision_argument()
    except KeyError:
        return context.get_context().get_current_revision()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    with open_engine(Settings().url).connect() as own:
        run(own)
        own.commit()
