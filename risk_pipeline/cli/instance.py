"""Which Dagster instance is in use, with which configuration, and what that lacks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ..dagster_ext.history import history_error
from ..dagster_ext.instance import CONFIG, open_instance, shipped_config
from .diagnosis import Diagnosis


def examine_instance() -> tuple[Diagnosis, bool]:
    """Return how the configuration in use compares with the shipped one, and whether Dagster can open it."""
    import yaml

    file = Path(os.environ["DAGSTER_HOME"]) / CONFIG
    if not os.access(file.parent, os.W_OK) and file.parent.is_dir():
        return Diagnosis("instance", True, f"{file.parent} is not this user's to write: no run is looked at"), False
    if not file.exists():
        return Diagnosis("instance", False, f"there is no {file}: `risk-pipeline init` writes the shipped one"), False
    shipped = shipped_config()
    try:
        config = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
        with open_instance() as instance:
            kept_by = type(instance.event_log_storage).__name__
    except Exception as error:  # whatever its configuration makes go wrong
        known = history_error(error)
        if known is not None:
            return Diagnosis("history", False, str(known)), False
        return Diagnosis(
            "instance", False, f"{file} can't be used: {str(error).splitlines()[0]}; {_remedy(file)}"
        ), False
    lacking = [name for name, is_there in _needed(config).items() if not is_there]
    text = f"{file}, history kept by {kept_by}"
    if lacking:
        return Diagnosis("instance", False, f"{text}; it lacks {', '.join(lacking)}: {_remedy(file)}"), True
    same = file.read_bytes() == shipped.read_bytes()
    return Diagnosis("instance", True, f"{text}; {'as shipped' if same else f'not the shipped {shipped.name}'}"), True


def _needed(config: dict[str, Any]) -> dict[str, bool]:
    concurrency = config.get("concurrency") or {}
    pools = concurrency.get("pools") or {}
    runs = concurrency.get("runs") or {}
    return {
        "a limit of the pools (two runs could write at once)": bool(pools.get("default_limit")),
        "granularity: run of the pools": pools.get("granularity") == "run",
        "a limit of runs": bool(runs.get("max_concurrent_runs")),
        "telemetry: {enabled: false}": (config.get("telemetry") or {}).get("enabled") is False,
    }


def _remedy(file: Path) -> str:
    return f"move it away and `risk-pipeline init` writes the shipped one to {file}"
