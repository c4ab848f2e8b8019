"""What Dagster loads: everything under ``defs/``."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import dagster as dg

from . import defs as definitions_package
from .dagster_ext.code_references import with_code_references
from .dagster_ext.interrupts import keep_sigint_from_helpers
from .memory import keep_freed_arrays, leave_imports_alone
from .settings import Settings


def _everything_under_defs() -> dg.Definitions:
    """Load the package, and not a folder with a ``pyproject.toml``: an installed wheel has none.

    By its path, since without one Dagster also describes every type of component there is, in half a second.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)
        warnings.simplefilter("ignore", dg.BetaWarning)
        root = Path(__file__).parents[1]
        tree = dg.ComponentTree.from_module(defs_module=definitions_package, project_root=root)
        return with_code_references(tree.build_defs(Path(definitions_package.__path__[0])))


os.umask(Settings().umask)
keep_freed_arrays()
keep_sigint_from_helpers()
defs = dg.Definitions.merge(
    _everything_under_defs(),
    # A process per step costs 3.5 s here; the steps of a run are a chain anyway.
    dg.Definitions(executor=dg.in_process_executor),
)
leave_imports_alone()
