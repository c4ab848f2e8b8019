"""The example of an asset of one's own, put where CONTRIBUTING says, is loaded by Dagster."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "largest_positions.py"
LOOK = """
import dagster as dg
from risk_pipeline.definitions import defs
node = defs.resolve_asset_graph().get(dg.AssetKey("largest_positions"))
print(__import__("risk_pipeline").__file__)
print(node.is_partitioned, sorted(key.to_user_string() for key in node.parent_keys))
print(dg.AssetKey("largest_positions") in defs.resolve_job_def("daily_risk").asset_layer.executable_asset_keys)
"""


def test_an_asset_put_into_defs_is_in_the_graph_and_in_the_daily_job(tmp_path):
    shutil.copytree(ROOT / "risk_pipeline", tmp_path / "risk_pipeline", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copy(EXAMPLE, tmp_path / "risk_pipeline" / "defs" / "assets")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "RISK_PIPELINE_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        [sys.executable, "-c", LOOK], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines() == [
        str(tmp_path / "risk_pipeline" / "__init__.py"),
        "True ['factor_exposures']",
        "True",
    ]
