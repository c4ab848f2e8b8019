"""Imports: all or nothing, every bad row by file, line, column and remedy, and nothing hostile gets in."""

from __future__ import annotations

from datetime import date

import pytest

from risk_pipeline.storage.book_versions import book_at, looking_at, newest_version
from risk_pipeline.storage.imports import ImportRefused, check_import, run_import
from risk_pipeline.storage.queries import lots, read_table, volatilities

PORTFOLIOS = "portfolio_id,name,inception_date,starting_equity\n"
POSITIONS = (
    "position_id,portfolio_id,symbol,investment_class,quantity,entry_date,entry_price,exit_date,exit_price,"
    "underlying,option_type,strike,expiry,implied_volatility,is_deleted\n"
)
GOOD = POSITIONS + (
    "x1,p,AAPL,PUBLIC,10,2025-01-02,200,,,,,,,,\n"
    "x2,p,brk-b, etf ,-5,2025-01-02,450,2025-02-03,,,,,,,\n"
    "x3,p,AAPL C,Option,1,2025-01-02,5,,,aapl,call,200,2026-01-16,0.3,\n"
    "x4,p,FUND,private,1,2025-01-02,5,,,,,,,,true\n"
)


@pytest.fixture
def files(tmp_path):
    """Return a function that writes the files of an import and returns their paths."""

    def write(positions: str | bytes = GOOD, portfolios: str = PORTFOLIOS + "p,Mine,2025-01-02,1000\n"):
        paths = [tmp_path / "portfolios.csv", tmp_path / "positions.csv"]
        for path, text in zip(paths, (portfolios, positions), strict=True):
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return paths

    return write


def test_a_good_import_is_normalised_at_the_door(engine, files):
    assert str(run_import(engine, files())) == "1 portfolio, 4 positions"
    rows = read_table(engine, "positions").set_index("position_id")
    assert rows["investment_class"].tolist() == ["PUBLIC", "PUBLIC", "OPTIONS", "PRIVATE"]
    assert rows["symbol"].tolist() == ["AAPL", "BRK.B", "AAPL C", "FUND"]
    assert rows.loc["x3", ["underlying", "option_type"]].tolist() == ["AAPL", "CALL"]


def test_deleted_and_future_lots_are_not_held(engine, files):
    run_import(engine, files())
    assert lots(engine, date(2025, 3, 3))["position_id"].tolist() == ["x1", "x2", "x3"]
    assert lots(engine, date(2025, 1, 1)).empty


@pytest.mark.parametrize(
    ("row", "column", "says"),
    [
        ("x9,p,SPY,,1,2025-01-02,5,,,,,,,,", "investment_class", "must be PUBLIC"),
        ("x9,p,SPY,WARRANT,1,2025-01-02,5,,,,,,,,", "investment_class", "must be PUBLIC"),
        ("x9,p,USD,CASH,1,2025-01-02,5,,,,,,,,", "investment_class", "cash is no position"),
        ("x9,p,TBILL,BOND,1,2025-01-02,5,,,,,,,,", "multiplier", "0.01 where the quantity is the face value"),
        ("x9,p,,PUBLIC,1,2025-01-02,5,,,,,,,,", "symbol", "must be a symbol"),
        ("x9,p,SPY,PUBLIC,0,2025-01-02,5,,,,,,,,", "quantity", "must not be zero"),
        ('x9,p,SPY,PUBLIC,"1,00",2025-01-02,"1,000",,,,,,,,', "entry_price", "could be 1.000 or 1000"),
        ("x9,p,SPY,PUBLIC,nan,2025-01-02,5,,,,,,,,", "quantity", "is no plain number"),
        ("x9,p,SPY,PUBLIC,1e999,2025-01-02,5,,,,,,,,", "quantity", "is no plain number"),
        ("x9,p,SPY,PUBLIC,1,02/01/2025,5,,,,,,,,", "entry_date", "write it as 2025-01-31"),
        ("x9,p,SPY,PUBLIC,1,2025-01-02,-5,,,,,,,,", "entry_price", "must not be below zero"),
        ("x9,p,SPY,PUBLIC,1,2025-01-02,5,2024-01-02,,,,,,,", "exit_date", "not be before the entry"),
        ("x9,p,SPY,PUBLIC,1,2025-01-02,5,,7,,,,,,", "exit_price", "goes with an exit_date"),
        ("x9,p,FUND,PRIVATE,1,2025-01-02,5,2025-02-03,,,,,,,", "exit_price", "needs the price it was sold for"),
        ("x9,p,SPY,PUBLIC,1,2025-01-02,5,,,SPY,,,,,", "underlying", "only for OPTIONS"),
        ("x9,p,O,OPTIONS,1,2025-01-02,5,,,SPY,BOTH,100,2026-01-16,,", "option_type", "CALL or PUT"),
        ("x9,p,O,OPTIONS,1,2025-01-02,5,,,SPY,PUT,,2026-01-16,,", "strike", "empty"),
        ("x9,p,O,OPTIONS,1,2025-01-02,5,,,SPY,PUT,100,2024-01-16,,", "expiry", "not be before the entry date"),
        ("x9,p,O,OPTIONS,1,2025-01-02,5,,,SPY,PUT,100,2026-01-16,25,", "implied_volatility", "0.25 for 25 %"),
        ("x9,nobody,SPY,PUBLIC,1,2025-01-02,5,,,,,,,,", "portfolio_id", "is no portfolio"),
        ("x1,p,SPY,PUBLIC,1,2025-01-02,5,,,,,,,,", "position_id", "stands already on line 2"),
        ("x9,p,SPY,PUBLIC,1,2025-01-02,5,,,,,,,,maybe", "is_deleted", "true or false"),
        ("x9,p,SPY,PUBLIC,1", "", "has 5 fields where the header has 15"),
        ("x9,p,'; DROP TABLE positions;--,PUBLIC,1,2025-01-02,5,,,,,,,,", "symbol", "must be a symbol"),
        ("=cmd|' /C calc'!A0,p,SPY,PUBLIC,1,2025-01-02,5,,,,,,,,", "position_id", "letters, digits"),
        ("x9,<script>alert(1)</script>,SPY,PUBLIC,1,2025-01-02,5,,,,,,,,", "portfolio_id", "letters, digits"),
        ("../../x,p,SPY,PUBLIC,1,2025-01-02,5,,,,,,,,", "position_id", "letters, digits"),
    ],
)
def test_a_bad_row_is_told_by_file_line_column_and_remedy_and_nothing_is_written(engine, files, row, column, says):
    with pytest.raises(ImportRefused) as refused:
        run_import(engine, files(GOOD + row + "\n"))
    (problem,) = [p for p in refused.value.problems if p.column == column]
    assert (problem.file, problem.line) == ("positions.csv", 6)
    assert says in problem.remedy
    assert read_table(engine, "portfolios").empty


def test_every_bad_row_is_reported_at_once(engine, files):
    bad = "x8,p,SPY,WARRANT,0,x,5,,,,,,,,\nx9,p,SPY,PUBLIC,1,2025-01-02,2e9,,,,,,,,\n"
    with pytest.raises(ImportRefused) as refused:
        check_import(engine, files(GOOD + bad, PORTFOLIOS + "p,=SUM(A1),2025-01-02,1e3\n"))
    found = [(p.file, p.line, p.column) for p in refused.value.problems]
    assert found == [
        ("portfolios.csv", 2, "name"),
        ("positions.csv", 6, "investment_class"),
        ("positions.csv", 6, "quantity"),
        ("positions.csv", 6, "entry_date"),
        ("positions.csv", 7, "entry_price"),
    ]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\xff\xfe\x00", "not UTF-16"),
        (GOOD.encode() + b"\0", "null byte"),
        (b"a,b,c\n1,2,3\n", "none of the known headers"),
        (b"portfolio_id,symbol,quantity,entry_price,entry_date\n", "the header of positions without investment_class"),
        ((POSITIONS + f"x9,p,{'A' * 2_000_000},PUBLIC,1,2025-01-02,5,,,,,,,,\n").encode(), "field larger"),
        ((POSITIONS + f"x9,p,{'A' * 2_000},PUBLIC,1,2025-01-02,5,,,,,,,,\n").encode(), "over 1000 characters"),
        (POSITIONS.replace("strike", "strikes").encode(), "did you mean strike?"),
        (b"", "positions.csv: is empty; its first line is one of these headers: portfolios: "),
        (b"\xef\xbb\xbf \r\n,,\r\n", "is empty"),
    ],
)
def test_files_that_are_no_such_csv_are_refused(engine, files, content, says):
    with pytest.raises(ImportRefused) as refused:
        run_import(engine, files(content))
    assert any(says in str(problem) for problem in refused.value.problems)
    assert read_table(engine, "portfolios").empty


def test_importing_again_replaces_a_portfolio_and_leaves_the_others_alone(engine, files):
    run_import(engine, files(GOOD, PORTFOLIOS + "p,Mine,2025-01-02,1000\n"))
    run_import(
        engine, files(POSITIONS + "y1,q,SPY,PUBLIC,1,2025-01-02,5,,,,,,,,\n", PORTFOLIOS + "q,Other,2025-01-02,5\n")
    )
    again = run_import(
        engine, files(POSITIONS + "x1,p,TLT,PUBLIC,7,2025-01-02,5,,,,,,,,\n", PORTFOLIOS + "p,New,2025-01-02,9\n")
    )
    assert again.notes == (
        "these files take the place of all positions of p: 3 of the stored lots are in none of them and go, "
        "AAPL (1), AAPL C (1), BRK.B (1)",
    )
    assert read_table(engine, "portfolios")[["portfolio_id", "name"]].to_numpy().tolist() == [
        ["p", "New"],
        ["q", "Other"],
    ]
    assert sorted(read_table(engine, "positions")["symbol"]) == ["SPY", "TLT"]


def test_files_of_one_name_in_two_folders_are_both_read(engine, tmp_path):
    paths = [tmp_path / folder / "portfolios.csv" for folder in "ab"]
    for path in paths:
        path.parent.mkdir()
        path.write_text(PORTFOLIOS + f"{path.parent.name},Mine,2025-01-02,1000\n")
    assert run_import(engine, [*paths, paths[0]]).portfolios == 2
    paths[1].write_text(PORTFOLIOS + "b,Mine,2025-01-02,none\n")
    with pytest.raises(ImportRefused, match=r"b/portfolios\.csv, line 2"):
        check_import(engine, paths)


def test_a_text_longer_than_its_column_is_refused(engine, files):
    with pytest.raises(ImportRefused, match=r"line 2, name: 'N+…' is over 200 characters"):
        check_import(engine, files(portfolios=PORTFOLIOS + f"p,{'N' * 201},2025-01-02,1000\n"))


def test_a_change_of_ticker_renames_what_was_held_before_it_and_asks_for_the_history_again(engine, files, tmp_path):
    from risk_pipeline.storage.market_data import asked_ranges, extend_ranges

    day = date(2025, 1, 2)
    extend_ranges(engine, {"META": (day, day), "AAPL": (day, day)})
    rows = (
        "a,p,FB,PUBLIC,1,2022-05-02,190,,,,,,,,\n"
        "b,p,FB,PUBLIC,1,2022-07-01,20,,,,,,,,\n"  # another company's by then
        "c,p,FB C,OPTIONS,1,2022-05-02,5,,,FB,CALL,200,2026-01-16,,\n"
        "d,p,FB,PRIVATE,1,2022-05-02,5,,,,,,,,\n"
    )
    aliases = tmp_path / "aliases.csv"
    aliases.write_text("old,new,date\nFB,META,2022-06-09\n")
    summary = run_import(engine, [*files(POSITIONS + rows), aliases])
    assert summary.aliases == 1
    stored = read_table(engine, "positions").set_index("position_id")
    assert stored["symbol"].to_dict() == {"a": "META", "b": "FB", "c": "FB C", "d": "FB"}
    assert stored.loc["c", "underlying"] == "META"
    assert asked_ranges(engine, ["META", "AAPL"]) == {"AAPL": (day, day)}
    run_import(engine, files(POSITIONS + rows))  # the change is known from now on
    assert read_table(engine, "positions").set_index("position_id").loc["a", "symbol"] == "META"


def test_problems_of_all_files_are_told_at_once(engine, files, tmp_path):
    broken = tmp_path / "broken.csv"
    broken.write_bytes("portfolio_id".encode("utf-16")[:-1])
    strange = tmp_path / "strange.csv"
    strange.write_text("a,b,c\n")
    with pytest.raises(ImportRefused) as refused:
        check_import(engine, [*files(portfolios=PORTFOLIOS + "p,Mine,2025-01-02,none\n"), broken, strange])
    assert [problem.file for problem in refused.value.problems] == ["broken.csv", "portfolios.csv", "strange.csv"]


def test_lots_outside_the_life_of_their_portfolio_are_told(engine, files):
    portfolios = "portfolio_id,name,inception_date,starting_equity,closed_date\np,Mine,2025-01-02,1000,2025-06-02\n"
    before = "a,p,SPY,PUBLIC,1,2024-12-30,190,,,,,,,,\n"
    summary = check_import(engine, files(POSITIONS + before, portfolios))
    assert ["before its inception, 2025-01-02" in note for note in summary.notes] == [True]
    with pytest.raises(ImportRefused, match="is not before the portfolio was closed, 2025-06-02"):
        check_import(engine, files(POSITIONS + "a,p,SPY,PUBLIC,1,2025-06-02,190,,,,,,,,\n", portfolios))


def test_an_excel_file_brings_a_sheet_for_each_kind(engine, tmp_path):
    import pandas as pd

    path = tmp_path / "book.xlsx"
    lots_sheet = pd.DataFrame(
        [
            ["p", "SPY", "ETF", 10.5, pd.Timestamp("2025-01-02"), 590.25],
            ["p", 700, "STOCK", -3, "03.01.2025", "$1,234.50"],
        ],
        columns=["Portfolio ID", "Symbol", "Investment Class", "Quantity", "Entry Date", "Entry Price"],
    )
    with pd.ExcelWriter(path) as book:
        pd.DataFrame([["p", "Mine", pd.Timestamp("2025-01-02"), 1000]], columns=PORTFOLIOS.strip().split(",")).to_excel(
            book, sheet_name="Portfolios", index=False
        )
        lots_sheet.to_excel(book, sheet_name="Lots", index=False)
        pd.DataFrame({"x": ["notes"]}).to_excel(book, sheet_name="Notes", index=False)
    summary = run_import(engine, [path])
    assert (summary.portfolios, summary.positions) == (1, 2)
    assert any("not read: sheet Notes" in note for note in summary.notes)
    stored = read_table(engine, "positions").sort_values("position_id")
    assert stored["symbol"].to_list() == ["SPY", "700"]
    assert stored["entry_price"].to_list() == [590.25, 1234.5]
    assert stored["entry_date"].dt.strftime("%Y-%m-%d").to_list() == ["2025-01-02", "2025-01-03"]


ASSIGNED = (
    "o1,p,O1,OPTIONS,-1,2025-01-02,3,,,SPY,PUT,105,2025-03-21,0.2,\n"
    "o2,p,O2,OPTIONS,-2,2025-01-03,3,,,SPY,PUT,105,2025-03-21,0.2,\n"
    "o3,p,O3,OPTIONS,-1,2025-01-03,3,,,SPY,CALL,105,2025-03-21,0.2,\n"
)


@pytest.mark.parametrize(
    ("shares", "ended", "noted"),
    [
        ("s,p,SPY,PUBLIC,300,2025-03-21,105,,,,,,,,\n", {"o1", "o2"}, "was exercised or assigned"),
        ("s,p,SPY,PUBLIC,100,2025-01-02,90,2025-03-21,105,,,,,,\n", {"o3"}, "was exercised or assigned"),
        ("s,p,SPY,PUBLIC,200,2025-03-21,105,,,,,,,,\n", set(), "give it the exit price 0"),
        ("s,p,SPY,PUBLIC,300,2025-03-21,106,,,,,,,,\n", set(), None),
        ("s,p,SPY,PUBLIC,300,2025-03-20,105,,,,,,,,\n", set(), None),
    ],
    ids=["bought", "called away", "not as many", "another price", "another day"],
)
def test_an_option_ends_at_nothing_where_its_shares_were_delivered(engine, files, shares, ended, noted):
    summary = run_import(engine, files(POSITIONS + ASSIGNED + shares))
    options = read_table(engine, "positions").set_index("position_id").drop(index="s")
    assert set(options.index[options["exit_price"] == 0]) == ended
    assert {noted in note for note in summary.notes if noted} == ({True} if noted else set())


def test_another_column_of_the_file_says_whether_day_or_month_stands_first(engine, files):
    rows = "a,p,SPY,PUBLIC,1,03/04/2025,500,25/06/2025,510,,,,,,\n"
    run_import(engine, files(POSITIONS + rows))
    (lot,) = read_table(engine, "positions").to_dict("records")
    assert (lot["entry_date"].date(), lot["exit_date"].date()) == (date(2025, 4, 3), date(2025, 6, 25))
    with pytest.raises(ImportRefused, match=r"could be 2025-04-03 or 2025-03-04"):
        check_import(engine, files(POSITIONS + "a,p,SPY,PUBLIC,1,03/04/2025,500,,,,,,,,\n"))


def test_dates_of_the_future_are_said_or_refused(engine, files):
    def of(year: int):
        return files(POSITIONS + f"a,p,SPY,PUBLIC,1,{year}-04-11,500,,,,,,,,\n")

    today = date(2025, 6, 2)
    assert check_import(engine, of(2025), today=today).notes == ()
    assert check_import(engine, of(2062)).notes == ()  # where nobody says what day it is
    (note,) = check_import(engine, of(2030), today=today).notes
    assert "1 lots are entered more than a year after today, the first on 2030-04-11" in note
    with pytest.raises(ImportRefused, match="lies far in the future, today is 2025-06-02"):
        check_import(engine, of(2062), today=today)


def test_implied_volatilities_are_of_a_name_or_of_terms(engine, files, tmp_path):
    quotes = tmp_path / "implied_volatilities.csv"
    quotes.write_text(
        "symbol,underlying,strike,expiry,option_type,date,volatility\n"
        "SPY   221216C00400000,,,,,2022-11-01,0.21\n"
        ",spy,410,2022-12-16,,2022-11-01,0.2\n"
        "my hedge,,,,,2022-11-01,0.25\n"
    )
    assert str(run_import(engine, [*files(), quotes])).endswith("3 implied volatilities")
    rows = read_table(engine, "implied_volatilities").set_index("symbol")
    assert list(rows.index) == ["MY HEDGE", "SPY 221216C00400000", "SPY221216*00410000"]
    assert rows.loc["SPY 221216C00400000", ["underlying", "option_type", "strike"]].tolist() == ["SPY", "CALL", 400.0]
    assert rows["volatility"].tolist() == [0.25, 0.21, 0.2]
    version = newest_version(engine)
    quotes.write_text(quotes.read_text().replace("0.21", "0.22"))
    run_import(engine, [quotes])
    assert newest_version(engine) == version + 1
    seen = volatilities(looking_at(engine, book_at(engine, version)), date(2022, 12, 1)).set_index("symbol")
    assert seen.loc["SPY 221216C00400000", "volatility"] == 0.21


@pytest.mark.parametrize(
    ("row", "column", "remedy"),
    [
        (",SPY,400,,CALL,2022-11-01,0.2", "expiry", "is empty"),
        (",SPY,400,2022-12-16,X,2022-11-01,0.2", "option_type", "CALL or PUT"),
        (",SPY,400,2022-12-16,PUT,2022-12-19,0.2", "date", "after the expiry"),
        ("SPY221216C00400000,,401,,,2022-11-01,0.2", "strike", "another than the symbol says"),
        ("SPY221216C00400000,,,,,2022-11-01,21", "volatility", "0.25 for 25 %"),
    ],
)
def test_a_bad_implied_volatility_is_named_with_its_remedy(engine, files, tmp_path, row, column, remedy):
    quotes = tmp_path / "quotes.csv"
    quotes.write_text(f"symbol,underlying,strike,expiry,option_type,date,volatility\n{row}\n")
    with pytest.raises(ImportRefused) as refused:
        check_import(engine, [*files(), quotes])
    (problem,) = refused.value.problems
    assert (problem.file, problem.line, problem.column) == ("quotes.csv", 2, column)
    assert remedy in problem.remedy


def test_an_adjusted_contract_says_what_it_delivers(engine, files):
    header = POSITIONS.replace("\n", ",multiplier\n")
    row = "x1,p,SPY1 251219C00400000,OPTIONS,1,2025-01-02,5,,,,,,,,,"
    with pytest.raises(ImportRefused) as refused:
        check_import(engine, files(header + row + "\n"))
    (problem,) = refused.value.problems
    assert "adjusted contract: give its multiplier" in problem.remedy
    assert check_import(engine, files(header + row + "133\n")).positions == 1
