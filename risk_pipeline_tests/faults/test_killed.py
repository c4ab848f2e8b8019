"""Runs killed with SIGKILL: at every step's start, inside its transactions, and after its rows are there.

Each run resumes where the one before it was killed, one asset at a time, in one home.
"""

from __future__ import annotations

import signal

import dagster as dg

from risk_pipeline.storage import bulk
from risk_pipeline.storage import tables as t
from risk_pipeline_tests.support.faults import STEPS, in_a_process, kill_self, rows, run, same

WRITTEN_BY = {
    "factor_definitions": t.factor_definitions,
    "company_profiles": t.company_profiles,
    "market_data": t.market_data_cache,
    "market_data_coverage": t.market_data_coverage,
    "price_cache": t.price_panels,
    "factor_exposures": t.symbol_factor_exposures,
    "stress_tests": t.stress_test_results,
    "volatility": t.symbol_volatility,
    "portfolio_snapshots": t.portfolio_snapshots,
    "pnl_explain": t.pnl_explain,
}
"""A table of each asset that writes any."""


def killed_at(home, step: str, moment: str) -> None:
    """Run a step and die when an event of it is reported to Dagster."""
    listen = home.instance.handle_new_event

    def handle(entry: dg.EventLogEntry, **options: object) -> None:
        listen(entry, **options)
        event = entry.dagster_event
        if event and event.event_type_value == moment and event.step_key == step:
            kill_self()

    home.instance.handle_new_event = handle
    run(home, step)


def killed_at_its_start(home, step: str) -> None:
    killed_at(home, step, "STEP_START")


def killed_inside_its_transaction(home, step: str) -> None:
    insert = bulk.insert

    def insert_and_die(connection, table, values) -> int:
        count = insert(connection, table, values)
        if table is WRITTEN_BY[step]:
            kill_self()
        return count

    bulk.insert = insert_and_die
    run(home, step)


def killed_after_its_rows(home, step: str) -> None:
    """Dagster has stored the rows' materialisation, and the run has not ended."""
    killed_at(home, step, "STEP_SUCCESS")


def test_killed_at_every_stage_of_every_asset_nothing_half_written_stays_and_one_run_repairs(make_home, clean):
    home = make_home()
    for step in STEPS:
        before = rows(home)
        assert in_a_process(lambda step=step: killed_at_its_start(home, step)) == -signal.SIGKILL, step
        same(rows(home), before)
        if step in WRITTEN_BY:
            assert in_a_process(lambda step=step: killed_inside_its_transaction(home, step)) == -signal.SIGKILL, step
            name = WRITTEN_BY[step].name
            assert home.table(name).empty, f"{name} is half-written"
        assert in_a_process(lambda step=step: killed_after_its_rows(home, step)) == -signal.SIGKILL, step
        if step in WRITTEN_BY:
            assert not home.table(WRITTEN_BY[step].name).empty
    same(rows(home), clean)
    assert run(home).success
    same(rows(home), clean)
