"""A Parquet file of prices, of which only the dates asked for are read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..analytics.arrays import Bool1D, Date1D, Float1D
from ..tabular.dates import DateError, DateStyle
from ..tabular.numbers import NumberError, NumberStyle
from .file_tables import CURRENCY, FileRows, FileTable, first_line
from .source import SourceError


class ParquetTable(FileTable):
    """A Parquet file; dates may be dates, timestamps with or without a zone, or text."""

    def __init__(self, file: Path) -> None:

        try:
            parquet = pq.ParquetFile(file)
        except (pa.ArrowInvalid, OSError) as error:
            raise SourceError(f"{file}: is no readable Parquet file ({first_line(error)}); write it anew") from None
        groups = range(parquet.metadata.num_row_groups)
        size = sum(parquet.metadata.row_group(group).total_byte_size for group in groups)
        # Runs of one value take no space in the file, and eight bytes a cell in memory.
        size = max(size, 8 * parquet.metadata.num_rows * parquet.metadata.num_columns)
        super().__init__(file, parquet.schema_arrow.names, size)
        self._stored = dict(zip(self.columns, parquet.schema_arrow.names, strict=True))
        self._date_type = parquet.schema_arrow.field(self._stored["date"]).type
        if pa.types.is_dictionary(self._date_type):
            self._date_type = self._date_type.value_type
        kinds = (pa.types.is_date, pa.types.is_timestamp, pa.types.is_string, pa.types.is_large_string)
        if not any(kind(self._date_type) for kind in kinds):
            raise self.refuse(f"date: is of type {self._date_type}; store dates, timestamps or text such as 2025-01-31")
        kind = parquet.schema_arrow.field(self._stored["symbol"]).type
        kind = kind.value_type if pa.types.is_dictionary(kind) else kind
        if not any(is_text(kind) for is_text in (pa.types.is_string, pa.types.is_large_string, pa.types.is_null)):
            raise self.refuse(f"symbol: is of type {kind}; store text, which keeps 000001 and TRUE as they are")

    @cached_property
    def symbols(self) -> list[str]:
        """All symbols of the file."""
        column = self._table(["symbol"], None).unify_dictionaries().column("symbol")
        return [str(name) for name in column.unique().to_pylist() if name is not None]

    def read(self, numbers: Sequence[str], first: date, last: date) -> FileRows:
        """Read columns of numbers on the dates from ``first`` to ``last``."""
        table = self._table(["date", "symbol", *numbers], self._filter(first, last))
        for column in ("date", "symbol"):
            if table.column(column).null_count:
                raise self.refuse(f"{column}: is empty; every row needs one")
        days = self._days(table.column("date"))
        asked = (days >= np.datetime64(first)) & (days <= np.datetime64(last))
        symbol = table.column("symbol").combine_chunks()
        if not pa.types.is_dictionary(symbol.type):
            symbol = symbol.dictionary_encode()
        if isinstance(symbol, pa.ChunkedArray):
            symbol = pa.chunked_array(symbol.chunks).unify_dictionaries().combine_chunks()
        symbols = [str(name) for name in symbol.dictionary.to_pylist()]
        self.check_symbols(symbols)
        keep = _contiguous(asked)
        return FileRows(
            date=days[keep],
            symbol=symbol.indices.to_numpy(zero_copy_only=False)[keep],
            symbols=symbols,
            numbers={name: self._floats(table.column(name), name)[keep] for name in numbers},
        )

    def written_units(self) -> Iterable[tuple[str, str]]:
        """Symbol and currency of rows; each pair once."""
        cells = self._table(["symbol", CURRENCY], None).unify_dictionaries()  # each row group has texts of its own
        table = cells.group_by(["symbol", CURRENCY]).aggregate([])
        rows = zip(table.column("symbol").to_pylist(), table.column(CURRENCY).to_pylist(), strict=True)
        return [(str(symbol), str(unit).strip()) for symbol, unit in rows if symbol is not None and unit]

    def _table(self, columns: list[str], filters: Any) -> Any:

        stored = [self._stored[name] for name in columns]
        try:
            table = pq.read_table(self.file, columns=stored, filters=filters, read_dictionary=[self._stored["symbol"]])
        except (pa.ArrowException, OSError) as error:
            raise self.refuse(f"can't be read ({first_line(error)}); write it anew") from None
        return table.select(stored).rename_columns(columns)

    def _filter(self, first: date, last: date) -> Any:
        """Return what leaves whole row groups out; a day more on both sides, since a zone shifts midnights."""
        kind, day = self._date_type, pc.field(self._stored["date"])
        if not pa.types.is_date(kind) and not pa.types.is_timestamp(kind):
            return None  # text may be written in any way
        wide = (first - timedelta(days=1), last + timedelta(days=2))
        if pa.types.is_date(kind):
            low, high = (pa.scalar(bound).cast(kind) for bound in wide)
        else:
            times = [np.datetime64(bound, "s").item() for bound in wide]
            low, high = (pa.scalar(time).cast(pa.timestamp(kind.unit), safe=False).cast(kind) for time in times)
        return day.is_null() | ((day >= low) & (day <= high))

    def _days(self, column: Any) -> Date1D:
        """Return dates; of a timestamp with a zone, the date in that zone."""
        if pa.types.is_timestamp(column.type) and column.type.tz:
            column = pc.local_timestamp(column)
        if pa.types.is_date(column.type) or pa.types.is_timestamp(column.type):
            days: Date1D = column.cast(pa.date32()).to_numpy().astype("datetime64[D]")
            return days
        if not pa.types.is_dictionary(column.type):
            column = column.dictionary_encode()
        column = column.unify_dictionaries().combine_chunks() if column.num_chunks != 1 else column.chunk(0)
        if isinstance(column, pa.ChunkedArray):
            column = column.chunk(0) if column.num_chunks else pa.array([], pa.string()).dictionary_encode()
        written = [str(value) for value in column.dictionary.to_pylist()]
        style, read, problems = DateStyle.of(written), [], []
        for value in written:
            try:
                read.append(style.read(value))
            except DateError as error:
                problems.append(f"date: {value[:40]!r} {error}")
                read.append(date.min)
        if problems:
            raise self.refuse(*problems)
        return np.array(read, dtype="datetime64[D]")[column.indices.to_numpy(zero_copy_only=False)]

    def _floats(self, column: Any, name: str) -> Float1D:

        try:
            if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
                return self._written_numbers(column.to_pylist(), name)
            values: Float1D = column.cast(pa.float64()).to_numpy()
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise self.refuse(f"{name}: {first_line(error)}; store it as numbers") from None
        return values

    def _written_numbers(self, cells: list[str | None], name: str) -> Float1D:
        style = NumberStyle.of({cell for cell in cells if cell})
        try:
            return np.array([style.read(cell).value if cell else np.nan for cell in cells], dtype=float)
        except NumberError:
            bad = next(cell for cell in cells if cell and not _is_number(style, cell))
            raise self.refuse(f"{name}: {bad[:40]!r} is no number; store it as numbers") from None


def _contiguous(chosen: Bool1D) -> slice | Bool1D:
    """Return a choice of rows as a slice where they follow one another: millions of rows are not copied in vain."""
    first, count = int(np.argmax(chosen)) if len(chosen) else 0, int(np.count_nonzero(chosen))
    return slice(first, first + count) if chosen[first : first + count].all() else chosen


def _is_number(style: NumberStyle, cell: str) -> bool:
    try:
        style.read(cell)
    except NumberError:
        return False
    return True
