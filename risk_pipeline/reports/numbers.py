"""How numbers are written for people: a real minus sign, a dash for what is not there."""

from __future__ import annotations

import pandas as pd

NOTHING = "–"


def _write(value: float | None, form: str, scale: float = 1.0, unit: str = "") -> str:
    if value is None or pd.isna(value):
        return NOTHING
    return f"{scale * value:{form}}{unit}".replace("-", "−")


def money(value: float | None) -> str:
    """Return whole currency units with thousands separators."""
    return _write(value, ",.0f")


def number(value: float | None) -> str:
    """Return two decimals."""
    return _write(value, ".2f")


def percent(value: float | None) -> str:
    """Return a decimal as a percentage with one decimal."""
    return _write(value, ".1f", 100.0, " %")
