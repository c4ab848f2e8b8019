"""The lease of a run, on SQLite and on Postgres."""

from __future__ import annotations

from datetime import timedelta

from risk_pipeline.defs.lease import lease
from risk_pipeline.storage.batch_runs import LEASE, lease_ages
from risk_pipeline.storage.book_versions import pin_version


def test_the_lease_is_held_while_the_database_is_open_for_a_run(engine):
    pin_version(engine, "a")
    assert lease_ages(engine) == {}
    with lease(engine, "a"):
        assert timedelta() <= lease_ages(engine)["a"] < LEASE
