"""Ctrl-C in ``risk-pipeline run``, typed into a terminal: one sentence, exit code 130, a run that is cancelled."""

from __future__ import annotations

import os
import pty
import re
import signal
import sys
from contextlib import closing
from pathlib import Path

import pytest

from risk_pipeline.storage.database import open_engine, read_frame
from risk_pipeline.storage.tables import batch_runs
from risk_pipeline_tests.support.servers import instance_of

COMMAND = Path(sys.executable).with_name("risk-pipeline")
CTRL_C = b"\x03"
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def typed_when(home: Path, seen: str) -> tuple[int, str]:
    """Run a session in a terminal, type Ctrl-C when a text appears; returns the exit code and what was printed after.

    The terminal sends SIGINT to every process that the command started.
    """
    child, terminal = pty.fork()
    if child == 0:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        environment = {**os.environ, "RISK_PIPELINE_HOME": str(home), "DAGSTER_HOME": str(home), "COLUMNS": "200"}
        environment.pop("RISK_PIPELINE_DATABASE_URL", None)
        os.execve(COMMAND, [str(COMMAND), "run", "--date", "2025-06-03"], environment)
    printed, at = "", None
    with closing(os.fdopen(terminal, "rb", buffering=0)) as screen:
        try:
            while part := screen.read(4096):
                printed += part.decode(errors="replace")
                if at is None and seen in printed:
                    at = len(printed)
                    os.write(terminal, CTRL_C)
        except OSError:  # the last process has closed it
            pass
    _, status = os.waitpid(child, 0)
    assert at is not None, printed
    return os.waitstatus_to_exitcode(status), ESCAPES.sub("", printed[at:])


@pytest.mark.parametrize("moment", ["market_data …", "factor_exposures …"])
def test_ctrl_c_says_what_stays_and_what_goes_on_and_cancels_the_run(tmp_path, moment):
    code, printed = typed_when(tmp_path, moment)
    assert code == 130
    assert "Traceback" not in printed
    assert "Fatal" not in printed
    assert "failed" not in printed
    said = [line for line in printed.splitlines() if "Interrupted" in line]
    assert len(said) == 1
    assert re.search(r"Interrupted: what was stored stays; `\S*risk-pipeline run --date 2025-06-03` goes on\.", said[0])
    engine = open_engine(f"sqlite:///{tmp_path / 'risk.db'}")
    assert read_frame(engine, batch_runs.select())[["status", "is_alerted"]].values.tolist() == [["cancelled", False]]
    engine.dispose()
    with instance_of(tmp_path) as instance:
        assert [run.status.value for run in instance.get_runs()] == ["CANCELED"]
