"""Running a date once, five times, alone, within a range or a year later gives identical rows."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from risk_pipeline.storage import tables
from risk_pipeline_tests.support.homes import BENCHMARKED, FRAMES, OF_RUNS, same

FIRST, LAST = "2025-06-04", "2025-06-06"
"""A portfolio opens, an asset is marked and limits begin on the first, a lot is bought on the second, one sold last."""
MADE_FROM = ("input_revisions", "session_inputs", "portfolio_inputs")
"""What was newest among the inputs differs where prices came in another order; the rows made from them do not."""
ANALYTICS = tuple(table.name for table in tables.ANALYTICS if table.name not in MADE_FROM)


@pytest.fixture(scope="module")
def new_home(make_home):
    """Return a function that makes a home with benchmarks, whose limits are broken so that breaches have causes."""
    return lambda url=None: make_home(BENCHMARKED, url)


@pytest.fixture(scope="module")
def range_home(new_home):
    """A home after one run of the range, to be copied."""
    home = new_home()
    home.run(FIRST, LAST)
    return home


@pytest.fixture(scope="module")
def range_rows(range_home):
    return range_home.everything()


def test_five_runs_leave_the_rows_of_one(make_home, range_home, range_rows):
    home = make_home(like=range_home)
    for _ in range(4):
        home.run(FIRST, LAST)
    same(home.everything(), range_rows)


def test_day_by_day_equals_the_range(new_home, range_rows):
    home = new_home()
    for day in pd.bdate_range(FIRST, LAST):
        home.run(f"{day:%Y-%m-%d}")
    of_the_run = ("price_panels", *MADE_FROM)  # panels are per run; what was computed from them is not
    same(home.everything(but=of_the_run), {k: v for k, v in range_rows.items() if k not in of_the_run})


def test_backwards_and_after_later_sessions_gives_the_same_analytics(new_home, range_rows):
    home = new_home()
    home.run("2025-07-14", "2025-07-15")
    for day in reversed(pd.bdate_range(FIRST, LAST)):
        home.run(f"{day:%Y-%m-%d}")
    for name in ANALYTICS:
        rows = home.table(name)
        rows = rows[rows["session"] <= pd.Timestamp(LAST)].reset_index(drop=True)
        pd.testing.assert_frame_equal(rows, range_rows[name], check_exact=True, obj=name)


def test_prices_of_the_next_thirty_sessions_change_no_table(new_home, range_rows):
    """As-of invariance: the same sessions from a panel with thirty more sessions, byte by byte."""
    home = new_home()
    home.run(FIRST, "2025-07-22")
    assert home.table("portfolio_snapshots")["session"].nunique() == 33
    for name in ANALYTICS:
        rows = home.table(name)
        rows = rows[rows["session"] <= pd.Timestamp(LAST)].reset_index(drop=True)
        pd.testing.assert_frame_equal(rows, range_rows[name], check_exact=True, obj=name)


def test_running_a_session_again_leaves_the_others_untouched(make_home, range_home, range_rows):
    home = make_home(like=range_home)
    home.run("2025-06-05")
    same(home.everything(but=("price_panels",)), {k: v for k, v in range_rows.items() if k != "price_panels"})


def test_a_restated_price_is_recorded_and_used(make_home, range_home, range_rows):
    import sqlalchemy as sa

    home = make_home(like=range_home)
    cache = tables.market_data_cache
    with home.engine.begin() as connection:
        connection.execute(
            sa.update(cache)
            .where(cache.c.symbol == "AAPL", cache.c.session == pd.Timestamp("2025-06-04").date())
            .values(close=1.0, low=1.0)
        )
    said = [entry.user_message for entry in home.instance.all_logs(home.run(FIRST, LAST).run_id)]
    assert any("corrected prices of 1 stored session: AAPL (1 from 2025-06-04)" in line for line in said)
    ledger = home.table("price_restatements")
    assert set(ledger["field"]) == {"close", "low"}
    assert (ledger["symbol"] == "AAPL").all()
    assert (ledger["old_value"] == 1.0).all()
    unchanged = ("price_restatements", "market_data_coverage", "price_panels", *MADE_FROM)
    same(home.everything(but=unchanged), {k: v for k, v in range_rows.items() if k not in unchanged})


def test_postgres_exports_the_bytes_that_sqlite_exports(new_home, new_migrated_postgres, range_rows):
    home = new_home(url=new_migrated_postgres())
    home.run(FIRST, LAST)
    rows = home.everything()
    assert rows.keys() == range_rows.keys() == set(tables.metadata.tables) - {*OF_RUNS}
    for name, frame in rows.items():
        assert list(frame.dtypes) == list(range_rows[name].dtypes), name
        assert exported(frame) == exported(range_rows[name]), name
    assert len(rows["stress_scenarios"]) == 23


def exported(frame: pd.DataFrame) -> bytes:
    """Return a table as CSV: every number with all its digits, −0 is not 0."""
    return frame.to_csv(index=False).encode()


def owned_by(portfolio: str, *rows: str) -> pd.DataFrame:
    positions = FRAMES["positions"].set_index("position_id", drop=False).loc[list(rows)]
    return positions.assign(portfolio_id=portfolio, position_id=[f"{portfolio}_{row}" for row in rows])


@pytest.fixture(scope="module")
def book_after_sales() -> dict[str, pd.DataFrame]:
    """In euros: a share that is sold, an option that expires, a share that is kept; others hold the first two."""
    sold, kept = owned_by("sold", "g1", "h3", "g2"), owned_by("kept", "g1", "h1", "h4")
    sold.loc["g1", "exit_date"] = "2025-06-05"
    sold.loc["h3", ["symbol", "underlying", "strike", "expiry"]] = "NVDA C", "NVDA", "60", "2025-06-20"
    portfolios = pd.DataFrame({"portfolio_id": ["sold", "kept"], "name": ["Sold", "Kept"]}).assign(
        inception_date="2025-01-02", starting_equity=1_000_000, currency=["EUR", "USD"]
    )
    return {"portfolios": portfolios, "positions": pd.concat([sold, kept])}


@pytest.fixture(scope="module")
def beside(make_home, book_after_sales):
    """A range that begins before the sale, and somebody who still holds what was sold."""
    home = make_home(book_after_sales)
    home.run("2025-06-04", "2025-07-08")
    return home


@pytest.mark.parametrize("session", ["2025-06-10", "2025-06-30", "2025-07-03", "2025-07-08"])
def test_what_was_sold_since_a_forecast_is_scored_whoever_else_holds_it(make_home, book_after_sales, beside, session):
    """The holdings of the forecast's session earn until the outcome, whatever else is held or was run."""
    alone = make_home({name: rows[rows["portfolio_id"] == "sold"] for name, rows in book_after_sales.items()})
    alone.run(session)
    day = dict.fromkeys(("first", "last"), date.fromisoformat(session))
    for name in (table.name for table in tables.ANALYTICS if table.name not in MADE_FROM):
        owner = "portfolio_id" if "portfolio_id" in tables.metadata.tables[name].c else "entity"
        if owner in tables.metadata.tables[name].c:
            found, expected = (of_owner(home.table(name, **day), owner) for home in (alone, beside))
            pd.testing.assert_frame_equal(found, expected, check_exact=True, obj=name)
    assert "sold" in set(alone.table("volatility_scores", **day)["entity"])


def of_owner(rows: pd.DataFrame, owner: str) -> pd.DataFrame:
    return rows[rows[owner] == "sold"].reset_index(drop=True)
