"""Runs killed with SIGKILL at the start of every step, after its rows are written, and inside a transaction."""

from __future__ import annotations

import signal

import pytest

from .conftest import same

STEPS = (
    *("factor_definitions", "portfolios", "company_profiles", "market_data", "market_data_coverage", "price_cache"),
    *("factor_exposures", "stress_tests", "volatility", "portfolio_snapshots", "risk_report"),
)
AT_AN_EVENT = """
import os, signal
from risk_pipeline import progress
def look(self, entry):
    event = entry.dagster_event
    if event and event.step_key == "{step}" and event.event_type_value == "{event}":
        os.kill(os.getpid(), signal.SIGKILL)
progress._Printer.print = look
"""
INSIDE_A_TRANSACTION = """
import os, signal
from risk_pipeline.storage import database
insert, seen = database._insert, []
def killed(connection, table, rows):
    insert(connection, table, rows)
    if table.name == "{table}":
        os.kill(os.getpid(), signal.SIGKILL)
database._insert = killed
"""


@pytest.mark.parametrize("event", ["STEP_START", "ASSET_MATERIALIZATION"])
def test_killed_at_every_step_one_run_repairs_it(new_home, clean, event):
    """One home: each run is killed one step later than the one before; only the last may finish."""
    home = new_home()
    for step in STEPS:
        code, output = home.run(AT_AN_EVENT.format(step=step, event=event))
        assert code == -signal.SIGKILL, (step, output)
    snapshots = home.rows()["portfolio_snapshots"]
    assert snapshots["is_complete"].all()  # none is half there: all of a session's, or none
    code, output = home.run()
    assert code == 0, output
    assert "had been killed; it is recorded as failed" in output
    same(home.rows(), clean)


def test_killed_inside_the_transaction_of_each_analytic_nothing_half_written_stays(new_home, clean):
    home = new_home()
    for table in ("symbol_factor_exposures", "stress_test_results", "symbol_volatility", "portfolio_snapshots"):
        code, output = home.run(INSIDE_A_TRANSACTION.format(table=table))
        assert code == -signal.SIGKILL, output
        assert home.rows()[table].empty
    assert home.run()[0] == 0
    same(home.rows(), clean)
