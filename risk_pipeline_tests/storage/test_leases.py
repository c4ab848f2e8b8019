"""The lease of a run, on SQLite and on Postgres."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pandas as pd
import pytest
import sqlalchemy as sa

from risk_pipeline.defs.lease import lease
from risk_pipeline.storage import tables
from risk_pipeline.storage.batch_runs import LEASE, end_lease, lease_ages, renew_lease
from risk_pipeline.storage.book_versions import pinned_book
from risk_pipeline.storage.database import open_engine, replace_sessions, transaction
from risk_pipeline.storage.errors import StorageError, translate_errors_of
from risk_pipeline.storage.fencing import OPTION, of_run
from risk_pipeline.storage.queries import read_table
from risk_pipeline_tests.support.databases import migrated_sqlite


def test_the_lease_is_held_while_the_database_is_open_for_a_run(engine):
    pinned_book(engine, "a")
    assert lease_ages(engine) == {}
    with lease(engine, "a"):
        assert timedelta() <= lease_ages(engine)["a"] < LEASE


def test_a_run_that_was_declared_dead_writes_nothing_more(engine):
    """A stopped process that goes on after its lease has ended, while another has run its sessions."""
    stopped, newer = of_run(engine, "stopped"), of_run(engine, "newer")
    day = date(2025, 6, 2)
    for run, net in ((stopped, 1.0), (newer, 2.0)):
        pinned_book(run, run.get_execution_options()[OPTION])
        if run is newer:
            assert end_lease(engine, "stopped", timedelta())
        replace_sessions(run, [day], {tables.sector_exposures: sector_row(day, net)})
    with pytest.raises(StorageError, match=r"recorded as crashed.*run these sessions again"):
        replace_sessions(stopped, [day], {tables.sector_exposures: sector_row(day, 1.0)})
    assert read_table(engine, "sector_exposures")["net"].tolist() == [2.0]


def test_a_run_that_was_declared_dead_before_it_began_does_not_begin(engine):
    assert end_lease(engine, "late", None)
    with pytest.raises(StorageError, match="recorded as crashed"):
        pinned_book(of_run(engine, "late"), "late")


def test_a_run_that_renews_its_lease_while_it_is_judged_lives(engine):
    pinned_book(of_run(engine, "a"), "a")
    judged_by = timedelta(minutes=3)
    assert not end_lease(engine, "a", judged_by)
    assert not end_lease(engine, "a", None)
    replace_sessions(of_run(engine, "a"), [], {})


def test_a_write_renews_the_lease_that_nobody_could_renew_meanwhile(engine):
    run = of_run(engine, "a")
    pinned_book(run, "a")
    with engine.begin() as connection:
        connection.execute(sa.update(tables.batch_runs).values(lease_renewed_at=datetime(2025, 1, 1)))
    with transaction(run, tables.sector_exposures):
        pass
    assert lease_ages(engine)["a"] < LEASE


def test_a_long_copy_into_postgres_does_not_hold_up_the_renewal(new_migrated_postgres):
    engine = open_engine(new_migrated_postgres())
    run = of_run(engine, "a")
    pinned_book(run, "a")
    with transaction(run, *tables.ANALYTICS) as connection:
        connection.execute(sa.insert(tables.sector_exposures), sector_row(date(2025, 6, 2), 1.0).to_dict("records"))
        set_lease = sa.update(tables.batch_runs).values(lease_renewed_at=datetime(2025, 1, 1))
        with engine.begin() as other:
            other.execute(set_lease)
        renew_lease(run, "a")
        assert lease_ages(engine)["a"] < LEASE
    engine.dispose()


def test_an_sqlite_held_by_a_long_write_says_nothing_of_its_run(tmp_path):
    engine = migrated_sqlite(tmp_path / "risk.db")
    pinned_book(engine, "a")
    impatient = sa.create_engine(engine.url, connect_args={"timeout": 0.1})
    translate_errors_of(impatient)
    with transaction(engine):
        assert not end_lease(impatient, "a", None)
    assert end_lease(impatient, "a", None)
    for opened in (engine, impatient):
        opened.dispose()


def sector_row(day: date, net: float) -> pd.DataFrame:
    row = {"session": day, "portfolio_id": "a", "sector": "x", "net": net, "gross": 1.0, "gross_share": 1.0}
    return pd.DataFrame([row])
