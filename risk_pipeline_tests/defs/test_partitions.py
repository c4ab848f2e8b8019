"""The first partition is the first inception of what is imported, the same in every process, unless it is set."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest
import sqlalchemy as sa

from risk_pipeline.defs.partitions import BEFORE_ANY_PORTFOLIO, configured_calendar
from risk_pipeline.storage import tables
from risk_pipeline.storage.beginning import earliest_day
from risk_pipeline.storage.imports import import_frames


def portfolio(name: str, inception: str) -> dict[str, pd.DataFrame]:
    row = (name, name, inception, "", 1_000_000)
    columns = ["portfolio_id", "name", "inception_date", "closed_date", "starting_equity"]
    return {"portfolios": pd.DataFrame([row], columns=columns)}


@pytest.fixture(autouse=True)
def nothing_is_set(monkeypatch, tmp_path):
    monkeypatch.delenv("RISK_PIPELINE_FIRST_SESSION")
    monkeypatch.setenv("RISK_PIPELINE_HOME", str(tmp_path))


def test_it_is_the_first_inception_and_an_earlier_import_moves_it(engine, database_url, monkeypatch):
    monkeypatch.setenv("RISK_PIPELINE_DATABASE_URL", database_url)
    assert configured_calendar().first_session == BEFORE_ANY_PORTFOLIO
    import_frames(engine, portfolio("a", "2024-01-03"))
    assert configured_calendar().first_session == date(2024, 1, 3)
    assert configured_calendar().partitions.get_first_partition_key() == "2024-01-03"
    import_frames(engine, portfolio("b", "2022-05-02"))
    assert configured_calendar().first_session == date(2022, 5, 2)


def test_a_portfolio_that_is_gone_leaves_the_sessions_that_were_computed(engine, database_url):
    import_frames(engine, portfolio("a", "2024-01-03"))
    values = {column.name: 0 for column in tables.portfolio_snapshots.columns if not column.nullable}
    row = {**values, "session": date(2024, 1, 4), "portfolio_id": "a", "is_opening": True, "is_complete": True}
    with engine.begin() as connection:
        connection.execute(sa.insert(tables.portfolio_snapshots).values(row))
        connection.execute(sa.delete(tables.portfolios))
    assert earliest_day(database_url) == date(2024, 1, 4)


def test_a_setting_comes_first(engine, database_url, monkeypatch):
    monkeypatch.setenv("RISK_PIPELINE_DATABASE_URL", database_url)
    monkeypatch.setenv("RISK_PIPELINE_FIRST_SESSION", "2020-02-03")
    import_frames(engine, portfolio("a", "2024-01-03"))
    assert configured_calendar().first_session == date(2020, 2, 3)


@pytest.mark.parametrize("url", ["sqlite:///{folder}/none.db", "sqlite:///{folder}", "postgresql://127.0.0.1:1/none"])
def test_without_a_database_that_answers_none_is_created_and_nothing_raised(tmp_path, monkeypatch, url):
    monkeypatch.setenv("RISK_PIPELINE_DATABASE_URL", url.format(folder=tmp_path))
    assert configured_calendar().first_session == BEFORE_ANY_PORTFOLIO
    assert {path.name for path in tmp_path.iterdir()} <= {"calendars"}


def test_a_database_without_our_tables_has_no_first_day(tmp_path):
    url = f"sqlite:///{tmp_path / 'other.db'}"
    other = sa.create_engine(url)
    with other.begin() as connection:
        connection.exec_driver_sql("create table t (x)")
    other.dispose()
    assert earliest_day(url) is None
