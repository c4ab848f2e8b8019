"""Files to rows of text: the kind of each file, and which lines are not rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ..tabular import excel
from ..tabular.rows import Problem, Row, RowSet
from ..tabular.text import UnreadableError, decode, is_remark, is_total, printable, separator_of, split_rows
from .import_columns import FILE_COLUMNS, column_names, kind_of, resembles

MAX_BYTES = 50_000_000
MOST_LINES_ABOVE = 10
"""Maximum lines of title above a header."""

Lines = list[tuple[int, list[str]]]


def read_files(paths: Sequence[Path], problems: list[Problem]) -> list[RowSet]:
    """Read CSV and Excel files; what can't be read is added to the problems, file by file."""
    paths = list(dict.fromkeys(path.resolve() for path in paths))
    names = [path.name for path in paths]
    row_sets: list[RowSet] = []
    for path in paths:
        label = path.name if names.count(path.name) == 1 else str(path)
        if path.stat().st_size > MAX_BYTES:
            problems.append(Problem(label, 0, "", "", f"is over {MAX_BYTES:,} bytes: split it"))
            continue
        try:
            row_sets += read_content(label, path.read_bytes(), problems)
        except UnreadableError as error:
            problems.append(Problem(label, error.line, "", "", str(error)))
    return row_sets


def read_content(label: str, content: bytes, problems: list[Problem]) -> Iterator[RowSet]:
    """Yield the tables of one file: one of a CSV file, one of each sheet of an Excel file.

    Raises
    ------
    UnreadableError
        If it is neither.
    """
    if excel.is_excel(content):
        sheets = list(excel.sheets(content))
        known = [(title, lines) for title, lines in sheets if _header_at(lines) is not None]
        for title, lines in known or sheets[:1]:
            name = label if len(known) < 2 else f"{label}, sheet {title}"
            yield from _table(name, lines, " ", [], problems)
        others = [title for title, lines in sheets if (title, lines) not in known]
        if known and others:
            yield RowSet("", [], notes=[f"{label}: not read: sheet {', '.join(map(printable, others))}"])
        return
    text, note = decode(content)
    sign = separator_of(text, MOST_LINES_ABOVE)
    yield from _table(label, list(split_rows(text, sign)), sign, [f"{label}: {note}"] if note else [], problems)


def read_texts(texts: Mapping[str, str], problems: list[Problem]) -> list[RowSet]:
    """Read texts in the files' format; keys name them."""
    return [table for name, text in texts.items() for table in _table(name, list(split_rows(text)), ",", [], problems)]


def _header_at(lines: Lines) -> int | None:
    return next(
        (index for index, (_, cells) in enumerate(lines[:MOST_LINES_ABOVE]) if kind_of(column_names(cells))), None
    )


def _unknown_header(header: Sequence[str]) -> str:
    """Say which columns a header lacks of the kind of file that it resembles, or name the headers of all kinds."""
    missing = {kind: [name for name in file.required if name not in header] for kind, file in FILE_COLUMNS.items()}
    nearest = min(missing, key=lambda kind: len(missing[kind]) / len(FILE_COLUMNS[kind].required))
    if 2 * len(missing[nearest]) < len(FILE_COLUMNS[nearest].required):
        return f"is the header of {nearest} without {', '.join(missing[nearest])}"
    known = "; ".join(f"{kind}: {', '.join(file.required)}" for kind, file in FILE_COLUMNS.items())
    said = "is none of the known headers" if header else "is empty; its first line is one of these headers"
    return f"{said}: {known}"


def _table(name: str, lines: Lines, sign: str, notes: list[str], problems: list[Problem]) -> Iterator[RowSet]:
    header_at = _header_at(lines)
    if header_at is None:
        line, cells = lines[0] if lines else (0, [])
        problems.append(Problem(name, line, "", ",".join(cells)[:80], _unknown_header(column_names(cells))))
        return
    line, written = lines[header_at]
    header = column_names(written)
    kind = str(kind_of(header))
    table = RowSet(kind, [], sign, notes)
    _look_at_header(name, line, header, kind, table, problems)
    body = lines[header_at + 1 :]
    end = max((line for line, cells in body if len(cells) >= len(header) and not is_total(cells)), default=0)
    for line, row in body:
        cells = row[: len(header)] if not any(row[len(header) :]) else row
        if sign == " ":  # a sheet's rows end with their last filled cell
            cells = cells + [""] * (len(header) - len(cells))
        is_sum = is_total(cells) and not _is_whole(cells, header, kind)
        if is_sum or (is_remark(cells, len(header)) and line > end):
            table.notes.append(f"{name}, line {line}: {','.join(filter(None, row))[:60]!r} is no row: passed over")
        elif len(cells) != len(header):
            remedy = f"has {len(cells)} fields where the header has {len(header)}"
            problems.append(Problem(name, line, "", "", remedy))
        else:
            table.rows.append(Row(name, line, dict(zip(header, cells, strict=True))))
    yield table


def _is_whole(cells: list[str], header: list[str], kind: str) -> bool:
    """Return whether a row has every cell that its kind requires: a portfolio may be called Total Return."""
    filled = {name for name, cell in zip(header, cells, strict=False) if cell}
    return {*FILE_COLUMNS[kind].required} <= filled


def _look_at_header(name: str, line: int, header: list[str], kind: str, table: RowSet, problems: list[Problem]) -> None:
    known, ignored = FILE_COLUMNS[kind].all, []
    for column in dict.fromkeys(header):
        meant = resembles(column, kind, header)
        if column in known and header.count(column) > 1:
            remedy = f"stands twice in the header: there are {', '.join(sorted(known))}"
            problems.append(Problem(name, line, column, column[:80], remedy))
        elif column not in known and meant:
            problems.append(Problem(name, line, column, column[:80], f"is no column of {kind}: did you mean {meant}?"))
        elif column not in known and column:
            ignored.append(printable(column)[:40])
    if ignored:
        table.notes.append(f"{name}: not read: column {', '.join(ignored)}")
