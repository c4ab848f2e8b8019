"""Sources in a row, pairs made of others, quotes in pence, and sources that other packages bring."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from risk_pipeline.market.chain import ChainedMarket
from risk_pipeline.market.files import FileMarket
from risk_pipeline.market.open import SourceOptions, open_source
from risk_pipeline.market.pairs import WithPairs
from risk_pipeline.market.source import MarketBars, SourceError, profile_frame

DAYS = pd.DatetimeIndex(["2024-01-08", "2024-01-09", "2024-01-10"]).astype("datetime64[s]")


def files(folder, rows: dict[str, list[float | None]], name: str = "prices", column: str = "close") -> FileMarket:
    folder.mkdir(exist_ok=True)
    frame = pd.DataFrame(rows, index=DAYS.strftime("%Y-%m-%d")).stack().rename(column)
    frame.rename_axis(["date", "symbol"]).reset_index().to_csv(folder / f"{name}.csv", index=False)
    return FileMarket(folder)


def closes(found: MarketBars, symbol: str) -> list[float]:
    return found.bars[found.bars["symbol"] == symbol]["close"].tolist()


def test_the_next_source_is_asked_for_what_the_first_lacks_and_each_bar_says_where_it_is_from(tmp_path):
    first = files(tmp_path / "a", {"AAA": [1.0, None, 3.0], "BBB": [5.0, 6.0, 7.0]})
    second = files(tmp_path / "b", {"AAA": [9.0, 2.0, 9.0], "BBB": [9.0, 9.0, 9.0], "CCC": [4.0, 4.0, 4.0]})
    object.__setattr__(second, "name", "second")
    found = ChainedMarket([first, second]).fetch(["AAA", "BBB", "CCC", "DDD"], DAYS)
    assert closes(found, "AAA") == [1.0, 2.0, 3.0]
    assert closes(found, "BBB") == [5.0, 6.0, 7.0]
    assert closes(found, "CCC") == [4.0, 4.0, 4.0]
    origin = found.bars.set_index(["symbol", "session"])["source"]
    assert origin["AAA"].tolist() == ["files", "second", "files"]
    assert set(origin["CCC"]) == {"second"}
    assert set(found.errors) == {"DDD"}
    assert found.errors["DDD"].count("is in no file") == 2


def test_sources_on_different_bases_are_never_mixed(tmp_path):
    first = files(tmp_path / "a", {"AAA": [1.0, None, 3.0]})
    second = files(tmp_path / "b", {"AAA": [0.9, 1.9, 2.9]}, column="adj_close")
    found = ChainedMarket([first, second]).fetch(["AAA"], DAYS)
    assert closes(found, "AAA") == [1.0, 3.0]
    assert "another basis" in found.notes["AAA"]


class Broken:
    name = "broken"

    def fetch(self, symbols, sessions):
        raise SourceError("the vendor is down")

    def profiles(self, symbols, as_of=None):
        return profile_frame([])


def test_a_source_that_is_down_is_passed_over_as_long_as_another_answers(tmp_path):
    there = files(tmp_path / "a", {"AAA": [1.0, 2.0, 3.0]})
    assert closes(ChainedMarket([Broken(), there]).fetch(["AAA"], DAYS), "AAA") == [1.0, 2.0, 3.0]
    with pytest.raises(SourceError, match="broken: the vendor is down"):
        ChainedMarket([Broken(), Broken()]).fetch(["AAA"], DAYS)


def test_a_pair_is_made_of_its_inverse_or_of_two_against_the_dollar(tmp_path):
    dollars = [0.90, 0.92, 0.91]
    pounds = [1.27, 1.28, None]
    market = WithPairs(files(tmp_path / "a", {"USDEUR=X": dollars, "GBPUSD=X": pounds}))
    found = market.fetch(["EURUSD=X", "GBPEUR=X", "GBPUSD=X", "EURJPY=X"], DAYS)
    np.testing.assert_allclose(closes(found, "EURUSD=X"), 1 / np.array(dollars))
    other = WithPairs(files(tmp_path / "b", {"EURUSD=X": [1.1, 1.2, 1.3], "GBPUSD=X": pounds}))
    np.testing.assert_allclose(closes(other.fetch(["GBPEUR=X"], DAYS), "GBPEUR=X"), [1.27 / 1.1, 1.28 / 1.2])
    assert "nor can it be made of" in found.errors["EURJPY=X"]
    assert closes(found, "GBPUSD=X") == [1.27, 1.28]


def test_a_pair_against_the_dollar_is_made_of_its_short_form_or_of_a_cross(tmp_path):
    short = WithPairs(files(tmp_path / "a", {"JPY=X": [140.0, 141.0, None]}))
    assert closes(short.fetch(["USDJPY=X"], DAYS), "USDJPY=X") == [140.0, 141.0]
    assert closes(short.fetch(["JPYUSD=X"], DAYS), "JPYUSD=X") == pytest.approx([1 / 140, 1 / 141])
    crossed = WithPairs(files(tmp_path / "b", {"EURGBP=X": [0.8, 0.81, 0.82], "USDGBP=X": [0.75, 0.74, 0.73]}))
    found = crossed.fetch(["EURUSD=X", "USDCHF=X"], DAYS)
    assert closes(found, "EURUSD=X") == pytest.approx([0.8 / 0.75, 0.81 / 0.74, 0.82 / 0.73])
    assert found.errors == {"USDCHF=X": found.errors["USDCHF=X"]}
    assert found.errors["USDCHF=X"].endswith("nor can it be made of CHFUSD=X or CHF=X")


@pytest.mark.parametrize(("unit", "code"), [("GBX", "GBP"), ("GBp", "GBP"), ("ILA", "ILS"), ("ZAc", "ZAR")])
def test_hundredths_are_divided_once_where_they_come_in(tmp_path, unit, code):
    market = files(tmp_path / "a", {"VOD.L": [116.1, 117.2, 118.3], "AAA": [1.0, 2.0, 3.0]})
    (tmp_path / "a" / "profiles.csv").write_text(f"symbol,name,sector,vendor_beta,currency\nVOD.L,,,,{unit}\n")
    found = market.fetch(["VOD.L", "AAA"], DAYS)
    assert closes(found, "VOD.L") == [1.161, 1.172, 1.183]
    assert closes(found, "AAA") == [1.0, 2.0, 3.0]
    assert found.currencies == {"VOD.L": code}


PLUGIN = """
import pandas as pd
from risk_pipeline.market.source import MarketBars, profile_frame
from risk_pipeline.market.validate import checked_bars

class Constant:
    name = "constant"

    def fetch(self, symbols, sessions):
        rows = [(day, symbol, 5.0) for day in sessions for symbol in symbols]
        bars = pd.DataFrame(rows, columns=["session", "symbol", "close"])
        nothing = dict.fromkeys(("high", "low", "volume"), float("nan"))
        return checked_bars(bars.assign(**nothing, dividend=0.0, split_factor=1.0, basis="as_traded"), sessions)

    def profiles(self, symbols, as_of=None):
        return profile_frame([])

def open_constant(options):
    return Constant()
"""


def test_a_source_of_another_package_is_found_by_its_entry_point(tmp_path, monkeypatch):
    (tmp_path / "my_source.py").write_text(PLUGIN)
    information = tmp_path / "my_source-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: my-source\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(
        "[risk_pipeline.market_sources]\nconstant = my_source:open_constant\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    found = open_source("constant").fetch(["AAA"], DAYS)
    assert closes(found, "AAA") == [5.0, 5.0, 5.0]
    chained = open_source(" constant , simulated ")
    assert chained.name == "constant,simulated"
    with pytest.raises(SourceError, match="use simulated, files, yahoo, tiingo or constant"):
        open_source("bloomberg")
    sys.modules.pop("my_source", None)


def test_the_example_of_the_documentation_is_a_source(tmp_path):
    page = (Path(__file__).parents[2] / "docs" / "sources.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(example.splitlines()) <= 45
    room: dict[str, object] = {}
    exec(example, room)
    rows = {"day": DAYS, "symbol": "AAA", "high": 6.0, "low": 4.0, "close": 5.0, "volume": 1.0, "dividend": 0.0}
    pd.DataFrame({**rows, "split": 1.0}).to_parquet(tmp_path / "bars.parquet")
    source = room["open_warehouse"](SourceOptions(tmp_path))
    found = source.fetch(["AAA", "BBB"], DAYS)
    assert closes(found, "AAA") == [5.0, 5.0, 5.0]
    assert found.errors == {"BBB": "is not in the warehouse"}
    assert found.currencies == {"AAA": "USD"}
    with pytest.raises(SourceError, match="the warehouse can't be read"):
        room["open_warehouse"](SourceOptions(tmp_path / "nowhere")).fetch(["AAA"], DAYS)
