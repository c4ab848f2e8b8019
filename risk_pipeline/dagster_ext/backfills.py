"""Dagster's record of a backfill."""

from dagster._core.execution.backfill import PartitionBackfill

__all__ = ["PartitionBackfill"]
