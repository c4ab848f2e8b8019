"""Dagster's daemon, its scheduler under a clock of a test's own: ``daemon_at.py FILE run ...``.

The file holds two timestamps: the clock shows the first timestamp at the moment of the second, and runs on from there.
"""

import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import dagster._time as dagster_time

CLOCK = Path(sys.argv.pop(1))


def stamp() -> float:
    if threading.current_thread().name != "dagster-daemon-SCHEDULER":
        return time.time()
    shown, then = map(float, CLOCK.read_text(encoding="ascii").split())
    return shown + time.time() - then


dagster_time._mockable_get_current_timestamp = stamp
dagster_time._mockable_get_current_datetime = lambda: datetime.fromtimestamp(stamp(), UTC)

if __name__ == "__main__":
    from dagster._daemon.cli import main

    main()
