"""Commands that only read start without the libraries that take seconds to import."""

from __future__ import annotations

import subprocess
import sys

import pytest

SLOW = {"dagster", "numba", "scipy", "sklearn", "yfinance"}
STARTED = "import sys; sys.argv = ['risk-pipeline', *{arguments!r}]; from risk_pipeline.cli import main; main()"
REPORT = "; ".join(
    (
        "import atexit, sys",
        "atexit.register(lambda: print('loaded', *sorted({{name.partition('.')[0] for name in sys.modules}})))",
        STARTED,
    )
)


@pytest.mark.parametrize("arguments", [["--help"], ["show"], ["show", "--portfolio", "growth"]])
def test_help_and_show_start_without_slow_libraries(arguments, tmp_path, monkeypatch):
    monkeypatch.setenv("RISK_PIPELINE_HOME", str(tmp_path))
    code = REPORT.format(arguments=arguments)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    loaded = next(line for line in done.stdout.splitlines() if line.startswith("loaded ")).split()
    assert "typer" in loaded
    assert SLOW.isdisjoint(loaded)
