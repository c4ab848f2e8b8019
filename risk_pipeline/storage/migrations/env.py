"""Alembic's environment: on the connection that the caller holds, or on the configured database."""

from __future__ import annotations

from alembic import context

from risk_pipeline.settings import Settings
from risk_pipeline.storage.database import open_engine
from risk_pipeline.storage.tables import metadata


def run(connection: object) -> None:
    """Run the migrations on a connection."""
    context.configure(
        connection=connection,  # type: ignore[arg-type]
        target_metadata=metadata,
        render_as_batch=True,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    with open_engine(Settings().url).connect() as own:
        run(own)
        own.commit()
