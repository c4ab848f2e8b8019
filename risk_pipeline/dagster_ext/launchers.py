"""What Dagster's launchers and errors say of a run."""

from __future__ import annotations

import dagster as dg
from dagster._utils.error import SerializableErrorInfo

__all__ = ["SerializableErrorInfo", "launches_here"]


def launches_here(instance: dg.DagsterInstance) -> bool:
    """Return whether the instance starts its runs as processes of this machine."""
    from dagster._core.launcher.default_run_launcher import DefaultRunLauncher

    return isinstance(instance.run_launcher, DefaultRunLauncher)
