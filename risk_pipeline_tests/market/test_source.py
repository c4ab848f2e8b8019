from __future__ import annotations

import pandas as pd
import pytest

from risk_pipeline.market.files import FileMarket
from risk_pipeline.market.open import open_source
from risk_pipeline.market.simulated import SimulatedMarket
from risk_pipeline.market.source import BAR_COLUMNS, PROFILE_COLUMNS, SourceError


def test_each_name_opens_its_source(tmp_path):
    assert isinstance(open_source("simulated", seed=3), SimulatedMarket)
    assert open_source("simulated", seed=3).seed == 3
    assert isinstance(open_source("files", path=tmp_path), FileMarket)
    assert [open_source(name, path=tmp_path).name for name in ("simulated", "files", "yahoo")] == [
        "simulated",
        "files",
        "yahoo",
    ]


def test_a_wrong_name_or_no_path_is_refused_with_the_remedy():
    with pytest.raises(SourceError, match="use simulated, files, yahoo or tiingo"):
        open_source("bloomberg")
    with pytest.raises(SourceError, match="RISK_PIPELINE_MARKET__PATH"):
        open_source("files")


def test_every_source_gives_the_same_columns_and_types(tmp_path, yahoo, yahoo_session, chart_answer):
    from risk_pipeline.market.yahoo import YahooMarket

    day = pd.DatetimeIndex(["2024-01-08"]).astype("datetime64[s]")
    pd.DataFrame({"date": day, "symbol": "SPY", "close": 470.0}).to_parquet(tmp_path / "prices.parquet")
    yahoo.answers["SPY"] = [chart_answer("SPY", {"2024-01-08": 470.0})]
    sources = [open_source("simulated"), FileMarket(tmp_path), YahooMarket(session=yahoo_session, wait=0.0)]
    kinds = set()
    for source in sources:
        for symbols in (["SPY"], []):
            found = source.fetch(symbols, day)
            assert tuple(found.bars.columns) == BAR_COLUMNS
            kinds.add(tuple(map(str, found.bars.dtypes)))
        profiles = source.profiles(["SPY"])
        assert tuple(profiles.columns) == PROFILE_COLUMNS
        assert str(profiles["as_of"].dtype) == "datetime64[s]"
    assert kinds == {("datetime64[s]", "str", *["float64"] * 6, "str")}
