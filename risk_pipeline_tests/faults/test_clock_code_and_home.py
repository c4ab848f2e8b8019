"""A clock that is wrong, a home that several processes open first, two runs at once."""

from __future__ import annotations

import multiprocessing
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pandas as pd

from risk_pipeline.dagster_ext.instance import open_instance
from risk_pipeline.defs.automation.run_history import run_records
from risk_pipeline.defs.resources import Database
from risk_pipeline.storage.imports import import_frames
from risk_pipeline_tests.support.faults import BOOKKEEPING, rows, run, same, words
from risk_pipeline_tests.support.homes import MARKS, PORTFOLIOS, POSITIONS

ROOT = Path(__file__).parents[2]


def test_a_clock_that_was_ahead_hides_no_run_from_the_record(make_home):
    home = make_home()
    failed = run(home, "factor_exposures")
    ahead = (datetime.now(UTC) + timedelta(hours=5)).isoformat()
    with dg.build_sensor_context(home.instance, cursor=ahead, resources={"db": Database()}) as context:
        run_records(context)
    (row,) = home.table("batch_runs").to_dict("records")
    assert (row["run_id"], row["status"]) == (failed.run_id, "failed")
    assert "materialise price_cache for these sessions first" in words(failed)


def test_a_fresh_home_that_six_processes_open_at_once_is_whole(tmp_path, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n", encoding="utf-8")
    barrier = multiprocessing.get_context("fork").Barrier(6)

    def opens() -> None:
        barrier.wait(60)
        with open_instance() as instance:
            assert instance.get_runs_count() == 0

    children = [multiprocessing.get_context("fork").Process(target=opens) for _ in range(6)]
    for child in children:
        child.start()
    for child in children:
        child.join(120)
    assert [child.exitcode for child in children] == [0] * 6
    with open_instance() as instance:
        assert instance.get_runs_count() == 0
    files = [path for path in tmp_path.rglob("*.db") if path.name in ("runs.db", "index.db", "schedules.db")]
    assert len(files) == 3
    for path in files:
        with sqlite3.connect(path) as connection:
            assert len(connection.execute("SELECT * FROM alembic_version").fetchall()) == 1, path


def test_two_command_lines_at_once_leave_the_rows_of_one(make_home, clean):
    """Nothing but the database stands between them: there is no queue in front of the command line."""
    home = make_home()
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(2)

    def other() -> None:
        barrier.wait(60)
        assert run(home).success

    second = context.Process(target=other)
    second.start()
    barrier.wait(60)
    assert run(home).success
    second.join(240)
    assert second.exitcode == 0
    same(rows(home), clean)


def test_a_symbol_that_changes_its_type_is_computed_as_what_it_is_now(make_home):
    """FUND A was private and is listed now as MSFT's twin: a new import, and no row of the old type stays."""
    book = {"portfolios": PORTFOLIOS.iloc[2:3], "positions": POSITIONS[POSITIONS["portfolio_id"] == "private"]}
    listed = book["positions"].assign(symbol="MSFT", investment_class="PUBLIC")
    home, fresh = make_home(frames={**book, "marks": MARKS}), make_home(frames={**book, "positions": listed})
    assert run(home).success
    assert home.table("factor_exposures").empty
    import_frames(home.engine, {**book, "positions": listed})
    assert run(home).success
    assert run(fresh).success
    kept = ("private_marks", "book_rows", "book_versions", *BOOKKEEPING)
    same_rows, fresh_rows = rows(home), rows(fresh)
    for name, frame in fresh_rows.items():
        if name not in kept:
            pd.testing.assert_frame_equal(same_rows[name], frame, check_exact=True, obj=name)
    assert not fresh_rows["factor_exposures"].empty
