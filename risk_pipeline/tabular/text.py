"""The text of a file and the cells of its rows: encodings, separators, spreadsheets' prefixes, footers.

================================  =========================================================================
found                             read as
================================  =========================================================================
UTF-8 with or without a mark      itself
UTF-16 with a mark                itself; without one, said in a note
other bytes                       Windows-1252 (Western European), said in a note
``,`` ``;`` tab ``|``             the one that splits the header into the most cells
``="SPY"`` and ``'10``            ``SPY`` and ``10``: what spreadsheets write to keep a cell as text
================================  =========================================================================
"""

from __future__ import annotations

import csv
import io
import itertools
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field

SEPARATORS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a vertical bar"}
_MARKS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig"))
_EXCEL_TEXT = re.compile(r'="(.*)"', re.DOTALL)
_TOTAL = re.compile(r"(grand |sub-?|account |portfolio |position )*total\b.*|summe\b.*|gesamt\b.*", re.IGNORECASE)


class UnreadableError(ValueError):
    """A file that is no table of text; the message ends with the remedy."""

    def __init__(self, remedy: str, line: int = 0) -> None:
        super().__init__(remedy)
        self.line = line


def decode(content: bytes) -> tuple[str, str | None]:
    """Return the text of a file, without its byte order mark, and a note if its encoding had to be assumed.

    Raises
    ------
    UnreadableError
        If it holds null bytes (a spreadsheet, an archive) or is cut off in the middle of a character.
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            try:
                return _without_nulls(content.decode(encoding).removeprefix("\ufeff")), None
            except UnicodeDecodeError as error:
                raise UnreadableError(f"byte {error.start} is not {encoding.upper()}: save the file as UTF-8") from None
    if unmarked := _without_mark(content[:200]):
        try:
            return _without_nulls(content.decode(unmarked)), f"has no mark of its encoding: read as {unmarked.upper()}"
        except UnicodeDecodeError as error:
            raise UnreadableError(f"byte {error.start} is not {unmarked.upper()}: save the file as UTF-8") from None
    try:
        return _without_nulls(content.decode("utf-8")), None
    except UnicodeDecodeError as error:
        start = error.start
    if b"\0" in content[:100_000]:
        raise UnreadableError("is not text: save it as CSV in UTF-8, or as .xlsx")
    try:
        text = content.decode("cp1252")
    except UnicodeDecodeError:
        raise UnreadableError(f"byte {start} is not UTF-8: save the file as UTF-8") from None
    return text, f"byte {start} is not UTF-8: read as Windows-1252; save the file as UTF-8 if a name looks wrong"


def _without_mark(start: bytes) -> str | None:
    """Return the form of UTF-16 in which every other byte of Latin letters is null, None if it is neither."""
    even, odd = start[::2], start[1::2]
    if len(start) < 8 or start.count(0) < 0.4 * len(start):
        return None
    if odd.count(0) > 0.9 * len(odd) and 0 not in even:
        return "utf-16-le"
    return "utf-16-be" if even.count(0) > 0.9 * len(even) and 0 not in odd else None


def _without_nulls(text: str) -> str:
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise UnreadableError("holds a null byte: is it a CSV file?", line)
    return text


def oddity(cell: str) -> str | None:
    """Return what is wrong with characters that a person does not see or takes for others, None if nothing is."""
    if cell.isascii() and cell.isprintable():
        return None
    for sign in cell:
        if unicodedata.category(sign).startswith("C"):
            return f"holds the invisible character U+{ord(sign):04X}: type the cell again"
        if sign.isdigit() and not sign.isascii():
            return f"holds U+{ord(sign):04X}, which is none of the digits 0 to 9: type the cell again"
    return None


def printable(text: str) -> str:
    """Return a text for a message: what has no sign of its own is written as its code."""
    return "".join(sign if sign.isprintable() else f"\\u{ord(sign):04x}" for sign in text)


def separator(header: str) -> str:
    """Return the character that splits a header line into the most cells; a comma if none does."""
    unquoted = re.sub(r'"[^"]*"', "", header)
    return max(SEPARATORS, key=unquoted.count)


def clean(cell: str) -> str:
    """Return a cell without outer blanks and without what a spreadsheet puts before a text."""
    cell = cell.strip().strip("\u00a0")
    match = _EXCEL_TEXT.fullmatch(cell)
    if match:
        return match[1].replace('""', '"').strip()
    return cell[1:].strip() if cell.startswith("'") and re.fullmatch(r"'[\w.,^+-]+", cell) else cell


@dataclass
class Rows:
    """A header, the rows below it with their line numbers, and what was passed over."""

    header: list[str]
    header_line: int
    rows: list[tuple[int, list[str]]]
    separator: str = ","
    notes: list[tuple[int, str]] = field(default_factory=list)
    """Line and a sentence, to be shown to the user."""


def split_rows(text: str, sign: str | None = None) -> Iterator[tuple[int, list[str]]]:
    """Yield line number and clean cells of every row that is not empty.

    Raises
    ------
    UnreadableError
        If the text is not CSV.
    """
    sign = sign or separator(first_line(text))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=sign)
    try:
        for values in reader:
            cells = [clean(value) for value in values]
            if any(cells):
                yield reader.line_num, cells
    except csv.Error as error:
        raise UnreadableError(f"is not CSV ({error})", reader.line_num) from None


def separator_of(text: str, most_lines: int) -> str:
    """Return the separator of a text whose table may begin below a title: that of the line that has most of one."""
    lines = [line for line in itertools.islice(io.StringIO(text), 3 * most_lines) if line.strip()][:most_lines]
    return separator(max(lines, key=lambda line: max(map(line.count, SEPARATORS)), default=""))


def first_line(text: str) -> str:
    """Return the first line that is not blank."""
    return next((line for line in io.StringIO(text) if line.strip()), "")


def is_total(cells: list[str]) -> bool:
    """Return whether a row is a sum under a table: it begins with "Total" and leaves cells empty."""
    first = next((cell for cell in cells if cell), "")
    return bool(_TOTAL.fullmatch(first)) and "" in cells


def is_remark(cells: list[str], width: int) -> bool:
    """Return whether a row is a sentence under a table: one filled cell, which is none of several required."""
    filled = [cell for cell in cells if cell]
    return len(filled) == 1 and width > 2 and " " in filled[0]
