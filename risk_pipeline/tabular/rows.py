"""Rows to be imported and their problems, shared by all readers of files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .text import printable


@dataclass(frozen=True)
class Problem:
    """One problem: where it is and what to do."""

    file: str
    line: int
    column: str
    value: str
    remedy: str

    def __str__(self) -> str:
        line = f", line {self.line}" if self.line else ""
        place = f"{self.file}{line}" + (f", {self.column}" if self.column else "")
        said = f"{place}: {self.value!r} {self.remedy}" if self.value else f"{place}: {self.remedy}"
        return printable(said)  # each part may hold signs of the file


@dataclass(frozen=True)
class Row:
    """Cells of a row by column, as text, and where the row stands."""

    file: str
    line: int
    values: Mapping[str, str]


@dataclass
class RowSet:
    """Rows of one kind from one file or sheet, and what a user should be told about it.

    ``separator`` says in what surroundings its numbers were written; see :class:`~.numbers.NumberStyle`.
    """

    kind: str
    rows: list[Row]
    separator: str = ","
    notes: list[str] = field(default_factory=list)
    currencies: Mapping[str, str] = field(default_factory=dict)
    """Portfolio -> its currency, where a broker's export says it."""


class ProblemsError(ValueError):
    """A file that can't be read as it is; the problems say where and what to do."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(f"{len(problems)} problem(s), the first: {problems[0]}")
        self.problems = list(problems)
