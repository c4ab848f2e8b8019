"""Numbers as people write them; which sign is the decimal one is decided once for a file, or not at all.

========================  ============================================================================
written                   read as
========================  ============================================================================
``1234.5`` ``1e-3``       itself
``1,234.5`` ``1.234,5``   the last sign is the decimal one
``440,50``                440.5: a thousands sign would stand before three digits
``1,000``                 1000 if another number of the file shows that the point is its decimal sign,
                          1 if another shows that the comma is; else refused
``1.000``                 1 (a plain number) in a file separated by commas; else as above
``1'000`` ``1 000``       1000
``$440.50`` ``-€5``       440.5 and −5; the sign is kept beside it
``(100)`` ``100-`` ``−5``  −100, −100 and −5, and so is ``$(100)``
``5 %`` ``440.50 USD``     refused
========================  ============================================================================
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

from .text import oddity

CURRENCY_SIGNS = "$€£¥₹"
_PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_GROUPED = {
    ".": re.compile(r"[1-9]\d{0,2}(,\d{2,3})*,\d{3}(\.\d*)?"),
    ",": re.compile(r"[1-9]\d{0,2}(\.\d{2,3})*\.\d{3}(,\d*)?"),
}
_SIMPLE = {".": re.compile(r"(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"), ",": re.compile(r"(\d+,?\d*|,\d+)([eE][+-]?\d+)?")}
_WITH_CODE = re.compile(r"[-+]?[A-Z]{2,3}[$€£¥]?\s?[-+]?[\d.,' ]*\d|[-+]?\d[\d.,' ]*\s?[A-Z]{3}")
_EITHER = re.compile(r"[1-9]\d{0,2}([.,])\d{3}")


class NumberError(ValueError):
    """A cell that is no number, or could be two; the message is the remedy."""


@dataclass(frozen=True)
class Number:
    """A number and the currency sign that stood before or behind it, if any."""

    value: float
    currency_sign: str = ""


@dataclass(frozen=True)
class NumberStyle:
    """Which sign is decimal, ``.`` or ``,``, where a file shows it; None where it doesn't or shows both."""

    decimal: str | None = None
    separator: str = ","

    @staticmethod
    def of(cells: Iterable[str], separator: str = ",") -> NumberStyle:
        """Decide from all cells of a file that should be numbers."""
        shown = {sign for sign in map(_evidence, cells) if sign}
        return NumberStyle(shown.pop() if len(shown) == 1 else None, " " if len(shown) > 1 else separator)

    def read(self, cell: str) -> Number:
        """Return the number of a cell.

        Raises
        ------
        NumberError
            With what to write instead.
        """
        if problem := oddity(cell.strip()):
            raise NumberError(problem)
        digits, negative, sign = _stripped(cell)
        if either := _EITHER.fullmatch(digits):
            # a file separated by commas has plain numbers unless it shows otherwise
            decimal = self.decimal or ("." if either[1] == "." and self.separator == "," else None)
            if decimal is None:
                plain, grouped = digits.replace(",", "."), digits.replace(".", "").replace(",", "")
                raise NumberError(f"could be {plain} or {grouped}: write it without a thousands separator")
            return _number(digits.replace(_other(decimal), "").replace(decimal, "."), negative, sign)
        for decimal in ".,":
            if _SIMPLE[decimal].fullmatch(digits) or _GROUPED[decimal].fullmatch(digits):
                return _number(digits.replace(_other(decimal), "").replace(decimal, "."), negative, sign)
        if "%" in cell:
            raise NumberError("has a percent sign: write .05 for a share of 5 %, a price in % without the sign")
        if _WITH_CODE.fullmatch(cell.strip()):
            raise NumberError("has a currency beside it: write the number alone, and the currency in its own column")
        raise NumberError("is no plain number: write 1234.5")


def _other(decimal: str) -> str:
    return "," if decimal == "." else "."


def _number(text: str, negative: bool, sign: str) -> Number:
    value = float(text)
    if not math.isfinite(value):
        raise NumberError("is no plain number: write 1234.5")
    return Number(-value if negative else value, sign)


def _stripped(cell: str) -> tuple[str, bool, str]:
    """Return the digits and separators of a cell, whether it is negative, and its currency sign."""
    text = cell.strip().replace("\u2212", "-")
    negative = False
    if text.startswith("(") and text.endswith(")"):
        text, negative = text[1:-1].strip(), True
    signs = [sign for sign in CURRENCY_SIGNS if sign in text]
    sign = signs[0] if len(signs) == 1 else ""
    if sign and text.count(sign) == 1 and sign in (text.strip("+- ")[:1], text.strip("+- ")[-1:]):
        text = text.replace(sign, "").strip()
    if sign and not negative and text.startswith("(") and text.endswith(")"):
        text, negative = text[1:-1].strip(), True
    if text.startswith(("-", "+")):
        negative, text = negative ^ text.startswith("-"), text[1:].strip()
    elif text.endswith("-"):
        negative, text = not negative, text[:-1].strip()
    for group in ("'", "\u2019", " ", "\u00a0", "\u202f"):
        if re.fullmatch(rf"\d{{1,3}}({re.escape(group)}\d{{3}})+([.,]\d+)?", text):
            text = text.replace(group, "")
    return text, negative, sign


def _evidence(cell: str) -> str:
    """Return the sign that a cell shows to be the decimal one, or nothing."""
    digits, _, _ = _stripped(cell)
    if not re.fullmatch(r"[\d.,]+([eE][+-]?\d+)?", digits) or _EITHER.fullmatch(digits):
        return ""
    for decimal, other in ((".", ","), (",", ".")):
        if other in digits and _GROUPED[decimal].fullmatch(digits):
            return decimal
    for decimal in ".,":
        if decimal in digits and _SIMPLE[decimal].fullmatch(digits):
            return decimal
    return ""


def is_plain(cell: str) -> bool:
    """Return whether a cell is a number as programs write it."""
    return bool(_PLAIN.fullmatch(cell))
