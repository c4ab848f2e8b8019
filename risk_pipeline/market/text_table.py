"""A CSV or Excel file of prices: fast where a program wrote it, patient where a person did.

A plain CSV file (commas, ISO dates, decimal points) is read by Arrow. Anything else is read cell by cell with
:mod:`risk_pipeline.tabular`, which says of each bad cell where it stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import csv

from ..tabular import excel
from ..tabular.dates import DateError, DateStyle
from ..tabular.numbers import NumberError, NumberStyle
from ..tabular.text import UnreadableError, decode, first_line, is_remark, is_total, oddity, separator, split_rows
from .file_tables import CURRENCY, LARGEST, NUMBER_COLUMNS, FileRows, FileTable, column_name
from .source import SourceError

NO_NUMBER = ("", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "null", "NULL", "None", "-", "--")
"""Cells of a column of numbers that mean none. In a column of symbols they are symbols."""


class TextTable(FileTable):
    """A CSV file or the sheet of a workbook, read once."""

    def __init__(self, file: Path, sheet: str = "", rows: list[tuple[int, list[str]]] | None = None) -> None:
        size = file.stat().st_size
        self._sheet_rows = rows
        self.other_sheets: list[str] = []
        if size > LARGEST:
            raise SourceError(f"{file}: holds {size / 1e9:.1f} GB; split it into files of less than 2 GB")
        self._separator, self._is_plain = ",", False
        try:
            with file.open("rb") as stream:
                start = stream.read(10_000)
            if rows is not None or start.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in start:
                header = self._read_rows(file)[0][1]
            else:
                line = first_line(start.decode("utf-8-sig", errors="replace"))
                self._separator = separator(line)
                header = next(split_rows(line, self._separator), (1, [""]))[1]
                self._is_plain = self._separator == "," and start.removeprefix(b"\xef\xbb\xbf")[:1] not in b"\r\n "
        except UnreadableError as error:
            raise SourceError(f"{file}{f', line {error.line}' * bool(error.line)}: {error}") from None
        super().__init__(file, header, size, sheet)

    def _read_rows(self, file: Path) -> list[tuple[int, list[str]]]:
        if self._sheet_rows is not None:
            return self._sheet_rows
        text, _ = decode(file.read_bytes())
        self._separator = separator(first_line(text))
        return list(split_rows(text, self._separator)) or [(1, [""])]

    @cached_property
    def _rows(self) -> FileRows:
        plain = self._plain_rows() if self._is_plain else None
        return self._written_rows() if plain is None else plain

    def _plain_rows(self) -> FileRows | None:
        """Return the rows as Arrow reads them, None if a cell is not plain."""
        types: dict[str, Any] = {name: pa.float64() for name in NUMBER_COLUMNS if name in self.columns}
        types |= {"date": pa.date32(), "symbol": pa.string()}
        convert = csv.ConvertOptions(
            column_types=types, include_columns=list(types), null_values=list(NO_NUMBER), strings_can_be_null=False
        )
        names = csv.ReadOptions(column_names=self.columns, skip_rows=1, use_threads=False)
        try:
            table = csv.read_csv(self.file, read_options=names, convert_options=convert)
        except pa.ArrowInvalid:
            return None
        symbol = table.column("symbol").combine_chunks()
        symbol = symbol.chunk(0) if isinstance(symbol, pa.ChunkedArray) else symbol
        symbol = symbol.dictionary_encode()
        symbols = [str(name) for name in symbol.dictionary.to_pylist()]
        if table.column("date").null_count or any(
            not name.strip() or name[0] in "='" or oddity(name) for name in symbols
        ):
            return None
        return FileRows(
            date=table.column("date").to_numpy().astype("datetime64[D]"),
            symbol=symbol.indices.to_numpy(zero_copy_only=False),
            symbols=symbols,
            numbers={name: table.column(name).to_numpy() for name in types if name in NUMBER_COLUMNS},
        )

    def _written_rows(self) -> FileRows:
        """Read cell by cell.

        Raises
        ------
        SourceError
            With line, column and remedy of the first bad cells.
        """
        try:
            rows = self._read_rows(self.file)[1:]
        except UnreadableError as error:
            raise self.refuse(f"line {error.line}: {error}" if error.line else str(error)) from None
        problems: list[tuple[int, str]] = []
        kept = self._of_full_width(rows, problems)
        places = {name: self.columns.index(name) for name in self.columns}
        cells = {name: [row[places[name]] for _, row in kept] for name in places}
        lines = [line for line, _ in kept]
        for name in ("date", "symbol"):
            problems += [
                (line, f"{name}: is empty; every row needs one")
                for line, cell in zip(lines, cells[name], strict=True)
                if not cell
            ]
        problems += [
            (line, f"symbol: {cell[:40]!r} {odd}")
            for line, cell in zip(lines, cells["symbol"], strict=True)
            if (odd := oddity(cell))
        ]
        days = self._dates(cells["date"], lines, problems)
        present = [name for name in NUMBER_COLUMNS if name in self.columns]
        style = NumberStyle.of({cell for name in present for cell in cells[name]}, self._separator)
        numbers = {name: self._numbers(name, cells[name], lines, style, problems) for name in present}
        if problems:
            raise self.refuse(*(f"line {line}, {problem}" for line, problem in sorted(problems)))
        symbols = sorted(set(cells["symbol"]))
        place = {symbol: index for index, symbol in enumerate(symbols)}
        return FileRows(
            date=np.array(days, dtype="datetime64[D]"),
            symbol=np.array([place[symbol] for symbol in cells["symbol"]], dtype=np.int64),
            symbols=symbols,
            numbers=numbers,
        )

    def _of_full_width(
        self, rows: list[tuple[int, list[str]]], problems: list[tuple[int, str]]
    ) -> list[tuple[int, list[str]]]:
        """Return rows with a cell for each column; sums and sentences below the table are passed over."""
        width, kept = len(self.columns), []
        is_sheet = self._sheet_rows is not None
        last = max((line for line, row in rows if len(row) == width and not is_total(row)), default=0)
        for line, row in rows:
            filled = row[:width] if len(row) > width and not any(row[width:]) else row
            if is_sheet:
                filled = filled + [""] * (width - len(filled))
            if is_total(filled) or (is_remark(filled, width) and line > last):
                continue
            if len(filled) != width:
                problems.append((line, f"{','.join(row)[:40]!r}: has {len(row)} cells; each row needs {width} cells"))
                continue
            kept.append((line, filled))
        return kept

    def _dates(self, cells: list[str], lines: list[int], problems: list[tuple[int, str]]) -> list[date]:
        style, read = DateStyle.of(set(cells)), {"": date.min}
        for cell in dict.fromkeys(cells):
            try:
                read[cell] = style.read(cell) if cell else date.min
            except DateError as error:
                problems.append((lines[cells.index(cell)], f"date: {cell[:40]!r} {error}"))
                read[cell] = date.min
        return [read[cell] for cell in cells]

    def _numbers(
        self, name: str, cells: list[str], lines: list[int], style: NumberStyle, problems: list[tuple[int, str]]
    ) -> Any:
        out = np.full(len(cells), np.nan)
        for row, cell in enumerate(cells):
            if cell in NO_NUMBER:
                continue
            try:
                out[row] = style.read(cell).value
            except NumberError as error:
                problems.append((lines[row], f"{name}: {cell[:40]!r} {error}, or leave the cell empty"))
        return out

    @property
    def symbols(self) -> list[str]:
        """All symbols of the file."""
        return self._rows.symbols

    def written_units(self) -> Iterable[tuple[str, str]]:
        """Symbol and currency of rows; a row may stand more than once."""
        if self._is_plain and self._plain_rows() is not None:
            names = csv.ReadOptions(column_names=self.columns, skip_rows=1, use_threads=False)
            types = dict.fromkeys(("symbol", CURRENCY), pa.string())
            convert = csv.ConvertOptions(column_types=types, include_columns=list(types), strings_can_be_null=False)
            table = csv.read_csv(self.file, read_options=names, convert_options=convert)
            table = table.group_by(["symbol", CURRENCY]).aggregate([])
            pairs: Iterable[tuple[str, str]] = zip(
                table.column("symbol").to_pylist(), table.column(CURRENCY).to_pylist(), strict=True
            )
        else:
            places = [self.columns.index(name) for name in ("symbol", CURRENCY)]
            kept = self._of_full_width(self._read_rows(self.file)[1:], [])
            pairs = zip(*([row[place] for _, row in kept] for place in places), strict=True) if kept else ()
        return [(symbol, unit.strip()) for symbol, unit in pairs if unit.strip()]

    def read(self, numbers: Sequence[str], first: date, last: date) -> FileRows:
        """Read columns of numbers on the dates from ``first`` to ``last``."""
        rows = self._rows
        asked = (rows.date >= np.datetime64(first)) & (rows.date <= np.datetime64(last))
        chosen = {name: rows.numbers[name][asked] for name in numbers}
        return FileRows(rows.date[asked], rows.symbol[asked], rows.symbols, chosen)


def text_tables(file: Path) -> Iterator[TextTable]:
    """Yield the table of a CSV file, or those of a workbook's sheets that hold prices.

    Raises
    ------
    SourceError
        If it can't be read, or none of its sheets holds prices.
    """
    with file.open("rb") as stream:
        is_workbook = excel.is_excel(stream.read(8))
    if not is_workbook:
        yield TextTable(file)
        return
    if file.stat().st_size > LARGEST:
        raise SourceError(f"{file}: holds {file.stat().st_size / 1e9:.1f} GB; split it into files of less than 2 GB")
    try:
        sheets = list(excel.sheets(file.read_bytes()))
    except UnreadableError as error:
        raise SourceError(f"{file}: {error}") from None
    prices = [(title, rows) for title, rows in sheets if {"date", "symbol"} <= {*map(column_name, rows[0][1])}]
    for title, rows in prices or sheets[:1] or [("", [(1, [""])])]:
        table = TextTable(file, title if len(sheets) > 1 else "", rows)
        table.other_sheets = [name for name, _ in sheets if name not in dict(prices)] if prices else []
        yield table
