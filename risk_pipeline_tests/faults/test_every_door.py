"""Whatever is in a file is taken over whole, or refused in a sentence that says where and what to do.

Each door is tried with made-up inputs, fifty in the ordinary tests and two thousand in `make test-long`. A traceback,
an exception of another kind, a message without a place, and half of an input that was stored are failures.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from hypothesis import strategies as st

from risk_pipeline.brokers.detect import missing_portfolios, read_exports
from risk_pipeline.brokers.formats import Format
from risk_pipeline.desk.whatif import trade_of
from risk_pipeline.market.files import FileMarket
from risk_pipeline.market.source import SourceError
from risk_pipeline.storage import tables as stored_tables
from risk_pipeline.storage.import_columns import FILE_COLUMNS
from risk_pipeline.storage.imports import checked_import, store_import
from risk_pipeline.storage.trade_files import read_trades
from risk_pipeline.tabular.rows import ProblemsError
from risk_pipeline_tests.support.databases import migrated_sqlite
from risk_pipeline_tests.support.doors import EXAMPLES, is_sentence, tried
from risk_pipeline_tests.support.hostile_files import CELLS, parquets, texts, workbooks

SESSIONS = pd.DatetimeIndex(["2024-12-31", "2025-01-02", "2025-01-03"]).astype("datetime64[s]")
EXPORTS = Path(__file__).parents[1] / "brokers" / "files"

PRICES = ("date", "symbol", "close", "high", "low", "volume", "dividend", "split_factor")
PRICE_ROWS = [
    dict(zip(PRICES, cells, strict=True))
    for cells in (
        ("2024-12-31", "SPY", "590", "591", "589", "1000", "", ""),
        ("2025-01-02", "SPY", "600.5", "601", "599.5", "1000", "0.5", "1"),
        ("2025-01-03", "SPY", "301", "302", "300", "2000", "0", "2"),
        ("2025-01-02", "NA", "70", "", "", "", "", ""),
        ("2025-01-03", "000012", "7", "", "", "", "", ""),
    )
]
PRICE_TABLE = {
    "columns": PRICES,
    "rows": PRICE_ROWS,
    "others": ("adj_close", "capital_gains", "open", "Date", "SYMBOL", "currency", "splits"),
}


@pytest.mark.parametrize("count", EXAMPLES)
@pytest.mark.parametrize(
    ("ending", "files"), [("csv", texts), ("xlsx", workbooks), ("parquet", parquets)], ids=["csv", "xlsx", "parquet"]
)
def test_prices(tmp_path, ending, files, count):
    path = tmp_path / f"prices.{ending}"

    def door(content: bytes) -> None:
        path.write_bytes(content)
        try:
            market = FileMarket(path)
            market.last_date()
            found = market.fetch(["SPY", "NA", "000012"], SESSIONS)
        except SourceError as refused:
            assert is_sentence(str(refused)), refused  # noqa: PT017
            assert all(line.startswith(str(path)) for line in str(refused).splitlines()), refused  # noqa: PT017
            return
        bars = found.bars
        assert set(bars["symbol"]) <= {"SPY", "NA", "000012"}
        assert bars["session"].isin(SESSIONS).all()
        assert not bars.duplicated(["session", "symbol"]).any()
        assert np.isfinite(bars[["close", "dividend", "split_factor"]].to_numpy(dtype=float)).all()
        assert (bars["close"] > 0).all()
        assert set(bars["symbol"]).isdisjoint(found.errors)
        assert all(is_sentence(text) for said in (found.errors, found.dropped, found.notes) for text in said.values())

    tried(count, door, content=files(**PRICE_TABLE) | st.binary(max_size=100))


@pytest.mark.parametrize("count", EXAMPLES)
def test_profiles(tmp_path, count):
    pd.DataFrame(PRICE_ROWS).to_csv(tmp_path / "prices.csv", index=False)
    columns = ("symbol", "name", "sector", "vendor_beta", "as_of", "currency")
    good = [dict(zip(columns, ("SPY", "A fund", "Funds", "1.0", "2025-01-02", "USD"), strict=True))]

    def door(content: bytes) -> None:
        (tmp_path / "profiles.csv").write_bytes(content)
        try:
            found = FileMarket(tmp_path).fetch(["SPY"], SESSIONS)
        except SourceError as refused:
            assert is_sentence(str(refused)), refused  # noqa: PT017
            assert "profiles.csv" in str(refused)  # noqa: PT017
        else:
            assert len(found.bars) == 3

    tried(count, door, content=texts(columns, good) | st.binary(max_size=100))


ROWS = {
    "portfolios": [
        {"portfolio_id": "mine", "name": "Mine", "inception_date": "2024-12-01", "starting_equity": "1000"},
        {
            "portfolio_id": "other",
            "name": "=x",
            "inception_date": "2025-01-02",
            "starting_equity": "0",
            "currency": "EUR",
        },
    ],
    "positions": [
        {
            "portfolio_id": "mine",
            "symbol": "SPY",
            "investment_class": "STOCK",
            "quantity": "10",
            "entry_date": "2025-01-02",
            "entry_price": "600",
            "currency": "USD",
            "fees": "1",
        },
        {
            "portfolio_id": "mine",
            "symbol": "SPY   250321C00400000",
            "investment_class": "OPTIONS",
            "quantity": "-1",
            "entry_date": "2025-01-02",
            "entry_price": "6",
            "exit_date": "2025-01-03",
            "exit_price": "0",
        },
        {
            "portfolio_id": "mine",
            "symbol": "LAND",
            "investment_class": "PRIVATE",
            "quantity": "1",
            "entry_date": "2025-01-02",
            "entry_price": "6",
            "position_id": "a",
            "is_deleted": "false",
        },
        {
            "portfolio_id": "mine",
            "symbol": "UST",
            "investment_class": "BOND",
            "quantity": "1000",
            "entry_date": "2025-01-02",
            "entry_price": "99",
            "multiplier": "0.01",
        },
    ],
    "groups": [{"group": "all", "portfolio": "mine"}],
    "benchmarks": [
        {"benchmark": "BALANCED", "symbol": "SPY", "weight": "0.6", "valid_from": "2025-01-02"},
        {"benchmark": "BALANCED", "symbol": "TLT", "weight": "40 %", "valid_from": "2025-01-02"},
    ],
    "limits": [
        {"portfolio_id": "mine", "measure": "leverage", "operator": "<=", "limit": "2", "valid_from": "2025-01-02"},
        {"portfolio_id": "*", "measure": "sector:Energy", "operator": "<=", "limit": "0.2", "valid_from": "2025-01-02"},
        {
            "portfolio_id": "mine",
            "measure": "market beta (90d)",
            "operator": "abs<=",
            "warning": "0.5",
            "limit": "1",
            "valid_from": "2025-01-02",
        },
    ],
    "implied_volatilities": [
        {"date": "2025-01-02", "volatility": "0.2", "symbol": "SPY   250321C00400000"},
        {"date": "2025-01-02", "volatility": "20", "underlying": "SPY", "strike": "1"},
    ],
    "flows": [{"portfolio_id": "mine", "flow_date": "2025-01-02", "amount": "-100"}],
    "marks": [{"symbol": "LAND", "mark_date": "2025-01-02", "price": "5"}],
    "aliases": [
        {"old": "FB", "new": "META", "date": "2022-06-09"},
        {"old": "META", "new": "MTA", "date": "2023-06-09"},
    ],
}
BOOK = "portfolio_id,name,inception_date,starting_equity\nmine,Mine,2024-12-01,1000\n"


@pytest.fixture(scope="module")
def database(tmp_path_factory) -> Iterator[sa.Engine]:
    engine = migrated_sqlite(tmp_path_factory.mktemp("doors") / "risk.db")
    yield engine
    engine.dispose()


def book(engine: sa.Engine) -> dict[str, int]:
    kinds = ("portfolios", "positions", "portfolio_flows", "private_marks", "symbol_aliases", "benchmarks", "limits")
    with engine.connect() as connection:
        count = sa.select(sa.func.count())
        return {
            kind: connection.execute(count.select_from(stored_tables.metadata.tables[kind])).scalar_one()
            for kind in kinds
        }


def imported(engine: sa.Engine, paths: list[Path], format_: Format = Format.AUTO) -> None:
    """Import files as the command does: all of it, or problems and nothing."""
    before = book(engine)
    try:
        exports, own = read_exports(paths, format_)
        exports += [missing_portfolios(exports, {"mine"}, None)] if exports else []
        checked = checked_import(engine, own, extra=exports, today=date(2025, 6, 2))
    except ProblemsError as refused:
        assert refused.problems  # noqa: PT017
        for problem in refused.problems:
            assert problem.file, problem
            assert is_sentence(str(problem)), problem
        assert book(engine) == before
        return
    assert all(is_sentence(note) for note in checked.notes), checked.notes
    store_import(engine, checked)
    after = book(engine)
    stored = {**after, "flows": after["portfolio_flows"], "marks": after["private_marks"]}
    for kind in ("portfolios", "positions", "flows", "marks"):
        assert stored[kind] >= len(checked.rows[kind])


@pytest.mark.parametrize("count", EXAMPLES)
@pytest.mark.parametrize("kind", sorted(ROWS))
def test_imports(database, tmp_path, kind, count):
    beside = tmp_path / "beside.csv"
    beside.write_text(BOOK)
    paths = {ending: tmp_path / f"{kind}.{ending}" for ending in ("csv", "xlsx")}
    columns = FILE_COLUMNS[kind].all
    files = st.tuples(st.just("csv"), texts(columns, ROWS[kind]))
    # a sheet takes ten times as long, and its cells become the same text
    kinds = st.integers(0, 9).flatmap(
        lambda n: st.tuples(st.just("xlsx"), workbooks(columns, ROWS[kind])) if n == 0 else files
    )

    def door(file: tuple[str, bytes]) -> None:
        ending, content = file
        paths[ending].write_bytes(content)
        imported(database, [paths[ending], *([beside] if kind != "portfolios" else [])])

    tried(count, door, file=kinds)


@pytest.mark.parametrize("count", EXAMPLES)
def test_trades_of_a_what_if(tmp_path, count):
    good = [
        {"symbol": "SPY", "quantity": "-10", "price": "600.5", "portfolio_id": "mine", "currency": "USD"},
        {"symbol": "SPY   250321C00400000", "quantity": "1", "price": "6", "investment_class": "OPTIONS"},
        {"symbol": "NA", "quantity": "1"},
    ]
    path = tmp_path / "trades.csv"

    def door(content: bytes) -> None:
        path.write_bytes(content)
        try:
            rows = read_trades(path, date(2025, 1, 2), "mine", {"SPY": 600.0, "NA": 70.0}.get, lambda *_: {})
        except ProblemsError as refused:
            assert refused.problems  # noqa: PT017
            assert all(problem.file == "trades.csv" and is_sentence(str(problem)) for problem in refused.problems)  # noqa: PT017
            return
        for trade in map(trade_of, rows):
            assert np.isfinite(trade.quantity), trade
            assert np.isfinite(trade.price), trade

    columns = (*good[0], "investment_class", "strike", "expiry", "option_type", "underlying", "fees")
    tried(count, door, content=texts(columns, good) | workbooks(columns, good) | st.binary(max_size=100))


@st.composite
def damaged(draw, text: str) -> bytes:
    """A good export in which cells are changed and lines are lost or repeated."""
    lines = text.splitlines()
    for _ in range(draw(st.integers(1, 4))):
        row = draw(st.integers(0, len(lines) - 1))
        change = draw(st.sampled_from(["cell", "cell", "cell", "drop", "repeat", "cut"]))
        if change == "cell":
            sign = max(",;\t|", key=lines[row].count)
            cells = lines[row].split(sign)
            cells[draw(st.integers(0, len(cells) - 1))] = draw(CELLS).replace("\n", " ")
            lines[row] = sign.join(cells)
        elif change == "cut":
            lines[row] = lines[row][: draw(st.integers(0, len(lines[row])))]
        elif change == "repeat" or len(lines) == 1:
            lines.insert(row, lines[row])
        else:
            del lines[row]
    return "\n".join(lines).encode(draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16"])), errors="replace")


@pytest.mark.parametrize("count", EXAMPLES)
@pytest.mark.parametrize("name", sorted(path.name for path in EXPORTS.iterdir()))
def test_exports_of_brokers(database, tmp_path, name, count):
    path = tmp_path / name
    good = (EXPORTS / name).read_text(encoding="utf-8-sig")

    def door(content: bytes) -> None:
        path.write_bytes(content)
        imported(database, [path])

    tried(count, door, content=damaged(good))


@pytest.mark.parametrize("count", EXAMPLES)
def test_archives_that_are_no_workbook(database, tmp_path, count):
    path = tmp_path / "any.xlsx"

    def door(content: bytes) -> None:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("xl/workbook.xml", content)
        with pytest.raises(ProblemsError, match="is no readable Excel file"):
            checked_import(database, [path])

    tried(count, door, content=st.binary(max_size=300))
