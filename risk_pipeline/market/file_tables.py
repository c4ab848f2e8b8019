"""Reading the columns and dates that are needed out of one Parquet or CSV file of prices."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..analytics.arrays import Date1D, Float1D, Int1D
from .source import SourceError

PRICE_FILES = (".parquet", ".csv")
LARGEST = 2_000_000_000
"""Bytes; a larger file (Parquet: uncompressed) is refused rather than filling the memory."""


@dataclass(frozen=True)
class FileRows:
    """Rows of a file, each array (R,)."""

    date: Date1D
    symbol: Int1D
    """Place of the row's symbol in ``symbols``."""
    symbols: list[str]
    """As the file spells them."""
    numbers: Mapping[str, Float1D]
    """Columns by name; NaN where the cell is empty."""


class FileTable(ABC):
    """One file of prices; what is wrong with it is said with its name."""

    def __init__(self, file: Path, columns: Sequence[str], size: int) -> None:
        self.file = file
        self.columns = tuple(columns)
        if size > LARGEST:
            raise self.refuse(f"holds {size / 1e9:.1f} GB; split it into files of less than 2 GB")
        for column in ("date", "symbol"):
            if column not in self.columns:
                raise self.refuse(f"has no column {column!r}; it has {', '.join(columns)}: rename one")
        if not {"close", "adj_close"} & set(self.columns):
            raise self.refuse("has neither a column 'close' nor 'adj_close'; rename the column of prices")

    def refuse(self, problem: str) -> SourceError:
        """Return the error to raise."""
        return SourceError(f"{self.file}: {problem}")

    @property
    @abstractmethod
    def symbols(self) -> list[str]:
        """All symbols of the file, as it spells them."""

    @abstractmethod
    def read(self, numbers: Sequence[str], first: date, last: date) -> FileRows:
        """Read columns of numbers on the dates from ``first`` to ``last``."""

    def rows(self, table: Any, numbers: Sequence[str], first_line: int | None) -> FileRows:
        """Turn an Arrow table into arrays; ``first_line`` is the line of its first row, if it has lines."""
        import pyarrow as pa

        for column in ("date", "symbol"):
            if table.column(column).null_count:
                empty = int(np.flatnonzero(table.column(column).is_null().to_numpy())[0])
                where = f"line {empty + first_line}, " if first_line else ""
                raise self.refuse(f"{where}{column}: is empty; every row needs one")
        symbol = table.column("symbol").combine_chunks()
        if not pa.types.is_dictionary(symbol.type):
            symbol = symbol.dictionary_encode()
        if isinstance(symbol, pa.ChunkedArray):
            symbol = pa.chunked_array(symbol.chunks).unify_dictionaries().combine_chunks()
        return FileRows(
            date=_days(table.column("date")),
            symbol=symbol.indices.to_numpy(zero_copy_only=False),
            symbols=[str(name) for name in symbol.dictionary.to_pylist()],
            numbers={name: self._floats(table.column(name), name) for name in numbers},
        )

    def _floats(self, column: Any, name: str) -> Float1D:
        import pyarrow as pa

        try:
            values: Float1D = column.cast(pa.float64()).to_numpy()
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise self.refuse(f"{name}: {_first_line(error)}; store it as numbers") from None
        return values


class ParquetTable(FileTable):
    """A Parquet file, of which only the dates asked for are read."""

    def __init__(self, file: Path) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            parquet = pq.ParquetFile(file)
        except (pa.ArrowInvalid, OSError) as error:
            raise SourceError(f"{file}: is no readable Parquet file ({_first_line(error)}); write it anew") from None
        groups = range(parquet.metadata.num_row_groups)
        size = sum(parquet.metadata.row_group(number).total_byte_size for number in groups)
        # Runs of one value take no space in the file, and eight bytes a cell in memory.
        size = max(size, 8 * parquet.metadata.num_rows * parquet.metadata.num_columns)
        super().__init__(file, parquet.schema_arrow.names, size)
        self._date_type = parquet.schema_arrow.field("date").type

    @cached_property
    def symbols(self) -> list[str]:
        """All symbols of the file."""
        column = self._table(["symbol"], None).column("symbol")
        return [str(name) for name in column.unique().to_pylist() if name is not None]

    def read(self, numbers: Sequence[str], first: date, last: date) -> FileRows:
        """Read columns of numbers on the dates from ``first`` to ``last``."""
        import pyarrow.compute as pc

        day = pc.field("date")
        low, high = self._bound(first), self._bound(last, end_of_day=True)
        table = self._table(["date", "symbol", *numbers], day.is_null() | ((day >= low) & (day <= high)))
        return self.rows(table, numbers, None)

    def _table(self, columns: list[str], filters: Any) -> Any:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            return pq.read_table(self.file, columns=columns, filters=filters, read_dictionary=["symbol"])
        except (pa.ArrowException, OSError) as error:
            raise self.refuse(f"can't be read ({_first_line(error)}); write it anew") from None

    def _bound(self, day: date, *, end_of_day: bool = False) -> Any:
        """Return a date as a scalar of the column's own type, so that whole row groups can be left out."""
        import pyarrow as pa

        kind = self._date_type
        if pa.types.is_dictionary(kind):
            kind = kind.value_type
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            return pa.scalar(day.isoformat() + ("~" if end_of_day else ""), type=kind)
        if pa.types.is_date(kind):
            return pa.scalar(day).cast(kind)
        if pa.types.is_timestamp(kind):
            time = np.datetime64(day, "D").astype("datetime64[s]")
            time += np.timedelta64(86_399 if end_of_day else 0, "s")
            return pa.scalar(time.item()).cast(pa.timestamp(kind.unit), safe=False).cast(kind)
        raise self.refuse(f"date: is of type {kind}; store dates, timestamps or text such as 2025-01-31")


class CsvTable(FileTable):
    """A CSV file, read once."""

    def __init__(self, file: Path) -> None:
        try:
            with file.open(encoding="utf-8-sig", newline="") as text:
                header = text.readline(10_000)
        except (UnicodeDecodeError, OSError) as error:
            raise SourceError(f"{file}: is not a CSV file in UTF-8 ({error}); save it as one") from None
        columns = [name.strip().strip('"') for name in header.strip().split(",")]
        super().__init__(file, columns, file.stat().st_size)

    @cached_property
    def _table(self) -> Any:
        import pyarrow as pa
        from pyarrow import csv

        known = ("close", "adj_close", "high", "low", "volume", "dividend", "split_factor")
        types: dict[str, Any] = {name: pa.float64() for name in known if name in self.columns}
        types |= {"date": pa.date32(), "symbol": pa.dictionary(pa.int32(), pa.string())}
        convert = csv.ConvertOptions(
            column_types=types,
            include_columns=list(types),
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
        )
        names = csv.ReadOptions(column_names=self.columns, skip_rows=1, use_threads=False)
        try:
            return csv.read_csv(self.file, read_options=names, convert_options=convert)
        except pa.ArrowInvalid as error:
            raise self.refuse(self._located(str(error))) from None

    def _located(self, message: str) -> str:
        """Say Arrow's error with a line and the column's name; Arrow counts rows from 1 after the header."""
        import re

        column = re.search(r"CSV column #(\d+)", message)
        row = re.search(r"Row #(\d+)", message)
        value = re.search(r"invalid value '(.*)'", message)
        place = f"line {int(row[1])}, " if row else ""
        if column and value:
            name = self.columns[int(column[1])]
            kind = "date such as 2025-01-31" if name == "date" else "plain number such as 1234.5"
            return f"{place}{name}: {value[1]!r} is no {kind}; mend the cell or leave a number empty"
        return f"{place}{_first_line(message)}; each row needs {len(self.columns)} cells"

    @property
    def symbols(self) -> list[str]:
        """All symbols of the file."""
        return [str(name) for name in self._table.column("symbol").unique().to_pylist() if name is not None]

    def read(self, numbers: Sequence[str], first: date, last: date) -> FileRows:
        """Read columns of numbers on the dates from ``first`` to ``last``."""
        rows = self.rows(self._table, numbers, 2)
        asked = (rows.date >= np.datetime64(first)) & (rows.date <= np.datetime64(last))
        chosen = {name: values[asked] for name, values in rows.numbers.items()}
        return FileRows(rows.date[asked], rows.symbol[asked], rows.symbols, chosen)


def open_table(file: Path) -> FileTable:
    """Open a price file by its ending."""
    return ParquetTable(file) if file.suffix.lower() == ".parquet" else CsvTable(file)


def _days(column: Any) -> Date1D:
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_timestamp(column.type) and column.type.tz:
        column = pc.local_timestamp(column)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        column = pc.utf8_slice_codeunits(column, 0, 10)
    days: Date1D = column.cast(pa.date32()).to_numpy().astype("datetime64[D]")
    return days


def _first_line(error: object) -> str:
    return str(error).splitlines()[0][:200]
