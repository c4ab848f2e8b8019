"""Which runs and materialisations of a Dagster instance are this database's: several may share an instance.

Code locations and command lines of one instance may have a database each. Their runs are told apart by a tag that a run
gets when it first opens its database. The keys of their assets are the same, so that Dagster has one status of a
partition for all; what a database concludes from materialisations it concludes from its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

import dagster as dg

from .run_tags import DATABASE_TAG

PACKAGE = __name__.partition(".")[0]


def is_ours(run: dg.DagsterRun, database: str, location: str | None) -> bool:
    """Return whether a run belongs to a database, or, if it never opened any, to a code location.

    A command line, which has no ``location``, leaves such a run to the daemon if it was launched from there.
    """
    if DATABASE_TAG in run.tags:
        return run.tags[DATABASE_TAG] == database
    origin = run.remote_job_origin
    if origin is not None:
        return origin.repository_origin.code_location_origin.location_name == location
    if run.job_code_origin is None:  # a process of the command line
        return True
    pointer = run.job_code_origin.repository_origin.code_pointer
    file = getattr(pointer, "python_file", None)
    module = Path(file).absolute().parent.name if file else getattr(pointer, "module", "")
    return module.partition(".")[0] == PACKAGE


def other_databases(instance: dg.DagsterInstance, database: str) -> list[str]:
    """Return the other databases that runs of the instance have written."""
    found = {database, *(value for _, values in instance.get_run_tags([DATABASE_TAG]) for value in values)}
    return sorted(found - {database})


def own_records(
    instance: dg.DagsterInstance, records: Iterable[dg.EventLogRecord], database: str
) -> list[dg.EventLogRecord]:
    """Return the records that no run of another database has made."""

    @cache
    def is_own(run_id: str) -> bool:
        run = instance.get_run_by_id(run_id)
        return run is None or run.tags.get(DATABASE_TAG, database) == database

    return [record for record in records if is_own(record.run_id)]
