"""Validated import of portfolios from files: every bad row is reported, and it is all or nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy as sa

from ..tabular.dates import DateStyle
from ..tabular.numbers import NumberStyle
from ..tabular.rows import Problem, ProblemsError, RowSet
from . import tables
from .database import insert_rows, transaction
from .import_columns import COLUMNS, DATES, NUMBERS
from .import_files import read_files, read_texts
from .import_rows import Cell, Styles, alias_row, flow_row, mark_row, portfolio_row, position_row

MAX_FIELD = 1_000


class ImportRefused(ProblemsError):
    """An import with problems; nothing was written."""


@dataclass(frozen=True)
class ImportSummary:
    """How many rows of each kind an import holds."""

    portfolios: int
    positions: int
    flows: int
    marks: int

    aliases: int = 0
    notes: tuple[str, ...] = ()
    """What a user should know: columns and rows that were not read, odd dates, flows that were added up."""

    def __str__(self) -> str:
        text = f"{self.portfolios} portfolios, {self.positions} positions, {self.flows} flows, {self.marks} marks"
        return text + (f", {self.aliases} changes of ticker" if self.aliases else "")


@dataclass(frozen=True)
class CheckedImport:
    """Rows that are ready to be stored, by kind, and what a user should know about them."""

    rows: Mapping[str, list[_Row]]
    notes: Sequence[str]

    @property
    def summary(self) -> ImportSummary:
        """Counts by kind, and the notes."""
        return ImportSummary(**{kind: len(self.rows[kind]) for kind in COLUMNS}, notes=tuple(self.notes))

    @property
    def lots(self) -> pd.DataFrame:
        """The positions as a frame: columns of the table, and where each stands."""
        names = [column.name for column in tables.positions.columns]
        frame = pd.DataFrame([row.values for row in self.rows["positions"]], columns=names)
        return frame.assign(place=[f"{row.file}, line {row.line}" for row in self.rows["positions"]])


@dataclass(frozen=True)
class _Row:
    file: str
    line: int
    values: Mapping[str, Any]


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
    found = [*read_files(paths, problems), *extra]
    return _validate(engine, found, problems, today)


def check_import(engine: sa.Engine, paths: Sequence[Path], *, today: date | None = None) -> ImportSummary:
    """Validate files without writing anything; raises :class:`ImportRefused` with every problem."""
    return checked_import(engine, paths, today=today).summary


def run_import(engine: sa.Engine, paths: Sequence[Path], *, today: date | None = None) -> ImportSummary:
    """Validate files and, if all is well, store them in one transaction; see :func:`store_import`."""
    return store_import(engine, checked_import(engine, paths, today=today))


def store_import(engine: sa.Engine, checked: CheckedImport) -> ImportSummary:
    """Store checked rows in one transaction.

    A portfolio in the files takes the place of the stored one: its positions and flows too, where a file
    brings some. Other portfolios are left alone; marks and changes of ticker are added or replaced.
    """
    _store(engine, checked.rows)
    return checked.summary


def import_frames(engine: sa.Engine, frames: Mapping[str, pd.DataFrame]) -> ImportSummary:
    """Import frames in the files' format, through the same validation; keys name the kind."""
    problems: list[Problem] = []
    texts = {f"{kind}.csv": frame.to_csv(index=False) for kind, frame in frames.items()}
    return store_import(engine, _validate(engine, read_texts(texts, problems), problems, None))


_READERS: dict[str, Callable[[Cell], dict[str, Any]]] = {
    "portfolios": portfolio_row,
    "positions": position_row,
    "flows": flow_row,
    "marks": mark_row,
    "aliases": alias_row,
}


def _validate(engine: sa.Engine, found: Sequence[RowSet], problems: list[Problem], today: date | None) -> CheckedImport:
    rows: dict[str, list[_Row]] = {kind: [] for kind in COLUMNS}
    notes = [note for table in found for note in table.notes]
    named: set[str] = set()  # portfolios of this import, those with problems included
    for table in found:
        named |= {row.values["portfolio_id"] for row in table.rows if table.kind == "portfolios"}
        styles = _styles(table, today)
        for raw in table.rows:
            bad: list[tuple[str, str, str]] = []
            for column, value in raw.values.items():
                if len(value) > MAX_FIELD:
                    bad.append((column, value[:20] + "…", f"is over {MAX_FIELD} characters"))
            values = {} if bad else _READERS[table.kind](Cell(raw.values, raw.line, bad, styles))
            for stored in _TABLES[table.kind].columns if values else []:
                limit = getattr(stored.type, "length", None)
                if limit is not None and len(values.get(stored.name) or "") > limit:
                    bad.append((stored.name, values[stored.name][:20] + "…", f"is over {limit} characters"))
            problems += [Problem(raw.file, raw.line, *problem) for problem in bad]
            if not bad:
                rows[table.kind].append(_Row(raw.file, raw.line, values))
    rows["flows"] = _added_up(rows["flows"], notes)
    _check_keys(engine, rows, named, problems)
    _check_lives(engine, rows, problems, notes)
    if problems:
        raise ImportRefused(sorted(problems, key=lambda problem: (problem.file, problem.line)))
    return CheckedImport(rows, notes)


def _styles(table: RowSet, today: date | None) -> Styles:
    """Return how a table's numbers and dates are written, from all its rows."""
    numbers = {row.values[name] for row in table.rows for name in NUMBERS & row.values.keys()}
    dates = {name: DateStyle.of(row.values.get(name, "") for row in table.rows) for name in DATES}
    return Styles(NumberStyle.of(numbers, table.separator), dates, today)


def _added_up(flows: list[_Row], notes: list[str]) -> list[_Row]:
    """Return flows with those of one portfolio and day added up."""
    days: dict[tuple[Any, Any], list[_Row]] = {}
    for row in flows:
        days.setdefault((row.values["portfolio_id"], row.values["flow_date"]), []).append(row)
    out = []
    for (owner, day), rows in days.items():
        amount = sum(row.values["amount"] for row in rows)
        if len(rows) > 1:
            lines = ", ".join(str(row.line) for row in rows[:5]) + (" …" if len(rows) > 5 else "")
            notes.append(f"{rows[0].file}, line {lines}: the flows of {owner} on {day} were added up to {amount:,.2f}")
        out.append(_Row(rows[0].file, rows[0].line, {**rows[0].values, "amount": amount}))
    return out


def _check_lives(engine: sa.Engine, rows: Mapping[str, list[_Row]], problems: list[Problem], notes: list[str]) -> None:
    """Find lots and flows that lie outside the life of their portfolio."""
    with engine.connect() as connection:
        lives = {
            row.portfolio_id: (row.inception_date, row.closed_date)
            for row in connection.execute(sa.select(tables.portfolios))
        }
    for row in rows["portfolios"]:
        lives[row.values["portfolio_id"]] = (row.values["inception_date"], row.values["closed_date"])
    early: dict[tuple[str, str], list[_Row]] = {}
    for kind, name in (("positions", "entry_date"), ("flows", "flow_date")):
        for row in rows[kind]:
            inception, closed = lives.get(row.values["portfolio_id"], (None, None))
            day = row.values[name]
            if closed and day >= closed:
                remedy = f"is not before the portfolio was closed, {closed}: correct one of them"
                problems.append(Problem(row.file, row.line, name, str(day), remedy))
            elif inception and day < inception:
                early.setdefault((kind, row.values["portfolio_id"]), []).append(row)
    for (kind, owner), found in early.items():
        what = (
            "what they gained before counts in its first equity"
            if kind == "positions"
            else "they count in its first equity"
        )
        notes.append(
            f"{found[0].file}, line {found[0].line}{' and others' if len(found) > 1 else ''}: {len(found)} of the "
            f"{kind} of {owner} lie before its inception, {lives[owner][0]}: {what}"
        )


KEYS = {
    "portfolios": ("portfolio_id",),
    "positions": ("position_id",),
    "marks": ("symbol", "mark_date"),
    "aliases": ("old_symbol", "change_date"),
}


def _check_keys(engine: sa.Engine, rows: Mapping[str, list[_Row]], named: set[str], problems: list[Problem]) -> None:
    """Find rows that stand twice, portfolios that don't exist and position ids that another one has."""
    with engine.connect() as connection:
        stored = set(connection.execute(sa.select(tables.portfolios.c.portfolio_id)).scalars())
        owners = {
            row.position_id: row.portfolio_id
            for row in connection.execute(sa.select(tables.positions.c.position_id, tables.positions.c.portfolio_id))
        }
    known = stored | named
    replaced = {row.values["portfolio_id"] for row in rows["positions"]}
    for kind in rows:
        key = KEYS.get(kind, ())
        seen: dict[tuple[Any, ...], _Row] = {}
        for row in rows[kind]:
            values = tuple(row.values[name] for name in key)
            if key and values in seen:
                remedy = f"stands already on line {seen[values].line} of {seen[values].file}: give each row its own"
                problems.append(Problem(row.file, row.line, ", ".join(key), " ".join(map(str, values)), remedy))
            seen.setdefault(values, row)
            if kind in ("positions", "flows") and row.values["portfolio_id"] not in known:
                remedy = "is no portfolio: add it to the portfolios file"
                problems.append(Problem(row.file, row.line, "portfolio_id", row.values["portfolio_id"], remedy))
            owner = owners.get(row.values.get("position_id", ""))
            if kind == "positions" and owner is not None and owner not in replaced:
                remedy = f"is a position of portfolio {owner} already: choose another id"
                problems.append(Problem(row.file, row.line, "position_id", row.values["position_id"], remedy))


def _store(engine: sa.Engine, rows: Mapping[str, list[_Row]]) -> None:
    frames = {
        kind: pd.DataFrame([row.values for row in found], columns=[c.name for c in _TABLES[kind].columns])
        for kind, found in rows.items()
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
        for kind in ("positions", "flows"):
            table, frame = _TABLES[kind], frames[kind]
            owners = {*names, *frame["portfolio_id"]} if len(frame) else set()
            for owner in sorted(owners):
                connection.execute(sa.delete(table).where(table.c.portfolio_id == owner))
            insert_rows(connection, table, frame)
        for kind in ("aliases", "marks"):
            table = _TABLES[kind]
            for row in frames[kind][list(KEYS[kind])].itertuples(index=False):
                same = [table.c[name] == value for name, value in zip(KEYS[kind], row, strict=True)]
                connection.execute(sa.delete(table).where(*same))
            insert_rows(connection, table, frames[kind])
        _rename(connection, set(frames["aliases"]["new_symbol"]))


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
    "flows": tables.portfolio_flows,
    "marks": tables.private_marks,
    "aliases": tables.symbol_aliases,
}
