"""Which materialisation an asset-check evaluation looked at."""

from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData as Target,
)

__all__ = ["Target"]
