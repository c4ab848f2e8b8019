"""What Dagster loads: everything under ``defs/``."""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from .memory import keep_freed_arrays

keep_freed_arrays()
defs = dg.Definitions.merge(
    dg.load_from_defs_folder(path_within_project=Path(__file__).parent),
    # A process per step costs 3.5 s here; the steps of a run are a chain anyway.
    dg.Definitions(executor=dg.in_process_executor),
)
