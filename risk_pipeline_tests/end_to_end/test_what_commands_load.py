"""On a home that has been used, a command loads nothing that it does not need: each second counts for who waits."""

from __future__ import annotations

import subprocess
import sys

import pytest

from risk_pipeline.exchange_days import exchange_days

NEVER = {"exchange_calendars", "matplotlib", "openpyxl", "scipy.interpolate", "scipy.stats", "sklearn", "yfinance"}
"""No command of every day needs them: the calendar is kept in the home, the rest is for fits and foreign files."""
REPORT = """
import atexit, sys
atexit.register(lambda: print("loaded", *sorted(sys.modules)))
sys.argv = ["risk-pipeline", *{arguments!r}]
from risk_pipeline.cli import main
main()
"""


def loaded(*arguments: str) -> set[str]:
    """Carry out a command in a process of its own; returns the modules that it has loaded."""
    code = REPORT.format(arguments=arguments)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return set(done.stdout.splitlines()[-1].split())


@pytest.fixture(scope="module")
def of_run(tmp_path_factory) -> set[str]:
    """What a run of one session of the demo has loaded, in a home that later commands use too."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RISK_PIPELINE_HOME", str(folder))
        patch.setenv("DAGSTER_HOME", str(folder))
        patch.delenv("RISK_PIPELINE_FIRST_SESSION", raising=False)
        exchange_days.cache_clear()
        exchange_days("XNYS", folder)
        yield loaded("run", "--last", "1")


def test_a_run_loads_no_calendar_and_no_library_of_fits(of_run):
    assert {"dagster", "numba", "pandas"} <= of_run
    assert NEVER.isdisjoint(of_run)


@pytest.mark.parametrize("arguments", [["show"], ["show", "--portfolio", "overlay"]])
def test_a_table_is_shown_without_what_computes_it(of_run, arguments):
    found = loaded(*arguments)
    assert "sqlalchemy" in found
    assert (NEVER | {"alembic", "dagster", "jinja2", "numba"}).isdisjoint(found)


def test_what_if_computes_without_dagster(of_run, tmp_path):
    trades = tmp_path / "trades.csv"
    trades.write_text("symbol,quantity\nAAPL,100\n", encoding="utf-8")
    found = loaded("whatif", str(trades), "--portfolio", "overlay")
    assert "numba" in found
    assert (NEVER | {"alembic", "dagster", "jinja2"}).isdisjoint(found)
