"""The record of runs, in a table that outlives Dagster's own retention."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta

import numpy as np
import sqlalchemy as sa

from .database import transaction
from .errors import DatabaseAwayError
from .fencing import CRASHED, database_clock, renew
from .tables import batch_runs

ERROR_LENGTH = 500
LEASE = timedelta(minutes=1)
"""A run that works renews its lease within this time; without a renewal in twice the time it is dead."""


@dataclass(frozen=True)
class BatchRun:
    """One run; times are UTC without a zone. ``status``: started, success, failed, cancelled or crashed."""

    run_id: str
    status: str
    launched_by: str
    first_session: date | None
    last_session: date | None
    started_at: datetime | None
    ended_at: datetime | None
    error: str | None


def record_run(engine: sa.Engine, run: BatchRun) -> bool:
    """Insert or update a run's row; returns whether an alert for it has been sent before."""
    values = asdict(run) | {"error": run.error and run.error[:ERROR_LENGTH]}
    if run.status == "started":  # it may have noted one itself
        del values["error"]
    with transaction(engine, batch_runs) as connection:
        known = connection.execute(
            sa.select(batch_runs.c.is_alerted).where(batch_runs.c.run_id == run.run_id)
        ).scalar_one_or_none()
        if known is None:
            connection.execute(sa.insert(batch_runs).values(**values, is_alerted=False))
        else:
            connection.execute(sa.update(batch_runs).where(batch_runs.c.run_id == run.run_id).values(**values))
    return bool(known)


def fail_run(engine: sa.Engine, run_id: str, error: str) -> None:
    """Record why a run failed that Dagster can't record itself."""
    _update(engine, run_id, status="failed", error=error[:ERROR_LENGTH])


def note_error(engine: sa.Engine, run_id: str, error: str) -> None:
    """Record what a run came upon that may end it without a word; what became of it overwrites that."""
    _update(engine, run_id, error=error[:ERROR_LENGTH])


def noted_error(engine: sa.Engine, run_id: str) -> str | None:
    """Return what was recorded last of why a run may fail."""
    with engine.connect() as connection:
        return connection.execute(sa.select(batch_runs.c.error).where(batch_runs.c.run_id == run_id)).scalar()


def mark_alerted(engine: sa.Engine, run_id: str) -> None:
    """Record that an alert for the run has been sent."""
    _update(engine, run_id, is_alerted=True)


def _update(engine: sa.Engine, run_id: str, **values: object) -> None:
    with transaction(engine, batch_runs) as connection:
        connection.execute(sa.update(batch_runs).where(batch_runs.c.run_id == run_id).values(**values))


def was_alerted(engine: sa.Engine, session: date) -> bool:
    """Whether an alert was sent for a successful run whose newest session this is."""
    query = sa.select(batch_runs.c.run_id).where(
        batch_runs.c.last_session == session, batch_runs.c.status == "success", batch_runs.c.is_alerted
    )
    with engine.connect() as connection:
        return connection.execute(query.limit(1)).first() is not None


def runs_before_version(engine: sa.Engine, version: int) -> list[tuple[str, int]]:
    """Return id and version of the runs that have begun with an earlier version of the book, and not ended."""
    query = sa.select(batch_runs.c.run_id, batch_runs.c.book_version).where(
        batch_runs.c.status == "started", batch_runs.c.book_version < version
    )
    with engine.connect() as connection:
        return [(row.run_id, row.book_version) for row in connection.execute(query.order_by(batch_runs.c.run_id))]


def renew_lease(engine: sa.Engine, run_id: str) -> None:
    """Record that a run is alive, by the clock of the database, which all machines share."""
    with transaction(engine) as connection:
        renew(connection, run_id)


def lease_ages(engine: sa.Engine) -> dict[str, timedelta]:
    """Return by id how long ago the runs that have not ended were last known to be alive."""
    with engine.connect() as connection:
        return _lease_ages(connection)


def _lease_ages(connection: sa.Connection) -> dict[str, timedelta]:
    clock = database_clock(connection.dialect).label("now")
    query = sa.select(batch_runs.c.run_id, batch_runs.c.lease_renewed_at, clock).where(
        batch_runs.c.status == "started", batch_runs.c.lease_renewed_at.is_not(None)
    )
    return {row.run_id: row.now - row.lease_renewed_at for row in connection.execute(query)}


def end_lease(engine: sa.Engine, run_id: str, seen: timedelta | None) -> bool:
    """Declare a run dead, so that it writes nothing more; returns False if it has renewed its lease meanwhile.

    ``seen`` is the age of the lease that the run was judged by, None of one that had none. A database that can't be
    written now says nothing of the run, which may be the one that holds it.
    """
    with suppress(DatabaseAwayError):
        return _end_lease(engine, run_id, seen)
    return False


def _end_lease(engine: sa.Engine, run_id: str, seen: timedelta | None) -> bool:
    with transaction(engine, batch_runs) as connection:
        age = _lease_ages(connection).get(run_id)
        if age is not None and (seen is None or age < seen):
            return False
        known = connection.execute(
            sa.update(batch_runs).where(batch_runs.c.run_id == run_id).values(status=CRASHED)
        ).rowcount
        if not known:
            connection.execute(
                sa.insert(batch_runs).values(run_id=run_id, status=CRASHED, launched_by="unknown", is_alerted=False)
            )
    return True


def finished_runs(engine: sa.Engine, count: int) -> list[tuple[int, float]]:
    """Return calendar weekdays and seconds of the newest successful runs over sessions, at most ``count``."""
    query = (
        sa.select(batch_runs)
        .where(batch_runs.c.status == "success", batch_runs.c.first_session.is_not(None))
        .order_by(batch_runs.c.started_at.desc())
        .limit(count)
    )
    with engine.connect() as connection:
        return [
            (
                int(np.busday_count(row.first_session, row.last_session)) + 1,
                (row.ended_at - row.started_at).total_seconds(),
            )
            for row in connection.execute(query)
            if row.started_at is not None and row.ended_at is not None
        ]
