"""The materialisation that an asset-check evaluation refers to, and a check's latest evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData as Target,
)
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus

if TYPE_CHECKING:
    import dagster as dg

__all__ = ["Target", "latest_evaluation"]

EVALUATED = {AssetCheckExecutionRecordStatus.SUCCEEDED, AssetCheckExecutionRecordStatus.FAILED}


def latest_evaluation(instance: dg.DagsterInstance, check: dg.AssetCheckKey) -> dg.AssetCheckEvaluation | None:
    """Return a check's last evaluation, None before the first."""
    records = instance.event_log_storage.get_asset_check_execution_history(check, limit=1, status=EVALUATED)
    event = records[0].event.dagster_event if records and records[0].event else None
    return event.asset_check_evaluation_data if event else None
