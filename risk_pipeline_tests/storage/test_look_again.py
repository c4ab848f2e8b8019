"""What was stored is looked at again: corrected prices, new bases, and what results may have read before."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import pandas as pd
import pytest

from risk_pipeline.storage.market_data import read_bars, record_panel, store_bars
from risk_pipeline.storage.queries import read_table
from risk_pipeline.storage.result_inputs import newest_revision, revisions

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
