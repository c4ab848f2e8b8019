"""Dagster's instance of this home, whose storage is set up by one process at a time."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import dagster as dg

LOCK = ".initialise.lock"


def open_instance() -> dg.DagsterInstance:
    """Open the instance of ``DAGSTER_HOME``; use it as a context manager.

    Two processes that create its SQLite files in the same moment can break them for good (Dagster's issue
    27390): who comes second waits here until the first has them.
    """
    import dagster as dg

    with (Path(os.environ["DAGSTER_HOME"]) / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return dg.DagsterInstance.get()
