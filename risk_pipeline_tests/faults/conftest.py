"""Homes of their own, runs in processes of their own, and the rows that a run without any fault leaves."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from risk_pipeline.storage import tables
from risk_pipeline.storage.database import migrate, open_engine
from risk_pipeline.storage.imports import import_frames
from risk_pipeline.storage.queries import read_table
from risk_pipeline_tests.end_to_end.conftest import FRAMES

ROOT = Path(__file__).parents[2]
FIRST, LAST = "2025-06-02", "2025-06-03"
NOT_COMPARED = {"batch_runs", "price_panels"}
"""What differs between a run and two of them: their record, and the panel that each made."""


class FaultHome:
    """A folder with a database, and the command line in processes of their own."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url

    def start(self, prelude: str = "", **environment: str) -> subprocess.Popen[str]:
        """Start ``risk-pipeline run`` over the two sessions; ``prelude`` is run in its process before."""
        words = f"import sys; sys.argv = ['risk-pipeline', 'run', '--from', '{FIRST}', '--to', '{LAST}']"
        code = f"{prelude}\n{words}\nfrom risk_pipeline.cli import main\nmain()"
        return subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env=self.environment(**environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def environment(self, **more: str) -> dict[str, str]:
        own = {"DAGSTER_HOME": str(self.folder), "RISK_PIPELINE_HOME": str(self.folder)}
        return {**os.environ, **own, "RISK_PIPELINE_DATABASE_URL": self.url, "COLUMNS": "200", **more}

    def run(self, prelude: str = "", **environment: str) -> tuple[int, str]:
        """Run to its end; returns the exit code and what it printed, in one line."""
        process = self.start(prelude, **environment)
        output = process.communicate(timeout=300)[0]
        return process.returncode, " ".join(output.split())

    def rows(self) -> dict[str, pd.DataFrame]:
        """Return every row of every table that is compared."""
        engine = open_engine(self.url)
        try:
            return {name: read_table(engine, name) for name in sorted(set(tables.metadata.tables) - NOT_COMPARED)}
        finally:
            engine.dispose()


def same(left: dict[str, pd.DataFrame], right: dict[str, pd.DataFrame]) -> None:
    """Compare all tables, to the last bit."""
    for name, frame in left.items():
        pd.testing.assert_frame_equal(frame, right[name], check_exact=True, obj=name)


@pytest.fixture(scope="session")
def new_home(tmp_path_factory) -> Callable[..., FaultHome]:
    """Return a function that makes a home with the test portfolios in it."""

    def make(url: str | None = None) -> FaultHome:
        folder = tmp_path_factory.mktemp("fault")
        (folder / "dagster.yaml").write_text("telemetry: {enabled: false}\n", encoding="utf-8")
        home = FaultHome(folder, url or f"sqlite:///{folder / 'risk.db'}")
        engine = open_engine(home.url)
        migrate(engine)
        import_frames(engine, FRAMES)
        engine.dispose()
        return home

    return make


@pytest.fixture(scope="session")
def clean(new_home) -> dict[str, pd.DataFrame]:
    """The rows of a run that nothing happened to."""
    home = new_home()
    code, output = home.run()
    assert code == 0, output
    return home.rows()
