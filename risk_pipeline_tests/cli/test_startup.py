"""Commands that only read start without the libraries that take seconds to import."""

from __future__ import annotations

import subprocess
import sys

import pytest

from risk_pipeline_tests.support.databases import migrated_sqlite

SLOW = {"alembic", "dagster", "exchange_calendars", "jinja2", "numba", "scipy", "sklearn", "yfinance"}
HEAVY = {"numpy", "pandas", "pydantic", "sqlalchemy", "yaml"}
"""What a command needs that reads the database, and no help."""
STARTED = "import sys; sys.argv = ['risk-pipeline', *{arguments!r}]; from risk_pipeline.cli import main; main()"
REPORT = "; ".join(
    (
        "import atexit, sys",
        "atexit.register(lambda: print('loaded', *sorted({{name.partition('.')[0] for name in sys.modules}})))",
        STARTED,
    )
)


@pytest.mark.parametrize(
    ("arguments", "needless"),
    [
        (["--help"], SLOW | HEAVY),
        (["run", "--help"], SLOW | HEAVY - {"pydantic"}),  # typer's own, for options
        (["--version"], SLOW | HEAVY),
        (["show"], SLOW),
        (["show", "--portfolio", "growth"], SLOW),
    ],
)
def test_help_and_show_start_without_slow_libraries(arguments, needless, tmp_path, monkeypatch):
    monkeypatch.setenv("RISK_PIPELINE_HOME", str(tmp_path))
    migrated_sqlite(tmp_path / "risk.db").dispose()
    code = REPORT.format(arguments=arguments)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    loaded = next(line for line in done.stdout.splitlines() if line.startswith("loaded ")).split()
    assert "typer" in loaded
    assert needless.isdisjoint(loaded)
