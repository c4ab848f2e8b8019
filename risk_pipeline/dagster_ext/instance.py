"""Dagster's instance of this home: its configuration, and its storage set up by one process at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..settings import dagster_home
from ..storage.errors import StorageError

if TYPE_CHECKING:
    import dagster as dg

LOCK = ".initialise.lock"
CONFIG = "dagster.yaml"
SHIPPED = Path(__file__).parent / "instances"
"""One configuration for each way to run: ``sqlite.yaml``, ``postgres.yaml``, ``workers.yaml``."""
MOVED = {
    "risk_pipeline.storage.event_log": "risk_pipeline.dagster_ext.event_log",
    "risk_pipeline.automation.celery_launcher": "risk_pipeline.dagster_ext.celery_launcher",
}
"""Modules that a home of version 0.1 names in its configuration, and where they are now."""


def shipped_config(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the configuration that fits: runs on workers where there is a broker, Postgres where Dagster has a URL."""
    if environment.get("DAGSTER_PG_URL"):
        return SHIPPED / ("workers.yaml" if environment.get("RISK_PIPELINE_BROKER_URL") else "postgres.yaml")
    return SHIPPED / "sqlite.yaml"


def prepare_home() -> Path:
    """Make the home, with the shipped configuration if it has none, and name it to Dagster; return it.

    Without a configuration Dagster would let any number of runs write at once, and report its use to its makers.

    Raises
    ------
    StorageError
        If the home can't be made, read or written.
    """
    home = dagster_home()
    with _usable(home):
        home.mkdir(parents=True, exist_ok=True)
        config = home / CONFIG
        if not config.exists():
            config.unlink(missing_ok=True)  # a link to nowhere
            _put(config, shipped_config().read_text(encoding="utf-8"))
    return enter_home()


def enter_home() -> Path:
    """Name the home to Dagster, made or not; return it.

    A configuration that names a module where it used to be is corrected by who may write it.

    Raises
    ------
    StorageError
        If there is a configuration that can't be read.
    """
    home = dagster_home()
    os.environ["DAGSTER_HOME"] = str(home)
    config = home / CONFIG
    with _usable(home):
        try:
            written = current = config.read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError):
            return home
        for before, now in MOVED.items():
            current = current.replace(before, now)
        if current != written and os.access(home, os.W_OK):
            _put(config, current)
    return home


@contextmanager
def _usable(home: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"the home {home} can't be used ({error.strerror or error}): name a folder that this user may write with "
            "RISK_PIPELINE_HOME, or give it to this user"
        ) from error


def _put(config: Path, text: str) -> None:
    """Write a configuration atomically, whatever other processes do."""
    part = config.with_name(f".{CONFIG}.{os.getpid()}")
    part.write_text(text, encoding="utf-8")
    os.replace(part, config)


def open_instance() -> dg.DagsterInstance:
    """Open the instance of ``DAGSTER_HOME``; use it as a context manager.

    Two processes that create its SQLite files in the same moment can break them for good (Dagster's issue
    27390): who comes second waits here until the first has them.
    """
    import dagster as dg

    with _usable(Path(os.environ["DAGSTER_HOME"])), (Path(os.environ["DAGSTER_HOME"]) / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return dg.DagsterInstance.get()
