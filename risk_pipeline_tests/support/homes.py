"""A home of its own for each test module, real Dagster runs in it, and comparing their rows."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from risk_pipeline.definitions import defs
from risk_pipeline.defs.run_tags import range_tags
from risk_pipeline.storage.database import migrate, open_engine
from risk_pipeline.storage.imports import import_frames
from risk_pipeline.storage.queries import read_table
from risk_pipeline.storage.tables import metadata
from risk_pipeline_tests.support.databases import migrated_sqlite

PORTFOLIOS = pd.DataFrame(
    [
        ("growth", "Growth", "2025-01-02", "", 1_000_000),
        ("hedged", "Long, short and options", "2025-01-02", "", 500_000),
        ("private", "Private assets only", "2025-01-02", "", 300_000),
        ("empty", "Cash only", "2025-01-02", "", 100_000),
        ("ruined", "Negative equity", "2025-01-02", "", -2_000_000),
        ("late", "Opens inside the window", "2025-06-04", "", 200_000),
    ],
    columns=["portfolio_id", "name", "inception_date", "closed_date", "starting_equity"],
)
POSITIONS = pd.DataFrame(
    [
        ("g1", "growth", "AAPL", "PUBLIC", 1000, "2025-01-02", 200, "", "", "", "", "", ""),
        ("g2", "growth", "MSFT", "PUBLIC", 500, "2025-01-02", 380, "", "", "", "", "", ""),
        ("g3", "growth", "AAPL", "PUBLIC", 500, "2025-06-03", 200, "2025-06-06", "", "", "", "", ""),
        ("h1", "hedged", "NVDA", "PUBLIC", 300, "2025-01-02", 48, "", "", "", "", "", ""),
        ("h2", "hedged", "MSFT", "PUBLIC", -300, "2025-01-02", 370, "", "", "", "", "", ""),
        ("h3", "hedged", "AAPL C", "OPTIONS", 10, "2025-01-02", 20, "", "", "AAPL", "CALL", 200, "2026-01-16"),
        ("h4", "hedged", "TLT", "PUBLIC", 1000, "2025-01-02", 95, "", "", "", "", "", ""),
        ("p1", "private", "FUND A", "PRIVATE", 100, "2025-01-02", 1000, "", "", "", "", "", ""),
        ("r1", "ruined", "SPY", "PUBLIC", 1000, "2025-01-02", 480, "", "", "", "", "", ""),
        ("l1", "late", "JPM", "PUBLIC", 300, "2025-06-05", 200, "", "", "", "", "", ""),
    ],
    columns=[
        *("position_id", "portfolio_id", "symbol", "investment_class", "quantity", "entry_date", "entry_price"),
        *("exit_date", "exit_price", "underlying", "option_type", "strike", "expiry"),
    ],
)
MARKS = pd.DataFrame([("FUND A", "2025-06-04", 1100)], columns=["symbol", "mark_date", "price"])
OF_RUNS = ("batch_runs", "market_data_gaps")
"""Tables that say which runs there were, and when the source was asked for what it lacks."""
LIMIT_COLUMNS = ["portfolio_id", "measure", "operator", "warning", "limit", "valid_from"]
KEPT_LIMITS = pd.DataFrame(
    [("*", "gross", "<=", 8e7, 9e7, "2025-01-02"), ("*", "mark_age", "<=", "", 400, "2025-01-02")],
    columns=LIMIT_COLUMNS,
)
"""Limits that no portfolio breaks or comes near."""
BROKEN_LIMITS = pd.DataFrame(
    [
        ("*", "leverage", "<=", 0.3, 0.4, "2025-01-02"),
        ("*", "single_name", "<=", "", 0.2, "2025-01-02"),
        ("growth", "single_name", "<=", "", 0.9, "2025-06-04"),
        ("growth", "var_99", "<=", "", 0.001, "2025-06-03"),
        ("growth", "market beta (90d)", "abs<=", "", 0.1, "2025-01-02"),
        ("growth", "Momentum", "abs<=", 0.0001, 0.5, "2025-01-02"),
        ("hedged", "rates_up_100bp/nav", ">=", "", -0.0001, "2025-01-02"),
        ("hedged", "worst_scenario_pnl", ">=", "", -1, "2025-01-02"),
        ("hedged", "sector:Technology", "<=", "", 0.01, "2025-01-02"),
        ("private", "mark_age", "<=", "", 0, "2025-01-02"),
        ("private", "drawdown", ">=", -0.01, -0.02, "2025-01-02"),
    ],
    columns=LIMIT_COLUMNS,
)
FRAMES = {"portfolios": PORTFOLIOS, "positions": POSITIONS, "marks": MARKS, "limits": KEPT_LIMITS}

BENCHMARKED = {
    **FRAMES,
    "positions": POSITIONS.assign(proxy=np.where(POSITIONS["symbol"] == "FUND A", "PG", ""), proxy_beta=""),
    "portfolios": PORTFOLIOS.assign(benchmark=["SPY", "BALANCED", "", "", "", "XOM"]),
    "benchmarks": pd.DataFrame(
        [("BALANCED", "SPY", 0.6, "2025-01-02"), ("BALANCED", "TLT", 0.4, "2025-01-02")],
        columns=["benchmark", "symbol", "weight", "valid_from"],
    ),
    "limits": pd.concat(
        [
            BROKEN_LIMITS,
            pd.DataFrame(
                [
                    ("*", "model_tracking_error", "<=", "", 0.001, "2025-01-02"),
                    ("growth", "active:Momentum", "abs<=", "", 1e-6, "2025-01-02"),
                    ("growth", "active_sector:Technology", "<=", "", 0.01, "2025-01-02"),
                    ("hedged", "active_name:TLT", "<=", "", -0.9, "2025-01-02"),
                ],
                columns=LIMIT_COLUMNS,
            ),
        ]
    ),
}
"""With benchmarks: a symbol of the factors, weights, and a symbol that nobody holds; and limits on what is active.

The private asset is assumed to follow a symbol that nobody holds.
"""


@dataclass
class Home:
    """A folder with a database and panels, the engine of the database, and a Dagster instance."""

    folder: Path
    engine: sa.Engine
    instance: dg.DagsterInstance
    environment: pytest.MonkeyPatch

    def enter(self) -> None:
        """Turn the settings to this home; a later one may have turned them away."""
        self.environment.setenv("RISK_PIPELINE_HOME", str(self.folder))
        url = self.engine.url.render_as_string(hide_password=False)
        self.environment.setenv("RISK_PIPELINE_DATABASE_URL", url)

    def run(
        self, first: str, last: str | None = None, *, succeeds: bool = True, steps: Sequence[str] | None = None
    ) -> dg.ExecuteInProcessResult:
        """Run the daily job, or some of its steps, over a range of sessions as the schedule and the CLI do."""
        self.enter()
        result = defs.resolve_job_def("daily_risk").execute_in_process(
            instance=self.instance,
            tags=range_tags(date.fromisoformat(first), date.fromisoformat(last or first)),
            op_selection=steps,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            raise_on_error=succeeds,
        )
        assert result.success is succeeds
        return result

    def copy_to(self, folder: Path) -> None:
        """Copy the database, the panels and the pages into another folder."""
        source = self.engine.raw_connection()
        with closing(sqlite3.connect(folder / "risk.db")) as target:
            source.driver_connection.backup(target)
        source.close()
        for name in ("panels", "reports"):
            shutil.copytree(self.folder / name, folder / name)

    def table(self, name: str, **filters: object) -> pd.DataFrame:
        """Return the rows of a table."""
        return read_table(self.engine, name, **filters)

    def everything(self, *, but: tuple[str, ...] = ()) -> dict[str, pd.DataFrame]:
        """Return the rows of every table but those of runs."""
        names = sorted({*metadata.tables} - {*but, *OF_RUNS})
        return {name: timeless(self.table(name)) for name in names}


def timeless(frame: pd.DataFrame) -> pd.DataFrame:
    """Return rows without the time at which they were made: two runs have two."""
    return frame.drop(columns="made_at", errors="ignore")


@pytest.fixture(scope="module")
def module_environment() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def make_home(module_environment, tmp_path_factory) -> Iterator[object]:
    """Return a function that makes a fresh home and turns the settings to it.

    With ``like`` it is a copy of one on SQLite that costs no run: its rows, panels and pages, not its Dagster history.
    """
    opened: list[Home] = []

    def make(
        frames: dict[str, pd.DataFrame] | None = FRAMES, url: str | None = None, *, like: Home | None = None
    ) -> Home:
        folder = tmp_path_factory.mktemp("home")
        if like is not None:
            like.copy_to(folder)
            frames, url = None, f"sqlite:///{folder / 'risk.db'}"
        engine = open_engine(url) if url else migrated_sqlite(folder / "risk.db")
        migrate(engine)
        if frames:
            import_frames(engine, frames)
        home = Home(folder, engine, dg.DagsterInstance.ephemeral(), module_environment)
        home.enter()
        opened.append(home)
        return home

    yield make
    for home in opened:
        home.engine.dispose()
        home.instance.dispose()


def same(left: dict[str, pd.DataFrame], right: dict[str, pd.DataFrame]) -> None:
    """Compare tables, to the last bit."""
    assert left.keys() == right.keys()
    for name, frame in left.items():
        pd.testing.assert_frame_equal(frame, right[name], check_exact=True, obj=name)
