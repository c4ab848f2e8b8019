"""Limits at the door, in the versions of the book, and since when a stored breach has lasted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pandas as pd
import pytest
import sqlalchemy as sa

from risk_pipeline.storage import tables
from risk_pipeline.storage.book_versions import book_at, looking_at, newest_version
from risk_pipeline.storage.database import insert_rows
from risk_pipeline.storage.imports import ImportRefused, run_import
from risk_pipeline.storage.limit_queries import limit_rows
from risk_pipeline.storage.queries import limits, read_table
from risk_pipeline_tests.support.databases import migrated_sqlite

HEADER = "portfolio_id,measure,operator,warning,limit,valid_from\n"
BOOK = "portfolio_id,name,inception_date,starting_equity\np,Mine,2025-01-02,1000\nq,Other,2025-01-02,1000\n"
END = date(2100, 1, 1)


@pytest.fixture
def engine(tmp_path) -> Iterator[sa.Engine]:
    """An SQLite database: what is tested here is the same on both, but for one test."""
    engine = migrated_sqlite(tmp_path / "risk.db")
    yield engine
    engine.dispose()


@pytest.fixture
def bring(engine, tmp_path):
    """Return a function that imports limits beside two portfolios."""

    def store(text: str):
        (tmp_path / "portfolios.csv").write_text(BOOK)
        (tmp_path / "limits.csv").write_text(HEADER + text)
        return run_import(engine, [tmp_path / "portfolios.csv", tmp_path / "limits.csv"])

    return store


def test_limits_are_stored_as_they_are_spelled(engine, bring):
    assert str(bring('p,VaR_99,<=,0.02,0.03,2025-01-02\n*,ir beta,abs,,"0,5",2025-01-02\n')).endswith("2 limits")
    rows = limits(engine, END)
    assert rows[["portfolio_id", "measure", "operator"]].to_numpy().tolist() == [
        ["*", "IR Beta", "abs<="],
        ["p", "var_99", "<="],
    ]
    assert rows["limit_value"].tolist() == [0.5, 0.03]


def test_a_file_replaces_the_limits_of_the_portfolios_that_it_names_and_a_portfolio_file_keeps_them(
    engine, bring, tmp_path
):
    bring("p,gross,<=,,1,2025-01-02\nq,gross,<=,,1,2025-01-02\n")
    bring("p,net,<=,,1,2025-01-02\n")
    assert limits(engine, END)[["portfolio_id", "measure"]].to_numpy().tolist() == [["p", "net"], ["q", "gross"]]
    run_import(engine, [tmp_path / "portfolios.csv"])
    assert len(limits(engine, END)) == 2


def test_an_older_version_of_the_book_has_its_own_limits(engine, bring):
    bring("p,gross,<=,,1,2025-01-02\n")
    version = newest_version(engine)
    bring("p,gross,<=,,2,2025-01-02\n")
    assert newest_version(engine) == version + 1
    assert limits(engine, END)["limit_value"].tolist() == [2.0]
    assert limits(looking_at(engine, book_at(engine, version)), END)["limit_value"].tolist() == [1.0]


@pytest.mark.parametrize(
    ("row", "column", "says"),
    [
        ("p,var99,<=,,0.03,2025-01-02", "measure", "did you mean var_99"),
        ("p,,<=,,0.03,2025-01-02", "measure", "is empty"),
        ("p,var_99,<,,0.03,2025-01-02", "operator", "says what must hold"),
        ("p,var_99,<=,0.04,0.03,2025-01-02", "warning", "lies beyond the limit"),
        ("p,drawdown,>=,-0.2,-0.1,2025-01-02", "warning", "lies beyond the limit"),
        ("p,var_99,<=,0.04,,2025-01-02", "limit", "is empty beside a warning"),
        ("p,IR Beta,abs<=,,-1,2025-01-02", "limit", "must not be below zero"),
        ("p,var_99,<=,,0.03,", "valid_from", "is empty"),
        ("nobody,var_99,<=,,0.03,2025-01-02", "portfolio_id", "is no portfolio"),
    ],
)
def test_a_bad_limit_is_refused_with_row_column_and_remedy(engine, bring, row, column, says):
    with pytest.raises(ImportRefused) as refused:
        bring(row + "\n")
    (problem,) = refused.value.problems
    assert (problem.file, problem.line, problem.column) == ("limits.csv", 2, column)
    assert says in str(problem)
    assert read_table(engine, "limits").empty
    assert read_table(engine, "portfolios").empty


def test_a_sector_that_no_profile_has_is_refused_where_there_are_profiles(engine, bring):
    with engine.begin() as connection:
        profile = {"symbol": "XOM", "as_of": date(2025, 1, 2), "sector": "Energy"}
        connection.execute(sa.insert(tables.company_profiles).values(profile))
    bring("p,sector:energy,<=,,0.3,2025-01-02\n")
    assert limits(engine, END)["measure"].tolist() == ["sector:Energy"]
    with pytest.raises(ImportRefused, match="there are Energy"):
        bring("p,sector:Enrgy,<=,,0.3,2025-01-02\n")


def test_a_limit_of_two_hundred_per_cent_of_nav_is_noted(bring):
    assert any("200 % of NAV" in note for note in bring("p,var_99,<=,,2,2025-01-02\n").notes)


DAYS = pd.bdate_range("2025-06-02", periods=8).astype("datetime64[s]")


def utilisation_rows(statuses: str) -> pd.DataFrame:
    names = {"b": "breach", "w": "within", "?": "unknown"}
    rows = [(day, names[letter]) for day, letter in zip(DAYS, statuses, strict=True) if letter != "-"]
    frame = pd.DataFrame(rows, columns=["session", "status"])
    blank = {column.name: None for column in tables.limit_utilisations.columns}
    known = {"portfolio_id": "p", "measure": "gross", "operator": "<=", "valid_from": DAYS[0], "limit_value": 1.0}
    return frame.assign(**{k: v for k, v in {**blank, **known}.items() if k not in frame})


@pytest.mark.parametrize(
    ("statuses", "since"),
    [("bbbbbbbb", 0), ("wwwbbbbb", 3), ("bbwbbbbb", 3), ("bb??bbbb", 0), ("w?bbbbbb", 2), ("bb-bbbbb", 3)],
)
def test_a_breach_dates_from_its_first_session_since_the_limit_was_kept(engine, statuses, since):
    """A session on which the limit did not hold has a snapshot and no row; it ends the breach."""
    snapshots = tables.portfolio_snapshots
    with engine.begin() as connection:
        numbers = {c.name: 1.0 for c in snapshots.columns if isinstance(c.type, sa.Float)}
        counts = {c.name: 1 for c in snapshots.columns if isinstance(c.type, sa.Integer)}
        row = {**numbers, **counts, "portfolio_id": "p", "is_opening": False, "is_complete": True}
        connection.execute(sa.insert(snapshots), [{**row, "session": day.date()} for day in DAYS])
        insert_rows(connection, tables.limit_utilisations, utilisation_rows(statuses))
    alone = limit_rows(engine, DAYS[-1].date(), DAYS[-1].date())
    assert alone["since"].tolist() == [DAYS[since]]
    together = limit_rows(engine, DAYS[0].date(), DAYS[-1].date())
    assert together["since"].iloc[-1] == DAYS[since]
    assert together.loc[together["status"] != "breach", "since"].isna().all()
