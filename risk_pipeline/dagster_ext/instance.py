"""Dagster's instance of this home: its configuration, and its storage set up by one process at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ..settings import dagster_home

if TYPE_CHECKING:
    import dagster as dg

LOCK = ".initialise.lock"
CONFIG = "dagster.yaml"
SHIPPED = Path(__file__).parent / "instances"
"""One configuration for each way to run: ``sqlite.yaml``, ``postgres.yaml``, ``workers.yaml``."""


def shipped_config(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the configuration that fits: runs on workers where there is a broker, Postgres where Dagster has a URL."""
    if environment.get("DAGSTER_PG_URL"):
        return SHIPPED / ("workers.yaml" if environment.get("RISK_PIPELINE_BROKER_URL") else "postgres.yaml")
    return SHIPPED / "sqlite.yaml"


def prepare_home() -> Path:
    """Make the home, with the shipped configuration if it has none, and name it to Dagster; return it.

    Without a configuration Dagster would let any number of runs write at once, and report its use to its makers.
    """
    home = dagster_home()
    home.mkdir(parents=True, exist_ok=True)
    os.environ["DAGSTER_HOME"] = str(home)
    config = home / CONFIG
    if not config.exists():
        config.unlink(missing_ok=True)  # a link to nowhere
        part = home / f".{CONFIG}.{os.getpid()}"
        part.write_bytes(shipped_config().read_bytes())
        os.replace(part, config)  # whole, whoever else does the same
    return home


def open_instance() -> dg.DagsterInstance:
    """Open the instance of ``DAGSTER_HOME``; use it as a context manager.

    Two processes that create its SQLite files in the same moment can break them for good (Dagster's issue
    27390): who comes second waits here until the first has them.
    """
    import dagster as dg

    with (Path(os.environ["DAGSTER_HOME"]) / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return dg.DagsterInstance.get()
