"""A broker's table: cells by the broker's own column names, read with problems noted by file, line and column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from ..symbols import EUROPEAN, canonical
from ..tabular.dates import DateError, DateStyle
from ..tabular.numbers import NumberError, NumberStyle
from ..tabular.rows import Problem
from .trades import Instrument

Lines = Sequence[tuple[int, list[str]]]


@dataclass
class Table:
    """Rows below a header; columns are in lower case, letters and digits only."""

    file: str
    header: list[str]
    lines: Lines
    problems: list[Problem]
    dates: Mapping[str, DateStyle] = field(default_factory=dict)
    numbers: NumberStyle = field(default_factory=lambda: NumberStyle("."))

    def records(self) -> list[Record]:
        """Return the rows; missing cells at the end of a row are empty."""
        names = [plain(name) for name in self.header]
        empty = dict.fromkeys(names, "")
        return [Record(self, line, {**empty, **dict(zip(names, cells, strict=False))}) for line, cells in self.lines]


@dataclass
class Record:
    """A row: its cells by column."""

    table: Table
    line: int
    cells: dict[str, str]

    def text(self, *names: str) -> str:
        """Return the first of some columns that is filled."""
        return next((self.cells[name] for name in names if self.cells.get(name)), "")

    def bad(self, column: str, remedy: str) -> None:
        """Note a problem."""
        self.table.problems.append(Problem(self.table.file, self.line, column, self.text(column)[:60], remedy))

    def number(self, *names: str, empty: float | None = 0.0) -> float:
        """Return the number of the first filled column; ``empty`` where none is, a problem if that is None."""
        value = self.text(*names)
        if value in ("", "--", "N/A", "n/a"):
            if empty is None:
                self.bad(names[0], f"{names[0]} is empty: every trade needs one")
            return empty or 0.0
        try:
            return self.table.numbers.read(value).value
        except NumberError as error:
            self.bad(next(name for name in names if self.cells.get(name)), str(error))
            return 0.0

    def day(self, *names: str) -> date | None:
        """Return the date of the first filled column."""
        value = self.text(*names)
        name = next((name for name in names if self.cells.get(name)), names[0])
        if " as of " in value:  # booked after the trade date
            value = value.split(" as of ")[1]
        try:
            return self.table.dates.get(name, DateStyle()).read(value)
        except DateError as error:
            self.bad(name, str(error) if value else f"{name} is empty: every row needs a date")
            return None


def plain(name: str) -> str:
    """Return a column's name without case, blanks and signs."""
    return "".join(sign for sign in name.lower() if sign.isalnum())


def option(underlying: str, option_type: str, strike: float, expiry: date, multiplier: float = 100.0) -> Instrument:
    """Return a listed option under its OCC name."""
    root, kind = canonical(underlying), "CALL" if option_type.upper().startswith("C") else "PUT"
    name = f"{root.replace('.', '')[:6]} {expiry:%y%m%d}{kind[0]}{round(strike * 1000):08d}"
    return Instrument(
        name,
        {
            "investment_class": "OPTIONS",
            "underlying": root,
            "option_type": kind,
            "strike": repr(strike),
            "expiry": expiry.isoformat(),
            "multiplier": repr(multiplier),
            "exercise": "european" if root in EUROPEAN else "american",
        },
    )


def security(symbol: str, investment_class: str = "PUBLIC", multiplier: str = "", currency: str = "") -> Instrument:
    """Return anything else with a market price."""
    cells = {"investment_class": investment_class, "multiplier": multiplier, "currency": currency}
    return Instrument(canonical(symbol), {name: value for name, value in cells.items() if value})
