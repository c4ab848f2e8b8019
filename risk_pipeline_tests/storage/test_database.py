"""The transactional partition replace, on SQLite and on Postgres."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest
import sqlalchemy as sa

from risk_pipeline.storage import tables as t
from risk_pipeline.storage.database import open_engine, replace_sessions
from risk_pipeline.storage.errors import StorageError
from risk_pipeline.storage.queries import clear_analytics, read_table

DAYS = [date(2025, 6, 2), date(2025, 6, 3), date(2025, 6, 4)]


def sectors(days, value: float) -> pd.DataFrame:
    rows = [
        {"session": day, "portfolio_id": name, "sector": "Energy", "net": value, "gross": value, "gross_share": 1.0}
        for day in days
        for name in ("a", "b")
    ]
    return pd.DataFrame(rows)


def skips(days, analytic: str) -> pd.DataFrame:
    rows = [
        {"session": day, "analytic": analytic, "entity_type": "portfolio", "entity": "p", "reason": "stale"}
        for day in days
    ]
    return pd.DataFrame(rows).assign(detail=None)


def test_n_runs_leave_the_rows_of_one(engine):
    for _ in range(3):
        written = replace_sessions(engine, DAYS, {t.sector_exposures: sectors(DAYS, 1.0)})
    assert written == {"sector_exposures": 6}
    rows = read_table(engine, "sector_exposures")
    assert len(rows) == 6
    assert rows["session"].dt.date.tolist() == sorted(DAYS * 2)


def test_replacing_a_session_leaves_the_others_untouched(engine):
    replace_sessions(engine, DAYS, {t.sector_exposures: sectors(DAYS, 1.0)})
    replace_sessions(engine, DAYS[1:2], {t.sector_exposures: sectors(DAYS[1:2], 2.0)})
    rows = read_table(engine, "sector_exposures")
    assert rows.groupby(rows["session"].dt.date)["net"].first().tolist() == [1.0, 2.0, 1.0]


def test_an_error_in_the_second_table_leaves_both_as_they_were(engine):
    frames = {t.sector_exposures: sectors(DAYS, 1.0), t.analytics_skips: skips(DAYS, "volatility")}
    replace_sessions(engine, DAYS, frames, analytic="volatility")
    twice = pd.concat([skips(DAYS, "volatility")] * 2)
    with pytest.raises(Exception, match=r"(?i)unique"):
        replace_sessions(
            engine, DAYS, {t.sector_exposures: sectors(DAYS, 9.0), t.analytics_skips: twice}, analytic="volatility"
        )
    assert set(read_table(engine, "sector_exposures")["net"]) == {1.0}
    assert len(read_table(engine, "analytics_skips")) == 3


def test_a_reader_sees_the_old_rows_until_the_commit(engine):
    replace_sessions(engine, DAYS, {t.sector_exposures: sectors(DAYS, 1.0)})
    with engine.connect() as writer:
        writer.execute(sa.delete(t.sector_exposures))
        assert len(read_table(engine, "sector_exposures")) == 6
        writer.rollback()


def test_skips_are_replaced_for_their_own_analytic_only(engine):
    for analytic in ("volatility", "stress_tests"):
        replace_sessions(engine, DAYS, {t.analytics_skips: skips(DAYS, analytic)}, analytic=analytic)
    replace_sessions(engine, DAYS, {t.analytics_skips: skips(DAYS[:1], "volatility")}, analytic="volatility")
    assert read_table(engine, "analytics_skips").groupby("analytic").size().to_dict() == {
        "stress_tests": 3,
        "volatility": 1,
    }


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        (sectors([date(2025, 7, 1)], 1.0), "2025-07-01, which is not among the sessions"),
        (sectors(DAYS, 1.0).drop(columns="net"), r"columns missing \['net'\]"),
        (sectors(DAYS, 1.0).assign(colour=1), r"unknown \['colour'\]"),
        (sectors(DAYS, float("nan")), r"sector_exposures.net is missing in row 0"),
        (sectors(DAYS, 1.0).assign(sector="x" * 100), "sector_exposures.sector: xxxxxxxxxxxxxxxxxxxx… is over 40"),
    ],
)
def test_rows_that_don_t_fit_are_refused_by_name_and_nothing_is_written(engine, frame, says):
    replace_sessions(engine, DAYS, {t.sector_exposures: sectors(DAYS, 1.0)})
    with pytest.raises(StorageError, match=says):
        replace_sessions(engine, DAYS, {t.sector_exposures: frame})
    assert set(read_table(engine, "sector_exposures")["net"]) == {1.0}


@pytest.mark.parametrize("analytic", [None, "stress_tests"])
def test_skips_of_another_analytic_are_refused(engine, analytic):
    with pytest.raises(StorageError, match="rows of one analytic"):
        replace_sessions(engine, DAYS, {t.analytics_skips: skips(DAYS, "volatility")}, analytic=analytic)


@pytest.mark.parametrize("count", [2.5, 2.0**31])
def test_a_count_that_is_no_integer_is_refused(engine, count):
    rows = pd.DataFrame([{"session": DAYS[0], "factor_a": "a", "factor_b": "b", "method": "ewma"}]).assign(
        covariance=1.0,
        correlation=1.0,
        condition_number=1.0,
        observations=count,
        stressed_covariance=1.0,
        stressed_last=DAYS[0],
    )
    with pytest.raises(StorageError, match=r"observations holds a number that is no 32-bit integer"):
        replace_sessions(engine, DAYS, {t.factor_covariance: rows})


def test_nothing_computed_is_null_and_comes_back_as_nan(engine):
    replace_sessions(engine, DAYS[:1], {t.sector_exposures: sectors(DAYS[:1], 1.0).assign(gross_share=float("nan"))})
    with engine.connect() as connection:
        shares = connection.execute(sa.select(t.sector_exposures.c.gross_share)).scalars().all()
    assert shares == [None, None]
    assert read_table(engine, "sector_exposures")["gross_share"].isna().all()


def test_clearing_analytics_keeps_prices_and_imports(engine):
    replace_sessions(engine, DAYS, {t.sector_exposures: sectors(DAYS, 1.0)})
    row = {
        "session": DAYS[0],
        "symbol": "SPY",
        "close": 1.0,
        "dividend": 0.0,
        "split_factor": 1.0,
        "basis": "as_traded",
    }
    with engine.begin() as connection:
        connection.execute(sa.insert(t.market_data_cache).values(row))
    assert clear_analytics(engine, DAYS[0], DAYS[1])["sector_exposures"] == 4
    assert len(read_table(engine, "sector_exposures")) == 2
    assert len(read_table(engine, "market_data_cache")) == 1


def test_a_table_that_is_not_there_is_named(engine):
    with pytest.raises(StorageError, match="there is no table 'nonsense'"):
        read_table(engine, "nonsense")


@pytest.mark.parametrize("url", ["nonsense", "mysql://u:sentinel-password@h/d", "://sentinel-password"])
def test_a_wrong_url_is_refused_without_showing_it(url):
    with pytest.raises(StorageError) as refused:
        open_engine(url)
    assert "sentinel" not in str(refused.value)
