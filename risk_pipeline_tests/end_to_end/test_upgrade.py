"""A home that the first version has made is migrated and run: no row is lost, and its numbers are today's."""

from __future__ import annotations

import lzma
import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pytest

from risk_pipeline.defs.automation.catch_up import due
from risk_pipeline.settings import sqlite_url
from risk_pipeline.storage import tables
from risk_pipeline.storage.database import newest_revision, open_engine, revision
from risk_pipeline_tests.support.homes import FRAMES, Home, timeless

FIRST_HOME = Path(__file__).parents[1] / "data" / "home_of_0.1.sql.xz"
THEIRS = ("growth", "hedged", "private", "ruined")
SESSIONS = ("2025-06-02", "2025-06-03")
FINGERPRINTS = {tables.session_inputs, tables.portfolio_inputs}
"""They tell a price that had another base before, and an option whose import said less than today's."""
CONTENT = ("portfolios", "positions", "private_marks", "portfolio_snapshots", "stress_test_results")


def rows_of(connection: sqlite3.Connection, name: str) -> pd.DataFrame:
    return pd.read_sql_query(f"SELECT * FROM {name}", connection)


@pytest.fixture(scope="module")
def first_home(tmp_path_factory) -> Path:
    """The database of a home that the first version has made, unpacked."""
    path = tmp_path_factory.mktemp("first") / "risk.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(lzma.decompress(FIRST_HOME.read_bytes()).decode())
    return path


@pytest.fixture(scope="module")
def content_before(first_home) -> dict[str, pd.DataFrame]:
    with closing(sqlite3.connect(first_home)) as connection:
        assert rows_of(connection, "alembic_version")["version_num"].tolist() == ["0001"]
        return {name: rows_of(connection, name) for name in CONTENT}


@pytest.fixture(scope="module")
def migrated(make_home, first_home, content_before) -> Home:
    return make_home(frames=None, url=sqlite_url(first_home))


@pytest.fixture(scope="module")
def content_after(migrated, first_home) -> dict[str, pd.DataFrame]:
    """The rows between the migration and the first run."""
    engine = open_engine(sqlite_url(first_home))
    assert revision(engine) == newest_revision()
    engine.dispose()
    with closing(sqlite3.connect(first_home)) as connection:
        return {name: rows_of(connection, name) for name in CONTENT}


def test_no_row_of_the_first_version_is_lost(content_before, content_after):
    for name, before in content_before.items():
        order = before.columns.tolist()
        pd.testing.assert_frame_equal(
            content_after[name][order].sort_values(order, ignore_index=True),
            before.sort_values(order, ignore_index=True),
            obj=name,
        )


def test_its_sessions_are_run_again_and_hold_the_numbers_of_a_fresh_home(migrated, content_after, make_home):
    migrated.enter()
    found = due(migrated.engine, datetime(2025, 6, 4, 12, tzinfo=UTC)).found
    stale = found[found["why"] == "not recorded"]
    assert {*pd.to_datetime(stale["session"]).dt.date} == {date.fromisoformat(day) for day in SESSIONS}
    migrated.run(*SESSIONS)
    theirs = {
        name: frame[frame["portfolio_id"].isin(THEIRS)] if "portfolio_id" in frame else frame
        for name, frame in FRAMES.items()
    }
    fresh = make_home(frames=theirs)
    fresh.run(*SESSIONS)
    for table in {*tables.ANALYTICS} - FINGERPRINTS:
        pd.testing.assert_frame_equal(
            timeless(migrated.table(table.name)), timeless(fresh.table(table.name)), check_exact=True, obj=table.name
        )
    assert len(migrated.table("portfolio_snapshots")) == len(SESSIONS) * len(THEIRS)
