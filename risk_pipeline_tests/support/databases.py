"""Migrated databases: the migrations run once in a process, and each database is a copy of what they made."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

import sqlalchemy as sa

from risk_pipeline.storage.database import migrate, open_engine
from risk_pipeline_tests.support.postgres import create_database


def migrated_sqlite(path: Path) -> sa.Engine:
    """Make an SQLite file with all tables and no rows; returns its open engine."""
    path.write_bytes(_migrated_file())
    return open_engine(f"sqlite:///{path}")


def migrated_postgres(server: sa.Engine) -> str:
    """Make a database with all tables and no rows on a Postgres server; returns its URL."""
    return create_database(server, template=_template(server))


@cache
def _migrated_file() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "risk.db"
        engine = open_engine(f"sqlite:///{path}")
        migrate(engine)
        engine.dispose()  # the last connection moves what is in the write-ahead log into the file
        return path.read_bytes()


@cache
def _template(server: sa.Engine) -> str:
    """Return the name of a migrated database that nobody is connected to, so that it can be copied."""
    engine = open_engine(create_database(server))
    migrate(engine)
    engine.dispose()
    return str(engine.url.database)
