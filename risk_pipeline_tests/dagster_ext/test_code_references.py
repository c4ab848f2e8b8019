"""The link on an asset's page leads to the asset's own function."""

from __future__ import annotations

import inspect
from pathlib import Path

from risk_pipeline.dagster_ext.code_references import KEY
from risk_pipeline.definitions import defs


def test_every_asset_that_a_run_makes_names_the_line_of_its_function():
    nodes = [node for node in defs.resolve_asset_graph().asset_nodes if node.is_materializable]
    assert nodes
    for node in nodes:
        (place,) = node.metadata[KEY].code_references
        lines = Path(place.file_path).read_text(encoding="utf-8").splitlines()[place.line_number - 1 :]
        block = inspect.getblock([line + "\n" for line in lines])
        assert any(line.startswith(f"def {node.key.to_user_string()}(") for line in block), place
