"""A run that was declared dead writes nothing more, should it go on after all.

A process that is stopped (a debugger, a suspended machine, a paused container) renews no lease. Once its run was
declared dead, another may have computed the same sessions from newer inputs. Each write transaction of a run therefore
asks, once it holds its locks, whether the run still counts; and it renews the lease as it ends, so that on SQLite,
where nobody else can write meanwhile, a long transaction is no silence.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from .errors import StorageError
from .tables import batch_runs

OPTION = "risk_pipeline_run"
"""Execution option of the engine of a run: its id."""
CRASHED = "crashed"


def of_run(engine: sa.Engine, run_id: str) -> sa.Engine:
    """Return the engine as one whose write transactions fail once the run was declared dead."""
    return engine.execution_options(**{OPTION: run_id})


def require_living(connection: sa.Connection) -> None:
    """Refuse to go on in a transaction of a run that was declared dead, or is recorded as ended in another way.

    Raises
    ------
    StorageError
        If it was. Transactions outside of runs are never refused.
    """
    run_id = connection.get_execution_options().get(OPTION)
    if run_id is None:
        return
    status = connection.execute(sa.select(batch_runs.c.status).where(batch_runs.c.run_id == run_id)).scalar()
    if status not in (None, "started"):
        raise StorageError(
            f"this run was silent for so long that it was recorded as {status}, and others may have run its sessions "
            "since: it writes nothing more; run these sessions again"
        )


def renew(connection: sa.Connection, run_id: str | None = None) -> None:
    """Record inside a transaction that a run is alive; without an id the run of the connection, if it is of one."""
    run_id = run_id or connection.get_execution_options().get(OPTION)
    if run_id is not None:
        values = {"lease_renewed_at": database_clock(connection.dialect)}
        connection.execute(sa.update(batch_runs).where(batch_runs.c.run_id == run_id).values(values))


def database_clock(dialect: sa.Dialect) -> sa.ColumnElement[datetime]:
    """Return the database's present time, UTC without a zone."""
    if dialect.name == "sqlite":
        return sa.type_coerce(sa.func.current_timestamp(), sa.DateTime())
    return sa.type_coerce(sa.func.timezone("utc", sa.func.clock_timestamp()), sa.DateTime())
