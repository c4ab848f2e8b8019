"""The checks of what options are valued with, each on rows that are right and on rows that are wrong."""

from __future__ import annotations

from datetime import date

import pytest
import sqlalchemy as sa

from risk_pipeline.defs.checks.options import no_special_dividend, option_marks_within_bounds, option_quotes_recent
from risk_pipeline.storage.tables import market_data_cache, position_values
from risk_pipeline_tests.support.databases import migrated_sqlite

DAY = date(2025, 6, 13)
OPTION = {
    "session": DAY,
    "position_id": "o",
    "portfolio_id": "book",
    "symbol": "AAPL250718C00200000",
    "investment_class": "OPTIONS",
    "underlying": "AAPL",
    "contract": "AAPL 200 call 18 Jul 2025",
    "quantity": 1.0,
    "price": 5.0,
    "currency": "USD",
    "exchange_rate": 1.0,
    "value": 500.0,
    "is_stale": False,
}
BAR = {"symbol": "AAPL", "close": 200.0, "split_factor": 1.0, "basis": "as_traded", "source": "test"}


@pytest.fixture
def stored(tmp_path):
    """Return a function that stores an option and its underlying's dividends, and returns the engine."""
    engine = migrated_sqlite(tmp_path / "risk.db")

    def store(dividends: dict[date, float] | None = None, **values: object) -> sa.Engine:
        with engine.begin() as connection:
            connection.execute(sa.insert(position_values).values({**OPTION, **values}))
            for day, dividend in (dividends or {}).items():
                connection.execute(sa.insert(market_data_cache).values({**BAR, "session": day, "dividend": dividend}))
        return engine

    yield store
    engine.dispose()


@pytest.mark.parametrize(
    ("source", "day", "is_old"),
    [
        ("mark", date(2025, 6, 6), False),
        ("mark", date(2025, 6, 5), True),
        ("surface", date(2025, 5, 1), True),
        ("position", date(2024, 1, 3), False),
        ("forecast", None, False),
    ],
)
def test_a_quote_older_than_five_sessions_is_found(stored, source, day, is_old):
    engine = stored(volatility_source=source, volatility_date=day)
    assert len(option_quotes_recent(engine, None, [DAY]).bad) == is_old


@pytest.mark.parametrize("mark", [None, 500.0])
def test_a_refused_mark_is_found_by_its_position_and_price(stored, mark):
    bad = option_marks_within_bounds(stored(refused_mark=mark), None, [DAY]).bad
    assert bad["refused_mark"].tolist() == ([] if mark is None else [mark])
    assert bad["position_id"].tolist() == ([] if mark is None else ["o"])


@pytest.mark.parametrize(
    ("before", "paid", "is_special"),
    [
        ({date(2025, 3, 14): 0.5}, 0.52, False),
        ({date(2025, 3, 14): 0.5}, 10.0, True),
        ({date(2025, 3, 14): 0.01}, 0.10, False),  # below what contracts are adjusted for
        ({}, 1.0, False),
        ({}, 15.0, True),
    ],
)
def test_a_dividend_far_from_the_usual_ones_is_found(stored, before, paid, is_special):
    engine = stored({**before, DAY: paid})
    assert len(no_special_dividend(engine, None, [DAY]).bad) == is_special


def test_a_session_without_options_or_dividends_has_no_special_dividend(stored):
    engine = stored()
    assert len(no_special_dividend(engine, None, [DAY]).bad) == 0
    assert no_special_dividend(engine, None, [date(2025, 6, 12)]).looked_at == 0
