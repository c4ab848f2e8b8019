"""Brokers' exports, made up in their real layouts: which lots come out of them, by hand."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from risk_pipeline.brokers.detect import missing_portfolios, read_exports
from risk_pipeline.brokers.formats import Format
from risk_pipeline.tabular.rows import ProblemsError, RowSet

FILES = Path(__file__).parent / "files"
SCHWAB = "Individual_XXX123_Transactions_20240401-101500.csv"


def read(*names: str, wanted: Format = Format.AUTO, account: str | None = None) -> dict[str, list[dict[str, str]]]:
    found, rest = read_exports([FILES / name for name in names], wanted, account)
    assert not rest
    out: dict[str, list[dict[str, str]]] = {"notes": [note for rows in found for note in rows.notes]}
    for rows in found:
        out.setdefault(rows.kind, []).extend(dict(row.values) for row in rows.rows)
    return out


def lots(rows: list[dict[str, str]], *columns: str) -> list[tuple]:
    def value(cell: str):
        try:
            return round(float(cell), 6)
        except ValueError:
            return cell

    return [tuple(value(row.get(column, "")) for column in columns) for row in rows]


BOOK = ("symbol", "quantity", "entry_date", "entry_price", "fees", "exit_date", "exit_price", "exit_fees")
AAPL = [  # 120 sold: all of the first lot, 20 of the second
    ("AAPL", 100, "2024-01-02", 185.5, 1.0, "2024-03-01", 179.0, 1.5),
    ("AAPL", 20, "2024-01-16", 182.25, 0.2, "2024-03-01", 179.0, 0.3),
    ("AAPL", 30, "2024-01-16", 182.25, 0.3, "", "", ""),
]


def test_a_flex_query_of_trades_becomes_lots_by_fifo():
    found = read("flex_trades.csv")
    book = lots(found["positions"], *BOOK)
    assert book == [
        *AAPL,
        ("SPY 240315P00500000", -2, "2024-02-01", 8.4, 1.3, "2024-03-15", 0.0, 0.0),
        ("BRK.B", -30, "2024-02-05", 390.0, 1.0, "", "", ""),
        ("ESH4", 1, "2024-02-06", 4975.25, 2.1, "", "", ""),
    ]
    future = found["positions"][-1]
    assert (future["investment_class"], future["multiplier"], future["currency"]) == ("FUTURE", "50.0", "USD")
    assert lots(found["flows"], "portfolio_id", "flow_date", "amount") == [("U1234567", "2024-01-02", 50_000)]
    assert ["Dividends" in note for note in found["notes"]] == [False, True, False]


def test_a_flex_query_with_codes_and_positions_alone_gives_their_lots():
    book = lots(read("flex_positions_with_codes.csv")["positions"], *BOOK[:4])
    assert book == [("MSFT", 40, "2024-01-02", 370.6), ("MSFT", 20, "2024-01-03", 373.3)]


def test_trades_that_do_not_sum_to_the_open_positions_are_refused(tmp_path):
    text = (FILES / "flex_trades.csv").read_text().replace('"20240328","30","171.48"', '"20240328","80","171.48"')
    (tmp_path / "flex.csv").write_text(text)
    with pytest.raises(ProblemsError, match=r"AAPL.*is 80 as an open position, but the trades sum to 30"):
        read_exports([tmp_path / "flex.csv"], Format.AUTO)


def test_schwab_s_transactions_become_lots_and_an_assignment_delivers_its_shares():
    found = read(SCHWAB, account="mine")
    book = lots(found["positions"], "symbol", "quantity", "entry_date", "entry_price", "exit_date", "exit_price")
    assert book == [
        ("AAPL", 100, "2024-01-02", 185.5, "2024-03-01", 179.0),
        ("AAPL", 20, "2024-01-16", 182.25, "2024-03-01", 179.0),
        ("AAPL", 30, "2024-01-16", 182.25, "", ""),
        ("SPY 240315P00500000", -2, "2024-02-01", 8.4, "2024-03-15", 0.0),  # booked on the 18th as of the 15th
        ("KO", -50, "2024-02-05", 60.0, "", ""),
        ("T 240315P00018000", -1, "2024-02-20", 1.1, "2024-03-15", 0.0),
        ("T", 100, "2024-03-15", 18.0, "", ""),
    ]
    assert {row["portfolio_id"] for row in found["positions"]} == {"mine"}
    assert lots(found["flows"], "amount") == [(50_000,)]


def test_schwab_s_positions_begin_on_their_day_with_the_account_s_total():
    found = read("schwab_positions.csv")
    book = lots(found["positions"], "symbol", "quantity", "entry_date", "entry_price", "multiplier")
    assert book == [
        ("AAPL", 1030, "2024-03-28", 171.48, ""),
        ("SCHB", 100.5, "2024-03-28", 61.02, ""),
        ("SPY 240621C00520000", -1, "2024-03-28", 15.2, 100),
        ("912828YB0", 10_000, "2024-03-28", 88.75, 0.01),
    ]
    assert lots(found["portfolios"], "portfolio_id", "inception_date", "starting_equity") == [
        ("Individual-123", "2024-03-28", 252_000)
    ]
    cash = 252_000 - sum(row[1] * row[3] * (row[4] or 1) for row in book)
    assert cash == pytest.approx(61_888.09, abs=0.01)  # what the file itself says


def test_a_list_of_transactions_with_semicolons_splits_and_shorts_becomes_lots():
    found = read("list.csv")
    book = lots(found["positions"], *BOOK)
    assert sorted(book) == sorted(
        [
            ("AAPL", 100, "2024-01-02", 185.5, 1.0, "2024-03-01", 179.0, 1.0),
            ("AAPL", 20, "2024-01-16", 182.25, 0.2, "2024-03-01", 179.0, 0.2),
            ("AAPL", 30, "2024-01-16", 182.25, 0.3, "", "", ""),
            ("NVDA", 5, "2024-01-08", 522.53, 0.5, "2024-06-11", 120.91, 1.0),  # 50 of today were 5 before the split
            ("NVDA", 5, "2024-01-08", 522.53, 0.5, "", "", ""),
            ("KO", -20, "2024-02-05", 60.0, 0.4, "2024-03-04", 59.1, 0.4),
            ("KO", -30, "2024-02-05", 60.0, 0.6, "", "", ""),
            ("TSLA", -10, "2024-03-05", 180.74, 1.0, "", "", ""),
            ("SPY 240719C00550000", 2, "2024-06-12", 4.1, 1.3, "2024-07-19", 0.0, 0.0),
        ]
    )
    assert any("line 10: sells 10 TSLA more than were held" in note for note in found["notes"])


def test_the_same_list_in_excel_is_the_same(tmp_path):
    import pandas as pd

    frame = pd.read_csv(FILES / "list.csv", sep=";", dtype=str)
    frame["Trade Date"] = pd.to_datetime(frame["Trade Date"], dayfirst=True)
    for column in ("Quantity", "Price", "Commission", "Amount"):
        plain = frame[column].str.replace(".", "", regex=False).str.replace(",", ".", regex=False)
        frame[column] = plain.astype(float)
    frame.to_excel(tmp_path / "list.xlsx", index=False)
    (rows,) = [rows for rows in read_exports([tmp_path / "list.xlsx"], Format.AUTO)[0] if rows.kind == "positions"]
    assert lots([dict(row.values) for row in rows.rows], *BOOK) == lots(read("list.csv")["positions"], *BOOK)


def test_a_file_of_ours_is_left_to_its_own_door(tmp_path):
    path = tmp_path / "positions.csv"
    path.write_text("portfolio_id,symbol,investment_class,quantity,entry_date,entry_price\n")
    assert read_exports([path], Format.AUTO) == ([], [path])
    with pytest.raises(ProblemsError, match="is no export of the format schwab"):
        read_exports([path], Format.SCHWAB)
    with pytest.raises(ProblemsError, match="looks like transactions, not like schwab"):
        read_exports([FILES / "list.csv"], Format.SCHWAB)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"Action": "Sell", "Quantity": "200"}, "closes more than the file has opened"),
        ({"Action": "Journaled Shares", "Price": ""}, "moves shares and is not known"),
        ({"Date": "2024-31-01"}, "is no date"),
        ({"Quantity": "many"}, "is no plain number"),
        ({"Symbol": ""}, "symbol is empty"),
    ],
)
def test_what_schwab_s_file_does_not_tell_is_refused_by_line(tmp_path, change, says):
    with (FILES / SCHWAB).open(encoding="utf-8") as text:
        rows = list(csv.DictReader(text))
    rows[4] |= change
    with (tmp_path / "schwab.csv").open("w", encoding="utf-8", newline="") as text:
        writer = csv.DictWriter(text, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    with pytest.raises(ProblemsError) as refused:
        read_exports([tmp_path / "schwab.csv"], Format.AUTO)
    assert any(says in str(problem) and "schwab.csv, line 6" in str(problem) for problem in refused.value.problems)


def test_every_export_ends_in_the_tables(engine):
    """The door of the tables takes all that the importers give; a portfolio that nobody states is made."""
    from risk_pipeline.brokers.detect import missing_portfolios
    from risk_pipeline.storage.imports import checked_import, store_import
    from risk_pipeline.storage.queries import read_table

    names = ("flex_trades.csv", "flex_positions_with_codes.csv", SCHWAB, "schwab_positions.csv", "list.csv")
    found, _ = read_exports([FILES / name for name in names], Format.AUTO)
    made: RowSet = missing_portfolios(found, set(), None)
    summary = store_import(engine, checked_import(engine, [], extra=[*found, made]))
    assert (summary.portfolios, summary.positions, summary.flows) == (5, 28, 3)
    stored = read_table(engine, "positions").set_index("position_id")
    assert stored.loc["U1234567:000006", "multiplier"] == 50
    assert stored.loc["main:000009", ["underlying", "exercise"]].to_list() == ["SPY", "american"]


def test_what_is_not_booked_is_named_with_its_reason():
    notes = " ".join(read("flex_trades.csv")["notes"])
    assert "1 × trades of CASH (EUR.USD) in EUR, 0.00 in all: cash is kept in the portfolio's currency" in notes
    assert "1 × Dividends in USD, 36.00 in all: dividends come with the prices" in notes
    assert "1 × Broker Interest Paid in USD, -4.20 in all: the book has no place for costs and interest" in notes


def test_payments_in_two_currencies_need_their_rate(tmp_path):
    text = (FILES / "flex_trades.csv").read_text()
    line = next(line for line in text.splitlines() if "Deposits/Withdrawals" in line)
    (tmp_path / "flex.csv").write_text(text + line.replace('"USD","1"', '"EUR",""') + "\n")
    with pytest.raises(ProblemsError, match="fxratetobase: is needed where payments are in several currencies"):
        read_exports([tmp_path / "flex.csv"], Format.AUTO)


def test_an_assignment_says_which_shares_are_its_worth(tmp_path):
    (note,) = [note for note in read(SCHWAB)["notes"] if "assigned" in note]
    assert "T 240315P00018000 was exercised or assigned: it ends at 0, its worth is in the +100 T at its strike" in note
    lines = (FILES / SCHWAB).read_text().splitlines(keepends=True)
    shares = next(line for line in lines if '"T"' in line and '"Buy"' in line)
    (tmp_path / SCHWAB).write_text("".join(line for line in lines if line != shares))
    found, _ = read_exports([tmp_path / SCHWAB], Format.AUTO)
    assert any("no T at its strike stand beside it: if shares were delivered" in note for note in found[0].notes)


def export(folder: Path, files: dict[str, list[dict[str, str]]], account: str | None = None) -> dict[str, list]:
    """Read made-up exports; columns are those of the first row of each."""
    paths = []
    for name, rows in files.items():
        paths.append(folder / name)
        with paths[-1].open("w", newline="") as stream:
            writer = csv.DictWriter(stream, [*dict.fromkeys(key for row in rows for key in row)], restval="")
            writer.writeheader()
            writer.writerows(rows)
    found, rest = read_exports(paths, Format.AUTO, account)
    assert not rest
    out: dict[str, list] = {"notes": [note for rows in found for note in rows.notes]}
    for rows in [*found, missing_portfolios(found, set(), None)]:
        out.setdefault(rows.kind, []).extend(dict(row.values) for row in rows.rows)
    return out


def schwab(day: str, action: str, symbol: str, quantity: str, price: str, amount: str) -> dict[str, str]:
    return {
        "Date": day,
        "Action": action,
        "Symbol": symbol,
        "Description": "",
        "Quantity": quantity,
        "Price": price,
        "Fees & Comm": "",
        "Amount": amount,
    }


def flex(symbol: str, quantity: float, price: float, day: str, **other: str) -> dict[str, str]:
    return {
        "ClientAccountID": "U1",
        "CurrencyPrimary": "USD",
        "FXRateToBase": "1",
        "AssetClass": "STK",
        "Symbol": symbol,
        "TradeDate": day,
        "Quantity": f"{quantity:g}",
        "TradePrice": f"{price:g}",
        "IBCommission": "-1",
        "IBCommissionCurrency": "USD",
        "Buy/Sell": "BUY" if quantity > 0 else "SELL",
        "Notes/Codes": "",
        "LevelOfDetail": "EXECUTION",
        **other,
    }


SCHWAB_CASES = {  # rows, newest first; lots
    "a bond per 100": (
        [
            schwab("03/05/2024", "Sell", "912828YB0", "5,000", "$89.00", "$4,480.10"),  # accrued interest in it
            schwab("02/05/2024", "Buy", "912828YB0", "10,000", "$88.75", "-$8,875.00"),
        ],
        [("912828YB0", 5000, 88.75, 89.0, 0.01), ("912828YB0", 5000, 88.75, "", 0.01)],
    ),
    "a cancelled purchase": (
        [
            schwab("02/06/2024", "Cancel Buy", "AAPL", "100", "$185.00", "$18,500.00"),
            schwab("02/05/2024", "Buy", "AAPL", "100", "$185.00", "-$18,500.00"),
            schwab("02/05/2024", "Buy", "AAPL", "0.25", "$185.00", "-$46.25"),
        ],
        [("AAPL", 0.25, 185.0, "", "")],
    ),
}


@pytest.mark.parametrize("case", SCHWAB_CASES)
def test_schwab_s_peculiarities(tmp_path, case):
    rows, expected = SCHWAB_CASES[case]
    found = export(tmp_path, {SCHWAB: rows})
    assert lots(found["positions"], "symbol", "quantity", "entry_price", "exit_price", "multiplier") == expected


ACTION = {"Description": "", "Date/Time": "20240607;202500", "Amount": "0", "Proceeds": "0", "Value": "0"}


def action(symbol: str, quantity: float, kind: str) -> dict[str, str]:
    row = {"ClientAccountID": "U1", "CurrencyPrimary": "USD", "AssetClass": "STK", "Symbol": symbol, **ACTION}
    return {**row, "Quantity": f"{quantity:g}", "Type": kind}


FLEX_CASES = {  # trades, corporate actions; lots
    "a cancelled purchase": (
        [flex("A", 9, 5, "20240102"), flex("A", -9, 5, "20240102", **{"Notes/Codes": "Ca", "Buy/Sell": "BUY (Ca.)"})],
        [],
        [],
    ),
    "a cancelled sale": (
        [
            flex("A", 9, 5, "20240102"),
            flex("A", -9, 6, "20240103"),
            flex("A", 9, 6, "20240103", **{"Notes/Codes": "Ca", "Buy/Sell": "SELL (Ca.)"}),
        ],
        [],
        [("A", 9, 5.0, "", 1.0)],
    ),
    "a split, then a sale": (
        [flex("A", 10, 1000, "20240102"), flex("A", -20, 120, "20240612")],
        [action("A", 90, "FS")],
        [("A", 2, 1000.0, 120.0, 0.2), ("A", 8, 1000.0, "", 0.8)],
    ),
    "a reverse split, then a sale": (
        [flex("A", 100, 1, "20240102"), flex("A", -5, 11, "20240612")],
        [action("A.OLD", -100, "RS"), action("A", 10, "RS")],
        [("A", 50, 1.0, 11.0, 0.5), ("A", 50, 1.0, "", 0.5)],
    ),
    "a spin-off": (
        [flex("A", 100, 1, "20240102")],
        [action("B", 33.5, "SO")],
        [("A", 100, 1.0, "", 1.0), ("B", 33.5, 0.0, "", 0.0)],
    ),
    "a commission in the account's currency": (
        [flex("A", 10, 5, "20240102"), flex("B", 10, 5, "20240102", CurrencyPrimary="EUR", FXRateToBase="1.25")],
        [],
        [("A", 10, 5.0, "", 1.0), ("B", 10, 5.0, "", 0.8)],
    ),
}


@pytest.mark.parametrize("case", FLEX_CASES)
def test_interactive_brokers_peculiarities(tmp_path, case):
    trades, actions, expected = FLEX_CASES[case]
    found = _read_flex(tmp_path, trades, actions)
    rows = [dict(row.values) for part in found if part.kind == "positions" for row in part.rows]
    assert lots(rows, "symbol", "quantity", "entry_price", "exit_price", "fees") == expected


def test_a_merger_and_a_cancelled_trade_that_is_not_there_are_refused(tmp_path):
    for trades, actions, says in (
        ([flex("A", 9, 5, "20240102")], [action("A", -9, "TC")], "moves shares and is not known"),
        ([flex("A", -9, 5, "20240102", **{"Notes/Codes": "Ca", "Buy/Sell": "BUY (Ca.)"})], [], "cancels a trade"),
    ):
        with pytest.raises(ProblemsError, match=says):
            _read_flex(tmp_path, trades, actions)


def _read_flex(folder: Path, *sections: list[dict[str, str]]) -> list[RowSet]:
    path = folder / "flex.csv"
    with path.open("w", newline="") as stream:
        for rows in filter(None, sections):
            writer = csv.DictWriter(stream, [*rows[0]])
            writer.writeheader()
            writer.writerows(rows)
    return read_exports([path], Format.AUTO)[0]


def test_the_currency_of_an_account_is_the_one_whose_rate_is_one(tmp_path):
    found = _read_flex(
        tmp_path,
        [flex("AAPL", 10, 180, "20240102", FXRateToBase="0.9")],
        [
            {
                "ClientAccountID": "U1",
                "CurrencyPrimary": "EUR",
                "FXRateToBase": "1",
                "Type": "Deposits/Withdrawals",
                "Date/Time": "20240102",
                "Amount": "50000",
            }
        ],
    )
    (made,) = missing_portfolios(found, set(), None).rows
    assert made.values["currency"] == "EUR"


HEAD = {"date": "", "action": "", "symbol": "", "quantity": "", "price": "", "amount": "", "account": "m"}


def listed(*rows: dict[str, str]) -> list[dict[str, str]]:
    return [{**HEAD, **row} for row in rows]


def test_exports_of_an_account_follow_each_other_and_do_not_overlap(tmp_path):
    years = {
        "b.csv": listed({"date": "2024-02-05", "action": "sell", "symbol": "A", "quantity": "50", "price": "9"}),
        "a.csv": listed({"date": "2023-02-05", "action": "buy", "symbol": "A", "quantity": "80", "price": "5"}),
    }
    found = export(tmp_path, years)
    assert lots(found["positions"], "quantity", "entry_date", "exit_price") == [
        (50, "2023-02-05", 9.0),
        (30, "2023-02-05", ""),
    ]
    assert len({row["position_id"] for row in found["positions"]}) == 2
    years["b.csv"] += listed({"date": "2023-02-05", "action": "buy", "symbol": "A", "quantity": "80", "price": "5"})
    with pytest.raises(ProblemsError, match="export periods that have no day in common"):
        export(tmp_path, years)


def test_a_list_with_its_newest_day_first_is_read_backwards_also_where_that_is_seen_in_a_deposit(tmp_path):
    rows = listed(
        {"date": "2024-01-03", "action": "sell", "symbol": "A", "quantity": "1", "price": "9"},
        {"date": "2024-01-03", "action": "buy", "symbol": "A", "quantity": "2", "price": "8"},
        {"date": "2024-01-03", "action": "dividend", "symbol": "A", "quantity": "1", "price": ".5", "amount": ".5"},
        {"date": "2024-01-02", "action": "deposit", "amount": "1000"},
    )
    found = export(tmp_path, {"list.csv": rows})
    assert lots(found["positions"], "quantity", "entry_price", "exit_price") == [(1, 8.0, 9.0), (1, 8.0, "")]
    assert [note for note in found["notes"] if "1 \u00d7 dividend" in note]


def test_a_portfolio_made_of_lots_in_pence_is_in_pounds(tmp_path):
    rows = listed({"date": "2024-01-03", "action": "buy", "symbol": "VOD.L", "quantity": "1", "price": "68"})
    found = export(tmp_path, {"list.csv": [{**row, "currency": "GBp"} for row in rows]})
    assert [row["currency"] for row in found["portfolios"]] == ["GBP"]
    assert [row["currency"] for row in found["positions"]] == ["GBp"]


def test_a_bond_among_schwab_s_positions_is_told_by_its_value_where_no_column_says_it(tmp_path):
    lines = (FILES / "schwab_positions.csv").read_text().splitlines()
    path = tmp_path / "positions.csv"
    path.write_text("\n".join(line.replace('"Fixed Income"', '""') for line in lines))
    (rows,) = [rows for rows in read_exports([path], Format.AUTO)[0] if rows.kind == "positions"]
    (bond,) = [row.values for row in rows.rows if row.values["symbol"] == "912828YB0"]
    assert (bond["investment_class"], bond["multiplier"]) == ("BOND", "0.01")
