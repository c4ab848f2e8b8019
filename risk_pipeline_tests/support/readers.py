"""A home that its reader may not write: another user's, whose group the reader is in."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

OWNER = 54_321
"""A user who is nobody else on any machine."""


def no_more_than_others() -> None:
    """Take from root what lets it read and write any file; other users have no such right."""
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)


@contextmanager
def owned_by_another(home: Path) -> Iterator[None]:
    """Give a home to another user, its group reading; one who can't give takes the right to write from itself."""
    paths = [home, *home.rglob("*")]
    before = {path: path.stat() for path in paths}
    is_root = os.geteuid() == 0
    for path in reversed(paths):
        if is_root:
            os.chown(path, OWNER, os.getegid())
        path.chmod((0o750 if path.is_dir() else 0o640) & (0o777 if is_root else 0o550))
    try:
        yield
    finally:
        for path, was in before.items():
            if is_root:
                os.chown(path, was.st_uid, was.st_gid)
            path.chmod(was.st_mode)


SEVERAL = """
import contextlib, io, json, sys
from risk_pipeline import cli

for words in json.loads(sys.argv[1]):
    said = io.StringIO()
    cli.console.file = cli.errors.file = said
    sys.argv = ["risk-pipeline", *words]
    code = 0
    with contextlib.redirect_stdout(said):
        try:
            cli.main()
        except SystemExit as end:
            code = int(end.code or 0)
    print(json.dumps([code, said.getvalue()]))
"""


def as_reader(code: str, *arguments: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run Python code as a user who may read only what the group may."""
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=os.environ | {**environment},
        preexec_fn=no_more_than_others,
        capture_output=True,
        text=True,
        check=False,
    )
