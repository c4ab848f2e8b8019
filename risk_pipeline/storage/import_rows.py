"""The four kinds of import rows: their columns, and what makes a row of each right."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from ..symbols import canonical


@dataclass(frozen=True)
class Columns:
    """Columns of a kind of file."""

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()


COLUMNS = {
    "portfolios": Columns(("portfolio_id", "name", "inception_date", "starting_equity"), ("currency", "closed_date")),
    "positions": Columns(
        ("portfolio_id", "symbol", "investment_class", "quantity", "entry_date", "entry_price"),
        (
            "position_id",
            "exit_date",
            "exit_price",
            "underlying",
            "option_type",
            "strike",
            "expiry",
            "implied_volatility",
            "is_deleted",
        ),
    ),
    "flows": Columns(("portfolio_id", "flow_date", "amount")),
    "marks": Columns(("symbol", "mark_date", "price")),
}

CLASSES = {
    "PUBLIC": "PUBLIC",
    "STOCK": "PUBLIC",
    "EQUITY": "PUBLIC",
    "ETF": "PUBLIC",
    "OPTIONS": "OPTIONS",
    "OPTION": "OPTIONS",
    "PRIVATE": "PRIVATE",
}
IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._:/-]{0,63}")
SYMBOL = re.compile(r"[A-Z0-9^][A-Z0-9 ._:/^-]{0,39}")
PLAIN_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
FORMULA = ("=", "+", "@", "-", "\t")
FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(2199, 12, 31)


class Cell:
    """Reads the fields of one row, and notes each problem with what to do about it."""

    def __init__(self, values: Mapping[str, str], line: int, problems: list[tuple[str, str, str]]) -> None:
        self.values = values
        self.line = line
        self.problems = problems

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
        return value

    def number(self, column: str, *, required: bool = True) -> float | None:
        """Return a finite number written plainly."""
        value = self.values.get(column, "")
        if not value:
            if required:
                self.bad(column, f"{column} is empty: write a number such as 1234.5")
            return None
        if not PLAIN_NUMBER.fullmatch(value) or not math.isfinite(float(value)):
            self.bad(column, "is no plain number: write 1234.5, without thousands separators or currency")
            return None
        return float(value)

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
            day = date.fromisoformat(value) if len(value) == 10 else None
        except ValueError:
            day = None
        if day is None or not FIRST_DAY <= day <= LAST_DAY:
            self.bad(column, "is no date: write it as 2025-01-31")
            return None
        return day


def portfolio_row(cell: Cell) -> dict[str, Any]:
    """Read a portfolio."""
    currency = (cell.values.get("currency") or "USD").upper()
    if not re.fullmatch(r"[A-Z]{3}", currency):
        cell.bad("currency", "must be a three-letter code such as USD")
    inception, closed = cell.day("inception_date"), cell.day("closed_date", required=False)
    if inception and closed and closed <= inception:
        cell.bad("closed_date", f"must be after the inception date, {inception}")
    return {
        "portfolio_id": cell.identifier("portfolio_id"),
        "name": cell.text("name"),
        "currency": currency,
        "inception_date": inception,
        "closed_date": closed,
        "starting_equity": cell.number("starting_equity"),
    }


def position_row(cell: Cell) -> dict[str, Any]:
    """Read a lot; its class is normalised and never empty."""
    written = cell.values.get("investment_class", "").upper()
    kind = CLASSES.get(written)
    if kind is None:
        cell.bad("investment_class", "must be PUBLIC (or STOCK, ETF), OPTIONS or PRIVATE")
    quantity = cell.number("quantity")
    if quantity == 0:
        cell.bad("quantity", "must not be zero: a short position is negative")
    entry, exit_ = cell.day("entry_date"), cell.day("exit_date", required=False)
    exit_price = cell.number("exit_price", required=False)
    if exit_price is not None and exit_price < 0:
        cell.bad("exit_price", "must not be below zero")
    if entry and exit_ and exit_ < entry:
        cell.bad("exit_date", f"must not be before the entry date, {entry}")
    if exit_price is not None and exit_ is None:
        cell.bad("exit_price", "goes with an exit_date")
    if exit_ and exit_price is None and kind in ("OPTIONS", "PRIVATE"):
        cell.bad("exit_price", f"a {kind} position that was sold needs the price it was sold for")
    deleted = cell.values.get("is_deleted", "").lower()
    if deleted not in ("", "0", "1", "false", "true"):
        cell.bad("is_deleted", "must be true or false")
    row = {
        "position_id": None,
        "portfolio_id": cell.identifier("portfolio_id"),
        "symbol": cell.symbol("symbol", is_priced=kind == "PUBLIC"),
        "investment_class": kind,
        "quantity": quantity,
        "entry_date": entry,
        "entry_price": cell.positive("entry_price"),
        "exit_date": exit_,
        "exit_price": exit_price,
        "is_deleted": deleted in ("1", "true"),
        **_option_fields(cell, kind, entry),
    }
    own = cell.values.get("position_id", "")
    row["position_id"] = cell.identifier("position_id") if own else f"{row['portfolio_id']}:{cell.line:06d}"[-64:]
    return row


def _option_fields(cell: Cell, kind: str | None, entry: date | None) -> dict[str, Any]:
    names = ("underlying", "option_type", "strike", "expiry", "implied_volatility")
    if kind != "OPTIONS":
        for name in names:
            if cell.values.get(name):
                cell.bad(name, "is only for OPTIONS: leave it empty or change investment_class")
        return dict.fromkeys(names)
    option_type = {"C": "CALL", "CALL": "CALL", "P": "PUT", "PUT": "PUT"}.get(
        cell.values.get("option_type", "").upper()
    )
    if option_type is None:
        cell.bad("option_type", "must be CALL or PUT")
    expiry = cell.day("expiry")
    if expiry and entry and expiry <= entry:
        cell.bad("expiry", f"must be after the entry date, {entry}")
    volatility = cell.positive("implied_volatility", required=False)
    if volatility is not None and volatility > 5:
        cell.bad("implied_volatility", "is over 500 %: write 0.25 for 25 %")
    return {
        "underlying": cell.symbol("underlying"),
        "option_type": option_type,
        "strike": cell.positive("strike"),
        "expiry": expiry,
        "implied_volatility": volatility,
    }


def flow_row(cell: Cell) -> dict[str, Any]:
    """Read a payment into (positive) or out of a portfolio."""
    return {
        "portfolio_id": cell.identifier("portfolio_id"),
        "flow_date": cell.day("flow_date"),
        "amount": cell.number("amount"),
    }


def mark_row(cell: Cell) -> dict[str, Any]:
    """Read the mark of a private asset."""
    return {
        "symbol": cell.symbol("symbol", is_priced=False),
        "mark_date": cell.day("mark_date"),
        "price": cell.positive("price"),
    }
