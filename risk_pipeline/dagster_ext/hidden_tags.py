"""Tags of runs that the UI does not show."""

from __future__ import annotations

from dagster._core.storage.tags import HIDDEN_TAG_PREFIX


def hidden_tag(name: str) -> str:
    """Return the name of a tag of ours that Dagster keeps, filters by and does not show."""
    return f"{HIDDEN_TAG_PREFIX}risk_pipeline_{name}"
