"""What every run does when it starts, however it was launched."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import dagster as dg

STATEMENT_TIMEOUT = 60_000
"""Milliseconds for one statement of Dagster's own on Postgres."""


def keep_connections(instance: dg.DagsterInstance) -> None:
    """Let a run keep its connections to Dagster's Postgres, as the webserver does.

    Without it, each of the run's events opens two or three. On SQLite this does nothing.
    """
    instance.optimize_for_webserver(statement_timeout=STATEMENT_TIMEOUT, pool_recycle=3600, max_overflow=20)
