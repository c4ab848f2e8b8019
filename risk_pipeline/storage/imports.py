"""Validated import of portfolios from files: every bad row is reported, and it is all or nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy as sa

from ..settings import Settings
from ..tabular.dates import DateStyle
from ..tabular.numbers import NumberStyle
from ..tabular.rows import Problem, ProblemsError, RowSet
from ..tabular.text import oddity
from . import tables
from .book_versions import record_version
from .database import insert_rows, transaction
from .import_cells import Cell, Styles
from .import_checks import (
    KEYS,
    CheckedRow,
    added_up,
    check_benchmarks,
    check_groups,
    check_keys,
    check_lives,
    mark_assigned,
    note_future,
    note_negative_fees,
    note_removed,
    with_measures,
    with_own_ids,
)
from .import_columns import DATES, FILE_COLUMNS, NUMBERS
from .import_files import read_files, read_texts
from .import_rows import (
    alias_row,
    benchmark_row,
    flow_row,
    group_row,
    limit_row,
    mark_row,
    portfolio_row,
    position_row,
    volatility_row,
)
from .limit_measures import known_measures

MAX_FIELD = 1_000


class ImportRefused(ProblemsError):
    """An import with problems; nothing was written."""


KINDS = {
    "portfolios": ("portfolio", "portfolios"),
    "positions": ("position", "positions"),
    "flows": ("flow", "flows"),
    "marks": ("mark", "marks"),
    "implied_volatilities": ("implied volatility", "implied volatilities"),
    "aliases": ("change of ticker", "changes of ticker"),
    "groups": ("member of a group", "members of groups"),
    "benchmarks": ("weight of a benchmark", "weights of benchmarks"),
    "limits": ("limit", "limits"),
}
"""What one row of a file, and several, are called."""


@dataclass(frozen=True)
class ImportSummary:
    """How many rows of each kind an import holds."""

    portfolios: int
    positions: int
    flows: int
    marks: int

    aliases: int = 0
    implied_volatilities: int = 0
    groups: int = 0
    limits: int = 0
    benchmarks: int = 0
    notes: tuple[str, ...] = ()
    """What a user should know: columns and rows that were not read, odd dates, flows that were added up."""

    def __str__(self) -> str:
        counts = [(getattr(self, kind), words) for kind, words in KINDS.items()]
        said = [f"{count:,} {words[count != 1]}" for count, words in counts if count]
        return ", ".join(said) or "no row"


@dataclass(frozen=True)
class CheckedImport:
    """Rows that are ready to be stored, by kind, and what a user should know about them."""

    rows: Mapping[str, list[CheckedRow]]
    notes: Sequence[str]

    @property
    def summary(self) -> ImportSummary:
        """Counts by kind, and the notes."""
        return ImportSummary(**{kind: len(self.rows[kind]) for kind in FILE_COLUMNS}, notes=tuple(self.notes))

    @property
    def lots(self) -> pd.DataFrame:
        """The positions as a frame: columns of the table, and where each stands."""
        names = [column.name for column in tables.positions.columns]
        frame = pd.DataFrame([row.values for row in self.rows["positions"]], columns=names)
        return frame.assign(place=[f"{row.file}, line {row.line}" for row in self.rows["positions"]])


def checked_import(
    engine: sa.Engine, paths: Sequence[Path], *, extra: Sequence[RowSet] = (), today: date | None = None
) -> CheckedImport:
    """Validate files and rows read elsewhere (a broker's export) without writing anything.

    ``today`` is what dates in the future are compared with.

    Raises
    ------
    ImportRefused
        With every problem of every file.
    """
    problems: list[Problem] = []
    row_sets = [*read_files(paths, problems), *extra]
    return _validate(engine, row_sets, problems, today)


def check_import(engine: sa.Engine, paths: Sequence[Path], *, today: date | None = None) -> ImportSummary:
    """Validate files without writing anything; raises :class:`ImportRefused` with every problem."""
    return checked_import(engine, paths, today=today).summary


def run_import(engine: sa.Engine, paths: Sequence[Path], *, today: date | None = None) -> ImportSummary:
    """Validate files and, if all is well, store them in one transaction; see :func:`store_import`."""
    return store_import(engine, checked_import(engine, paths, today=today))


def store_import(engine: sa.Engine, checked: CheckedImport, *, made_at: datetime | None = None) -> ImportSummary:
    """Store checked rows in one transaction.

    A portfolio in the files takes the place of the stored one: its positions and flows too, where a file
    brings some. So does a group, and a benchmark. Limits take the place of all those of the portfolios that they name.
    Other portfolios are left alone; marks, volatilities and changes of ticker are added or replaced.
    """
    _store(engine, checked.rows, made_at)
    return checked.summary


def import_frames(
    engine: sa.Engine, frames: Mapping[str, pd.DataFrame], *, made_at: datetime | None = None
) -> ImportSummary:
    """Import frames in the files' format, through the same validation; keys name the kind."""
    problems: list[Problem] = []
    texts = {f"{kind}.csv": frame.to_csv(index=False) for kind, frame in frames.items()}
    return store_import(engine, _validate(engine, read_texts(texts, problems), problems, None), made_at=made_at)


_READERS: dict[str, Callable[[Cell], dict[str, Any]]] = {
    "portfolios": portfolio_row,
    "positions": position_row,
    "groups": group_row,
    "benchmarks": benchmark_row,
    "flows": flow_row,
    "marks": mark_row,
    "aliases": alias_row,
    "implied_volatilities": volatility_row,
    "limits": limit_row,
}


def _validate(
    engine: sa.Engine, row_sets: Sequence[RowSet], problems: list[Problem], today: date | None
) -> CheckedImport:
    rows: dict[str, list[CheckedRow]] = {kind: [] for kind in FILE_COLUMNS}
    notes = [note for table in row_sets for note in table.notes]
    named: set[str] = set()  # portfolios of this import, those with problems included
    unnamed: set[int] = set()  # positions that the file gives no id
    for table in row_sets:
        named |= {row.values["portfolio_id"] for row in table.rows if table.kind == "portfolios"}
        styles = _styles(table, today)
        for raw in table.rows:
            bad: list[tuple[str, str, str]] = []
            for column, value in raw.values.items():
                if column not in FILE_COLUMNS[table.kind].all:
                    continue  # it is not read
                if len(value) > MAX_FIELD:
                    bad.append((column, value[:20] + "…", f"is over {MAX_FIELD} characters"))
                elif column != "name" and (odd := oddity(value)):  # a name may join signs by invisible ones
                    bad.append((column, value[:80], odd))
            values = {} if bad else _READERS[table.kind](Cell(raw.values, raw.line, bad, styles))
            for stored in _TABLES[table.kind].columns if values else []:
                limit = getattr(stored.type, "length", None)
                if limit is not None and len(values.get(stored.name) or "") > limit:
                    bad.append((stored.name, values[stored.name][:20] + "…", f"is over {limit} characters"))
            problems += [Problem(raw.file, raw.line, *problem) for problem in bad]
            if not bad:
                rows[table.kind].append(CheckedRow(raw.file, raw.line, values))
                if table.kind == "positions" and not raw.values.get("position_id"):
                    unnamed.add(len(rows["positions"]) - 1)
    rows["positions"] = with_own_ids(rows["positions"], unnamed)
    rows["flows"] = added_up(rows["flows"], notes)
    rows["positions"] = mark_assigned(rows["positions"], notes)
    note_future(rows["positions"], today, notes)
    note_negative_fees(rows["positions"], notes)
    if rows["limits"]:
        measures = known_measures(Settings().scenarios_path)
        rows["limits"] = with_measures(engine, rows["limits"], measures, problems, notes)
    check_keys(engine, rows, named, problems)
    check_lives(engine, rows, problems, notes)
    check_groups(engine, rows, problems)
    check_benchmarks(rows["benchmarks"], problems)
    note_removed(engine, rows["positions"], notes)
    if problems:
        raise ImportRefused(sorted(problems, key=lambda problem: (problem.file, problem.line)))
    return CheckedImport(rows, notes)


def _styles(table: RowSet, today: date | None) -> Styles:
    """Return how a table's numbers and dates are written, from all its rows."""
    numbers = {row.values[name] for row in table.rows for name in NUMBERS & row.values.keys()}
    written = {name: {row.values[name] for row in table.rows if name in row.values} for name in DATES}
    everywhere = DateStyle.of(set().union(*written.values()))
    dates = {name: _date_style(DateStyle.of(cells), everywhere) for name, cells in written.items()}
    return Styles(NumberStyle.of(numbers, table.separator), dates, today)


def _date_style(of_file: DateStyle, everywhere: DateStyle) -> DateStyle:
    """Return how a column's dates are written; the other columns of the file say it where its own cells don't."""
    return of_file if of_file.first or of_file.is_contradictory else everywhere


def _store(engine: sa.Engine, rows: Mapping[str, list[CheckedRow]], made_at: datetime | None) -> None:
    frames = {
        kind: pd.DataFrame([row.values for row in rows_of_kind], columns=[c.name for c in _TABLES[kind].columns])
        for kind, rows_of_kind in rows.items()
    }
    with transaction(engine, *_TABLES.values()) as connection:
        names = frames["portfolios"]["portfolio_id"].tolist()
        stored = set(connection.execute(sa.select(tables.portfolios.c.portfolio_id)).scalars())
        for values in frames["portfolios"].to_dict("records"):
            if values["portfolio_id"] in stored:
                clean = {name: None if pd.isna(value) else value for name, value in values.items()}
                connection.execute(
                    sa.update(tables.portfolios)
                    .where(tables.portfolios.c.portfolio_id == values["portfolio_id"])
                    .values(**clean)
                )
        fresh = frames["portfolios"][~frames["portfolios"]["portfolio_id"].isin(list(stored))]
        insert_rows(connection, tables.portfolios, fresh)
        for kind in ("positions", "flows", "limits"):
            table, frame = _TABLES[kind], frames[kind]
            replaced = set() if kind == "limits" else {*names}  # a portfolio keeps its limits until a file brings some
            owners = {*replaced, *frame["portfolio_id"]} if len(frame) else set()
            for owner in sorted(owners):
                connection.execute(sa.delete(table).where(table.c.portfolio_id == owner))
            insert_rows(connection, table, frame)
        for group in sorted(set(frames["groups"]["group_id"])):
            connection.execute(sa.delete(tables.portfolio_groups).where(tables.portfolio_groups.c.group_id == group))
        insert_rows(connection, tables.portfolio_groups, frames["groups"])
        for name in sorted(set(frames["benchmarks"]["benchmark"])):
            connection.execute(sa.delete(tables.benchmarks).where(tables.benchmarks.c.benchmark == name))
        insert_rows(connection, tables.benchmarks, frames["benchmarks"])
        for kind in ("aliases", "marks", "implied_volatilities"):
            table = _TABLES[kind]
            for row in frames[kind][list(KEYS[kind])].itertuples(index=False):
                same = [table.c[name] == value for name, value in zip(KEYS[kind], row, strict=True)]
                connection.execute(sa.delete(table).where(*same))
            insert_rows(connection, table, frames[kind])
        _rename(connection, set(frames["aliases"]["new_symbol"]))
        record_version(connection, made_at)


def _rename(connection: sa.Connection, new_names: set[str]) -> None:
    """Give positions the newest name of what they hold; have the history of what got one asked for again."""
    aliases, positions = tables.symbol_aliases, tables.positions
    for change in connection.execute(sa.select(aliases).order_by(aliases.c.change_date)).all():
        for column in (positions.c.symbol, positions.c.underlying):
            connection.execute(
                sa.update(positions)
                .where(
                    column == change.old_symbol,
                    positions.c.entry_date < change.change_date,
                    positions.c.investment_class == ("PUBLIC" if column is positions.c.symbol else "OPTIONS"),
                )
                .values({column: change.new_symbol})
            )
    ranges = tables.market_data_ranges
    connection.execute(sa.delete(ranges).where(ranges.c.symbol.in_(sorted(new_names))))


_TABLES = {
    "portfolios": tables.portfolios,
    "positions": tables.positions,
    "groups": tables.portfolio_groups,
    "benchmarks": tables.benchmarks,
    "flows": tables.portfolio_flows,
    "marks": tables.private_marks,
    "aliases": tables.symbol_aliases,
    "implied_volatilities": tables.implied_volatilities,
    "limits": tables.limits,
}
