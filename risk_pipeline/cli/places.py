"""What ``risk-pipeline doctor`` says of files: who may read them, free space, scenarios, Dagster's history."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from ..config.errors import ConfigError
from ..config.factors import load_factors
from ..config.scenario_file import load_scenarios
from ..dagster_ext.history import history_problem
from ..settings import ENV_FILE, Settings, dagster_home
from ..storage.database import parse_url
from ..storage.probe import readable_by_others
from .diagnosis import Diagnosis

FREE = 500 * 2**20
"""Bytes: a panel, the pages and the rows of a session take less than a hundred megabytes of a thousand portfolios."""


def examine_places(settings: Settings) -> Iterator[Diagnosis]:
    """Examine what lies in files."""
    yield _permissions(settings)
    yield _space(settings)
    yield _scenarios(settings)


def _permissions(settings: Settings) -> Diagnosis:
    home = settings.home.resolve()
    if home.is_dir() and not os.access(home, os.W_OK):
        return Diagnosis("permissions", True, "the home is not this user's to close or open")
    files = readable_by_others(home, settings.umask)
    environment = Path(ENV_FILE).resolve()
    if environment.is_file() and environment.stat().st_mode & 0o044:
        files.append(environment)
    if not files:
        return Diagnosis("permissions", True, "what is stored can be read by nobody else")
    named = ", ".join(map(str, files[:3])) + (f" and {len(files) - 3} more" if len(files) > 3 else "")
    lost = "o-rwx" if settings.group_may_read else "go-rwx"
    folders = " ".join(sorted({str(home if path.is_relative_to(home) else path) for path in files}))
    return Diagnosis("permissions", False, f"other users may read {named}: `chmod -R {lost} {folders}`")


def _space(settings: Settings) -> Diagnosis:
    """Examine each disk that a run writes to: of the home, of Dagster's, of an SQLite file elsewhere."""
    places = [settings.home.resolve(), dagster_home()]
    url = parse_url(settings.url)
    if url.get_backend_name() == "sqlite" and url.database:
        places.append(Path(url.database).absolute().parent)
    disks: dict[int, Path] = {}
    for place in places:
        disks.setdefault(existing_part(place).stat().st_dev, place)
    free = {place: shutil.disk_usage(existing_part(place)).free for place in disks.values()}
    text = ", ".join(f"{count / 2**30:,.1f} GiB free where {place} is" for place, count in free.items())
    enough = min(free.values()) >= FREE
    return Diagnosis("disk", enough, text if enough else f"{text}: free space before the next run")


def existing_part(place: Path) -> Path:
    """Return the place, or the innermost folder around it that is there."""
    return next(folder for folder in (place, *place.parents) if folder.exists())


def _scenarios(settings: Settings) -> Diagnosis:
    try:
        library = load_scenarios(load_factors(), settings.scenarios_path)
    except ConfigError as error:
        return Diagnosis("scenarios", False, f"{error} (RISK_PIPELINE_SCENARIOS_PATH={settings.scenarios_path})")
    return Diagnosis("scenarios", True, f"{len(library.active)} scenarios")


def examine_history() -> Diagnosis:
    """Say whether Dagster can write its own storage."""
    problem = history_problem()
    return Diagnosis("history", problem is None, str(problem or "Dagster's storage can be written"))
