"""Dagster's event log in SQLite files, on connections that stay open.

Dagster opens and closes a connection, with an engine of its own, for each of the two or three files that an event is
written to, and asks the schema each time whether its tables are there. A run over a hundred sessions stores 2,500
events, and those took half its time. Events that Dagster hands over as a batch (what a run plans, and what it
materialises of a range) are one transaction a file. So are a step's outputs and the evaluations of its checks, which
follow each other: they wait for the next event, or for whoever reads. Files and schema are Dagster's own: a home can be
opened with either class.
"""

from __future__ import annotations

import os
from collections import Counter, OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import compress
from pathlib import Path
from threading import Lock
from typing import Any

import sqlalchemy as sa
from dagster import DagsterEventType, EventLogEntry, StringSource
from dagster._core.events import ASSET_CHECK_EVENTS
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, SqlEventLogStorageTable
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME, SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData

from ..settings import sqlite_url

BATCHED = {
    DagsterEventType.ASSET_MATERIALIZATION,
    DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
    DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED,
}
WAITING = {DagsterEventType.ASSET_CHECK_EVALUATION, DagsterEventType.STEP_OUTPUT}
BATCH_SIZE = "DAGSTER_EVENT_BATCH_SIZE"
"""Dagster's own switch; without it, it hands over one event at a time."""
MOST_WAITING = 500
"""Events that wait to be stored together."""
OPEN_FILES = 4
"""Files kept open, the most recently used: the index and that of the run at hand; a webserver looks at others too."""


class PooledSqliteEventLog(SqliteEventLogStorage):
    """The event log of a home, configured by the folder that ``DAGSTER_HOME`` names."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: OrderedDict[str, sa.Engine] = OrderedDict()
        self._tables: set[str] = set()
        self._process = os.getpid()
        self._waiting: list[EventLogEntry] = []
        self._waiting_lock = Lock()
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
        self._store_waiting()
        with self._db_lock, self._engine(shard).begin() as connection:
            yield connection

    def _engine(self, shard: str) -> sa.Engine:
        self._leave_to_parent()
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
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            self._engines[shard] = engine
        self._engines.move_to_end(shard)
        while len(self._engines) > OPEN_FILES:
            self._engines.pop(next(name for name in self._engines if name != INDEX_SHARD_NAME)).dispose()
        return self._engines[shard]

    def _leave_to_parent(self) -> None:
        """After a fork, forget connections, which SQLite can't share, and events, which the parent stores."""
        if self._process != os.getpid():
            self._engines, self._waiting, self._process = OrderedDict(), [], os.getpid()

    def store_event(self, event: EventLogEntry) -> None:
        """Store an event; an output and the evaluation of a check wait for others of their run."""
        if not _may_wait(event):
            super().store_event(event)  # connecting, it stores what waits
            return
        with self._waiting_lock:
            self._leave_to_parent()
            self._waiting.append(event)
            is_full = len(self._waiting) >= MOST_WAITING
        if is_full:
            self._store_waiting()

    def _store_waiting(self) -> None:
        """Store the events that wait; before anything else is read or written."""
        with self._waiting_lock:
            self._leave_to_parent()
            waiting, self._waiting = self._waiting, []
        for run_id in dict.fromkeys(event.run_id for event in waiting):
            self._store_results([event for event in waiting if event.run_id == run_id])

    def _store_results(self, events: Sequence[EventLogEntry]) -> None:
        """Store what steps of a run gave: one transaction in its file, one in the index for the evaluations."""
        rows = [self._event_to_row(event) for event in events]
        with self.run_connection(events[0].run_id) as connection:
            connection.execute(SqlEventLogStorageTable.insert(), rows)
        is_check = [event.dagster_event_type in ASSET_CHECK_EVENTS for event in events]
        events, rows = list(compress(events, is_check)), list(compress(rows, is_check))
        if not events:
            return
        with self.index_connection() as connection:
            ids = _insert(connection, rows)
            planned = _planned(connection, events)
            values = {
                number: {f"the_{name}": value for name, value in _execution(event, row, event_id).items()}
                for number, (event, row, event_id) in enumerate(zip(events, rows, ids, strict=True))
                if planned[_check_key(event)] == 1
            }
            if values:
                connection.execute(UPDATE, list(values.values()))
        for number, (event, event_id) in enumerate(zip(events, ids, strict=True)):
            if number not in values:  # not planned, or twice
                self.store_asset_check_event(event, event_id)

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
            ids = _insert(connection, rows)
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
            records = [
                record
                for event, row, event_id, check in zip(events, rows, ids, is_check, strict=True)
                if check
                for record in _planned_records(event, row, event_id)
            ]
            if records:
                connection.execute(AssetCheckExecutionsTable.insert(), records)

    def has_table(self, table_name: str) -> bool:
        """Return whether the index has a table; once there, it stays."""
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    def dispose(self) -> None:
        """Close every file."""
        self._store_waiting()
        super().dispose()
        with self._db_lock:
            while self._engines:
                self._engines.popitem()[1].dispose()


UPDATE = (
    AssetCheckExecutionsTable.update()
    .where(
        *(
            AssetCheckExecutionsTable.c[name] == sa.bindparam(f"the_{name}")
            for name in ("asset_key", "check_name", "run_id")
        ),
        AssetCheckExecutionsTable.c.partition.is_not_distinct_from(sa.bindparam("the_partition")),
    )
    .values(
        {
            name: sa.bindparam(f"the_{name}")
            for name in (
                *("execution_status", "evaluation_event", "evaluation_event_timestamp"),
                *("evaluation_event_storage_id", "materialization_event_storage_id"),
            )
        }
    )
)
"""Of Dagster's ``_update_asset_check_evaluation``, for many at once."""


def _insert(connection: sa.Connection, rows: list[dict[str, Any]]) -> list[int]:
    """Insert events into the index; returns their ids in the order of the rows."""
    insert = SqlEventLogStorageTable.insert().returning(SqlEventLogStorageTable.c.id, sort_by_parameter_order=True)
    return [int(row[0]) for row in connection.execute(insert, rows)]


def _planned(connection: sa.Connection, events: Sequence[EventLogEntry]) -> Counter[tuple[str, str, str | None]]:
    """Return how many records the checks of a run's events have of each partition, by the key of an event."""
    table = AssetCheckExecutionsTable.c
    found: Counter[tuple[str, str, str | None]] = Counter()
    for asset, name in dict.fromkeys(_check_key(event)[:2] for event in events):
        of_check = (table.asset_key == asset) & (table.check_name == name) & (table.run_id == events[0].run_id)
        found.update(
            (asset, name, key) for key in connection.execute(sa.select(table.partition).where(of_check)).scalars()
        )
    return found


def _planned_records(event: EventLogEntry, row: Mapping[str, Any], event_id: int) -> list[dict[str, Any]]:
    """Return what is recorded of a planned check: one record for each partition, or one without."""
    planned = event.get_dagster_event().asset_check_planned_data
    record = {
        "asset_key": planned.asset_key.to_string(),
        "check_name": planned.check_name,
        "run_id": event.run_id,
        "execution_status": AssetCheckExecutionRecordStatus.PLANNED.value,
        "evaluation_event": row["event"],
        "evaluation_event_timestamp": row["timestamp"],
        "evaluation_event_storage_id": event_id,
    }
    keys = planned.partitions_subset.get_partition_keys() if planned.partitions_subset else [None]
    return [{**record, "partition": key} for key in keys]


def _may_wait(event: EventLogEntry) -> bool:
    return event.is_dagster_event and event.dagster_event_type in WAITING and bool(event.run_id)


def _check_key(event: EventLogEntry) -> tuple[str, str, str | None]:
    evaluation = event.get_dagster_event().asset_check_evaluation_data
    return evaluation.asset_key.to_string(), evaluation.check_name, evaluation.partition


def _execution(event: EventLogEntry, row: Mapping[str, Any], event_id: int) -> dict[str, Any]:
    """Return what the record of a check's execution holds of an evaluation, and its key."""
    evaluation = event.get_dagster_event().asset_check_evaluation_data
    status = AssetCheckExecutionRecordStatus.SUCCEEDED if evaluation.passed else AssetCheckExecutionRecordStatus.FAILED
    target = evaluation.target_materialization_data
    return {
        "asset_key": evaluation.asset_key.to_string(),
        "check_name": evaluation.check_name,
        "run_id": event.run_id,
        "partition": evaluation.partition,
        "execution_status": status.value,
        "evaluation_event": row["event"],
        "evaluation_event_timestamp": row["timestamp"],
        "evaluation_event_storage_id": event_id,
        "materialization_event_storage_id": target.storage_id if target else None,
    }


def _is_batchable(event: EventLogEntry) -> bool:
    return event.is_dagster_event and event.dagster_event_type in BATCHED


def _write_ahead(connection: Any, _: object) -> None:
    """Commit to the write-ahead log without waiting for the disk.

    A power cut may lose the last events of Dagster's history, never break it; the tables of risk have their own file.
    Dagster itself makes the tables of a run's file first, each in a commit that waits for the disk twice.
    """
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
