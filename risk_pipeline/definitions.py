"""What Dagster loads: everything under ``defs/``."""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from . import defs as definitions_package
from .memory import keep_freed_arrays

keep_freed_arrays()
defs = dg.Definitions.merge(
    # By the package and not by a folder with a pyproject.toml: an installed wheel has none.
    dg.ComponentTree.from_module(defs_module=definitions_package, project_root=Path(__file__).parents[1]).build_defs(),
    # A process per step costs 3.5 s here; the steps of a run are a chain anyway.
    dg.Definitions(executor=dg.in_process_executor),
)
