"""The schema and how it comes about, on SQLite and on Postgres."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, datetime
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from risk_pipeline.storage import tables as t
from risk_pipeline.storage.database import (
    alembic_config,
    migrate,
    newest_revision,
    open_engine,
    replace_sessions,
    revision,
    upgrade,
)
from risk_pipeline.storage.describe import tables_page
from risk_pipeline.storage.migrations.ship import migrated_script
from risk_pipeline.storage.migrations.shipped import SCRIPT, create_newest, statements_of
from risk_pipeline.storage.queries import read_table

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request, tmp_path) -> str:
    """URL of a database of each kind without any table."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'risk.db'}"
    return request.getfixturevalue("new_postgres")()


def test_the_migrations_make_exactly_the_tables(engine):
    with engine.connect() as connection:
        difference = compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), t.metadata)
    assert difference == []


def test_the_shipped_schema_of_sqlite_is_what_the_migrations_make(tmp_path):
    """Statement by statement and column by column, in their order, with every index and view; and no row."""
    assert SCRIPT.read_text(encoding="utf-8") == migrated_script(), "python -m risk_pipeline.storage.migrations.ship"
    shipped, migrated = (open_engine(f"sqlite:///{tmp_path / name}.db") for name in ("shipped", "migrated"))
    with shipped.begin() as connection:
        assert create_newest(connection, newest_revision())
    upgrade(migrated)
    assert revision(shipped) == revision(migrated) == newest_revision()
    names = sa.inspect(migrated).get_table_names()
    assert sa.inspect(shipped).get_table_names() == names
    assert {*t.metadata.tables} < {*names}
    with shipped.connect() as left, migrated.connect() as right:
        assert statements_of(left) == statements_of(right)
        for name in names:
            for pragma in ("table_xinfo", "table_list", "foreign_key_list"):
                query = f"PRAGMA {pragma}('{name}')"
                assert left.exec_driver_sql(query).fetchall() == right.exec_driver_sql(query).fetchall(), name
            indexes = [
                {
                    index: (row, tuple(one.exec_driver_sql(f"PRAGMA index_xinfo('{index}')").fetchall()))
                    for _, index, *row in one.exec_driver_sql(f"PRAGMA index_list('{name}')").fetchall()
                }
                for one in (left, right)
            ]
            assert indexes[0] == indexes[1], name
            rows = [one.exec_driver_sql(f'SELECT * FROM "{name}"').fetchall() for one in (left, right)]
            assert rows[0] == rows[1], name


def test_only_an_empty_database_gets_the_shipped_schema_and_only_of_its_revision(tmp_path):
    other = open_engine(f"sqlite:///{tmp_path / 'other.db'}")
    with other.begin() as connection:
        assert not create_newest(connection, "9999")
        connection.exec_driver_sql("CREATE TABLE somebody_elses (id INTEGER)")
    migrate(other)
    assert revision(other) == newest_revision()
    assert "somebody_elses" in sa.inspect(other).get_table_names()


def test_every_table_and_column_says_what_it_is():
    for table in t.metadata.tables.values():
        assert table.comment, table.name
        assert not [column.name for column in table.columns if not column.comment], table.name


def test_the_page_of_the_tables_is_current():
    assert (ROOT / "docs" / "tables.md").read_text(encoding="utf-8") == tables_page(), (
        "python -m risk_pipeline.storage.describe > docs/tables.md"
    )


def test_every_table_has_a_primary_key(engine):
    inspector = sa.inspect(engine)
    for name in t.metadata.tables:
        assert inspector.get_pk_constraint(name)["constrained_columns"], name


def test_the_indexes_are_there(engine):
    inspector = sa.inspect(engine)
    for name, columns in (
        ("positions", ["portfolio_id"]),
        ("positions", ["symbol"]),
        ("price_panels", ["panel_hash"]),
        ("portfolio_snapshots", ["portfolio_id", "session"]),
    ):
        assert columns in [index["column_names"] for index in inspector.get_indexes(name)], (name, columns)
    for table in (t.market_data_cache, *t.ANALYTICS):  # by session alone: a second index doubles the time of writing
        assert not inspector.get_indexes(table.name) or table is t.portfolio_snapshots, table.name


def test_the_last_migration_by_name_is_the_newest(engine):
    assert newest_revision() == ScriptDirectory.from_config(alembic_config()).get_current_head() == revision(engine)


def test_partitions_are_a_contiguous_range_of_the_key():
    for table in t.ANALYTICS:
        assert next(iter(table.primary_key.columns)).name == "session"


def test_down_and_up_again_on_a_populated_database(engine):
    day = date(2025, 6, 2)
    row = {"session": day, "portfolio_id": "a", "sector": "x", "net": 1.0, "gross": 1.0, "gross_share": 1.0}
    replace_sessions(engine, [day], {t.sector_exposures: pd.DataFrame([row])})
    with engine.begin() as connection:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    assert set(sa.inspect(engine).get_table_names()) == {"alembic_version"}
    migrate(engine)
    assert read_table(engine, "sector_exposures").empty
    assert read_table(engine, t.STRESS_FACTOR_IMPACTS).empty


def test_from_the_first_released_schema_up_down_and_up_no_row_is_lost(empty_url):
    engine = open_engine(empty_url)

    def turn(how, revision: str) -> None:
        with engine.begin() as connection:
            config = alembic_config()
            config.attributes["connection"] = connection
            how(config, revision)

    def rows(first: sa.MetaData) -> dict[str, list[tuple]]:
        """Every row, in the columns of the first schema."""
        with engine.connect() as connection:
            return {
                name: sorted(map(repr, connection.execute(sa.select(table)))) for name, table in first.tables.items()
            }

    turn(command.upgrade, "0001")
    first = sa.MetaData()
    first.reflect(engine)
    with engine.begin() as connection:
        for table in first.sorted_tables:
            if table.name != "alembic_version":
                connection.execute(sa.insert(table), [example(table, number) for number in (1, 2)])
    for name in ("alembic_version", "market_data_coverage"):  # the coverage is computed anew from the stored prices
        first.remove(first.tables[name])
    before = rows(first)
    assert all(len(found) == 2 for found in before.values())
    for how, target in ((command.upgrade, "head"), (command.downgrade, "0001"), (command.upgrade, "head")):
        turn(how, target)
        assert rows(first) == before, target
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), t.metadata) == []
    engine.dispose()


def example(table: sa.Table, number: int) -> dict[str, object]:
    """A row for any table; equal numbers make equal keys, so that rows of different tables refer to each other."""
    values = {
        sa.Date: date(2025, 6, number),
        sa.DateTime: datetime(2025, 6, number),
        sa.Boolean: bool(number % 2),
        sa.Integer: number,
        sa.Float: number / 3,
        sa.JSON: [number],
        sa.String: f"x{number}",
    }
    return {
        column.name: next(value for kind, value in values.items() if isinstance(column.type, kind))
        for column in table.columns
    }


def test_processes_that_migrate_one_fresh_database_at_once_all_succeed(empty_url):
    code = (
        "import sys; from risk_pipeline.storage.database import migrate, open_engine; migrate(open_engine(sys.argv[1]))"
    )
    processes = [subprocess.Popen([sys.executable, "-c", code, empty_url]) for _ in range(4)]
    assert [process.wait(60) for process in processes] == [0, 0, 0, 0]
    engine = open_engine(empty_url)
    assert set(t.metadata.tables) <= set(sa.inspect(engine).get_table_names())
    engine.dispose()
