"""Price files as they are found on a fund's disk: read as they are meant, or refused with what to do."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from risk_pipeline.market.files import FileMarket
from risk_pipeline.market.source import MarketBars, SourceError

SESSIONS = pd.DatetimeIndex(["2022-12-12", "2022-12-13", "2022-12-14"]).astype("datetime64[s]")
PLAIN = "date,symbol,close\n2022-12-12,SPY,400\n2022-12-13,SPY,404\n"


def fetched(folder: Path, files: dict[str, str | bytes], *symbols: str) -> MarketBars:
    for name, content in files.items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return FileMarket(folder).fetch(symbols or ["SPY"], SESSIONS)


def closes(found: MarketBars, symbol: str = "SPY") -> list[float]:
    return found.bars.loc[found.bars["symbol"] == symbol, "close"].to_list()


UNITS = {  # the column currency, closes, ISO code
    "pence": (["GBX", "GBX"], [1.18, 1.2], {"A": "GBP"}),
    "pounds": (["GBP", "GBP"], [118.0, 120.0], {"A": "GBP"}),
    "agorot": (["ILA", "ILA"], [1.18, 1.2], {"A": "ILS"}),
    "said once": (["ZAc", ""], [1.18, 1.2], {"A": "ZAR"}),
    "two units": (["GBX", "GBP"], [], {}),
}


@pytest.mark.parametrize("ending", ["csv", "xlsx", "parquet", "semicolon.csv"])
@pytest.mark.parametrize("case", UNITS)
def test_the_column_currency_says_the_unit_of_a_symbol_s_prices(tmp_path, ending, case):
    units, expected, codes = UNITS[case]
    frame = pd.DataFrame({"date": ["2022-12-12", "2022-12-13"], "symbol": "A", "close": [118.0, 120.0]})
    frame["currency"] = units
    path = tmp_path / f"prices.{ending}"
    if ending == "semicolon.csv":
        frame.to_csv(path, sep=";", index=False)
    else:
        {"csv": frame.to_csv, "xlsx": frame.to_excel, "parquet": frame.to_parquet}[ending](path, index=False)
    found = FileMarket(path).fetch(["A"], SESSIONS)
    assert closes(found, "A") == expected
    assert found.currencies == codes
    assert ("is quoted in GBP and in GBX" in found.errors.get("A", "")) is (not expected)


def test_a_unit_that_is_none_or_another_than_the_profile_s_is_refused(tmp_path):
    text = "date,symbol,close,currency\n2022-12-12,SPY,400,pence\n"
    with pytest.raises(SourceError, match="currency: 'pence' is no currency; write its ISO code"):
        fetched(tmp_path, {"prices.csv": text})
    found = fetched(
        tmp_path, {"prices.csv": text.replace("pence", "GBP"), "profiles.csv": "symbol,currency\nSPY,USD\n"}
    )
    assert found.bars.empty
    assert "give it one currency" in found.errors["SPY"]


def test_a_symbol_adjusted_in_one_file_and_as_traded_in_another_is_refused(tmp_path):
    other = "date,symbol,adj_close\n2022-12-14,SPY,200\n2022-12-14,TLT,100\n"
    found = fetched(tmp_path, {"a.csv": PLAIN, "b.csv": other}, "SPY", "TLT")
    assert set(found.bars["symbol"]) == {"TLT"}
    assert "closes as traded and another adjusted ones" in found.errors["SPY"]


def test_every_sheet_with_prices_is_read_and_another_is_named(tmp_path):
    frame = pd.read_csv(io.StringIO(PLAIN))
    with pd.ExcelWriter(tmp_path / "prices.xlsx") as book:
        frame.to_excel(book, sheet_name="SPY", index=False)
        frame.assign(symbol="TLT").to_excel(book, sheet_name="TLT", index=False)
        pd.DataFrame({"note": ["of the vendor"]}).to_excel(book, sheet_name="About", index=False)
    found = FileMarket(tmp_path).fetch(["SPY", "TLT"], SESSIONS)
    assert closes(found) == closes(found, "TLT") == [400.0, 404.0]
    assert found.remarks == ("prices.xlsx: not read: sheet About",)


def test_files_of_the_system_are_passed_over_and_other_tables_named(tmp_path):
    junk = {"._prices.csv": b"\x00\x05\x16\x07", "~$prices.xlsx": b"\x06user"}
    found = fetched(tmp_path, {"prices.csv": PLAIN, "more.tsv": "date\tsymbol\n", **junk})
    assert closes(found) == [400.0, 404.0]
    assert found.remarks == ("not read: more.tsv: prices are in files that end in .parquet, .csv, .xlsx",)


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        ({"dividends": "1.5", "close": "402"}, (402.0, 1.5, 1.0)),
        ({"split": "2", "close": "202"}, (202.0, 0.0, 2.0)),
        ({"split_ratio": "0.1", "close": "4040"}, (4040.0, 0.0, 0.1)),
        ({"Stock Splits": "2", "close": "402"}, (402.0, 0.0, 1.0)),  # Yahoo's closes are adjusted for it
        ({"split_factor": "2", "close": "402"}, None),  # so are these, or the share has doubled
        ({"split_factor": "1.05", "close": "402"}, (402.0, 0.0, 1.05)),
        ({"split_factor": "2", "close": "310"}, (310.0, 0.0, 2.0)),
    ],
)
def test_actions_by_their_other_names_and_splits_that_the_closes_know_already(tmp_path, second, expected):
    header = ["date", "symbol", *second]
    rows = [{"date": "2022-12-12", "symbol": "SPY", "close": "400"}, {"date": "2022-12-13", "symbol": "SPY", **second}]
    text = "\n".join([",".join(header), *(",".join(row.get(name, "") for name in header) for row in rows)])
    found = fetched(tmp_path, {"prices.csv": text})
    if expected is None:
        assert "are closes adjusted for splits already?" in found.errors["SPY"]
        assert found.bars.empty
    else:
        last = found.bars.iloc[-1]
        assert (last["close"], last["dividend"], last["split_factor"]) == expected


YFINANCE = "Price,Close,Close\nTicker,SPY,TLT\nDate,,\n2022-12-12,400,100\n"
REFUSED = {
    YFINANCE: "it is a table of yfinance with a column for each symbol",
    YFINANCE.replace(",Close,Close", ",Close,High"): "it is a table of yfinance",
    "Date,SPY,TLT\n2022-12-12,400,100\n": "write a row for each session and symbol",
    "Date,Open,Close\n2022-12-12,400,400\n": "add one that says in every row whose price it is",
    "Date,Ticker,Close\n2022-12-12,SPY,400\n": "it has Date, Ticker, Close: rename one",
}


@pytest.mark.parametrize("text", REFUSED)
def test_tables_of_other_shapes_are_refused_with_the_shape_that_is_read(tmp_path, text):
    with pytest.raises(SourceError, match=REFUSED[text]):
        fetched(tmp_path, {"prices.csv": text})


def test_a_table_of_yfinance_in_parquet_is_refused_with_the_shape_that_is_read(tmp_path):
    columns = pd.MultiIndex.from_product([["Close", "High"], ["SPY", "TLT"]], names=["Price", "Ticker"])
    frame = pd.DataFrame(1.0, index=pd.DatetimeIndex(["2022-12-12"], name="Date"), columns=columns)
    frame.to_parquet(tmp_path / "prices.parquet")
    with pytest.raises(SourceError, match="it is a table of yfinance"):
        FileMarket(tmp_path).fetch(["SPY"], SESSIONS)


def test_a_bar_of_the_future_is_no_end_of_the_prices(tmp_path):
    (tmp_path / "prices.csv").write_text(PLAIN + "2099-01-02,SPY,1\n")
    market = FileMarket(tmp_path)
    assert market.last_date() == date(2099, 1, 2)
    assert market.last_date(date(2026, 1, 2)) == date(2022, 12, 13)
