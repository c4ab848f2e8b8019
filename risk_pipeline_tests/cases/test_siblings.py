"""Cases that nobody reported, of the kinds that were: each with its right value, by hand."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from risk_pipeline.market.aliases import JoinedMarket, TickerChange
from risk_pipeline.market.files import FileMarket
from risk_pipeline.market.pairs import WithPairs
from risk_pipeline.storage.imports import ImportRefused, run_import
from risk_pipeline.storage.queries import read_table
from risk_pipeline_tests.support.real_prices import PATH as REAL_PRICES

SESSIONS = pd.bdate_range("2022-10-03", "2022-12-16").difference(pd.DatetimeIndex(["2022-11-24"]))
FIRST, LAST = "2022-12-01", "2022-12-16"


def flat(symbol: str, steps: dict[str, float], first: str = "2022-10-03", last: str = LAST) -> pd.DataFrame:
    """Closes that stay until the next step."""
    close = pd.Series(steps).set_axis(pd.DatetimeIndex(list(steps)))
    days = SESSIONS[(first <= SESSIONS) & (last >= SESSIONS)]
    return pd.DataFrame({"date": days, "symbol": symbol, "close": close.reindex(days, method="ffill").to_numpy()})


def action(symbol: str, day: str, **changes: float) -> pd.DataFrame:
    return pd.DataFrame([{"date": pd.Timestamp(day), "symbol": symbol, "close": None, **changes}])


BEGIN = "2022-10-03"
PRICES = [
    flat("REV", {BEGIN: 2.0, "2022-12-08": 20.0, LAST: 21.0}),
    action("REV", "2022-12-08", close=20.0, split_factor=0.1),
    flat("FRA", {BEGIN: 30.0, "2022-12-08": 20.0, LAST: 22.0}),
    action("FRA", "2022-12-08", close=20.0, split_factor=1.5),
    flat("SAT", {BEGIN: 50.0, "2022-12-12": 25.0, LAST: 26.0}),
    action("SAT", "2022-12-10", split_factor=2.0),
    flat("SUN", {BEGIN: 40.0, LAST: 39.0}),
    action("SUN", "2022-12-11", dividend=1.0),
    flat("VOD.L", {BEGIN: 118.0, LAST: 121.0}),
    flat("TEVA.TA", {BEGIN: 2990.0, LAST: 3100.0}),
    flat("NPN.JO", {BEGIN: 200_000.0, LAST: 210_000.0}),
    flat("USA", {BEGIN: 100.0, LAST: 110.0}),
    flat("USDEUR=X", {BEGIN: 0.8, "2022-12-12": 0.9}),
    *(flat(symbol, {BEGIN: 10.0, LAST: 11.0}) for symbol in ("TRUE", "NULL", "1E5", "0012", "NAN")),
    flat("T5", {BEGIN: 99.0, LAST: 101.0}),
    flat("SPI", {BEGIN: 3.0, LAST: 4.0}),
    flat("OLD", {BEGIN: 10.0}, last="2022-12-05"),
    flat("MID", {BEGIN: 10.5}, first="2022-12-06", last="2022-12-12"),
    flat("NEW", {BEGIN: 11.0, LAST: 12.0}, first="2022-12-13"),
    flat("NEG", {BEGIN: 10.0, LAST: -5.0}),
]
BOOKS = {  # portfolio: currency; lots: symbol, class, quantity, price, currency, multiplier; equity on the last day
    "reverse": ("USD", [("REV", "STOCK", 1000, 2.0, "", "")], 100_000 - 2000 + 100 * 21),
    "fraction": ("USD", [("FRA", "STOCK", 7, 30.0, "", "")], 100_000 - 210 + 10.5 * 22),
    "split_on_saturday": ("USD", [("SAT", "STOCK", 10, 50.0, "", "")], 100_000 - 500 + 20 * 26),
    "dividend_on_sunday": ("USD", [("SUN", "STOCK", 10, 40.0, "", "")], 100_000 - 10 + 10),
    "pence": ("GBP", [("VOD.L", "STOCK", 1000, 118.0, "GBX", "")], 100_000 + 1000 * 0.03),
    "pounds": ("GBP", [("VOD.L", "STOCK", 1000, 1.18, "GBP", "")], 100_000 + 1000 * 0.03),
    "agorot": ("ILS", [("TEVA.TA", "STOCK", 10, 2990.0, "ILA", "")], 100_000 + 10 * 1.1),
    "cents": ("ZAR", [("NPN.JO", "STOCK", 1, 200_000.0, "ZAc", "")], 100_000 + 100),
    "inverted_pair": ("EUR", [("USA", "STOCK", 10, 100.0, "USD", "")], 100_000 - 800 + 10 * 110 * 0.9),
    "words": ("USD", [(name, "STOCK", 1, 10.0, "", "") for name in ("TRUE", "NULL", "1E5", "0012", "NAN")], 100_005),
    "bond": ("USD", [("T5", "BOND", 10_000, 99.0, "", "0.01")], 100_000 + 200),
    "short_bond": ("USD", [("T5", "BOND", -10_000, 99.0, "", "0.01")], 100_000 - 200),
    "spin_off": ("USD", [("SPI", "STOCK", 5, 0.0, "", "")], 100_000 + 20),
    "renamed_twice": ("USD", [("OLD", "STOCK", 10, 10.0, "", "")], 100_000 + 20),
    "negative_price": ("USD", [("NEG", "STOCK", 1, 10.0, "", "")], 100_000),
}
CHANGES = [("OLD", "MID", date(2022, 12, 6)), ("MID", "NEW", date(2022, 12, 13))]
HEADER = "portfolio_id,symbol,investment_class,quantity,entry_date,entry_price,currency,multiplier\n"


@pytest.fixture
def folder(tmp_path) -> Path:
    """The prices and the book, as files."""
    prices, book = tmp_path / "prices", tmp_path / "book"
    prices.mkdir()
    book.mkdir()
    shutil.copy(REAL_PRICES, prices)
    rows = pd.concat(PRICES, ignore_index=True)
    rows = rows[~rows.duplicated(["date", "symbol"], keep="last")]  # the row with the action
    rows.to_csv(prices / "prices.csv", index=False, date_format="%Y-%m-%d")
    units = (("VOD.L", "GBp"), ("TEVA.TA", "ILA"), ("NPN.JO", "ZAc"))
    (prices / "profiles.csv").write_text("symbol,currency\n" + "".join(f"{name},{unit}\n" for name, unit in units))
    (book / "portfolios.csv").write_text(
        "portfolio_id,name,inception_date,starting_equity,currency\n"
        + "".join(f"{name},{name},{FIRST},100000,{currency}\n" for name, (currency, _, _) in BOOKS.items())
    )
    (book / "positions.csv").write_text(
        HEADER
        + "".join(
            f"{name},{symbol},{kind},{quantity},{FIRST},{price},{currency},{multiplier}\n"
            for name, (_, lots, _) in BOOKS.items()
            for symbol, kind, quantity, price, currency, multiplier in lots
        )
    )
    (book / "aliases.csv").write_text("old,new,date\n" + "".join(f"{old},{new},{day}\n" for old, new, day in CHANGES))
    return tmp_path


def test_siblings_of_the_cases_have_their_right_equity(folder, equity_of):
    changes = [TickerChange(*change) for change in CHANGES]
    market = JoinedMarket(WithPairs(FileMarket(folder / "prices")), changes)
    equity = equity_of(folder / "book", market, FIRST, LAST, daily=False).loc[LAST]
    assert equity.to_dict() == pytest.approx({name: right for name, (_, _, right) in BOOKS.items()}, abs=1e-6)


@pytest.mark.parametrize("ending", ["csv", "xlsx", "parquet"])
def test_symbols_that_look_like_something_else_are_symbols_in_every_kind_of_price_file(tmp_path, ending):
    names = ["TRUE", "NAN", "NULL", "1E5", "0012", "INF", "2022-12", "NONE"]
    frame = pd.concat([flat(name, {BEGIN: 10.0}, first=FIRST) for name in names]).sort_values(["date", "symbol"])
    path = tmp_path / f"prices.{ending}"
    write = {"csv": frame.to_csv, "xlsx": frame.to_excel, "parquet": frame.to_parquet}[ending]
    write(path, index=False)
    found = FileMarket(path).fetch(names, SESSIONS[SESSIONS >= FIRST])
    assert not found.errors
    assert set(found.bars["symbol"]) == set(names)


PLAIN = "portfolio_id,symbol,investment_class,quantity,entry_date,entry_price\n"
GERMAN = PLAIN.replace(",", ";") + 'mine;SPY;ETF;1.234,56;31.01.2022;"1.440,50"\n'


def row(quantity: str = "5", day: str = "2022-01-31", price: str = "440", symbol: str = "SPY") -> str:
    return f"mine,{symbol},ETF,{quantity},{day},{price}\n"


READ = {  # bytes, quantities, prices
    "decimal commas": (GERMAN.encode(), [1234.56], [1440.5]),
    "UTF-16 without a mark": ((PLAIN + row()).encode("utf-16-le"), [5.0], [440.0]),
    "UTF-16 with one": ((PLAIN + row()).encode("utf-16"), [5.0], [440.0]),
    "a title above semicolons": (("Positions, as of today\n\n" + GERMAN).encode(), [1234.56], [1440.5]),
    "words for nothing": (
        (PLAIN.replace("\n", ",exit_date,exit_price,currency\n") + row().replace("\n", ",-,n/a,NaN\n")).encode(),
        [5.0],
        [440.0],
    ),
    "a broken line in a column that is not read": (
        (PLAIN.replace("\n", ",note\n") + row().replace("\n", ',"in two\nlots"\n')).encode(),
        [5.0],
        [440.0],
    ),
    "dollars before parentheses": ((PLAIN + row("$(5)")).encode(), [-5.0], [440.0]),
    "parentheses and dollars": ((PLAIN + row("(5)", price="$440.50")).encode(), [-5.0], [440.5]),
    "a grand total": ((PLAIN + row() + "Grand Total,,,5,,\n").encode(), [5.0], [440.0]),
    "dates in two formats": ((PLAIN + row("1") + row("2", "31.01.2022")).encode(), [1.0, 2.0], [440.0, 440.0]),
}
BOOK = "portfolio_id,name,inception_date,starting_equity\nmine,Mine,2022-01-03,1000\n"


def imported(engine, tmp_path, content: bytes) -> pd.DataFrame:
    (tmp_path / "portfolios.csv").write_text(BOOK)
    (tmp_path / "positions.csv").write_bytes(content)
    run_import(engine, [tmp_path / "portfolios.csv", tmp_path / "positions.csv"], today=date(2023, 1, 2))
    return read_table(engine, "positions").sort_values("position_id")


@pytest.mark.parametrize("case", READ)
def test_siblings_that_can_be_read_are(engine, tmp_path, case):
    content, quantities, prices = READ[case]
    stored = imported(engine, tmp_path, content)
    assert stored["quantity"].to_list() == quantities
    assert stored["entry_price"].to_list() == prices
    assert set(stored["entry_date"].dt.date) == {date(2022, 1, 31)}


REFUSED = {  # rows, column, words of the remedy
    "an ISO week": (row(day="2022-W05-1"), "entry_date", "is a week of the ISO calendar"),
    "wide digits": (row("\uff15"), "quantity", "U+FF15, which is none of the digits"),
    "a date in wide digits": (row(day="\uff12022-01-31"), "entry_date", "U+FF12"),
    "an invisible character": (row(symbol="SP\u200bY"), "symbol", "U+200B"),
    "a mark of direction": (row(symbol="\u202eSPY"), "symbol", "U+202E"),
    "a price beyond a billion": (row(price="1e10"), "entry_price", "is beyond 1,000,000,000"),
    "a percent sign": (row(price="99.5%"), "entry_price", "has a percent sign"),
    "a currency beside a number": (row(price="CHF 440.50"), "entry_price", "in its own column"),
    "a currency behind a number": (row(price="440.50 USD"), "entry_price", "in its own column"),
    "pence of what has no market": (
        row(symbol="LAND").replace("ETF", "PRIVATE").replace("\n", ",GBX\n"),
        "currency",
        "is that of its marks: write GBP",
    ),
    "a negative price": (row(price="-440"), "entry_price", "must not be below zero"),
    "days and months at once": (
        row(day="31/01/2022") + row(day="01/31/2022") + row(day="01/02/2022"),
        "entry_date",
        "other rows contradict each other",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_siblings_that_can_not_be_read_are_refused_by_column_and_remedy(engine, tmp_path, case):
    rows, column, says = REFUSED[case]
    with pytest.raises(ImportRefused) as refused:
        imported(engine, tmp_path, (PLAIN.replace("\n", ",currency\n" if "GBX" in rows else "\n") + rows).encode())
    assert any(problem.column == column and says in problem.remedy for problem in refused.value.problems)
    assert read_table(engine, "portfolios").empty


def test_a_header_that_stands_twice_is_refused(engine, tmp_path):
    with pytest.raises(ImportRefused, match="stands twice in the header"):
        imported(engine, tmp_path, (PLAIN.replace("\n", ",quantity\n") + "mine,SPY,ETF,5,2022-01-31,440,6\n").encode())


def test_what_lies_outside_the_life_of_its_portfolio_is_said_or_refused(engine, tmp_path):
    (tmp_path / "portfolios.csv").write_text(
        "portfolio_id,name,inception_date,starting_equity,closed_date\nmine,Mine,2022-01-03,1000,2022-06-01\n"
    )
    (tmp_path / "positions.csv").write_text(PLAIN + row(day="2021-12-31"))
    flows = tmp_path / "flows.csv"
    flows.write_text("portfolio_id,flow_date,amount\nmine,2021-12-30,5\n")
    files = [tmp_path / "portfolios.csv", tmp_path / "positions.csv", flows]
    said = " ".join(run_import(engine, files, today=date(2023, 1, 2)).notes)
    assert "1 of the positions of mine lie before its inception, 2022-01-03" in said
    assert "1 of the flows of mine lie before its inception" in said
    flows.write_text("portfolio_id,flow_date,amount\nmine,2022-07-01,5\n")
    with pytest.raises(ImportRefused, match="is not before the portfolio was closed"):
        run_import(engine, files, today=date(2023, 1, 2))


def test_a_portfolio_called_total_return_is_no_sum(engine, tmp_path):
    (tmp_path / "portfolios.csv").write_text(BOOK.replace("mine,Mine", "Total Return,Total Return"))
    lines = row().replace("mine", "Total Return").replace("\n", ",\n") + "Total,,,5,,,\n"
    (tmp_path / "positions.csv").write_text(PLAIN.replace("\n", ",exit_date\n") + lines)
    said = run_import(engine, [tmp_path / "portfolios.csv", tmp_path / "positions.csv"]).notes
    assert read_table(engine, "positions")["portfolio_id"].to_list() == ["Total Return"]
    assert ["line 3: 'Total,5' is no row" in note for note in said] == [True]


def test_fees_below_zero_are_said(engine, tmp_path):
    (tmp_path / "portfolios.csv").write_text(BOOK)
    lines = row().replace("\n", ",-1.05\n") + row().replace("\n", ",1.05\n")
    (tmp_path / "positions.csv").write_text(PLAIN.replace("\n", ",commission\n") + lines)
    said = run_import(engine, [tmp_path / "portfolios.csv", tmp_path / "positions.csv"]).notes
    assert ["line 2: fees of 1 lots are below zero, so they raise the equity" in note for note in said] == [True]


def test_positions_without_ids_may_come_in_several_files(engine, tmp_path):
    (tmp_path / "portfolios.csv").write_text(BOOK)
    for name, symbol in (("equities", "SPY"), ("bonds", "TLT")):
        (tmp_path / f"{name}.csv").write_text(PLAIN + row(symbol=symbol))
    files = [tmp_path / f"{name}.csv" for name in ("portfolios", "equities", "bonds")]
    run_import(engine, files)
    stored = read_table(engine, "positions")
    assert dict(zip(stored["position_id"], stored["symbol"], strict=True)) == {
        "mine:000002": "SPY",
        "mine:bonds.csv:000002": "TLT",
    }


def test_what_a_note_quotes_of_an_export_is_harmless_to_a_terminal(tmp_path):
    from risk_pipeline.brokers.detect import read_exports
    from risk_pipeline.brokers.formats import Format

    header = '"Date","Action","Symbol","Description","Quantity","Price","Fees & Comm","Amount"\n'
    path = tmp_path / "Mine_Transactions_1.csv"
    path.write_text(header + '"03/28/2024","\x1b[2J","AAPL","APPLE INC","","","","$24.00"\n')
    notes = [note for rows in read_exports([path], Format.AUTO)[0] for note in rows.notes]
    assert ["not taken over: 1 \u00d7 \\u001b[2j" in note.lower() for note in notes] == [True]
