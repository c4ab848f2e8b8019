"""An asset's code version changes with the code that its numbers come from, and with nothing else."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

import dagster as dg
import pytest

from risk_pipeline.definitions import defs
from risk_pipeline.defs import code_version as module

EXPOSURES = ("risk/exposures.py", "config/factors.yaml")
STRESS = ("risk/stress.py", "config/scenarios.yaml")


@pytest.fixture
def package(tmp_path, monkeypatch) -> Path:
    """A copy of the package that a test may edit."""
    copy = tmp_path / "risk_pipeline"
    shutil.copytree(module.PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(module, "PACKAGE", copy)
    clear()
    yield copy
    clear()


def clear() -> None:
    for cached in (module.code_version, module._named, module._imports, module._module):
        cached.cache_clear()


def edited(package: Path, name: str, *files: str) -> bool:
    """Return whether an edit of a file changes the version of some others."""
    before = module.code_version(*files)
    path = package / name
    path.write_bytes(path.read_bytes() + b"\n# an edit\n")
    clear()
    return module.code_version(*files) != before


def test_the_imports_of_every_module_are_those_that_python_s_parser_sees():
    found = 0
    for path in sorted(module.PACKAGE.rglob("*.py")):
        nodes = [node for node in ast.walk(ast.parse(path.read_bytes())) if isinstance(node, ast.ImportFrom)]
        names = {
            name
            for node in nodes
            for name in module._modules(node.level, node.module or "", [one.name for one in node.names], path)
            if name[:1] and name[0] in module.ROOMS
        }
        files = {module.PACKAGE.joinpath(*name).with_suffix(".py") for name in names}
        files |= {module.PACKAGE.joinpath(*name, "__init__.py") for name in names}
        assert {*module._imports(path)} == {one for one in files if one.is_file()}, path
        found += len(names)
    assert found > 500


@pytest.mark.parametrize(
    "name", ["risk/exposures.py", "risk/inputs.py", "analytics/rolling_beta.py", "analytics/sums.py"]
)
def test_an_edit_of_the_computation_or_of_what_it_imports_is_a_new_version(package, name):
    assert edited(package, name, *EXPOSURES)


@pytest.mark.parametrize("name", ["reports/charts.py", "cli/show.py", "storage/bulk.py", "analytics/limits.py"])
def test_an_edit_elsewhere_keeps_the_version(package, name):
    assert not edited(package, name, *EXPOSURES)


def test_a_changed_scenario_is_a_new_version_of_the_stress_tests_alone(package):
    assert edited(package, "config/scenarios.yaml", *STRESS)
    assert not edited(package, "config/scenarios.yaml", *EXPOSURES)


def test_every_asset_that_is_made_has_a_version():
    graph = defs.resolve_asset_graph()
    for key in graph.materializable_asset_keys:
        assert len(graph.get(key).code_version or "") == 12, key
    assert graph.get(dg.AssetKey("stress_tests")).code_version != graph.get(dg.AssetKey("volatility")).code_version
