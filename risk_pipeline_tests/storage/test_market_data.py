"""Stored bars, restatements, coverage and panels, on SQLite and on Postgres."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import pandas as pd
import pytest

from risk_pipeline.storage import market_data, price_panel
from risk_pipeline.storage.queries import read_table

DAYS = np.array(["2025-06-02", "2025-06-03", "2025-06-04", "2025-06-05", "2025-06-06"], dtype="datetime64[D]")
KNOWN = datetime(2025, 6, 7, 1, 2, 3)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "panels").mkdir()
    return tmp_path / "panels"


def bars(closes: dict[str, list[float | None]], **fields: float) -> pd.DataFrame:
    rows = [
        {"session": pd.Timestamp(day), "symbol": symbol, "close": close}
        for symbol, values in closes.items()
        for day, close in zip(DAYS, values, strict=False)
        if close is not None
    ]
    default = {"high": np.nan, "low": np.nan, "volume": np.nan, "dividend": 0.0, "split_factor": 1.0}
    return pd.DataFrame(rows).assign(**{**default, "basis": "as_traded", **fields})


def store(engine, closes, **fields):
    return market_data.store_bars(engine, bars(closes, **fields), known_at=KNOWN)


def test_new_bars_are_stored_and_equal_ones_left_alone(engine):
    assert store(engine, {"SPY": [1, 2, 3]}).rows == 3
    again = store(engine, {"SPY": [1, 2, 3, 4], "TLT": [9]})
    assert (again.rows, again.restatements) == (2, 0)
    assert read_table(engine, "price_restatements").empty
    assert len(read_table(engine, "market_data_cache")) == 5


def test_a_changed_price_goes_to_the_ledger_before_it_is_stored(engine):
    store(engine, {"SPY": [1, 2, 3]})
    assert store(engine, {"SPY": [1, 2.5, 3]}).restatements == 1
    (row,) = read_table(engine, "price_restatements").to_dict("records")
    assert (row["symbol"], row["field"], row["old_value"], row["new_value"]) == ("SPY", "close", 2.0, 2.5)
    assert pd.Timestamp(row["known_at"]) == KNOWN
    assert read_table(engine, "market_data_cache")["close"].tolist() == [1.0, 2.5, 3.0]
    assert store(engine, {"SPY": [1, 2.5, 3]}).restatements == 0


def test_a_price_that_changes_again_within_a_run_is_one_entry_from_its_first_value_to_its_last(engine):
    store(engine, {"SPY": [1, 2, 3], "TLT": [7, 8, 9]})
    store(engine, {"SPY": [1, 2.5, 3]})
    store(engine, {"SPY": [1, 2.7, 3], "TLT": [7, 8.5, 9]})
    rows = read_table(engine, "price_restatements").sort_values("symbol")
    assert rows[["symbol", "old_value", "new_value"]].to_numpy().tolist() == [["SPY", 2.0, 2.7], ["TLT", 8.0, 8.5]]
    assert market_data.restated_symbols(engine, KNOWN).to_numpy().tolist() == [
        ["SPY", 1, pd.Timestamp(DAYS[1])],
        ["TLT", 1, pd.Timestamp(DAYS[1])],
    ]


def test_what_was_asked_for_grows_in_both_directions(engine):
    market_data.extend_ranges(engine, {"SPY": (date(2025, 6, 3), date(2025, 6, 4))})
    market_data.extend_ranges(engine, dict.fromkeys(["SPY", "TLT"], (date(2025, 6, 2), date(2025, 6, 3))))
    assert market_data.asked_ranges(engine, ["SPY", "TLT", "XXX"]) == {
        "SPY": (date(2025, 6, 2), date(2025, 6, 4)),
        "TLT": (date(2025, 6, 2), date(2025, 6, 3)),
    }


def test_in_the_panel_a_gap_is_nan_and_the_next_day_has_no_return(engine):
    store(engine, {"GAP": [10, None, 12, 12.6], "SPY": [1, 2, 4, 8, 16]})
    panel = price_panel.build_panel(engine, DAYS, ["SPY", "GAP"])
    assert panel.symbols == ("GAP", "SPY")
    np.testing.assert_array_equal(np.isnan(panel.returns[:, 0]), [True, True, True, False, True])
    assert panel.returns[3, 0] == pytest.approx(0.05)
    np.testing.assert_array_equal(panel.returns[1:, 1], 1.0)
    np.testing.assert_array_equal(panel.dividend, 0.0)
    np.testing.assert_array_equal(panel.split_factor, 1.0)


def test_a_panel_is_named_by_its_content_and_opened_in_place(engine, folder):
    store(engine, {"SPY": [1, 2, 3, 4, 5]})
    panel = price_panel.build_panel(engine, DAYS, ["SPY"])
    name = price_panel.write_panel(folder, panel)
    assert price_panel.write_panel(folder, panel) == name
    opened = price_panel.open_panel(folder, name, verify=True)
    assert isinstance(opened.close, np.memmap)
    assert not opened.close.flags.writeable
    np.testing.assert_array_equal(opened.returns, panel.returns)
    assert [path.name for path in folder.iterdir()] == [name]


def test_a_damaged_or_missing_panel_says_what_to_materialise(engine, folder):
    store(engine, {"SPY": [1, 2, 3, 4, 5]})
    name = price_panel.write_panel(folder, price_panel.build_panel(engine, DAYS, ["SPY"]))
    with pytest.raises(price_panel.PanelError, match="materialise price_cache"):
        price_panel.open_panel(folder, "0" * 64)
    (folder / name / "close.npy").write_bytes(b"torn")
    with pytest.raises(price_panel.PanelError, match="materialise price_cache"):
        price_panel.open_panel(folder, name)


@pytest.mark.parametrize("damage", ["torn", "another number", "no index"])
def test_materialising_a_damaged_panel_again_repairs_it(engine, folder, damage):
    store(engine, {"SPY": [1, 2, 3, 4, 5]})
    panel = price_panel.build_panel(engine, DAYS, ["SPY"])
    name = price_panel.write_panel(folder, panel)
    if damage == "torn":
        (folder / name / "close.npy").write_bytes(b"torn")
    elif damage == "another number":
        np.save(folder / name / "close.npy", panel.close + 1)
    else:
        (folder / name / "panel.json").unlink()
    assert price_panel.write_panel(folder, panel) == name
    np.testing.assert_array_equal(price_panel.open_panel(folder, name, verify=True).close, panel.close)
    assert [path.name for path in folder.iterdir()] == [name]


def test_old_panels_are_pruned_and_the_newest_kept(engine, folder):
    for number, day in enumerate(DAYS):
        session = day.item()
        market_data.record_panel(engine, f"{number:064d}", session, session, 1, [session])
        (folder / f"{number:064d}").mkdir()
    newest = market_data.newest_panels(engine, 2)
    assert newest == {f"{3:064d}", f"{4:064d}"}
    assert price_panel.prune_panels(folder, newest) == 3
    assert {path.name for path in folder.iterdir()} == newest
