"""One's own files: what is read, and how a mistake in them is said."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import exchange_calendars as xc
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from risk_pipeline.market import file_tables
from risk_pipeline.market.files import FileMarket
from risk_pipeline.market.simulated import SimulatedMarket
from risk_pipeline.market.source import SourceError
from risk_pipeline_tests.support import real_prices

CALENDAR = xc.get_calendar("XNYS", start="2009-01-01")
SESSIONS = CALENDAR.sessions_in_range("2024-01-02", "2024-06-28").astype("datetime64[s]")
FIELDS = ["date", "symbol", "high", "low", "close", "volume", "dividend", "split_factor"]


@pytest.fixture(scope="module")
def market() -> pd.DataFrame:
    """Bars of the simulated market in the files' own columns."""
    bars = SimulatedMarket().fetch(["SPY", "NVDA", "KELP", "BRK.B"], SESSIONS).bars
    return bars.rename(columns={"session": "date"})[FIELDS]


def expected(market: pd.DataFrame) -> pd.DataFrame:
    return market.rename(columns={"date": "session"})


def fetch(path: Path, *symbols: str) -> pd.DataFrame:
    found = FileMarket(path).fetch(symbols or ["SPY", "NVDA", "KELP", "BRK.B"], SESSIONS)
    assert not found.errors
    assert not found.dropped
    return found.bars


@pytest.mark.parametrize("kind", ["timestamp", "zoned", "date", "text", "nanoseconds"])
def test_parquet_gives_back_what_was_written_whatever_its_dates_are(tmp_path, market, kind):
    frame = market.copy()
    day = pd.DatetimeIndex(frame["date"])
    frame["date"] = {
        "timestamp": day,
        "zoned": day.tz_localize("America/New_York"),
        "date": day.date,
        "text": day.strftime("%Y-%m-%d"),
        "nanoseconds": day.astype("datetime64[ns]") + pd.Timedelta(hours=16),
    }[kind]
    frame.sample(frac=1.0, random_state=1).to_parquet(tmp_path / "prices.parquet", row_group_size=100)
    bars = fetch(tmp_path)
    assert set(bars.pop("basis")) == {"as_traded"}
    pd.testing.assert_frame_equal(bars, expected(market))


def test_csv_gives_back_what_was_written(tmp_path, market):
    market.to_csv(tmp_path / "prices.csv", index=False)
    bars = fetch(tmp_path / "prices.csv").drop(columns="basis")
    pd.testing.assert_frame_equal(bars, expected(market))


def test_a_folder_of_files_is_one_market(tmp_path, market):
    market[market["date"] < "2024-03-01"].to_parquet(tmp_path / "winter.parquet")
    market[market["date"] >= "2024-03-01"].to_csv(tmp_path / "spring.csv", index=False)
    (tmp_path / "README.txt").write_text("not a price file")
    bars = fetch(tmp_path).drop(columns="basis")
    pd.testing.assert_frame_equal(bars, expected(market))


def test_only_the_sessions_and_symbols_asked_for_come_back(tmp_path, market):
    market.to_parquet(tmp_path / "prices.parquet")
    found = FileMarket(tmp_path).fetch(["SPY", "EQIX"], SESSIONS[10:12])
    assert found.bars["session"].tolist() == list(SESSIONS[10:12])
    assert set(found.errors) == {"EQIX"}
    assert not found.dropped


def test_a_symbol_of_the_file_without_a_bar_in_the_range_is_no_error(tmp_path, market):
    market[(market["symbol"] == "SPY") | (market["date"] > "2024-03-01")].to_parquet(tmp_path / "p.parquet")
    found = FileMarket(tmp_path).fetch(["SPY", "NVDA"], SESSIONS[:20])
    assert set(found.bars["symbol"]) == {"SPY"}
    assert not found.errors


def test_any_spelling_of_a_symbol_in_a_file_is_understood(tmp_path, market):
    frame = market.replace({"symbol": {"BRK.B": "brk-b", "SPY": " spy "}})
    frame.to_csv(tmp_path / "prices.csv", index=False)
    pd.testing.assert_frame_equal(fetch(tmp_path).drop(columns="basis"), expected(market))


def test_an_adjusted_series_says_so_and_has_no_actions(tmp_path, market):
    market.rename(columns={"close": "adj_close"}).to_parquet(tmp_path / "prices.parquet")
    bars = fetch(tmp_path)
    assert set(bars["basis"]) == {"adjusted"}
    assert (bars["split_factor"] == 1).all()
    assert (bars["dividend"] == 0).all()
    assert bars["high"].isna().all()
    np.testing.assert_array_equal(bars["close"], market["close"])


def test_empty_optional_cells_are_ordinary_days(tmp_path):
    text = "date,symbol,close,high,low,dividend,split_factor\n2024-01-08,SPY,470.1,,,,\n2024-01-09,SPY,,,,,\n"
    (tmp_path / "prices.csv").write_text(text)
    (row,) = fetch(tmp_path, "SPY").to_dict("records")
    assert (row["close"], row["dividend"], row["split_factor"]) == (470.1, 0.0, 1.0)
    assert np.isnan(row["high"])


@pytest.mark.parametrize(
    ("symbol", "days", "known"),
    [
        ("SPY", ["2020-03-13", "2020-03-16"], -0.1094),
        ("TLT", ["2020-03-13", "2020-03-16"], 0.0648),
        ("SPY", ["2022-11-09", "2022-11-10"], 0.0550),
    ],
)
def test_real_history_reads_back_as_known(symbol, days, known):
    bars = FileMarket(real_prices.PATH).fetch([symbol], pd.DatetimeIndex(days).astype("datetime64[s]")).bars
    assert set(bars["basis"]) == {"adjusted"}
    assert bars["close"].pct_change().iloc[1] == pytest.approx(known, abs=5e-5)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("date,symbol,close\n2024-01-08,SPY,470\n2024-01-09,SPY,4x70\n", r"prices\.csv: line 3, close: '4x70'"),
        ("date,symbol,close\n2024-01-08,SPY,470\n09/01/2024,SPY,471\n", r"line 3, date: '09/01/2024'.*2025-01-31"),
        ("date,symbol,close\n2024-01-08,,470\n", "line 2, symbol: is empty"),
        ("date,symbol,close\n,SPY,470\n", "line 2, date: is empty"),
        ("date,ticker,close\n2024-01-08,SPY,470\n", "no column 'symbol'.*rename"),
        ("date,symbol,price\n2024-01-08,SPY,470\n", "neither a column 'close' nor 'adj_close'"),
        ("date,symbol,close\n2024-01-08,SPY,470\n2024-01-09,SPY\n", r"line 3.*3 cells"),
        ("", "no column 'date'"),
    ],
)
def test_a_mistake_in_a_csv_is_said_with_line_column_and_remedy(tmp_path, text, said):
    (tmp_path / "prices.csv").write_text(text)
    with pytest.raises(SourceError, match=said):
        FileMarket(tmp_path).fetch(["SPY"], SESSIONS)


def test_a_broken_or_unfit_parquet_is_said_with_the_remedy(tmp_path):
    path = tmp_path / "prices.parquet"
    path.write_bytes(b"PAR1 not really PAR1")
    with pytest.raises(SourceError, match="no readable Parquet file"):
        FileMarket(path).fetch(["SPY"], SESSIONS)
    pd.DataFrame({"date": [20240108], "symbol": ["SPY"], "close": [1.0]}).to_parquet(path)
    with pytest.raises(SourceError, match="date: is of type int64"):
        FileMarket(path).fetch(["SPY"], SESSIONS)
    pd.DataFrame({"date": ["2024-01-08"], "symbol": ["SPY"], "close": ["dear"]}).to_parquet(path)
    with pytest.raises(SourceError, match=r"close: .*store it as numbers"):
        FileMarket(path).fetch(["SPY"], SESSIONS)
    pd.DataFrame({"date": ["2024-01-08"], "symbol": [None], "close": [1.0]}).to_parquet(path)
    with pytest.raises(SourceError, match="symbol: is empty"):
        FileMarket(path).fetch(["SPY"], SESSIONS)


def test_a_missing_path_or_an_empty_folder_is_said(tmp_path):
    with pytest.raises(SourceError, match="no such file or folder"):
        FileMarket(tmp_path / "nowhere").fetch(["SPY"], SESSIONS)
    with pytest.raises(SourceError, match="holds no price file"):
        FileMarket(tmp_path).fetch(["SPY"], SESSIONS)


def test_a_file_beyond_the_limit_is_refused_by_its_metadata(tmp_path, monkeypatch):
    """A small file that would unpack to a large one: one price, two million times."""
    count = 2_000_000
    day = pa.array(np.full(count, np.datetime64("2024-01-08"))).dictionary_encode()
    table = pa.table({"date": day.cast(pa.date32()), "symbol": ["SPY"] * count, "close": np.zeros(count)})
    pq.write_table(table, tmp_path / "prices.parquet", use_dictionary=False, compression="zstd")
    monkeypatch.setattr(file_tables, "LARGEST", 10_000_000)
    assert (tmp_path / "prices.parquet").stat().st_size < 1_000_000
    with pytest.raises(SourceError, match="split it into files"):
        FileMarket(tmp_path).fetch(["SPY"], SESSIONS)


def test_profiles_beside_the_prices(tmp_path, market):
    market.to_parquet(tmp_path / "prices.parquet")
    assert FileMarket(tmp_path).profiles(["SPY"]).empty
    text = "symbol,name,sector,vendor_beta,as_of\nbrk-b,Berkshire,Financials,0.8,2024-01-01\n"
    text += "BRK.B,Berkshire,Financials,0.9,2025-01-01\nNVDA,,Technology,,\nEQIX,Equinix,,,\n"
    (tmp_path / "profiles.csv").write_text(text)
    for path in (tmp_path, tmp_path / "prices.parquet"):
        rows = FileMarket(path).profiles(["BRK.B", "NVDA"], date(2024, 6, 1))
        assert rows["symbol"].tolist() == ["BRK.B", "NVDA"]
        assert rows["vendor_beta"].tolist()[0] == 0.8
        assert rows.loc[1, ["name", "vendor_beta", "as_of"]].isna().all()
    assert len(FileMarket(tmp_path).profiles(["BRK.B"])) == 2


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("SPY,,,high,", r"line 2, vendor_beta: 'high' is no number"),
        ("SPY,,,inf,", "no finite number"),
        ("SPY,,,1.0,soon", "as_of: 'soon' is no date"),
        (",,,1.0,", "symbol: '' is empty"),
    ],
)
def test_a_mistake_in_the_profiles_is_said_with_its_line(tmp_path, line, said):
    (tmp_path / "profiles.csv").write_text(f"symbol,name,sector,vendor_beta,as_of\n{line}\n")
    with pytest.raises(SourceError, match=said):
        FileMarket(tmp_path).profiles(["SPY"])


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_columns_that_are_not_used_are_named_and_a_symbol_with_an_invisible_character_refused(tmp_path, market, ending):
    path = tmp_path / f"prices.{ending}"
    frame = market.assign(open=1.0, note="x")
    write = {"csv": lambda: frame.to_csv(path, index=False), "parquet": lambda: frame.to_parquet(path)}[ending]
    write()
    assert FileMarket(path).fetch(["SPY"], SESSIONS).remarks == (f"prices.{ending}: not used: column open, note",)
    frame["symbol"] = frame["symbol"].str.replace("NVDA", "NV\u200bDA")
    write()
    with pytest.raises(SourceError, match=r"symbol: .* holds the invisible character U\+200B"):
        FileMarket(path).fetch(["SPY"], SESSIONS)


def test_a_parquet_file_whose_symbols_are_numbers_is_refused(tmp_path):
    frame = pd.DataFrame({"date": ["2024-01-02"], "symbol": [700], "close": [1.0]})
    frame.to_parquet(tmp_path / "prices.parquet")
    with pytest.raises(SourceError, match="symbol: is of type int64; store text"):
        FileMarket(tmp_path / "prices.parquet").fetch(["0700"], SESSIONS)


def test_categories_of_several_row_groups_are_read_as_texts(tmp_path):
    path = tmp_path / "prices.parquet"
    frame = pd.DataFrame(
        {"date": ["2025-01-02"] * 2, "symbol": ["SPY", "BP.L"], "close": [590.0, 4.2], "currency": ["USD", "GBP"]}
    )
    parts = [frame.iloc[[row]].astype({"symbol": "category", "currency": "category"}) for row in (0, 1)]
    schema = pa.Table.from_pandas(parts[0], preserve_index=False).schema
    with pq.ParquetWriter(path, schema) as writer:
        for part in parts:
            writer.write_table(pa.Table.from_pandas(part, schema=schema, preserve_index=False))
    found = FileMarket(path).fetch(["SPY", "BP.L"], pd.DatetimeIndex(["2025-01-02"]).astype("datetime64[s]"))
    assert sorted(found.bars["symbol"]) == ["BP.L", "SPY"]
