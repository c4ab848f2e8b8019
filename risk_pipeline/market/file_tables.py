"""One file of prices: what every kind of file gives, whatever it is written in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ..analytics.arrays import Date1D, Float1D, Int1D
from ..tabular.text import oddity, printable
from .source import SourceError
from .units import is_unit

PRICE_FILES = (".parquet", ".csv", ".xlsx")
LARGEST = 2_000_000_000
"""Bytes; a larger file (Parquet: uncompressed) is refused rather than filling the memory."""
NUMBER_COLUMNS = ("close", "adj_close", "high", "low", "volume", "dividend", "split_factor", "capital_gains")
OTHER_NAMES = {"dividends": "dividend", **dict.fromkeys(("split", "splits", "split_ratio"), "split_factor")}
"""What columns are also called. Yahoo's ``stock_splits`` is none of them: its closes are adjusted for splits."""
CURRENCY = "currency"
MOST_PROBLEMS = 5
"""So many bad cells of a file are named."""


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
    """One file of prices; its errors name the file."""

    def __init__(self, file: Path, columns: Sequence[str], size: int, sheet: str = "") -> None:
        self.file = file
        self.label = f"{file.name}, sheet {printable(sheet)}" if sheet else file.name
        names = [column_name(column) for column in columns]
        self.columns = tuple(OTHER_NAMES[name] if OTHER_NAMES.get(name, name) not in names else name for name in names)
        if size > LARGEST:
            raise self.refuse(f"holds {size / 1e9:.1f} GB; split it into files of less than 2 GB")
        for column in ("date", "symbol"):
            if column not in self.columns:
                shown = printable(", ".join(columns)[:200])
                raise self.refuse(f"has no column {column!r}; it has {shown}: {_remedy(self.columns)}")
        for column in ("date", "symbol", *NUMBER_COLUMNS):
            if self.columns.count(column) > 1:
                raise self.refuse(f"{column}: stands twice in the header; rename one")
        if not {"close", "adj_close"} & set(self.columns):
            raise self.refuse("has neither a column 'close' nor 'adj_close'; rename the column of prices")

        self.is_adjusted = "close" not in self.columns
        """Whether only a series adjusted for dividends and splits is there; all else is then on another basis."""

    @property
    def used(self) -> list[str]:
        """The columns of numbers that are read."""
        if self.is_adjusted:
            return ["adj_close"]
        return [name for name in NUMBER_COLUMNS if name in self.columns and name != "adj_close"]

    @property
    def unused(self) -> list[str]:
        """The columns that are not read, as we spell them."""
        return [name for name in dict.fromkeys(self.columns) if name not in ("date", "symbol", CURRENCY, *self.used)]

    @property
    def units(self) -> dict[str, set[str]]:
        """In which units each symbol, as the file spells it, is quoted by its column ``currency``; none without one."""
        out: dict[str, set[str]] = {}
        if CURRENCY in self.columns:
            if self.columns.count(CURRENCY) > 1:
                raise self.refuse(f"{CURRENCY}: stands twice in the header; rename one")
            for symbol, written in self.written_units():
                if not is_unit(written):
                    remedy = "is no currency; write its ISO code such as EUR, or GBX for pence"
                    raise self.refuse(f"{CURRENCY}: {printable(written)[:40]!r} {remedy}")
                out.setdefault(symbol, set()).add(written)
        return out

    @abstractmethod
    def written_units(self) -> Iterable[tuple[str, str]]:
        """Symbol and currency of rows as they are written; those without a currency are left out."""

    def check_symbols(self, symbols: Iterable[str]) -> None:
        """Refuse symbols with characters that make them other ones than a person sees."""
        odd = [f"symbol: {name!r} {problem}" for name in symbols if (problem := oddity(name.strip()))]
        if odd:
            raise self.refuse(*odd)

    def refuse(self, *problems: str) -> SourceError:
        """Return the error to raise: the file's name and what is wrong in it."""
        shown = [f"{self.file}: {problem}" for problem in problems[:MOST_PROBLEMS]]
        more = len(problems) - MOST_PROBLEMS
        return SourceError("\n".join(shown) + (f"\n{self.file}: and {more} more" if more > 0 else ""))

    @property
    @abstractmethod
    def symbols(self) -> list[str]:
        """All symbols of the file, as it spells them."""

    @abstractmethod
    def read(self, numbers: Sequence[str], first: date, last: date) -> FileRows:
        """Read columns of numbers on the dates from ``first`` to ``last``."""


def column_name(written: object) -> str:
    """Return the name of a column as our files spell it: lower case, underscores for blanks."""
    return "_".join(str(written).strip().strip('"').lower().split())


def _remedy(names: Sequence[str]) -> str:
    """Return what to do about a header without a date or a symbol."""
    if names[0] in ("price", "attributes") or any(name.startswith("('") for name in names):
        return (
            "it is a table of yfinance with a column for each symbol; write a row for each session and symbol, "
            "data.stack('Ticker').reset_index(), with closes as traded"
        )
    if "date" in names and not {"close", "adj_close"} & {*names}:
        return "write a row for each session and symbol, with the columns date, symbol and close"
    if "date" in names and "symbol" not in names and "ticker" not in names:
        return "add one that says in every row whose price it is"
    return "rename one"


def open_tables(file: Path) -> list[FileTable]:
    """Open a price file by its ending; of a workbook, each sheet with prices."""
    if file.suffix.lower() == ".parquet":
        from .parquet_table import ParquetTable

        return [ParquetTable(file)]
    from .text_table import text_tables

    return [*text_tables(file)]


def first_line(error: object) -> str:
    """Return the first line of an error's text."""
    return str(error).splitlines()[0][:200]
