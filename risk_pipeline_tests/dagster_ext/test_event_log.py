"""Dagster's event log on open connections holds what Dagster's own class writes and reads."""

import multiprocessing
import shutil
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage

from risk_pipeline.dagster_ext.event_log import OPEN_FILES, PooledSqliteEventLog
from risk_pipeline.dagster_ext.home_storage import HomeStorage

SHIPPED = Path(__file__).parents[2] / "dagster_home" / "dagster.yaml"
DAYS = dg.DailyPartitionsDefinition("2025-06-02", end_date="2025-06-05")


@dg.asset(partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run())
def numbers(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    for day in context.partition_keys:
        context.add_asset_metadata({"day": day}, partition_key=day)
    return dg.MaterializeResult()


with pytest.warns(dg.PreviewWarning):

    @dg.asset_check(asset=numbers, partitions_def=DAYS)
    def are_good(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=True)


with pytest.warns(dg.PreviewWarning):
    SPECS = [dg.AssetCheckSpec(name, asset=numbers, partitions_def=DAYS) for name in ("are_even", "are_odd")]


@dg.multi_asset_check(specs=SPECS)
def of_each_day(context: dg.AssetCheckExecutionContext):
    for number, spec in enumerate(SPECS):
        for day in context.partition_keys:
            passed = int(day[-1]) % 2 == number
            yield dg.AssetCheckEvaluation(
                asset_key=numbers.key, check_name=spec.name, passed=passed, metadata={"day": day}, partition=day
            )
        stored_by_now = evaluations(context.instance, context.run.run_id)
        assert [name for name, *_ in stored_by_now].count(spec.name) == len(context.partition_keys)  # whoever reads
        yield dg.Output(None, f"numbers_{spec.name}")


def evaluations(instance: dg.DagsterInstance, run_id: str) -> list[tuple[str, str | None, bool]]:
    records = instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION).records
    found = [record.event_log_entry.dagster_event.asset_check_evaluation_data for record in records]
    return [(one.check_name, one.partition, one.passed) for one in found]


def run(instance: dg.DagsterInstance) -> str:
    definitions = dg.Definitions([numbers], asset_checks=[are_good, of_each_day])
    tags = {"dagster/asset_partition_range_start": "2025-06-02", "dagster/asset_partition_range_end": "2025-06-04"}
    result = definitions.resolve_implicit_global_asset_job_def().execute_in_process(instance=instance, tags=tags)
    assert result.success
    return result.run_id


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    shutil.copy(SHIPPED, tmp_path)
    return tmp_path


def stored(folder: Path, shard: str) -> dict[str, list[tuple[object, ...]]]:
    """What a file holds, without what differs from run to run."""
    engine = sa.create_engine(f"sqlite:///{folder / 'history' / 'runs' / shard}.db")
    with engine.connect() as connection:
        events = connection.execute(
            sa.text("select dagster_event_type, step_key, asset_key, partition from event_logs order by id")
        )
        checks = connection.execute(
            sa.text(
                "select asset_key, check_name, partition, execution_status, evaluation_event_storage_id "
                "from asset_check_executions order by id"
            )
        )
        found = {"events": [tuple(row) for row in events], "checks": [tuple(row) for row in checks]}
    engine.dispose()
    return found


def test_it_writes_what_dagster_s_own_class_writes(home, tmp_path_factory, monkeypatch):
    with dg.DagsterInstance.get() as instance:
        assert isinstance(instance.event_log_storage, PooledSqliteEventLog)
        ours = run(instance)
    plain = tmp_path_factory.mktemp("plain")
    monkeypatch.setenv("DAGSTER_HOME", str(plain))
    (plain / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    with dg.DagsterInstance.get() as instance:
        theirs = run(instance)
    assert stored(home, "index") == stored(plain, "index")
    assert stored(home, ours) == stored(plain, theirs)
    checks = stored(home, "index")["checks"]
    assert {row[3] for row in checks if row[1] == "are_even"} == {"SUCCEEDED", "FAILED"}
    assert len(checks) >= 9


def test_an_evaluation_that_was_not_planned_or_twice_is_stored_as_dagster_does(home, tmp_path_factory, monkeypatch):
    @dg.op
    def evaluate(context: dg.OpExecutionContext) -> None:
        for passed in (True, False):
            evaluation = dg.AssetCheckEvaluation(
                asset_key=numbers.key, check_name="by_hand", passed=passed, metadata={}, partition="2025-06-02"
            )
            context.instance.report_dagster_event(
                dg.DagsterEvent(
                    dg.DagsterEventType.ASSET_CHECK_EVALUATION.value,
                    context.job_name,
                    event_specific_data=evaluation,
                ),
                context.run_id,
            )

    @dg.job
    def by_hand() -> None:
        evaluate()

    found = {}
    for folder in (home, tmp_path_factory.mktemp("plain")):
        monkeypatch.setenv("DAGSTER_HOME", str(folder))
        if folder != home:
            (folder / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
        with dg.DagsterInstance.get() as instance:
            assert by_hand.execute_in_process(instance=instance).success
        found[folder] = stored(folder, "index")
    ours, theirs = found.values()
    assert ours == theirs
    assert ours["checks"]


def test_dagster_s_own_class_reads_it(home):
    with dg.DagsterInstance.get() as instance:
        identity = run(instance)
        ours = instance.event_log_storage.get_logs_for_run(identity)
    theirs = SqliteEventLogStorage(str(home / "history" / "runs"))
    assert theirs.get_logs_for_run(identity) == ours
    assert theirs.get_materialized_partitions(dg.AssetKey("numbers")) == {f"2025-06-0{day}" for day in (2, 3, 4)}


def test_more_runs_than_open_files_stay_readable_and_a_wipe_is_followed_by_new_ones(home):
    with dg.DagsterInstance.get() as instance:
        runs = [run(instance) for _ in range(OPEN_FILES + 2)]
        counts = {len(instance.event_log_storage.get_logs_for_run(identity)) for identity in runs}
        assert len(counts) == 1
        assert counts != {0}
        instance.wipe()
        assert not instance.get_runs()
        assert {len(instance.event_log_storage.get_logs_for_run(run(instance)))} == counts


def test_a_fork_opens_connections_of_its_own(home):
    log = PooledSqliteEventLog(str(home / "history" / "runs"))
    parent = log._engine("index")
    context = multiprocessing.get_context("fork")
    said = context.SimpleQueue()
    child = context.Process(target=lambda: said.put(log._engine("index") is parent))
    child.start()
    child.join(60)
    assert said.get() is False
    assert log._engine("index") is parent


def test_dagster_s_migrations_are_read_once_whatever_files_are_opened(tmp_path, monkeypatch):
    reads = []
    load = ScriptDirectory._load_revisions
    monkeypatch.setattr(ScriptDirectory, "_load_revisions", lambda self: reads.append(self.dir) or load(self))
    for name in "ab":
        HomeStorage(str(tmp_path / name)).dispose()
    assert len(reads) <= 1  # none where this process has opened a home before
