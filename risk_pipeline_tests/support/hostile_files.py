"""Hypothesis strategies for files of any door: nearly right, with what people, spreadsheets and attackers put in."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

WORDS = (
    *("", " ", "NA", "NaN", "NULL", "TRUE", "false", "None", "-", "--", "Total", "Grand Total", "Summe", "=1+1", "@x"),
    *("SPY", "BRK/B", "EURUSD=X", "USDEUR=X", "^IRX", "M&M.NS", "VOD.L", "0700.HK", "000012", "1E5", "'SPY", '="SPY"'),
    *("STOCK", "OPTIONS", "BOND", "FUTURE", "PRIVATE", "CASH", "CALL", "P", "american", "USD", "GBp", "GBX", "ZAc"),
    *(
        "mine",
        "other",
        "SPY   221216C00400000",
        "SPY\u200b",
        "\ufeffSPY",
        "SPY\u00a0",
        "S\u00adPY",
        "\u202eYPS",
        "[red]",
    ),
    *('"', "'", ";", "a\nb", "\x1b[2J", "\x00", "\ud7ff", "🜁", "a" * 70, "b" * 1_100, "é", "Ⅷ", "²", "../../x"),
)
NUMBERS = (
    *("0", "-0", "1", "-2.5", "1e3", "1E5", "1e400", "-1e-400", "1e9", "1000000001", "inf", "-inf", "0x10", "1_000"),
    *("1,000", "1.000", "1,234.5", "1.234,56", "1.234,56-", "(100)", "100-", "−5", "$440.50", "-€5", "£1", "¥9", "5 %"),
    *(
        "1'000",
        "1 000",
        "1\u00a0000",
        "12.5.3",
        "１２３",
        "٣",
        "1\u200b0",
        "00012",
        "+5",
        "--5",
        ".",
        ",",
        "1e",
        "5,5,5",
    ),
)
DAYS = (
    *("2025-01-02", "2025-01-03", "20250102", "02.01.2025", "31/12/2024", "12/31/2024", "03/04/2025", "2-Jan-2025"),
    *("Jan 2, 2025", "2025-W01-4", "2025W014", "2025-002", "45688", "0", "2025-02-30", "0001-01-01", "9999-12-31"),
    *(
        "2025-01-02T00:00:00Z",
        "2025-01-02 23:59:59+14:00",
        "2025-01-02 99:99",
        "２０２５-01-02",
        "2025-01-0２",
        "1900-01-01",
    ),
    *("2199-12-31", "2025-1-2", "2/1/25", "2025-01-02\u200b", "tomorrow", "00000000", "0000-00-00", "1970-01-01"),
)
CELLS = st.sampled_from([*WORDS, *NUMBERS, *DAYS]) | st.text(max_size=12)
ENCODINGS = ("utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1", "cp1252")
SEPARATORS = ",,,;\t|"


@st.composite
def tables(draw: Any, columns: Sequence[str], rows: Sequence[Mapping[str, str]], others: Sequence[str] = ()) -> Any:
    """A header and rows: good ones of which some cells, columns and widths are changed."""
    header = [*columns]
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(header)))
        change = draw(st.sampled_from(["add", "drop", "rename"]))
        name = draw(st.sampled_from([*columns, *others, "", "note", "Unnamed: 0"]) | st.text(max_size=5))
        if change == "add":
            header.insert(place, name)
        elif place < len(header):
            header[place : place + 1] = [] if change == "drop" else [name]
    body = []
    for _ in range(draw(st.integers(0, 4))):
        good = draw(st.sampled_from(rows))
        row = [good.get(name, "") for name in header]
        for place in draw(st.lists(st.integers(0, max(len(row) - 1, 0)), max_size=3)) if row else []:
            row[place] = draw(CELLS)
        if draw(st.integers(0, 7)) == 0:
            row = row[: draw(st.integers(0, len(row)))] if draw(st.booleans()) else [*row, draw(CELLS)]
        body.append(row)
    return header, body


@st.composite
def texts(draw: Any, *args: Any, **kwargs: Any) -> bytes:
    """The bytes of a text file, or what an accident left of them."""
    header, body = draw(tables(*args, **kwargs))
    sign, out = draw(st.sampled_from(SEPARATORS)), io.StringIO()
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    writer = csv.writer(
        out, delimiter=sign, quoting=quoting, lineterminator=draw(st.sampled_from(["\n", "\r\n", "\r"]))
    )
    writer.writerows([header, *body])
    text = draw(st.sampled_from(["", "", "", "\n\n", "Report of all accounts\n"])) + out.getvalue()
    content = text.encode(draw(st.sampled_from(ENCODINGS)), errors="replace")
    if draw(st.integers(0, 9)) == 0:
        place = draw(st.integers(0, len(content)))
        content = draw(
            st.sampled_from([content[:place], content[:place] + draw(st.binary(max_size=8)) + content[place:]])
        )
    return content


@st.composite
def workbooks(draw: Any, *args: Any, **kwargs: Any) -> bytes:
    """The bytes of an Excel file, whose cells have types."""
    import openpyxl
    from openpyxl.utils.exceptions import IllegalCharacterError

    header, body = draw(tables(*args, **kwargs))
    book = openpyxl.Workbook()
    for line, row in enumerate([header, *body], draw(st.sampled_from([1, 1, 3]))):
        for column, cell in enumerate(row, 1):
            value = draw(typed(cell)) if line > 1 else cell
            try:
                book.active.cell(line, column, value)
            except (ValueError, IllegalCharacterError):
                continue
    out = io.BytesIO()
    book.save(out)
    content = out.getvalue()
    return cut(content, draw(st.integers(0, 1_000))) if draw(st.integers(0, 19)) == 0 else content


def cut(content: bytes, thousandths: int) -> bytes:
    """Return the beginning of a file whose length may depend on the time of day."""
    return content[: len(content) * thousandths // 1_000]


@st.composite
def typed(draw: Any, cell: str) -> Any:
    """A cell as a program stores it: its text, the number or date in it, or something else."""
    kinds: list[Any] = [cell, cell]
    with suppress(ValueError, OverflowError):
        kinds += [float(cell), int(float(cell))]
    with suppress(ValueError):
        day = date.fromisoformat(cell)
        kinds += [day, datetime(day.year, day.month, day.day, 23, 30)]
    if draw(st.integers(0, 9)) == 0:
        kinds += [None, True, 1e300, timedelta(days=1)]
    return draw(st.sampled_from(kinds))


ARROW = (
    *(pa.string(), pa.large_string(), pa.float64(), pa.float32(), pa.int64(), pa.date32(), pa.date64(), pa.bool_()),
    *(
        pa.timestamp("ns"),
        pa.timestamp("us", tz="Europe/London"),
        pa.timestamp("s", tz="+14:00"),
        pa.binary(),
        pa.null(),
    ),
    *(
        pa.dictionary(pa.int32(), pa.string()),
        pa.decimal128(12, 4),
        pa.list_(pa.string()),
        pa.time32("s"),
        pa.string_view(),
    ),
)
OF_DATES = (pa.date32(), pa.string(), pa.timestamp("us"), pa.timestamp("ns", tz="America/New_York"), pa.date64())


@st.composite
def parquets(draw: Any, *args: Any, **kwargs: Any) -> bytes:
    """The bytes of a Parquet file whose columns have the right types, or others."""
    header, body = draw(tables(*args, **kwargs))
    arrays = []
    for place, name in enumerate(header):
        cells = [row[place] if place < len(row) else "" for row in body]
        usual = OF_DATES if name == "date" else (pa.string(),) if name == "symbol" else (pa.float64(), pa.string())
        kind = draw(st.sampled_from(ARROW if draw(st.integers(0, 5)) == 0 else usual))
        arrays.append(pa.array([_stored(cell, kind) for cell in cells], kind))
    out = io.BytesIO()
    group = draw(st.sampled_from([1, 1_000]))
    pq.write_table(pa.Table.from_arrays(arrays, names=[str(name) for name in header]), out, row_group_size=group)
    content = out.getvalue()
    return cut(content, draw(st.integers(0, 1_000))) if draw(st.integers(0, 19)) == 0 else content


def _stored(cell: str, kind: Any) -> Any:
    """Return a cell as the type wants it, None where it can't be that."""
    with suppress(ValueError, OverflowError, pa.ArrowException):
        return pa.scalar(_value(cell, kind), kind).as_py()
    return None


def _value(cell: str, kind: Any) -> Any:
    if pa.types.is_date(kind):
        return date.fromisoformat(cell)
    if pa.types.is_timestamp(kind):
        return datetime.fromisoformat(cell).replace(tzinfo=None)
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return int(float(cell))
    if pa.types.is_decimal(kind) or pa.types.is_floating(kind):
        return Decimal(str(round(float(cell), 2))) if pa.types.is_decimal(kind) else float(cell)
    if pa.types.is_time(kind):
        return datetime(2025, 1, 2, 3, 4).time()
    return {pa.binary(): cell.encode(), pa.list_(pa.string()): [cell], pa.null(): None}.get(kind, cell)
