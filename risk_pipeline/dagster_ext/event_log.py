"""Dagster's event log in SQLite files, on connections that stay open.

Dagster opens and closes a connection, with an engine of its own, for each of the two or three files that an event is
written to, and asks the schema each time whether its tables are there. A run over a hundred sessions stores 2,500
events, and those took half its time. Events that Dagster hands over as a batch (what a run plans, and what it
materialises of a range) are one transaction a file. Files and schema are Dagster's own: a home can be opened with
either class.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from dagster import DagsterEventType, EventLogEntry, StringSource
from dagster._core.events import ASSET_CHECK_EVENTS
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, SqlEventLogStorageTable
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME, SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData, serialize_value

from ..settings import sqlite_url
from ..storage.errors import translate_errors_of
from .history import said_of_history

BATCHED = {
    DagsterEventType.ASSET_MATERIALIZATION,
    DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
    DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED,
}
BATCH_SIZE = "DAGSTER_EVENT_BATCH_SIZE"
"""Dagster's own switch; without it, it hands over one event at a time."""
OPEN_FILES = 4
"""Files kept open, the most recently used: the index and that of the run at hand; a webserver looks at others too."""


class PooledSqliteEventLog(SqliteEventLogStorage):
    """The event log of a home, configured by the folder that ``DAGSTER_HOME`` names."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: OrderedDict[str, sa.Engine] = OrderedDict()
        self._tables: set[str] = set()
        self._process = os.getpid()
        os.environ.setdefault(BATCH_SIZE, "1000")
        super().__init__(base_dir, inst_data)

    @classmethod
    def config_type(cls) -> Any:
        """Return what dagster.yaml says: the home, in which Dagster's own class has the same folder."""
        return {"home": StringSource}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> PooledSqliteEventLog:
        """Open the log in the folder of a home that Dagster's own class would use."""
        return cls(str(Path(config_value["home"], "history", "runs")), inst_data)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[sa.Connection]:
        with self._db_lock, self._engine(shard).begin() as connection:
            yield connection

    def _engine(self, shard: str) -> sa.Engine:
        if self._process != os.getpid():  # SQLite's connections must not be carried over a fork
            self._engines, self._process = OrderedDict(), os.getpid()
        path = Path(self.path_for_shard(shard))
        if shard in self._engines and not path.exists():  # a wiped run
            self._engines.pop(shard).dispose()
            self._initialized_dbs.discard(shard)
        if shard not in self._engines:
            # One connection, which the lock gives to one thread at a time.
            engine = sa.create_engine(
                sqlite_url(path),
                poolclass=sa.StaticPool,
                connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
            )
            sa.event.listen(engine, "connect", _write_ahead)
            translate_errors_of(engine, said_of_history)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            self._engines[shard] = engine
        self._engines.move_to_end(shard)
        while len(self._engines) > OPEN_FILES:
            self._engines.pop(next(name for name in self._engines if name != INDEX_SHARD_NAME)).dispose()
        return self._engines[shard]

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store the events of a run in their order: one transaction in the run's file, one in the index."""
        if len({event.run_id for event in events}) != 1 or not all(_is_batchable(event) for event in events):
            super().store_event_batch(events)
            return
        rows = [self._event_to_row(event) for event in events]
        with self.run_connection(events[0].run_id) as connection:
            connection.execute(SqlEventLogStorageTable.insert(), rows)
        is_check = [event.dagster_event_type in ASSET_CHECK_EVENTS for event in events]
        with self.index_transaction() as connection:
            insert = SqlEventLogStorageTable.insert().returning(
                SqlEventLogStorageTable.c.id, sort_by_parameter_order=True
            )
            ids = [int(row[0]) for row in connection.execute(insert, rows)]
            of_assets = [pair for pair, check in zip(zip(events, ids, strict=True), is_check, strict=True) if not check]
            self._store_asset_event_tags(
                connection, [event for event, _ in of_assets], [event_id for _, event_id in of_assets]
            )
            newest = {
                (event.get_dagster_event().asset_key, event.dagster_event_type): event_id
                for event, event_id in of_assets
            }
            for event, event_id in of_assets:  # the record of an asset holds its last event of each kind
                if newest[event.get_dagster_event().asset_key, event.dagster_event_type] == event_id:
                    self._store_asset_event(connection, event, event_id)
        for event, event_id, check in zip(events, ids, is_check, strict=True):
            if check:
                self.store_asset_check_event(event, event_id)

    def _store_asset_check_evaluation_planned(self, event: EventLogEntry, event_id: int | None) -> None:
        planned = event.get_dagster_event().asset_check_planned_data
        keys = planned.partitions_subset.get_partition_keys() if planned.partitions_subset else [None]
        rows = {
            "asset_key": planned.asset_key.to_string(),
            "check_name": planned.check_name,
            "run_id": event.run_id,
            "execution_status": AssetCheckExecutionRecordStatus.PLANNED.value,
            "evaluation_event": serialize_value(event),  # 12 kB for a hundred sessions: once, not for each of them
            "evaluation_event_timestamp": datetime.fromtimestamp(event.timestamp, UTC).replace(tzinfo=None),
            "evaluation_event_storage_id": event_id,
        }
        with self.index_connection() as connection:
            connection.execute(AssetCheckExecutionsTable.insert(), [{**rows, "partition": key} for key in keys])

    def has_table(self, table_name: str) -> bool:
        """Return whether the index has a table; once there, it stays."""
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    def dispose(self) -> None:
        """Close every file."""
        super().dispose()
        with self._db_lock:
            while self._engines:
                self._engines.popitem()[1].dispose()


def _is_batchable(event: EventLogEntry) -> bool:
    return event.is_dagster_event and event.dagster_event_type in BATCHED


def _write_ahead(connection: Any, _: object) -> None:
    """Commit to the write-ahead log without waiting for the disk.

    A power cut may lose the last events of Dagster's history, never break it; the tables of risk have their own file.
    """
    connection.execute("PRAGMA synchronous = NORMAL")
