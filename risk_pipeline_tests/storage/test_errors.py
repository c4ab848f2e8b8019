"""Errors of drivers and disks say what to do, without a password; errors of our own code stay what they are."""

from __future__ import annotations

import errno
from datetime import date

import pytest
import sqlalchemy as sa

from risk_pipeline.storage import tables as t
from risk_pipeline.storage.book_versions import pinned_book
from risk_pipeline.storage.database import migrate, open_engine, transaction
from risk_pipeline.storage.errors import DatabaseAwayError, StorageError, as_storage_error, storage_errors
from risk_pipeline.storage.probe import probe

SECRET = "sentinel-password"


def test_a_folder_in_the_place_of_the_database_file(tmp_path):
    (tmp_path / "risk.db").mkdir()
    with pytest.raises(StorageError, match=r"can't be opened .*check RISK_PIPELINE_DATABASE_URL"):
        migrate(open_engine(f"sqlite:///{tmp_path / 'risk.db'}"))


@pytest.mark.parametrize("place", ["no such database", "no server"])
def test_a_postgres_that_can_t_be_reached_says_so_without_the_password(place, postgres_server, tmp_path):
    url = postgres_server.url.set(username="postgres", password=SECRET, database="nosuch")
    if place == "no server":
        url = url.set(query={"host": str(tmp_path)})
    with pytest.raises(DatabaseAwayError, match="start it, check RISK_PIPELINE_DATABASE_URL") as caught:
        migrate(open_engine(url.render_as_string(hide_password=False)))
    assert SECRET not in str(caught.value)


def test_a_postgres_that_became_read_only_is_waited_for_and_a_new_connection_finds_another(new_migrated_postgres):
    engine = open_engine(new_migrated_postgres())
    probe(engine)

    name = engine.url.database
    over_all = engine.url.update_query_dict({"options": "-c default_transaction_read_only=off"})
    operator = open_engine(over_all.render_as_string(hide_password=False))

    def turn(word: str) -> None:
        with operator.begin() as connection:
            connection.exec_driver_sql(f'ALTER DATABASE "{name}" SET default_transaction_read_only = {word}')

    turn("on")
    engine.dispose()
    with pytest.raises(DatabaseAwayError, match=r"Postgres is read-only.*target_session_attrs=read-write"):
        probe(engine)
    with pytest.raises(DatabaseAwayError, match="Postgres is read-only"):
        pinned_book(engine, "a")
    turn("off")
    probe(engine)  # on a connection of its own: the pool forgot those of the server that was read-only
    for opened in (engine, operator):
        opened.dispose()


def test_a_user_without_rights_is_told_so(new_migrated_postgres):
    engine = open_engine(new_migrated_postgres())
    with engine.begin() as connection:
        name = f"reader_{connection.execute(sa.text('SELECT current_database()')).scalar_one()}"
        connection.exec_driver_sql(f'CREATE ROLE "{name}" LOGIN')
        connection.exec_driver_sql(f'GRANT SELECT ON ALL TABLES IN SCHEMA public TO "{name}"')
    reader = open_engine(engine.url.set(username=name).render_as_string(hide_password=False))
    with pytest.raises(StorageError, match=r"RISK_PIPELINE_DATABASE_URL may not do that.*give it the rights"):
        probe(reader)
    for opened in (reader, engine):
        opened.dispose()


def test_a_row_twice_is_an_error_of_our_own_and_stays_one(engine):
    row = {"symbol": "A", "first_session": date(2025, 1, 2), "last_session": date(2025, 1, 2)}
    with pytest.raises(sa.exc.IntegrityError), transaction(engine) as connection:
        connection.execute(sa.insert(t.market_data_ranges), [row, row])


def test_a_connection_that_broke_while_it_lay_idle_is_replaced_without_a_word(new_postgres):
    engine = open_engine(new_postgres())
    with engine.connect() as connection:
        pid = connection.execute(sa.text("SELECT pg_backend_pid()")).scalar_one()
    other = open_engine(engine.url.render_as_string(hide_password=False))
    with other.connect() as connection:
        connection.execute(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT 1")).scalar_one() == 1
    for opened in (engine, other):
        opened.dispose()


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EFBIG, "the disk is full"),
        (errno.EACCES, "a file can't be written"),
        (errno.ENOENT, None),
    ],
)
def test_errors_of_the_disk(number, words):
    error = as_storage_error(OSError(number, "as the kernel says"))
    assert (error is None) is (words is None)
    assert words is None or str(error).startswith(words)


def test_what_is_not_known_goes_on_as_it_is():
    with pytest.raises(KeyError), storage_errors():
        raise KeyError("ours")
