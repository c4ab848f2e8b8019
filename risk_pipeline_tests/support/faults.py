"""What the fault tests share: runs in processes of their own, their words, and the rows of a run without any fault."""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable, Iterator
from datetime import date

import dagster as dg
import pandas as pd
import pytest

from risk_pipeline.definitions import defs
from risk_pipeline.defs.run_tags import range_tags
from risk_pipeline.storage import tables
from risk_pipeline_tests.support.homes import OF_RUNS, Home

FIRST, LAST = "2025-06-02", "2025-06-03"
STEPS = (
    *("factor_definitions", "company_profiles", "market_data", "market_data_coverage", "price_cache"),
    *("factor_exposures", "stress_tests", "volatility", "portfolio_snapshots", "pnl_explain", "risk_report"),
)
NOT_COMPARED = (*OF_RUNS, "price_panels")
"""What differs between a run and two of them: their record, and the panel that each made."""
BOOKKEEPING = ("database_facts", "input_revisions", "passed_sessions", "portfolio_inputs", "session_inputs")
"""What a run records of a source that failed or was corrected, where the numbers are the same."""
ENDLESS = 240


def run(home: Home, *assets: str, first: str = FIRST, last: str = LAST) -> dg.ExecuteInProcessResult:
    """Run the daily job, or some of its assets; the report is left out unless it is asked for."""
    home.enter()
    return defs.resolve_job_def("daily_risk").execute_in_process(
        instance=home.instance,
        tags=range_tags(date.fromisoformat(first), date.fromisoformat(last)),
        asset_selection=[dg.AssetKey(name) for name in assets or STEPS[:-1]],
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        raise_on_error=False,
    )


def words(result: dg.ExecuteInProcessResult) -> str:
    """Return what the run's page says first of why the run failed."""
    failures = [event.step_failure_data for event in result.all_events if event.is_step_failure]
    assert failures, "the run did not fail"
    failure = failures[0]
    if failure.user_failure_data is not None:
        return str(failure.user_failure_data.description)
    return str(failure.error.message)


def in_a_process(task: Callable[[], object]) -> int:
    """Do something in a process of its own, forked from this one; returns its exit code, minus the signal if killed."""
    child = os.fork()
    if child == 0:
        signal.alarm(ENDLESS)
        try:
            task()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def kill_self(*_: object) -> None:
    """End this process as ``kill -9`` does."""
    os.kill(os.getpid(), signal.SIGKILL)


def rows(home: Home) -> dict[str, pd.DataFrame]:
    """Return every row that is compared."""
    return home.everything(but=NOT_COMPARED)


def same(left: dict[str, pd.DataFrame], right: dict[str, pd.DataFrame]) -> None:
    """Compare all tables, to the last bit."""
    assert left.keys() == right.keys() == set(tables.metadata.tables) - set(NOT_COMPARED)
    for name, frame in left.items():
        pd.testing.assert_frame_equal(frame, right[name], check_exact=True, obj=name)


def same_numbers(left: dict[str, pd.DataFrame], right: dict[str, pd.DataFrame]) -> None:
    """Compare all tables but those that say how the numbers came about, to the last bit."""
    for name in sorted(left.keys() - set(BOOKKEEPING)):
        pd.testing.assert_frame_equal(left[name], right[name], check_exact=True, obj=name)


@pytest.fixture(scope="module")
def clean(make_home) -> dict[str, pd.DataFrame]:
    """The rows of a run that nothing happened to."""
    home = make_home()
    assert run(home).success
    return rows(home)


@pytest.fixture
def patch() -> Iterator[pytest.MonkeyPatch]:
    """A patch that can be taken back before the test's end."""
    with pytest.MonkeyPatch.context() as context:
        yield context
