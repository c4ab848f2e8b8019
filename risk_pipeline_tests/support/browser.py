"""A browser for the tests of the pages: ``python -m risk_pipeline_tests.support.browser`` gets one if there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
DEBIAN = ("chromium", "libatomic1")
"""Packages: the browser, and what Playwright's driver needs and a small Debian lacks."""
MISSING = (
    "NO BROWSER: the tests of the pages did not run. `make test` gets one by itself where it can; "
    "else install Chromium or Chrome, or `.venv/bin/playwright install --with-deps chromium`"
)


def installed_browser() -> str | None:
    """Return a Chromium or Chrome that starts, the system's or Playwright's own; None if there is none.

    None too where Playwright's driver does not start, for want of a library: it would start no browser.
    """
    from playwright.sync_api import sync_playwright

    try:
        with sync_playwright() as playwright:
            own = playwright.chromium.executable_path
    except Exception:
        return None
    return next((path for path in (*map(shutil.which, NAMES), own) if path and _starts(path)), None)


def _starts(path: str) -> bool:
    """Ubuntu's chromium may be a stub, and Playwright's may lack libraries: both are there and don't start."""
    try:
        return subprocess.run([path, "--version"], capture_output=True, timeout=60, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def attempts() -> list[list[list[str]]]:
    """Return what may get a browser here, in order: Debian's package as root, then Playwright's download."""
    apt = shutil.which("apt-get") if os.geteuid() == 0 else None
    playwright = [sys.executable, "-m", "playwright", "install", *(["--with-deps"] if apt else []), "chromium"]
    debian = [[apt, "update", "-qq"], [apt, "install", "-y", "-qq", "--no-install-recommends", *DEBIAN]] if apt else []
    return [debian, [playwright]] if debian else [[playwright]]


def main() -> None:
    """Get a browser where there is none. That it is impossible is no error: the tests say so."""
    if installed_browser():
        return
    print("The pages are tested in a browser; getting Chromium (once) …", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for attempt in attempts():
        for command in attempt:
            subprocess.run(command, stdout=subprocess.DEVNULL, env=environment, check=False)
        if installed_browser():
            return
    print(MISSING, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
