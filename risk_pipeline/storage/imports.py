"""Validated import of portfolios from CSV files: every bad row is reported, and it is all or nothing."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy as sa

from . import tables
from .database import insert_rows, transaction
from .import_rows import COLUMNS, Cell, flow_row, mark_row, portfolio_row, position_row

MAX_BYTES = 50_000_000
MAX_FIELD = 1_000


@dataclass(frozen=True)
class ImportProblem:
    """One thing that is wrong: where it stands and what to do."""

    file: str
    line: int
    column: str
    value: str
    remedy: str

    def __str__(self) -> str:
        place = f"{self.file}, line {self.line}" + (f", {self.column}" if self.column else "")
        return f"{place}: {self.value!r} {self.remedy}" if self.value else f"{place}: {self.remedy}"


class ImportRefused(ValueError):
    """An import with problems; nothing was written."""

    def __init__(self, problems: Sequence[ImportProblem]) -> None:
        super().__init__(f"{len(problems)} problem(s), the first: {problems[0]}")
        self.problems = list(problems)


@dataclass(frozen=True)
class ImportSummary:
    """How many rows of each kind an import holds."""

    portfolios: int
    positions: int
    flows: int
    marks: int

    def __str__(self) -> str:
        return f"{self.portfolios} portfolios, {self.positions} positions, {self.flows} flows, {self.marks} marks"


@dataclass(frozen=True)
class _Row:
    file: str
    line: int
    values: Mapping[str, Any]


def check_import(engine: sa.Engine, paths: Sequence[Path]) -> ImportSummary:
    """Validate files without writing anything; raises :class:`ImportRefused` with every problem."""
    return _summary(_validate(engine, _read_files(paths)))


def run_import(engine: sa.Engine, paths: Sequence[Path]) -> ImportSummary:
    """Validate files and, if all is well, store them in one transaction.

    A portfolio in the files takes the place of the stored one: its positions and flows too, where a file
    brings some. Other portfolios are left alone; marks are added or replaced by symbol and date.
    """
    rows = _validate(engine, _read_files(paths))
    _store(engine, rows)
    return _summary(rows)


def import_frames(engine: sa.Engine, frames: Mapping[str, pd.DataFrame]) -> ImportSummary:
    """Import frames in the files' format, through the same validation; keys name the kind."""
    texts = {f"{kind}.csv": frame.to_csv(index=False) for kind, frame in frames.items()}
    rows = _validate(engine, texts)
    _store(engine, rows)
    return _summary(rows)


def _summary(rows: Mapping[str, list[_Row]]) -> ImportSummary:
    return ImportSummary(**{kind: len(rows[kind]) for kind in COLUMNS})


def _read_files(paths: Sequence[Path]) -> dict[str, str]:
    texts: dict[str, str] = {}
    paths = list(dict.fromkeys(path.resolve() for path in paths))
    names = [path.name for path in paths]
    for path in paths:
        label = path.name if names.count(path.name) == 1 else str(path)
        if path.stat().st_size > MAX_BYTES:
            raise ImportRefused([ImportProblem(label, 0, "", "", f"is over {MAX_BYTES:,} bytes: split it")])
        try:
            text = path.read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            remedy = f"byte {error.start} is not UTF-8: save the file as UTF-8"
            raise ImportRefused([ImportProblem(label, 0, "", "", remedy)]) from None
        if "\0" in text:
            line = text[: text.index("\0")].count("\n") + 1
            raise ImportRefused([ImportProblem(label, line, "", "", "holds a null byte: is it a CSV file?")])
        texts[label] = text
    return texts


def _parse(name: str, text: str, problems: list[ImportProblem]) -> tuple[str | None, list[_Row]]:
    """Return what kind of file it is, by its header, and its rows."""
    reader = csv.reader(io.StringIO(text))
    try:
        header = [column.strip().lower() for column in next(reader, [])]
        kind = next((k for k, columns in COLUMNS.items() if set(columns.required) <= set(header)), None)
        if kind is None:
            remedy = "is none of the known headers: " + "; ".join(
                f"{k}: {', '.join(columns.required)}" for k, columns in COLUMNS.items()
            )
            problems.append(ImportProblem(name, 1, "", ",".join(header)[:80], remedy))
            return None, []
        known = {*COLUMNS[kind].required, *COLUMNS[kind].optional}
        for column in header:
            if column not in known or header.count(column) > 1:
                fault = "stands twice in the header" if column in known else f"is no column of {kind}"
                remedy = f"{fault}: there are {', '.join(sorted(known))}"
                problems.append(ImportProblem(name, 1, column, column[:80], remedy))
        rows = []
        for values in reader:
            line = reader.line_num
            if not any(value.strip() for value in values):
                continue
            if len(values) != len(header):
                remedy = f"has {len(values)} fields where the header has {len(header)}"
                problems.append(ImportProblem(name, line, "", "", remedy))
                continue
            rows.append(_Row(name, line, dict(zip(header, (value.strip() for value in values), strict=True))))
        return kind, rows
    except csv.Error as error:
        problems.append(ImportProblem(name, reader.line_num, "", "", f"is not CSV ({error})"))
        return None, []


_READERS: dict[str, Callable[[Cell], dict[str, Any]]] = {
    "portfolios": portfolio_row,
    "positions": position_row,
    "flows": flow_row,
    "marks": mark_row,
}


def _validate(engine: sa.Engine, texts: Mapping[str, str]) -> dict[str, list[_Row]]:
    problems: list[ImportProblem] = []
    rows: dict[str, list[_Row]] = {kind: [] for kind in COLUMNS}
    named: set[str] = set()  # portfolios of this import, those with problems included
    for name, text in texts.items():
        kind, raw = _parse(name, text, problems)
        named |= {row.values["portfolio_id"] for row in raw if kind == "portfolios"}
        for row in raw if kind else []:
            found: list[tuple[str, str, str]] = []
            for column, value in row.values.items():
                if len(value) > MAX_FIELD:
                    found.append((column, value[:20] + "…", f"is over {MAX_FIELD} characters"))
            values = {} if found else _READERS[str(kind)](Cell(row.values, row.line, found))
            for stored in _TABLES[str(kind)].columns if values else []:
                limit = getattr(stored.type, "length", None)
                if limit is not None and len(values.get(stored.name) or "") > limit:
                    found.append((stored.name, values[stored.name][:20] + "…", f"is over {limit} characters"))
            problems += [ImportProblem(name, row.line, *problem) for problem in found]
            if not found:
                rows[str(kind)].append(_Row(name, row.line, values))
    _check_keys(engine, rows, named, problems)
    if problems:
        raise ImportRefused(sorted(problems, key=lambda problem: (problem.file, problem.line)))
    return rows


KEYS = {
    "portfolios": ("portfolio_id",),
    "positions": ("position_id",),
    "flows": ("portfolio_id", "flow_date"),
    "marks": ("symbol", "mark_date"),
}


def _check_keys(
    engine: sa.Engine, rows: Mapping[str, list[_Row]], named: set[str], problems: list[ImportProblem]
) -> None:
    """Find rows that stand twice, portfolios that don't exist and position ids that another one has."""
    with engine.connect() as connection:
        stored = set(connection.execute(sa.select(tables.portfolios.c.portfolio_id)).scalars())
        owners = {
            row.position_id: row.portfolio_id
            for row in connection.execute(sa.select(tables.positions.c.position_id, tables.positions.c.portfolio_id))
        }
    known = stored | named
    replaced = {row.values["portfolio_id"] for row in rows["positions"]}
    for kind, key in KEYS.items():
        seen: dict[tuple[Any, ...], _Row] = {}
        for row in rows[kind]:
            values = tuple(row.values[name] for name in key)
            if values in seen:
                remedy = f"stands already on line {seen[values].line} of {seen[values].file}: give each row its own"
                problems.append(ImportProblem(row.file, row.line, ", ".join(key), " ".join(map(str, values)), remedy))
            seen.setdefault(values, row)
            if kind in ("positions", "flows") and row.values["portfolio_id"] not in known:
                remedy = "is no portfolio: add it to the portfolios file"
                problems.append(ImportProblem(row.file, row.line, "portfolio_id", row.values["portfolio_id"], remedy))
            owner = owners.get(row.values.get("position_id", ""))
            if kind == "positions" and owner is not None and owner not in replaced:
                remedy = f"is a position of portfolio {owner} already: choose another id"
                problems.append(ImportProblem(row.file, row.line, "position_id", row.values["position_id"], remedy))


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
        for row in frames["marks"].itertuples(index=False):
            marks = tables.private_marks
            connection.execute(sa.delete(marks).where(marks.c.symbol == row.symbol, marks.c.mark_date == row.mark_date))
        insert_rows(connection, tables.private_marks, frames["marks"])


_TABLES = {
    "portfolios": tables.portfolios,
    "positions": tables.positions,
    "flows": tables.portfolio_flows,
    "marks": tables.private_marks,
}
