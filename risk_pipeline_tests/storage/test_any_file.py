"""Whatever is in a file, an import stores all of it or nothing and says why in sentences."""

from __future__ import annotations

import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from risk_pipeline.brokers.detect import read_exports
from risk_pipeline.brokers.formats import Format
from risk_pipeline.market.files import FileMarket
from risk_pipeline.market.source import SourceError
from risk_pipeline.storage.import_columns import FILE_COLUMNS
from risk_pipeline.storage.imports import checked_import
from risk_pipeline.tabular.rows import ProblemsError
from risk_pipeline_tests.support.databases import migrated_sqlite

WORDS = ["", "p", "SPY", "NA", "TRUE", "STOCK", "OPTIONS", "BOND", "CALL", "american", "GBp", "Total", '="x"', "=1+1"]
AMOUNTS = ["1", "-2.5", "1,000", "1.000", "(5)", "$3", "€3", "'1", "1e400"]
DAYS = ["2025-01-02", "03/04/2025", "31/12/2024", "02.01.2025"]
CELLS = st.sampled_from([*WORDS, *AMOUNTS, *DAYS]) | st.text(max_size=8)
COLUMN_NAMES = sorted({name for columns in FILE_COLUMNS.values() for name in columns.all} | {"close", "split_factor"})


def written(header, rows, sign, encoding) -> bytes:
    lines = [header, *rows]
    return "\n".join(sign.join(str(cell) for cell in line) for line in lines).encode(encoding, errors="replace")


@st.composite
def files(draw) -> bytes:
    """A file of one of our kinds, or nearly: columns left out, added and twice; cells of any kind."""
    kind = draw(st.sampled_from(sorted(FILE_COLUMNS)))
    header = list(FILE_COLUMNS[kind].required) + draw(st.lists(st.sampled_from(COLUMN_NAMES), max_size=6))
    if draw(st.booleans()) and len(header) > 1:
        header.pop(draw(st.integers(0, len(header) - 1)))
    width = st.integers(max(len(header) - 1, 0), len(header) + 1) if draw(st.booleans()) else st.just(len(header))
    rows = draw(st.lists(width.flatmap(lambda count: st.lists(CELLS, min_size=count, max_size=count)), max_size=5))
    return written(header, rows, draw(st.sampled_from(",;\t|")), draw(st.sampled_from(["utf-8", "utf-16", "latin-1"])))


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    engine = migrated_sqlite(tmp_path_factory.mktemp("fuzz") / "risk.db")
    yield engine
    engine.dispose()


ANYTHING = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])


@ANYTHING
@given(content=files() | st.binary(max_size=300))
def test_any_file_is_rows_or_problems_with_a_remedy(database, tmp_path_factory, content):
    path = tmp_path_factory.mktemp("any") / "any.csv"
    path.write_bytes(content)
    try:
        exports, own = read_exports([path], Format.AUTO)
        checked = checked_import(database, own, extra=exports)
    except ProblemsError as refused:
        for problem in refused.problems:
            assert problem.file.startswith("any.csv")
            assert problem.remedy
            assert len(str(problem)) < 1_000
    else:
        assert sum(map(len, checked.rows.values())) >= 0
        assert all("any.csv" in note for note in checked.notes)


@ANYTHING
@given(
    header=st.lists(
        st.sampled_from(["date", "symbol", "close", "adj_close", "dividend", "split_factor", "other"]), max_size=7
    ),
    rows=st.lists(st.lists(CELLS, min_size=3, max_size=7), max_size=5),
    sign=st.sampled_from(",;\t"),
)
def test_any_price_file_is_bars_or_a_sentence(tmp_path_factory, header, rows, sign):
    import pandas as pd

    path = tmp_path_factory.mktemp("any") / "any.csv"
    path.write_bytes(written(header, rows, sign, "utf-8"))
    sessions = pd.DatetimeIndex(["2025-01-02", "2025-01-03"]).astype("datetime64[s]")
    try:
        found = FileMarket(path).fetch(["SPY", "NA"], sessions)
    except SourceError as refused:
        assert "any.csv" in str(refused)  # noqa: PT017
    else:
        assert (found.bars["close"] > 0).all()
        assert set(found.bars["symbol"]) <= {"SPY", "NA"}


@ANYTHING
@given(content=st.binary(max_size=300))
def test_any_archive_is_no_excel_file_in_a_sentence(database, tmp_path_factory, content):
    import zipfile

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("xl/workbook.xml", content)
    path = tmp_path_factory.mktemp("any") / "any.xlsx"
    path.write_bytes(packed.getvalue())
    with pytest.raises(ProblemsError, match="is no readable Excel file"):
        checked_import(database, [path])
