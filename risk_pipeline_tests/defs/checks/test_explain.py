"""The check of the explained share, on rows of a hundred sessions."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from risk_pipeline.defs.checks.explain import pnl_is_explained
from risk_pipeline.defs.partitions import CALENDAR
from risk_pipeline.defs.resources import Registries
from risk_pipeline.storage import tables as t
from risk_pipeline.storage.explain_queries import explained_sessions, linked
from risk_pipeline_tests.support.databases import migrated_sqlite

FIRST, LAST = date(2020, 1, 2), date(2020, 5, 29)
DAYS: list[date] = CALENDAR.sessions_in_range(FIRST, LAST).tolist()


@pytest.fixture
def engine(tmp_path):
    """Two portfolios: one whose P&L is the market's, one that bets on a single name."""
    engine = migrated_sqlite(tmp_path / "risk.db")
    moves = np.random.default_rng(3).normal(0, 1000.0, (len(DAYS), 2))
    needed = [c.name for c in t.portfolio_snapshots.c if not c.nullable and c.name not in ("session", "portfolio_id")]
    with engine.begin() as connection:
        for day, (market, own) in zip(DAYS, moves, strict=True):
            for name, specific in (("index", 0.1 * own), ("bet", 3.0 * own)):
                snapshot = dict.fromkeys(needed, 0.0) | {"nav": 1e6, "daily_pnl": market + specific}
                snapshot |= {"is_complete": True, "is_opening": False}
                key = {"session": day, "portfolio_id": name}
                connection.execute(t.portfolio_snapshots.insert().values(**key, **snapshot))
                for kind, pnl in (("core", market), ("specific", specific)):
                    row = {"kind": kind, "part": kind, "pnl": pnl, "options_pnl": 0.0, "currency_pnl": 0.0}
                    connection.execute(t.pnl_explain.insert().values(**key, **row))
    yield engine
    engine.dispose()


def test_a_book_that_no_factor_explains_is_named_and_another_is_not(engine):
    finding = pnl_is_explained(engine, Registries(), DAYS[-2:])
    assert finding.looked_at == 2
    assert list(finding.bad["portfolio_id"]) == ["bet"]
    assert finding.bad["explained_share"].item() < 0.2


def test_a_book_of_which_the_model_expects_no_more_is_not_named_unless_it_moves_more(engine):
    for volatility, named in ((0.05, []), (0.02, ["bet"])):
        with engine.begin() as connection:
            for table in (t.portfolio_volatility, t.currency_exposures):
                connection.execute(table.delete())
            for day in DAYS[-63:]:
                key = {"session": day, "portfolio_id": "bet"}
                row = key | {"factor_model_volatility": volatility, "coverage": 1.0}
                connection.execute(t.portfolio_volatility.insert().values(**row))
                part = {"pair": "FX EURUSD", "dollar_exposure": 1.0, "risk_contribution": 0.1 * volatility}
                connection.execute(t.currency_exposures.insert().values(**key, **part))
        assert list(pnl_is_explained(engine, Registries(), DAYS[-2:]).bad["portfolio_id"]) == named


def test_a_portfolio_with_a_few_sessions_is_not_judged(engine):
    assert pnl_is_explained(engine, Registries(), DAYS[:5]).looked_at == 0


def test_money_is_linked_by_part(engine):
    rows = linked(engine, DAYS[3], DAYS[9], "bet").set_index("kind")["pnl"]
    with engine.connect() as connection:
        stored = pd.read_sql(t.pnl_explain.select(), connection)
    inside = (pd.to_datetime(stored["session"]) >= str(DAYS[3])) & (pd.to_datetime(stored["session"]) <= str(DAYS[9]))
    of_bet = stored[inside & (stored["portfolio_id"] == "bet")].groupby("kind")["pnl"].sum()
    pd.testing.assert_series_equal(rows.sort_index(), of_bet, check_names=False, check_index_type=False)


@pytest.mark.parametrize("portfolio", ["bet", None])
def test_the_parts_of_each_session_are_summed_beside_its_snapshot(engine, portfolio):
    rows = explained_sessions(engine, DAYS[3], DAYS[9], portfolio).set_index(["portfolio_id", "session"])
    assert list(rows.index.levels[0]) == ([portfolio] if portfolio else ["bet", "index"])
    assert len(rows) == 7 * len(rows.index.levels[0])
    with engine.connect() as connection:
        stored = pd.read_sql(t.pnl_explain.select(), connection, parse_dates=["session"])
        snapshots = pd.read_sql(t.portfolio_snapshots.select(), connection, parse_dates=["session"])
    key = ["portfolio_id", "session"]
    parts = stored.groupby(key)["pnl"].sum().reindex(rows.index)
    specific = stored[stored["kind"] == "specific"].groupby(key)["pnl"].sum().reindex(rows.index)
    assert np.allclose(rows["parts"], parts, rtol=1e-12)
    assert np.allclose(rows["unexplained"], specific, rtol=1e-12)
    assert (rows["residual"] == 0).all()
    assert (rows["daily_pnl"] == snapshots.set_index(key)["daily_pnl"].reindex(rows.index)).all()
