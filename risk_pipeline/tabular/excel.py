"""Sheets of Excel files (.xlsx) as rows of text, so that they are read as CSV is."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Any

from .text import UnreadableError, clean

_THREE_DECIMALS = re.compile(r"-?[1-9]\d{0,2}\.\d{3}")
LARGEST = 200_000_000
"""Bytes of an unpacked file; a larger one is refused rather than filling the memory."""


def is_excel(content: bytes) -> bool:
    """Return whether the content is that of an Excel file, by its first bytes."""
    return content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0"))


def sheets(content: bytes) -> Iterator[tuple[str, list[tuple[int, list[str]]]]]:
    """Yield the title of each visible sheet and its rows that are not empty: row number and cells as text.

    A formula gives the value that Excel last computed. Dates are written as ISO dates, numbers plainly.

    Raises
    ------
    UnreadableError
        If it is no .xlsx file (an old .xls, another archive), damaged, or too large.
    """
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise UnreadableError("is an old Excel file (.xls) or protected by a password: save it as .xlsx")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
            if "xl/workbook.xml" not in archive.namelist():
                raise UnreadableError("is an archive but no Excel file: save it as .xlsx or CSV")
    except zipfile.BadZipFile as error:
        raise UnreadableError(f"is no readable Excel file ({error}): save it again as .xlsx") from None
    if size > LARGEST:
        raise UnreadableError(f"unpacks to {size:,} bytes: split it or save it as CSV")
    import openpyxl

    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        for sheet in book.worksheets:
            if sheet.sheet_state != "visible":
                continue
            cells = ([_text(value) for value in row] for row in sheet.iter_rows(values_only=True))
            rows = [(line, _trimmed(row)) for line, row in enumerate(cells, 1) if any(row)]
            if rows:
                yield sheet.title, rows
    except UnreadableError:
        raise
    except Exception as error:  # openpyxl raises whatever the XML inside provokes
        raise UnreadableError(f"is no readable Excel file ({type(error).__name__}): save it again as .xlsx") from None


def _trimmed(cells: list[str]) -> list[str]:
    while cells and not cells[-1]:
        cells = cells[:-1]
    return cells


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        text = repr(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
        return f"{text}0" if _THREE_DECIMALS.fullmatch(text) else text  # else it could be thousands
    return clean(str(value))
