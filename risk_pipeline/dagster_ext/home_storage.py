"""Dagster's SQLite storage in the home of the settings, wherever Dagster thinks that it runs.

Dagster started without ``DAGSTER_HOME`` (a bare ``dg dev``) makes a temporary folder and forgets every run with it.
With this storage in the ``dagster.yaml`` of the working folder its history is where the tables are, as for every other
way to start.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.script import ScriptDirectory
from dagster._core.storage.event_log.sqlite import sqlite_event_log
from dagster._core.storage.runs.sqlite import sqlite_run_storage
from dagster._core.storage.schedules.sqlite import sqlite_schedule_storage
from dagster._core.storage.sql import ALEMBIC_SCRIPTS_LOCATION
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData

from ..settings import dagster_home, sqlite_url
from .event_log import PooledSqliteEventLog


def _url(base_dir: str, db_name: str) -> str:
    return sqlite_url(Path(base_dir).absolute() / f"{db_name}.db")


for _module in (sqlite_event_log, sqlite_run_storage, sqlite_schedule_storage):
    # Dagster's own function takes a % or ? in the path of a home for a part of the URL, and opens another file.
    setattr(_module, "create_db_conn_string", _url)  # noqa: B010 (mypy knows the name as another function)

_read_scripts = ScriptDirectory.from_config
_scripts_of_dagster: list[ScriptDirectory] = []


def _scripts(config: Config) -> ScriptDirectory:
    """Return a schema's migrations; Dagster's 90 are read once, not twice for each file that is opened."""
    if config.get_main_option("script_location") != ALEMBIC_SCRIPTS_LOCATION:
        return _read_scripts(config)
    if not _scripts_of_dagster:
        _scripts_of_dagster.append(_read_scripts(config))
    return _scripts_of_dagster[0]


setattr(ScriptDirectory, "from_config", staticmethod(_scripts))  # noqa: B010 (mypy knows the name as a class method)


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
