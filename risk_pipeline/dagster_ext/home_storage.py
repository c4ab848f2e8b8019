"""Dagster's SQLite storage in the home of the settings, wherever Dagster thinks that it runs.

Dagster started without ``DAGSTER_HOME`` (a bare ``dg dev``) makes a temporary folder and forgets every run with it.
With this storage in the ``dagster.yaml`` of the working folder its history is where the tables are, as for every other
way to start.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData

from ..settings import dagster_home
from .event_log import PooledSqliteEventLog


class HomeStorage(DagsterSqliteStorage):
    """Runs, events and schedules in the same files as Dagster's own class keeps in a home."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(base_dir, inst_data)
        self._event_log_storage = PooledSqliteEventLog(str(Path(base_dir, "history", "runs")))

    @classmethod
    def config_type(cls) -> Any:
        """Return what dagster.yaml may say of it: nothing."""
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> HomeStorage:
        """Open the storage of ``DAGSTER_HOME``, or of the settings' home where that is not set."""
        return cls.from_local(str(dagster_home()), inst_data)
