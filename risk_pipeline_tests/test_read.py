"""The read API returns what the tables hold; the notebook that shows it runs on the demo."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from risk_pipeline import read
from risk_pipeline.sessions import NoSessionError
from risk_pipeline.storage.errors import StorageError
from risk_pipeline.storage.queries import columns_of, read_table
from risk_pipeline.storage.tables import metadata
from risk_pipeline_tests.support.pages import FIRST, LAST, pages

__all__ = ["pages"]
NOTEBOOK = Path(__file__).parents[1] / "docs" / "examples" / "reading_results.ipynb"
TABLES = {
    read.snapshots: "portfolio_snapshots",
    read.exposures: "factor_exposures",
    read.stress: "stress_test_results",
    read.volatility: "portfolio_volatility",
    read.positions: "position_values",
    read.correlations: "position_correlations",
    read.benchmarks: "benchmark_risk",
    read.active: "active_exposures",
}


@pytest.fixture(scope="module")
def url(pages) -> str:
    return pages.engine.url.render_as_string(hide_password=False)


@pytest.mark.parametrize("function", TABLES, ids=lambda function: function.__name__)
def test_each_function_returns_its_table(pages, url, function):
    everything = pages.table(TABLES[function])
    pd.testing.assert_frame_equal(function(url=url), everything, check_exact=True)  # the latest session
    of_one = everything[everything["portfolio_id"] == "growth"].reset_index(drop=True)
    found = function(str(LAST), "growth", url=url)  # a count that is null of nobody comes as whole numbers
    pd.testing.assert_frame_equal(found, of_one, check_exact=True, check_dtype=False)


def test_sessions_are_named_in_each_way(url):
    days = [
        read.snapshots(when, "growth", url=url)["session"].dt.date.tolist()
        for when in (FIRST, str(FIRST), (FIRST, "2026-11-10"), read.since("2026-11-12"))
    ]
    assert days[:2] == [[FIRST], [FIRST]]
    assert days[2:] == [[FIRST, date(2026, 11, 10)], [date(2026, 11, 12), LAST]]
    cell = read.snapshots(FIRST, "growth", url=url)["session"]
    for day in (cell[0], cell.to_numpy()[0]):
        pd.testing.assert_frame_equal(read.snapshots(day, url=url), read.snapshots(FIRST, url=url))
    assert read.limits(url=url).columns.tolist()[-1] == "since"


@pytest.mark.parametrize("function", [*TABLES, read.limits], ids=lambda function: function.__name__)
def test_a_portfolio_that_is_not_there_is_an_error_that_names_those_that_are(url, function):
    with pytest.raises(StorageError, match=r"there is no portfolio 'nope'; there are .*growth"):
        function(session=LAST, portfolio="nope", url=url)
    assert function(session=FIRST, portfolio="cash", url=url)["session"].dt.date.isin([FIRST]).all()


@pytest.mark.parametrize(
    ("day", "says"),
    [
        ("2026-11-26", "2026-11-26 is no session of XNYS; the one before is 2026-11-25"),
        ("2026-11-31", "'2026-11-31' is no day: write one such as 2026-11-30"),
        (("2026-11-02", "soon"), "'soon' is no day"),
        (2026, "2026 is no day: write one such as 2026-11-30"),
        (["2026-11-02"], r"\['2026-11-02'\] is no day"),
        (pd.NaT, "NaT is no day"),
        (("2026-11-30", "2026-11-02"), "2026-11-30 is after 2026-11-02: give the earlier session first"),
        (("2026-11-02",), r"\('2026-11-02',\) is no range of sessions: give a pair of first and last"),
        ("2100-01-04", "the calendar of XNYS ends on .*, before 2100-01-04"),
    ],
)
def test_a_day_that_is_no_session_is_an_error_that_names_the_one_before(url, day, says):
    with pytest.raises(NoSessionError, match=says):
        read.snapshots(day, url=url)
    assert read.snapshots("2025-06-02", url=url).empty  # a session that was never computed


def test_a_table_without_sessions_is_read_whole(pages, url):
    lots = read_table(pages.engine, "positions")
    pd.testing.assert_frame_equal(read.table("positions", url=url), lots)
    of_one = lots[lots["portfolio_id"] == "growth"].reset_index(drop=True)
    found = read.table("positions", portfolio="growth", url=url)
    pd.testing.assert_frame_equal(found, of_one, check_dtype=False)
    assert 0 < len(found) < len(lots)


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        (
            "positions",
            {"session": LAST},
            "positions has no column session: read it without session; it has position_id, ",
        ),
        (
            "factor_returns",
            {"portfolio": "growth"},
            "factor_returns has no column portfolio_id: read it without portfolio",
        ),
        ("holdings", {}, "there is no table 'holdings'; there are .*positions"),
    ],
)
def test_what_a_table_lacks_is_refused_by_name(url, name, arguments, says):
    with pytest.raises(StorageError, match=says):
        read.table(name, url=url, **arguments)


def test_every_table_can_be_read(url):
    for name in metadata.tables:
        assert read.table(name, url=url).columns.tolist() == columns_of(name)


def test_the_notebook_runs_on_the_demo(pages, monkeypatch):
    monkeypatch.setenv("RISK_PIPELINE_DATABASE_URL", pages.engine.url.render_as_string(hide_password=False))
    names: dict[str, object] = {}
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    for cell in cells:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            exec("".join(cell["source"]), names)
    assert len(names["history"]) == 5
    assert len(names["worst"]) == 3 * names["stress"]["portfolio_id"].nunique()


def test_reading_imports_no_dagster():
    code = "import sys, risk_pipeline.read; sys.exit('dagster' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
