"""Output that is closed, full, cut off or of a few letters only ends no command, and exit codes stay honest."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from risk_pipeline import cli
from risk_pipeline.cli.output import Output, prepare_output

COMMAND = str(Path(sys.executable).with_name("risk-pipeline"))


def shell(line: str, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a line of Bash in which ``$R`` is the command."""
    places = {"RISK_PIPELINE_HOME": str(home), "DAGSTER_HOME": str(home), "R": COMMAND}
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", line],
        env=os.environ | places | environment,
        capture_output=True,
        text=True,
        errors="replace",  # Latin-1 has letters that are none of UTF-8
        check=False,
    )


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ('"$R" --help >&-', 0, ""),
        ('"$R" init >&- 2>&- <&-', 0, ""),
        ('"$R" --help | head -1', 0, ""),
        ('"$R" --help >/dev/full', 1, "the output could not be written: [Errno 28]"),
        ('"$R" run --from 2025-06-03 --to 2025-06-02 2>/dev/full', 2, ""),
        ('"$R" nonsense 2>&-', 2, ""),
    ],
)
def test_output_that_goes_nowhere_ends_no_command(tmp_path, line, code, said):
    done = shell(line, tmp_path)
    assert done.returncode == code, done.stderr
    assert done.stderr.startswith(said)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
    ids=["ascii", "latin-1", "locale C"],
)
@pytest.mark.slow
def test_a_run_completes_on_a_terminal_of_few_letters_and_on_a_full_disk(tmp_path, environment):
    done = shell('"$R" run --last 1', tmp_path, **environment)
    assert done.returncode == 0, done.stderr
    assert "ok market_data" in done.stdout
    done = shell('"$R" show --portfolio long_short', tmp_path, **environment)
    assert done.returncode == 0, done.stderr
    assert "IR beta" in done.stdout.replace("Beta", "beta")
    done = shell('"$R" run --last 1 >/dev/full', tmp_path, **environment)
    assert done.returncode == 0, done.stderr
    assert "the output could not be written" in done.stderr


def test_what_a_terminal_lacks_is_spelt_out(monkeypatch):
    written = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, encoding="ascii"))
    monkeypatch.setattr("sys.stderr", io.StringIO())
    out, _ = prepare_output()
    out.write("β 1.2 × −3 … ✓ café Москва ½")
    out.flush()
    assert written.getvalue() == b"beta 1.2 x -3 ... ok cafe ?????? ?"


def test_a_full_disk_is_said_once_and_what_follows_is_dropped():
    class Full(io.StringIO):
        tries = 0

        def write(self, text: str) -> int:
            self.tries += 1
            raise OSError(28, "No space left on device")

    full = Full()
    out = Output(full)
    for _ in range(3):
        out.write("text")
        out.flush()
    assert full.tries == 1
    assert out.lost is not None
    assert out.lost.errno == 28


@pytest.mark.parametrize(
    ("words", "tells"),
    [
        (["show"], True),
        (["-q", "doctor"], True),
        (["run", "--help"], True),
        (["run"], False),
        (["remove", "show"], False),
        ([], False),
    ],
)
def test_commands_that_only_tell_fail_when_nobody_can_hear_them(words, tells):
    assert cli._only_tells(words) is tells
