"""What comes before every command: ``.env``, the name of the home, threads; and ``risk-pipeline dev``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from .terminal import console, database


def prepare_environment() -> None:
    """Name its home to Dagster and give it one BLAS thread, before anything imports them.

    Dagster's home is where our tables are, unless it is named itself: the history of runs belongs to the rows.
    ``.env`` in the working folder counts more than the environment, as it does for Dagster's own commands.
    """
    from dotenv import dotenv_values

    from ..dagster_ext.instance import enter_home
    from ..settings import ENV_FILE, Settings

    if Path(ENV_FILE).is_file():
        os.environ.update({name: value for name, value in dotenv_values(ENV_FILE).items() if value is not None})
    os.umask(Settings().umask)
    enter_home()
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")


def dev(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Of the webserver.")] = 3000,
    host: Annotated[str, typer.Option(help="Dagster knows no users: think before you open it.")] = "127.0.0.1",
) -> None:
    """Start the Dagster UI and its daemon for this machine, and stop them with Ctrl-C."""
    from ..dagster_ext.dev import start_dev
    from ..dagster_ext.instance import open_instance

    with database(), open_instance():
        console.print(f"Dagster's home: {os.environ['DAGSTER_HOME']}", soft_wrap=True, highlight=False)
    start_dev(host, port)
