"""Dagster's run queue, whose daemon here polls backfills every few seconds so that a person need not wait."""

from __future__ import annotations

import sys
from typing import Any

from dagster._core.run_coordinator.queued_run_coordinator import QueuedRunCoordinator

from .history import explain_history_errors
from .retries import keep_retries

LOOK_EVERY = 5
"""Seconds between the daemon's looks at backfills. Dagster's 30 can't be set; a backfill waits for two looks or more.
An idle daemon takes under 2 % of a core with it."""
CONTROLLER, INTERVAL = "dagster._daemon.controller", "DEFAULT_DAEMON_INTERVAL_SECONDS"


class PromptRunCoordinator(QueuedRunCoordinator):
    """Dagster's queue, with the same configuration; in the daemon's process it shortens the daemon's interval.

    Every process that opens the instance has one, so here errors of Dagster's storage learn to say what to do, and
    retries are kept.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        look_often()
        explain_history_errors()
        keep_retries()


def look_often() -> None:
    """Shorten the daemon's interval, where this process is the daemon and Dagster still calls it so."""
    controller = sys.modules.get(CONTROLLER)
    if controller is not None and hasattr(controller, INTERVAL):
        setattr(controller, INTERVAL, LOOK_EVERY)
