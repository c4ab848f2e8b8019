"""Dates as people write them; whether day or month stands first is decided once for a column, or not at all.

=======================================  ==================================================================
written                                  read as
=======================================  ==================================================================
``2025-01-31`` ``20250131``              itself
``2025-01-31 00:00:00+01:00``            2025-01-31: the local date of a value with a time is its date
``31.01.2025``                           2025-01-31: with points the day stands first
``31-Jan-2025`` ``Jan 31, 2025``         2025-01-31
``31/01/2025`` or ``01/31/2025``         if one date of the column can be read in one way only, all are read
                                         so; else refused
``2025-W05-5`` ``45688`` ``31/01/25``    refused, and so are digits other than 0 to 9 and invisible characters
=======================================  ==================================================================
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from .text import oddity

_TIME = r"([T ;,]\s?\d{1,2}:?\d{2}(:?\d{2}([.,]\d+)?)?\s?([AaPp][Mm])?\s?(Z|UTC|[A-Z]{2,5}|[+-]\d{2}:?\d{2})?)?"
_ISO = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})" + _TIME, re.ASCII)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})" + _TIME, re.ASCII)
_POINTS = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})" + _TIME, re.ASCII)
_SLASHES = re.compile(r"(\d{1,2})([/-])(\d{1,2})\2(\d{4})" + _TIME, re.ASCII)
_DAY_NAME = re.compile(r"(\d{1,2})[ -]([A-Za-z]{3,9})[ ,-]+(\d{4})" + _TIME, re.ASCII)
_NAME_DAY = re.compile(r"([A-Za-z]{3,9})[ -](\d{1,2}),?[ -](\d{4})" + _TIME, re.ASCII)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
FORM = "write it as 2025-01-31"


class DateError(ValueError):
    """A cell that is no date, or could be two; the message is the remedy."""


@dataclass(frozen=True)
class DateStyle:
    """What stands first in a column's dates with slashes: ``day`` or ``month``; None where it isn't shown."""

    first: str | None = None
    is_contradictory: bool = False

    @staticmethod
    def of(cells: Iterable[str]) -> DateStyle:
        """Decide from all cells of a column."""
        shown = set()
        for cell in cells:
            match = _SLASHES.fullmatch(cell.strip())
            if match and int(match[1]) > 12:
                shown.add("day")
            elif match and int(match[3]) > 12:
                shown.add("month")
        return DateStyle(next(iter(shown)) if len(shown) == 1 else None, is_contradictory=len(shown) > 1)

    def read(self, cell: str) -> date:
        """Return the date of a cell.

        Raises
        ------
        DateError
            With what to write instead.
        """
        text = cell.strip()
        if problem := oddity(text):
            raise DateError(problem)
        if match := _ISO.fullmatch(text):
            return _date(match[1], match[3], match[4])
        if match := _COMPACT.fullmatch(text):
            return _date(match[1], match[2], match[3])
        if match := _POINTS.fullmatch(text):
            return _date(match[3], match[2], match[1])
        if match := _SLASHES.fullmatch(text):
            return self._slashes(match[1], match[3], match[4])
        if match := _DAY_NAME.fullmatch(text):
            return _date(match[3], _month(match[2]), match[1])
        if match := _NAME_DAY.fullmatch(text):
            return _date(match[3], _month(match[1]), match[2])
        if re.fullmatch(r"\d{4}-?W\d{2}(-?\d)?", text):
            raise DateError(f"is a week of the ISO calendar: {FORM}")
        if re.fullmatch(r"\d{5}(\.\d+)?", text):
            raise DateError(f"is no date but a spreadsheet's day number: format the column as dates, or {FORM}")
        raise DateError(f"is no date: {FORM}")

    def _slashes(self, one: str, two: str, year: str) -> date:
        if self.first is None and one != two and int(one) <= 12 and int(two) <= 12:
            both = " and other rows contradict each other" if self.is_contradictory else ""
            one_way, other = f"{int(two):02d}-{int(one):02d}", f"{int(one):02d}-{int(two):02d}"
            raise DateError(f"could be {year}-{one_way} or {year}-{other}{both}: {FORM}")
        day_first = self.first == "day" or (self.first is None and int(one) > 12)
        return _date(year, two, one) if day_first else _date(year, one, two)


def local_date(value: date | datetime) -> date:
    """Return the date of a value in its own time zone."""
    return value.date() if isinstance(value, datetime) else value


def _month(name: str) -> str:
    key = name[:3].lower()
    if key not in _MONTHS:
        raise DateError(f"is no date: {FORM}")
    return str(_MONTHS.index(key) + 1)


def _date(year: str, month: str, day: str) -> date:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        raise DateError(f"is no date: {FORM}") from None
