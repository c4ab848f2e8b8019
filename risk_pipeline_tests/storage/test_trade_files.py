"""Trades of a what-if as people write them: read as an import is, or refused in a sentence."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from risk_pipeline.storage.trade_files import TradesRefused, read_trades

READ = {  # content: quantities and prices
    "symbol,quantity\nspy,5\nSPY,-2\n": [(5.0, 400.0), (-2.0, 400.0)],
    "symbol,quantity,price\nSPY,0.125,401\nSPY,2.375,401\n": [(0.125, 401.0), (2.375, 401.0)],
    "symbol;quantity;price\nSPY;-1.250,5;401,25\n": [(-1250.5, 401.25)],
    "symbol,quantity,price\nSPY,(5),$401.5\nTotal,(5),\n": [(-5.0, 401.5)],
}


def read(path) -> list[tuple[float, float]]:
    rows = read_trades(path, date(2022, 12, 14), "mine", {"SPY": 400.0}.get)
    return [(row["quantity"], row["entry_price"]) for row in rows]


@pytest.mark.parametrize("text", READ)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_trades_are_read_in_every_way_that_positions_are(tmp_path, text, encoding):
    path = tmp_path / "trades.csv"
    path.write_text(text, encoding=encoding)
    assert read(path) == READ[text]


def test_trades_of_a_workbook_are_read(tmp_path):
    frame = pd.DataFrame({"symbol": ["SPY", "SPY"], "quantity": [2.375, -5], "price": [401.5, None]})
    frame.to_excel(tmp_path / "trades.xlsx", index=False)
    assert read(tmp_path / "trades.xlsx") == [(2.375, 401.5), (-5.0, 400.0)]


def test_a_file_without_portfolios_is_told_how_to_name_one(tmp_path):
    (tmp_path / "trades.csv").write_text("symbol,quantity\nSPY,5\n")
    with pytest.raises(TradesRefused, match="no portfolio is named: add the column portfolio_id, or give --portfolio"):
        read_trades(tmp_path / "trades.csv", date(2022, 12, 14), None, {"SPY": 400.0}.get)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"symbol,quantity\nSP\x00Y,5\n", "line 2: holds a null byte"),
        (b"PK\x03\x04", "is no readable Excel file"),
        (b"symbol,quantity,\x1b[2J\nSPY,5,1\n", r"has no use for \\u001b"),
        (b"symbol,quantity\nXYZ,5\n", "XYZ has no price on 2022-12-14: give one"),
        (b"symbol,quantity\nX\x1bZ,5\n", r"X\\u001bZ has no price on 2022-12-14: give one"),
    ],
)
def test_what_is_no_list_of_trades_is_refused_in_a_sentence(tmp_path, content, says):
    (tmp_path / "trades.csv").write_bytes(content)
    with pytest.raises(TradesRefused, match=says):
        read(tmp_path / "trades.csv")
