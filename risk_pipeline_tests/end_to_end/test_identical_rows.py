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


def test_a_session_alone_after_a_sale_has_the_scores_of_a_contiguous_run(make_home):
    """What was sold since a forecast was made is scored by neither or by both, whatever else the run covers."""
    portfolios, positions = FRAMES["portfolios"].iloc[:1], FRAMES["positions"].iloc[:2].copy()
    positions.loc[1, "exit_date"] = "2025-06-05"
    book = {"portfolios": portfolios, "positions": positions}
    whole, alone = make_home(book), make_home(book)
    whole.run("2025-06-04", "2025-06-10")
    alone.run("2025-06-10")
    last = {"first": date(2025, 6, 10), "last": date(2025, 6, 10)}
    for name in ANALYTICS:
        pd.testing.assert_frame_equal(whole.table(name, **last), alone.table(name, **last), check_exact=True, obj=name)
    assert "AAPL" in set(whole.table("volatility_scores", **last)["entity"])
