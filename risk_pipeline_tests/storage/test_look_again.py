"""What was stored is looked at again: corrected prices, new bases, and what results may have read before."""

from __future__ import annotations

from datetime import date, datetime
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from risk_pipeline.defs.assets.market import store_fetched
from risk_pipeline.market.source import MarketBars
from risk_pipeline.sessions import session_calendar
from risk_pipeline.storage.completeness import sessions_without_rows
from risk_pipeline.storage.database import replace_sessions
from risk_pipeline.storage.errors import StorageError
from risk_pipeline.storage.market_data import extend_ranges, read_bars, record_panel, store_bars
from risk_pipeline.storage.queries import read_table
from risk_pipeline.storage.result_inputs import (
    PRICE_SOURCE,
    claim_source,
    forget_prices,
    newest_revision,
    record_fact,
    revisions,
)
from risk_pipeline.storage.retention import prune
from risk_pipeline.storage.tables import portfolio_snapshots

NOW = datetime(2025, 6, 18, 1)
DAYS = pd.bdate_range("2025-06-02", periods=12).astype("datetime64[s]")


def made_up(closes, days=DAYS, symbol: str = "X") -> pd.DataFrame:
    return pd.DataFrame(
        {
            "session": days[: len(closes)],
            "symbol": symbol,
            "high": np.nan,
            "low": np.nan,
            "close": closes,
            "volume": np.nan,
            "dividend": 0.0,
            "split_factor": 1.0,
            "basis": "adjusted",
        }
    )


def test_a_new_base_stores_nothing_until_the_whole_history_replaces_the_old_one(engine):
    old = np.linspace(50.0, 61.0, 11)
    store_bars(engine, made_up(old), known_at=NOW)
    new = np.round(np.append(old[:10] * 0.9, [61.0, 62.0]), 2)  # the eleventh session is the ex-day
    recent = made_up(new).iloc[3:]
    found = store_bars(engine, recent, known_at=NOW)
    assert found.rebased == pytest.approx({"X": 0.9}, rel=1e-3)
    assert read_bars(engine, *span()).sort_values("session")["close"].tolist() == old.tolist()
    store_bars(engine, made_up(new), known_at=NOW, rebased=found.rebased)
    assert read_bars(engine, *span()).sort_values("session")["close"].tolist() == new.tolist()
    (entry,) = read_table(engine, "price_restatements").to_dict("records")
    assert (entry["field"], entry["old_value"], entry["new_value"]) == ("base", 1.0, pytest.approx(0.9, rel=1e-3))


@pytest.mark.parametrize("place", [0, 9, 10])
def test_one_corrected_close_is_a_restatement_and_no_new_base(engine, place):
    old = np.linspace(50.0, 61.0, 11)
    store_bars(engine, made_up(old), known_at=NOW)
    new = old.copy()
    new[place] *= 1.08
    assert store_bars(engine, made_up(new), known_at=NOW).rebased == {}
    assert read_table(engine, "price_restatements")["session"].tolist() == [DAYS[place]]
    assert read_bars(engine, *span()).sort_values("session")["close"].tolist() == new.tolist()


def test_what_changes_after_a_panel_was_made_is_a_revision_and_what_is_appended_is_none(engine):
    closes = np.linspace(50.0, 61.0, 11)
    store_bars(engine, made_up(closes), known_at=NOW)
    assert newest_revision(engine) == 0
    record_panel(engine, "0" * 64, DAYS[0].date(), DAYS[9].date(), 1, [DAYS[9].date()], 0)
    store_bars(engine, made_up(np.append(closes, 62.0)), known_at=NOW)
    assert newest_revision(engine) == 0
    closes[[4, 6]] += 1.0
    store_bars(engine, made_up(closes), known_at=NOW)
    (row,) = revisions(engine).to_dict("records")
    assert (row["symbol"], row["first_session"], row["last_session"]) == ("X", DAYS[4], DAYS[6])


def span() -> tuple[date, date]:
    return DAYS[0].date(), DAYS[-1].date()


def test_a_database_belongs_to_the_source_that_filled_it_until_all_prices_are_forgotten(engine):
    claim_source(engine, "files")
    claim_source(engine, "files")
    store_bars(engine, made_up([1.0, 2.0]), known_at=NOW)
    record_panel(engine, "0" * 64, DAYS[0].date(), DAYS[1].date(), 1, [DAYS[1].date()], 0)
    with pytest.raises(StorageError, match=r"holds the prices of the source 'files'.*--switch-source"):
        claim_source(engine, "simulated with seed 7")
    assert forget_prices(engine, NOW) == 2
    record_fact(engine, PRICE_SOURCE, "simulated with seed 7")
    claim_source(engine, "simulated with seed 7")
    assert read_bars(engine, *span()).empty
    assert newest_revision(engine) == 1  # what read the old prices is stale


def test_nobody_misses_what_was_pruned(engine):
    day = DAYS[0].date()
    columns = portfolio_snapshots.columns
    row = {c.name: None if c.nullable else 0 for c in columns} | {"portfolio_id": "a", "is_complete": True}
    replace_sessions(engine, [day], {portfolio_snapshots: pd.DataFrame([{**row, "session": day}])})
    assert day in sessions_without_rows(engine, [day])["stress_tests"]
    prune(engine, DAYS[1].date())
    assert not any(sessions_without_rows(engine, [day]).values())


@pytest.mark.parametrize("was_asked", [True, False], ids=["asked from the fourth session", "doubtful, never asked"])
def test_a_new_base_that_is_seen_while_earlier_history_is_read_for_the_first_time_loses_none_of_it(engine, was_asked):
    days = pd.to_datetime(
        session_calendar("XNYS", date(2015, 1, 2)).sessions_in_range(date(2025, 6, 2), date(2025, 6, 13))
    )
    new = made_up(np.linspace(45.0, 54.0, len(days)), days.astype("datetime64[s]"))
    store_bars(engine, new.iloc[3:].assign(close=new["close"] / 0.9), known_at=NOW)
    if was_asked:
        extend_ranges(engine, {"X": (days[3].date(), days[-1].date())})

    class Source:
        name = "adjusted"

        def fetch(self, symbols, index) -> MarketBars:
            return MarketBars(new[new["symbol"].isin(symbols) & new["session"].isin(index)].reset_index(drop=True))

    store_fetched(SimpleNamespace(engine=engine), Source(), new.assign(source="adjusted"), NOW)
    stored = read_bars(engine, days[0].date(), days[-1].date(), ["X"]).sort_values("session")
    assert stored["close"].tolist() == new["close"].tolist()
