"""Install a lock into a virtual environment, then the project: ``python scripts/install.py .venv requirements.lock``.

It is pip with checked hashes; what this adds is a line that moves, because a first installation takes a minute or more,
and the compiled kernels, which the first run would wait for.
Standard library only: it runs before anything is installed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
import venv
from collections.abc import Sequence
from pathlib import Path

MINIMUM = (3, 11)
INTERVAL = 10.0
"""Seconds between two lines of progress where the output is no terminal."""


class Progress:
    """One line on a terminal that is written over; elsewhere a line every ten seconds."""

    def __init__(self, title: str) -> None:
        self.title, self.text = title, "starting"
        self.started = self.shown = time.monotonic()
        self.ended = threading.Event()
        self.over = sys.stdout.isatty()
        print(f"{title} …", end="" if self.over else "\n", flush=True)

    def tick(self) -> None:
        """Show what is being done now, until ended."""
        while not self.ended.wait(0.5 if self.over else INTERVAL):
            seconds = time.monotonic() - self.started
            line = f"{self.title}: {self.text} ({seconds:.0f} s)"
            print(f"\r\033[K{line[:110]}" if self.over else line, end="" if self.over else "\n", flush=True)

    def end(self, text: str) -> None:
        """Say how it ended."""
        self.ended.set()
        start = "\r\033[K" if self.over else ""
        print(f"{start}{self.title}: {text} in {time.monotonic() - self.started:.0f} s", flush=True)


def packages_of(lock: Path) -> int:
    """Return how many packages a lock names, those of other systems included."""
    return len(set(re.findall(r"^([a-z0-9][a-z0-9._-]*)==", lock.read_text(encoding="utf-8"), re.MULTILINE)))


def pip(python: Path, arguments: Sequence[str], title: str, total: int = 0) -> None:
    """Install with pip."""
    options = ["--disable-pip-version-check", "--progress-bar", "off"]
    run([str(python), "-m", "pip", "install", *options, *arguments], title, total)


def run(command: list[str], title: str, total: int = 0) -> None:
    """Run a command with progress, of pip's ``total`` packages; ends the program with its own words where it fails."""
    progress = Progress(title)
    threading.Thread(target=progress.tick, daemon=True).start()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said, seen = [], 0
    for line in process.stdout or ():
        said.append(line)
        words = line.split()
        if line.startswith(("Collecting ", "Requirement already satisfied: ")):
            seen += 1
            name = re.split(r"[=<>! (]", words[1 if line.startswith("Collecting") else 3])[0]
            progress.text = f"{seen} of {total}, {name}" if total else name
        elif line.startswith("Installing collected packages"):
            progress.text = f"unpacking {line.count(',') + 1} packages"
    if process.wait():
        progress.end("failed")
        print("".join(said[-40:]), file=sys.stderr)
        sys.exit(process.returncode)
    progress.end("done")


def main(folder: str, lock: str) -> None:
    """Make the environment if there is none, and install the lock and the project into it."""
    if sys.version_info < MINIMUM:
        sys.exit(
            f"risk_pipeline needs Python {'.'.join(map(str, MINIMUM))} or newer and this is {sys.version.split()[0]}: "
            "make PYTHON=/path/to/python3.11 …"
        )
    python = Path(folder) / "bin" / "python"
    if not python.exists():
        try:
            venv.create(folder, with_pip=True)
        except (subprocess.CalledProcessError, ModuleNotFoundError):
            sys.exit("this Python can't make virtual environments: on Debian and Ubuntu, apt-get install python3-venv")
    os.environ.pop("PIP_REQUIRE_VIRTUALENV", None)
    pinned = ["--no-deps", "--require-hashes", "-r", lock]
    pip(python, pinned, f"Installing {lock} into {folder}", packages_of(Path(lock)))
    pip(python, ["--no-deps", "--no-build-isolation", "-e", "."], "Installing risk_pipeline")
    run([str(python), "-m", "risk_pipeline.analytics.kernels"], "Compiling kernels")


if __name__ == "__main__":
    main(*sys.argv[1:])
