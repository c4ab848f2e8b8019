"""An SQLite file is read by who may not write it or beside it, and what was read is never torn."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from risk_pipeline.storage.database import migrate, open_existing, require_schema
from risk_pipeline.storage.errors import DatabaseAwayError, StorageError, translate_errors_of
from risk_pipeline.storage.read_only import read_without_writing, require_writable
from risk_pipeline_tests.support.databases import migrated_sqlite

COUNT = "SELECT count(*) FROM portfolios"
ADD = "INSERT INTO portfolios (portfolio_id, name, inception_date, starting_equity, currency) VALUES (?, '', ?, 1, '')"


@pytest.fixture
def writer(tmp_path):
    engine = migrated_sqlite(tmp_path / "risk a#b.db")
    yield engine
    engine.dispose()


@pytest.fixture
def reader(writer):
    file = Path(writer.url.database)
    writer.dispose()
    engine = sa.create_engine(writer.url)
    translate_errors_of(engine)
    read_without_writing(engine, file)
    yield engine
    engine.dispose()


def add(engine: sa.Engine, name: str) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(ADD, (name, "2025-01-02"))


def count(engine: sa.Engine) -> int:
    with engine.connect() as connection:
        return connection.exec_driver_sql(COUNT).scalar_one()


def test_a_file_alone_is_read_and_nothing_is_made_beside_it(reader):
    folder = Path(reader.url.database).parent
    before = {path: path.stat().st_mtime_ns for path in (folder, *folder.iterdir())}
    assert count(reader) == 0
    assert {path: path.stat().st_mtime_ns for path in (folder, *folder.iterdir())} == before


def test_what_a_writer_that_is_at_work_has_stored_is_read(reader, writer):
    add(writer, "first")  # in the file beside the database as long as the writer is there
    assert Path(f"{writer.url.database}-wal").stat().st_size
    assert count(reader) == 1
    add(writer, "second")
    assert count(reader) == 2


def test_rows_of_a_file_that_changed_while_it_was_read_are_no_answer(reader, writer):
    connection = reader.connect()
    assert connection.exec_driver_sql(COUNT).scalar_one() == 0
    add(writer, "first")
    writer.dispose()  # the last connection moves what it wrote into the file
    with pytest.raises(DatabaseAwayError, match="was changed while it was read"):
        connection.close()
    assert count(reader) == 1


def test_rows_that_were_read_before_a_writer_came_are_an_answer(reader, writer):
    with reader.connect() as connection:
        add(writer, "first")
        assert connection.exec_driver_sql(COUNT).scalar_one() == 0


def test_who_can_only_read_is_told_so_when_writing(reader):
    with pytest.raises(StorageError, match=r"may read the database at .* and not write it: let its owner"):
        require_writable(reader)
    with pytest.raises(StorageError, match="may read the database and not write it"):
        add(reader, "any")


def test_a_database_that_is_not_there_is_not_made(tmp_path):
    with pytest.raises(StorageError, match=r"no database at .*gone/risk.db: `risk-pipeline run`.*RISK_PIPELINE_HOME"):
        open_existing(f"sqlite:///{tmp_path}/gone/risk.db")
    assert list(tmp_path.iterdir()) == []


def test_a_database_without_tables_gets_none_from_a_reader(engine, tmp_path):
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE alembic_version")
    with pytest.raises(StorageError, match="has no tables yet: `risk-pipeline init`"):
        migrate(engine, makes_tables=False)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE alembic_version (version_num varchar(32))")
        connection.exec_driver_sql("INSERT INTO alembic_version VALUES ('0001')")
    with pytest.raises(StorageError, match=r"tables of another version \(0001, not "):
        require_schema(engine)
