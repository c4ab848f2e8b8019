"""Numbers as readers see them: a real minus sign, a dash for a missing value."""

from __future__ import annotations

from itertools import pairwise
from math import floor, isnan, log10
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

NOTHING, MINUS = "–", "−"


def _write(value: float | None, form: str, scale: float = 1.0, unit: str = "") -> str:
    if value is None or isnan(value):
        return NOTHING
    text = f"{scale * value:{form}}"
    if not any(digit in text for digit in "123456789"):
        text = text.lstrip("-+")  # what rounds to zero has no sign
    return f"{text}{unit}".replace("-", MINUS)


def money(value: float | None) -> str:
    """Return whole currency units with thousands separators."""
    return _write(value, ",.0f")


def number(value: float | None) -> str:
    """Return two decimals."""
    return _write(value, ".2f")


def percent(value: float | None) -> str:
    """Return a decimal as a percentage with one decimal."""
    return _write(value, ".1f", 100.0, "\u00a0%")


def signed_money(value: float | None) -> str:
    """Return whole currency units with a sign: of a gain, a change, a flow."""
    return _write(value, "+,.0f")


def signed_percent(value: float | None) -> str:
    """Return a percentage with two decimals and a sign: of a return."""
    return _write(value, "+.2f", 100.0, "\u00a0%")


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
    """Return currency units in thousands or millions with three digits: for a label, never for a table."""
    if value is None or isnan(value):
        return NOTHING
    size, unit = _size(value)
    return _write(value / size, ".3g", unit=unit)


def money_axis(ticks: Sequence[float]) -> list[str]:
    """Return the labels of an axis of money: one unit, and as many decimals as its steps need."""
    size, unit = _size(max(map(abs, ticks)))
    return _axis([tick / size for tick in ticks], unit)


def percent_axis(ticks: Sequence[float]) -> list[str]:
    """Return the labels of an axis of shares, with as many decimals as its steps need."""
    return _axis([100.0 * tick for tick in ticks], "\u2009%")


def _size(value: float) -> tuple[float, str]:
    sizes = ((1e9, "\u2009bn"), (1e6, "\u2009m"), (1e3, "\u2009k"))
    return next(((size, unit) for size, unit in sizes if abs(value) >= size), (1.0, ""))


def _axis(ticks: Sequence[float], unit: str) -> list[str]:
    step = min((abs(b - a) for a, b in pairwise(ticks)), default=1.0) or 1.0
    places = max(-floor(log10(step) + 1e-9), 0)
    if round(step, places) < 0.999 * step or round(step, places) > 1.001 * step:
        places += 1  # a step of 2.5
    return [_write(tick, f",.{places}f", unit=unit) for tick in ticks]
