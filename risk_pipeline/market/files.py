"""Prices from one's own files: Parquet, CSV or Excel, one row per session and symbol.

========================  ===================================================================================
column                    meaning
========================  ===================================================================================
``date``, ``symbol``      required
``close``                 as traded; or
``adj_close``             adjusted for dividends and splits, where there is no ``close``; the other columns of
                          prices and actions are then left aside, because they are on another basis
``high``, ``low``         optional, as traded
``volume``                optional
``dividend``              optional, cash per share held before the session; empty is 0
``capital_gains``         optional, a fund's distribution of gains; added to the dividend
``split_factor``          optional, new shares per old; empty or 0 is 1
``currency``              optional, one for each symbol: an ISO code, or GBX (GBp), ILA or ZAc
========================  ===================================================================================

Other columns are not read, which is said once. A row without a close is a gap; its dividend and split count on the
symbol's next session with a close. Beside them there may be a ``profiles.csv``: ``symbol,name,sector,vendor_beta``
and, optionally, ``as_of`` and ``currency``: that of the symbol's prices, an ISO code, or GBX (GBp), ILA or ZAc where
they are in hundredths of one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from ..symbols import canonical
from ..tabular.text import UnreadableError, decode, printable, split_rows
from .file_tables import PRICE_FILES, FileTable, column_name, open_tables
from .source import ADJUSTED, AS_TRADED, MarketBars, SourceError, profile_frame
from .units import in_whole_units, is_unit
from .validate import checked_bars

Thing = TypeVar("Thing")
Result = TypeVar("Result")

PROFILES = "profiles.csv"
OTHER_TABLES = (".txt", ".tsv", ".xls", ".xlsm", ".ods", ".gz", ".zip", ".json", ".feather")
"""Endings of files that may hold prices and are not read, which is said."""
NUMBERS: Mapping[str, float] = {
    "high": np.nan,
    "low": np.nan,
    "volume": np.nan,
    "dividend": 0.0,
    "split_factor": 1.0,
}
"""Optional columns and what an empty cell or an absent column means."""


@dataclass(frozen=True)
class FileMarket:
    """Prices of a Parquet, CSV or Excel file, or of every such file in a folder.

    Symbols are read in any spelling and brought to the canonical one.
    """

    path: Path
    name = "files"

    @cached_property
    def tables(self) -> list[FileTable]:
        """The files, opened, their columns checked.

        Raises
        ------
        SourceError
            If there is no such path, no price file in the folder, or one of them can't be read.
        """
        path = Path(self.path)
        if not path.exists():
            raise SourceError(f"{path}: there is no such file or folder; set RISK_PIPELINE_MARKET__PATH")
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        prices = [file for file in files if _is_price_file(file)]
        if not prices:
            raise SourceError(f"{path}: holds no price file; put {' or '.join(PRICE_FILES)} files there")
        return [table for tables in _each(open_tables, prices) for table in tables]

    def fetch(self, symbols: Sequence[str], sessions: pd.DatetimeIndex) -> MarketBars:
        """Return the bars of the symbols on the sessions; see :class:`~.source.MarketDataSource`."""
        wanted_symbols = sorted(set(symbols))
        days = np.asarray(sessions, dtype="datetime64[D]")
        parts = [_empty()]
        if len(days):
            first, last = days.min().item(), days.max().item()
            parts += _each(lambda table: self._read(table, wanted_symbols, first, last), self.tables)
        parts = [part for part in parts if len(part)] or parts[:1]
        bars = parts[0] if len(parts) == 1 else pd.concat(parts, ignore_index=True)
        known = set().union(*(map(canonical, table.symbols) for table in self.tables))
        unknown = {symbol: f"is in no file of {self.path}" for symbol in wanted_symbols if symbol not in known}
        profiles = self.profiles(wanted_symbols) if self._has_profiles else profile_frame([])
        said = profiles.dropna(subset=["currency"])
        written = dict(zip(said["symbol"], said["currency"], strict=True))
        wanted = {*wanted_symbols}
        units = {symbol: told for symbol, told in self._units.items() if symbol in wanted}
        refused = {
            symbol: f"is quoted in {' and in '.join(sorted(told))}: give it one currency"
            for symbol, told in units.items()
            if len(told | {written.get(symbol) or min(told)}) > 1
        }
        refused |= dict.fromkeys(
            sorted(wanted & self._of_two_bases - refused.keys()),
            "one file has closes as traded and another adjusted ones: leave one of them out",
        )
        bars = bars[~bars["symbol"].isin(refused)] if refused else bars
        written |= {symbol: min(told) for symbol, told in units.items() if symbol not in refused}
        found = replace(checked_bars(bars, sessions, unknown | refused), remarks=self._remarks)
        return in_whole_units(found, written)

    @cached_property
    def _units(self) -> dict[str, set[str]]:
        """In which units symbols are quoted by the files' column ``currency``."""
        out: dict[str, set[str]] = {}
        for told in _each(lambda table: table.units, self.tables):
            for symbol, units in told.items():
                out.setdefault(canonical(symbol), set()).update(units)
        return out

    @cached_property
    def _of_two_bases(self) -> set[str]:
        """Symbols of which one file has adjusted closes and another closes as traded."""
        bases: dict[bool, set[str]] = {True: set(), False: set()}
        if len({table.is_adjusted for table in self.tables}) > 1:
            for table in self.tables:
                bases[table.is_adjusted].update(map(canonical, table.symbols))
        return bases[True] & bases[False]

    @property
    def _remarks(self) -> tuple[str, ...]:
        """Which columns of the files are not read."""
        path = Path(self.path)
        said = [
            f"{table.label}: not used: column {', '.join(printable(name)[:40] for name in table.unused[:20])}"
            + (" (adj_close is on another basis than the rest)" if table.is_adjusted else "")
            + (" (Yahoo's closes are adjusted for them: rename it split_factor if yours are as traded)")
            * (not table.is_adjusted and "stock_splits" in table.unused)
            for table in self.tables
            if table.unused
        ]
        sheets = {table.file.name: others for table in self.tables if (others := getattr(table, "other_sheets", []))}
        said += [f"{name}: not read: sheet {', '.join(map(printable, others))}" for name, others in sheets.items()]
        others = [file.name for file in sorted(path.iterdir()) if _is_other_table(file)] if path.is_dir() else []
        if others:
            ends = ", ".join(PRICE_FILES)
            said.append(f"not read: {printable(', '.join(others[:20]))}: prices are in files that end in {ends}")
        return tuple(said)

    @property
    def _profile_file(self) -> Path:
        path = Path(self.path)
        return (path if path.is_dir() else path.parent) / PROFILES

    @property
    def _has_profiles(self) -> bool:
        return self._profile_file.exists()

    def last_date(self, until: date = date(2200, 1, 1)) -> date | None:
        """Return the last day of any file that is not after ``until``, None where they hold no such row."""
        rows = [table.read([], date(1900, 1, 1), until).date for table in self.tables]
        return max((dates.max().item() for dates in rows if len(dates)), default=None)

    def _read(self, table: FileTable, wanted_symbols: list[str], first: date, last: date) -> pd.DataFrame:

        price = "adj_close" if table.is_adjusted else "close"
        optional = [name for name in NUMBERS if name in table.used]
        gains = ["capital_gains"] if "capital_gains" in table.used else []
        rows = table.read(table.used, first, last)
        place = {symbol: code for code, symbol in enumerate(wanted_symbols)}
        codes = np.array([place.get(canonical(symbol), -1) for symbol in rows.symbols], dtype=np.int32)
        codes = codes[rows.symbol] if len(codes) else np.zeros(0, dtype=np.int32)
        is_kept = codes >= 0  # a mask and not places: runs of rows are copied as they are
        keep: Any = slice(None) if is_kept.all() else is_kept
        columns: dict[str, Any] = {
            "session": rows.date[keep].astype("datetime64[s]"),
            "symbol": pd.Categorical.from_codes(codes[keep], wanted_symbols, validate=False),
            "close": rows.numbers[price][keep],
        }
        count = len(columns["session"])
        for name, empty in NUMBERS.items():
            values = rows.numbers[name][keep] if name in optional else np.full(count, empty)
            columns[name] = values if np.isnan(empty) else np.where(np.isnan(values), empty, values)
        columns["split_factor"] = np.where(columns["split_factor"] == 0, 1.0, columns["split_factor"])
        for name in gains:
            columns["dividend"] = columns["dividend"] + np.nan_to_num(rows.numbers[name][keep])
        basis = ADJUSTED if table.is_adjusted else AS_TRADED
        columns["basis"] = pd.array([basis], dtype="str").take(np.zeros(count, dtype=np.int64))
        return pd.DataFrame(columns, copy=False)

    def profiles(self, symbols: Sequence[str], as_of: date | None = None) -> pd.DataFrame:
        """Return the rows of ``profiles.csv``; without the file there are none.

        Raises
        ------
        SourceError
            If a row of it can't be read; names the line, the column and the remedy.
        """
        file = self._profile_file
        if not file.exists():
            return profile_frame([])
        try:
            text, _ = decode(file.read_bytes())
            (_, header), *lines = list(split_rows(text)) or [(1, [""])]
        except UnreadableError as error:
            raise SourceError(f"{file}, line {error.line}: {error}") from None
        header = [column_name(name) for name in header]
        if "symbol" not in header:
            raise SourceError(f"{file}, line 1: has no column 'symbol'; name it in the first line")
        rows = _each(lambda row: _profile(file, row[0], dict(zip(header, row[1], strict=False))), lines)
        wanted_symbols = set(symbols)
        return profile_frame(
            [
                row
                for row in rows
                if row["symbol"] in wanted_symbols and (not as_of or not row["as_of"] or row["as_of"] <= as_of)
            ]
        )


def _is_price_file(file: Path) -> bool:
    """Return whether a file holds prices; Excel and macOS leave files beside those that they have open or copied."""
    return file.suffix.lower() in PRICE_FILES and file.name != PROFILES and not file.name.startswith((".", "~$"))


def _is_other_table(file: Path) -> bool:
    return file.suffix.lower() in OTHER_TABLES and not file.name.startswith((".", "~$"))


def _each(read: Callable[[Thing], Result], things: Sequence[Thing]) -> list[Result]:
    """Apply a function to every file, and raise what is wrong with all of them at once."""
    out, problems = [], []
    for thing in things:
        try:
            out.append(read(thing))
        except SourceError as error:
            problems.append(str(error))
    if problems:
        raise SourceError("\n".join(problems))
    return out


def _empty() -> pd.DataFrame:

    columns = {name: np.zeros(0) for name in ("close", *NUMBERS)}
    return pd.DataFrame(
        {
            "session": np.zeros(0, dtype="datetime64[s]"),
            "symbol": pd.Categorical([]),
            **columns,
            "basis": pd.array([], dtype="str"),
        }
    )


def _unit(written: str, refuse: Callable[[str, str], SourceError]) -> str | None:
    """Return the unit in which a symbol is quoted, as it is written; None if it isn't said."""
    if written and not is_unit(written):
        raise refuse("currency", "is no currency; write its ISO code such as EUR, or GBX for pence")
    return written or None


def _profile(file: Path, line: int, row: Mapping[str, str]) -> dict[str, Any]:
    def cell(column: str) -> str:
        return (row.get(column) or "").strip()

    def refuse(column: str, remedy: str) -> SourceError:
        return SourceError(f"{file}, line {line}, {column}: {cell(column)!r} {remedy}")

    if not cell("symbol"):
        raise refuse("symbol", "is empty; every row needs one")
    try:
        beta = float(cell("vendor_beta")) if cell("vendor_beta") else None
    except ValueError:
        raise refuse("vendor_beta", "is no number; write 1.05 or leave it empty") from None
    if beta is not None and not np.isfinite(beta):
        raise refuse("vendor_beta", "is no finite number; write 1.05 or leave it empty")
    try:
        as_of = date.fromisoformat(cell("as_of")) if cell("as_of") else None
    except ValueError:
        raise refuse("as_of", "is no date; write 2025-01-31 or leave it empty") from None
    return {
        "symbol": canonical(cell("symbol")),
        "as_of": as_of,
        "name": cell("name") or None,
        "sector": cell("sector") or None,
        "vendor_beta": beta,
        "currency": _unit(cell("currency"), refuse),
    }
