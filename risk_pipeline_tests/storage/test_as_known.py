"""The book can be read as it was known at an earlier time; of results it is known whether they were made since."""

from __future__ import annotations

from datetime import date, datetime

import pandas as pd
import sqlalchemy as sa

from risk_pipeline.storage import queries, tables
from risk_pipeline.storage.as_known import as_known_at, made_since, restated_since, version_known_at
from risk_pipeline.storage.book_versions import pinned_book, record_version
from risk_pipeline.storage.database import insert_rows, transaction

MONDAY, TUESDAY, WEDNESDAY = (datetime(2025, 6, day, 21) for day in (2, 3, 4))
SESSION = date(2025, 6, 2)


def change_book(engine: sa.Engine, equity: float, at: datetime | None) -> None:
    accounts = tables.portfolios
    with transaction(engine, accounts) as connection:
        connection.execute(sa.delete(accounts))
        row = {"portfolio_id": "a", "name": "A", "currency": "USD", "inception_date": SESSION}
        connection.execute(sa.insert(accounts).values(**row, starting_equity=equity))
        record_version(connection, at)


def equity_known(engine: sa.Engine, at: datetime) -> float:
    view = as_known_at(engine, at)
    assert view is not None
    return float(queries.portfolios(view)["starting_equity"].item())


def test_each_day_sees_the_book_imported_by_then_and_none_before_the_first(engine):
    change_book(engine, 100.0, MONDAY)
    change_book(engine, 200.0, TUESDAY)
    assert as_known_at(engine, datetime(2025, 6, 2, 20)) is None
    assert equity_known(engine, MONDAY) == equity_known(engine, datetime(2025, 6, 3, 20)) == 100.0
    assert equity_known(engine, WEDNESDAY) == 200.0
    assert queries.portfolios(engine)["starting_equity"].item() == 200.0


def test_a_version_that_no_import_recorded_is_known_since_the_first_run_that_read_it(engine):
    change_book(engine, 100.0, None)
    assert version_known_at(engine, WEDNESDAY) == 0
    assert pinned_book(engine, "run").version == 1
    with transaction(engine, tables.batch_runs) as connection:
        connection.execute(sa.update(tables.batch_runs).values(started_at=TUESDAY))
    assert version_known_at(engine, MONDAY) == 0
    assert version_known_at(engine, TUESDAY) == 1


def test_results_made_later_and_prices_restated_later_are_told_from_those_known(engine):
    made = pd.DataFrame({"session": [SESSION] * 2, "asset": ["stress_tests", "volatility"]}).assign(
        fingerprint="f", registry="r", code_version="c", book_version=1, made_at=[MONDAY, TUESDAY]
    )
    restated = pd.DataFrame({"session": [SESSION], "symbol": ["X"], "field": ["close"], "known_at": [TUESDAY]})
    with transaction(engine) as connection:
        insert_rows(connection, tables.session_inputs, made)
        insert_rows(connection, tables.price_restatements, restated.assign(old_value=1.0, new_value=2.0))
    assert made_since(engine, date(2025, 6, 3), MONDAY) is None
    assert made_since(engine, SESSION, MONDAY)["asset"].tolist() == ["volatility"]
    assert made_since(engine, SESSION, TUESDAY).empty
    assert restated_since(engine, SESSION, SESSION, MONDAY)["old_value"].tolist() == [1.0]
    assert restated_since(engine, SESSION, SESSION, TUESDAY).empty
