"""How numbers are written for people: a real minus sign, a dash for what is not there."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable

NOTHING = "–"


def _write(value: float | None, form: str, scale: float = 1.0, unit: str = "") -> str:
    if value is None or pd.isna(value):
        return NOTHING
    text = f"{scale * value:{form}}"
    if not any(digit in text for digit in "123456789"):
        text = text.lstrip("-+")  # what rounds to nothing has no sign
    return f"{text}{unit}".replace("-", "−")


def money(value: float | None) -> str:
    """Return whole currency units with thousands separators."""
    return _write(value, ",.0f")


def number(value: float | None) -> str:
    """Return two decimals."""
    return _write(value, ".2f")


def percent(value: float | None) -> str:
    """Return a decimal as a percentage with one decimal."""
    return _write(value, ".1f", 100.0, " %")


def signed_money(value: float | None) -> str:
    """Return whole currency units with a sign: of a gain, a change, a flow."""
    return _write(value, "+,.0f")


def signed_percent(value: float | None) -> str:
    """Return a percentage with two decimals and a sign: of a return."""
    return _write(value, "+.2f", 100.0, " %")


def whole(value: float | None) -> str:
    """Return a count."""
    return _write(value, ",.0f")


def one_decimal(value: float | None) -> str:
    """Return one decimal."""
    return _write(value, ",.1f")


def price(value: float | None) -> str:
    """Return a price with two decimals and thousands separators."""
    return _write(value, ",.2f")


FORMS: dict[str, Callable[[float | None], str]] = {
    "money": money,
    "gain": signed_money,
    "number": number,
    "percent": percent,
    "return": signed_percent,
    "whole": whole,
    "tenth": one_decimal,
    "price": price,
}
"""Each form by the name that the templates use."""


def short_money(value: float | None) -> str:
    """Return currency units in thousands or millions with three digits: for an axis, never for a table."""
    if value is None or pd.isna(value):
        return NOTHING
    for size, unit in ((1e9, "bn"), (1e6, "m"), (1e3, "k")):
        if abs(value) >= size:
            return _write(value / size, ".3g", unit=f"\u2009{unit}")
    return _write(value, ".3g")


axis_percent = partial(_write, form=".3g", scale=100.0, unit="\u2009%")
"""Write a share on an axis with as few digits as it needs."""
