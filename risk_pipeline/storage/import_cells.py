"""The fields of one row of an import, and what is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from ..symbols import canonical, occ_name
from ..tabular.currencies import CODES, HUNDREDTHS, HUNDREDTHS_WRITTEN, SIGNS
from ..tabular.dates import DateError, DateStyle
from ..tabular.numbers import NumberError, NumberStyle

IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._:/-]{0,63}")
SYMBOL = re.compile(r"[A-Z0-9^][A-Z0-9 ._:/^&=*+$-]{0,39}")
FORMULA = ("=", "+", "@", "-", "\t")
NOTHING = ("-", "--", "n/a", "N/A", "#N/A", "NaN", "NaT", "null", "NULL", "None")
"""Words that people and programs write into a cell that holds nothing."""
MAY_BE_NOTHING = frozenset(
    (
        *("exit_date", "exit_price", "exit_fees", "fees", "multiplier", "implied_volatility", "strike", "expiry"),
        *("option_type", "currency", "closed_date", "exercise"),
    )
)
FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(2199, 12, 31)
AHEAD = timedelta(days=3653)
"""No date but an expiry lies further in the future; one beyond a year is said in a note."""
HIGHEST = 1e9
"""A price beyond this is a slip."""


@dataclass(frozen=True)
class Styles:
    """How the numbers of a file and the dates of each of its columns are written, and what day it is."""

    numbers: NumberStyle = field(default_factory=NumberStyle)
    dates: Mapping[str, DateStyle] = field(default_factory=dict)
    today: date | None = None


class Cell:
    """Reads the fields of one row, and notes each problem with what to do about it."""

    def __init__(
        self, values: Mapping[str, str], line: int, problems: list[tuple[str, str, str]], styles: Styles | None = None
    ) -> None:
        self.values = {
            column: "" if value in NOTHING and column in MAY_BE_NOTHING else value for column, value in values.items()
        }
        self.line = line
        self.problems = problems
        self.styles = styles or Styles()
        self.signs: dict[str, str] = {}  # currency signs beside numbers, by column

    def bad(self, column: str, remedy: str) -> None:
        """Note a problem of a field."""
        self.problems.append((column, self.values.get(column, "")[:80], remedy))

    def text(self, column: str, *, required: bool = True) -> str | None:
        """Return a text that a spreadsheet would not take for a formula."""
        value = self.values.get(column, "")
        if not value:
            if required:
                self.bad(column, f"{column} is empty: every row needs one")
            return None
        if value.startswith(FORMULA):
            self.bad(column, "begins like a formula: start it with a letter or digit")
        return value

    def identifier(self, column: str) -> str:
        """Return an id of up to 64 letters, digits and ``. _ : / -``."""
        value = self.values.get(column, "")
        if not IDENTIFIER.fullmatch(value):
            self.bad(column, f"{column} must be 1 to 64 letters, digits, blanks or . _ : / -")
        return value

    def symbol(self, column: str, *, is_priced: bool = True) -> str:
        """Return a symbol in upper case; one that a market prices in its one spelling."""
        value = " ".join(self.values.get(column, "").upper().split())
        value = canonical(value) if is_priced else value
        if not SYMBOL.fullmatch(value):
            self.bad(column, "must be a symbol such as SPY or BRK.B, 40 characters at most")
        elif is_priced and occ_name(value):
            self.bad(column, "is the name of an option: make its investment_class OPTIONS")
        return value

    def number(self, column: str, *, required: bool = True) -> float | None:
        """Return a finite number written plainly."""
        value = self.values.get(column, "")
        if not value:
            if required:
                self.bad(column, f"{column} is empty: write a number such as 1234.5")
            return None
        try:
            parsed = self.styles.numbers.read(value)
        except NumberError as error:
            self.bad(column, str(error))
            return None
        if parsed.currency_sign:
            self.signs[column] = parsed.currency_sign
        return parsed.value

    def price(self, column: str, *, required: bool = True) -> float | None:
        """Return a price: from 0 to a billion."""
        value = self.number(column, required=required)
        if value is not None and value < 0:
            self.bad(column, "must not be below zero: the quantity carries the sign")
        if value is not None and value > HIGHEST:
            self.bad(column, f"is beyond {HIGHEST:,.0f}: write the price of one unit")
        return value

    def positive(self, column: str, *, required: bool = True) -> float | None:
        """Return a number above zero."""
        value = self.number(column, required=required)
        if value is not None and value <= 0:
            self.bad(column, "must be above zero")
        return value

    def day(self, column: str, *, required: bool = True) -> date | None:
        """Return an ISO date."""
        value = self.values.get(column, "")
        if not value:
            if required:
                self.bad(column, f"{column} is empty: write a date such as 2025-01-31")
            return None
        try:
            day = self.styles.dates.get(column, DateStyle()).read(value)
        except DateError as error:
            self.bad(column, str(error))
            return None
        if day < FIRST_DAY:
            self.bad(column, f"is before {FIRST_DAY}: give a later day, with the price of that day")
            return None
        today = self.styles.today
        if day > LAST_DAY or (today and day > today + AHEAD and column != "expiry"):
            self.bad(column, f"lies far in the future{f', today is {today}' if today else ''}: is the year right?")
            return None
        return day

    def currency(self, column: str, beside: str) -> str | None:
        """Return a currency code, else what the sign beside a number means, else None."""
        value, sign = self.values.get(column, ""), self.signs.get(beside, "")
        if not value:
            if sign == "¥":
                self.bad(beside, "has a sign of several currencies: add a column currency with JPY or CNY")
            return SIGNS.get(sign)
        code = HUNDREDTHS_WRITTEN.get(value, value.upper())
        if code not in CODES and code not in HUNDREDTHS:
            self.bad(column, "is no currency: write its ISO code such as USD")
        if sign and SIGNS.get(sign, code) != code:
            self.bad(beside, f"has another currency than the column currency, {code}")
        return code

    def no_sign(self, column: str) -> None:
        """Note a currency sign that says something which the row has no place for."""
        if self.signs.get(column, "$") != "$":
            self.bad(column, "is in the portfolio's currency: leave the sign out")
