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


DAY = date(2022, 12, 14)


def nothing(portfolio: str, symbol: str) -> dict[str, object]:
    return {}


def read(path) -> list[tuple[float, float]]:
    rows = read_trades(path, DAY, "mine", {"SPY": 400.0}.get, nothing)
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
        read_trades(tmp_path / "trades.csv", DAY, None, {"SPY": 400.0}.get, nothing)


def test_a_close_is_no_number_of_the_file_s_style(tmp_path):
    """Three decimals after a point are thousands in a file that writes 1.250,5."""
    (tmp_path / "trades.csv").write_text("symbol;quantity\nSPY;-1.250,5\n")
    (row,) = read_trades(tmp_path / "trades.csv", DAY, "mine", {"SPY": 400.251}.get, nothing)
    assert (row["quantity"], row["entry_price"]) == (-1250.5, 400.251)


CONTRACT = {
    "investment_class": "OPTIONS",
    "underlying": "SPY",
    "option_type": "CALL",
    "strike": 400.125,
    "expiry": date(2023, 3, 17),
    "implied_volatility": 0.3,
    "exercise": "european",
    "multiplier": 150.0,
}


def held(portfolio: str, symbol: str) -> dict[str, object]:
    return {("mine", "SPY1"): CONTRACT, ("mine", "FUND"): {"investment_class": "PRIVATE"}}.get((portfolio, symbol), {})


def test_what_is_held_needs_no_terms_and_has_no_others(tmp_path):
    path = tmp_path / "trades.csv"
    path.write_text("symbol;quantity;price\nSPY1;-1.250,5;9,5\nFUND;-1;100\n")
    option, private = read_trades(path, DAY, "mine", {}.get, held)
    assert {name: option[name] for name in CONTRACT} == CONTRACT
    assert private["investment_class"] == "PRIVATE"
    path.write_text(
        "symbol,quantity,price,multiplier,strike\nSPY1,-2,9.5,100,\nSPY1,-2,9.5,150,401\nSPY1,-2,9.5,150,\n"
    )
    with pytest.raises(TradesRefused) as refused:
        read_trades(path, DAY, "mine", {}.get, held)
    assert [(problem.line, problem.column) for problem in refused.value.problems] == [(2, "multiplier"), (3, "strike")]
    assert "is 150.0 of what is held: leave it empty" in str(refused.value)
    path.write_text("symbol,quantity,investment_class\nSPY1,5,PUBLIC\n")  # a share of the same name
    assert read_trades(path, DAY, "mine", {"SPY1": 7.0}.get, held)[0]["strike"] is None


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"symbol,quantity\nSP\x00Y,5\n", "line 2: holds a null byte"),
        (b"PK\x03\x04", "is no readable Excel file"),
        (b"symbol,quantity,\x1b[2J\nSPY,5,1\n", r"has no use for \\u001b"),
        (
            b"symbol,quantity,price\nSPY,5,40012\n",
            "'40012' is 100 times the close, 400: name its unit",
        ),
        (b"symbol,quantity\nXYZ,5\n", "XYZ has no price on 2022-12-14: give one"),
        (b"symbol,quantity\nX\x1bZ,5\n", r"X\\u001bZ has no price on 2022-12-14: give one"),
    ],
)
def test_what_is_no_list_of_trades_is_refused_in_a_sentence(tmp_path, content, says):
    (tmp_path / "trades.csv").write_bytes(content)
    with pytest.raises(TradesRefused, match=says):
        read(tmp_path / "trades.csv")
