"""Where the marks of the page's charts stand, in per cent of their box; templates draw them.

Bars are positioned ``<i>`` elements inside table cells, so that the number beside them is their text
alternative. Lines are SVG paths in a box of 100 by 100 that CSS stretches; their labels are HTML.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

Values = Sequence[float | None]
"""What is not there is None or NaN."""


@dataclass(frozen=True)
class Span:
    """A scale from ``low`` to ``high`` that always holds zero; positions are per cent from the left."""

    low: float
    high: float

    @classmethod
    def of(cls, *values: Values) -> Span:
        """Return the span of all values and zero, with a little air."""
        known = [value for group in values for value in group if value is not None]
        low, high = min([0.0, *known]), max([0.0, *known])
        if low == high:
            return cls(0.0, 1.0)
        air = 0.02 * (high - low)
        return cls(low - (air if low < 0 else 0.0), high + (air if high > 0 else 0.0))

    def at(self, value: float) -> float:
        """Return where a value stands, kept inside."""
        return round(min(max(100.0 * (value - self.low) / (self.high - self.low), 0.0), 100.0), 1)

    @property
    def zero(self) -> float:
        """Where zero stands."""
        return self.at(0.0)

    def bar(self, value: float | None) -> dict[str, Any] | None:
        """Return left and width of a bar from zero, and which way it points."""
        return None if value is None else {**self.between(0.0, value), "down": value < 0}

    def between(self, one: float, other: float) -> dict[str, float]:
        """Return left and width of what lies between two values."""
        left, right = sorted((self.at(one), self.at(other)))
        return {"left": left, "width": round(right - left, 1)}

    def band(self, centre: float | None, half: float | None) -> dict[str, float] | None:
        """Return left and width of ``centre ± half``."""
        return None if centre is None or half is None else self.between(centre - half, centre + half)


def sparkline(values: Values) -> dict[str, Any] | None:
    """Return a path through the values and where the last one stands; None with fewer than two."""
    series = np.array(values, dtype=float)
    known = series[~np.isnan(series)]
    if len(known) < 2:
        return None
    low, high = float(known.min()), float(known.max())
    y = 92.0 - 84.0 * (series - low) / ((high - low) or 1.0) if high > low else np.full(len(series), 50.0)
    y[np.isnan(series)] = np.nan
    x = np.linspace(0.0, 100.0, len(series))
    last = np.flatnonzero(~np.isnan(y))[-1]
    return {
        "path": path(x, y),
        "dot": f"M{x[last]:.1f},{y[last]:.1f}h0",
        "low": low,
        "high": high,
        "count": len(known),
    }


def path(x: np.ndarray, y: np.ndarray) -> str:
    """Return an SVG path through the points; it is lifted over those that are NaN."""
    pieces, drawing = [], False
    for across, down in zip(x, y, strict=True):
        if np.isnan(down):
            drawing = False
            continue
        pieces.append(f"{'L' if drawing else 'M'}{across:.4g},{down:.3g}")
        drawing = True
    return "".join(pieces)


@dataclass(frozen=True)
class TimeChart:
    """A chart over sessions: paths by name, ticks with their labels, and marks as dots."""

    lines: dict[str, str]
    stems: str
    dots: str
    y_ticks: list[tuple[float, str]]
    x_ticks: list[tuple[float, str]]
    zero: float | None


def time_chart(
    days: Sequence[date],
    lines: dict[str, Values],
    *,
    label: Callable[[float], str],
    stems: Values | None = None,
    dots: Sequence[int] = (),
    from_zero: bool = False,
    ticks_wanted: int = 4,
) -> TimeChart:
    """Lay out lines (and, from zero, stems with dots at some of their ends) over sessions.

    ``label`` writes a tick of the vertical axis. ``from_zero`` keeps zero on the axis.
    """
    from matplotlib.ticker import MaxNLocator

    everything = [np.array(line, dtype=float) for line in lines.values()]
    stem = None if stems is None else np.array(stems, dtype=float)
    known = np.concatenate([*everything, *([stem] if stem is not None else [])])
    known = known[~np.isnan(known)]
    low, high = float(known.min()), float(known.max())
    if from_zero or stem is not None:
        low, high = min(low, 0.0), max(high, 0.0)
    if high == low:
        low, high = low - abs(low or 1.0) / 100, high + abs(high or 1.0) / 100
    ticks = MaxNLocator(nbins=ticks_wanted, min_n_ticks=2).tick_values(low, high)
    low, high = float(ticks[0]), float(ticks[-1])

    def down(values: Any) -> Any:
        return 100.0 * (high - values) / (high - low)

    x = np.linspace(0.0, 100.0, len(days)) if len(days) > 1 else np.array([50.0])
    zero = float(down(0.0))
    ends = [] if stem is None else [(x[at], down(stem[at])) for at in np.flatnonzero(~np.isnan(stem))]
    return TimeChart(
        lines={name: path(x, down(series)) for name, series in zip(lines, everything, strict=True)},
        stems="".join(f"M{across:.4g},{zero:.3g}V{end:.3g}" for across, end in ends),
        dots="" if stem is None else "".join(f"M{x[at]:.1f},{down(stem[at]):.1f}h0" for at in dots),
        y_ticks=[(round(float(down(tick)), 2), label(float(tick))) for tick in ticks],
        x_ticks=_day_ticks(days, x),
        zero=round(zero, 2) if low < 0 < high else None,
    )


def _day_ticks(days: Sequence[date], x: np.ndarray, count: int = 4) -> list[tuple[float, str]]:
    """Return a few days spread over the axis."""
    if len(days) < 2:
        return [(50.0, f"{day:%-d %b %Y}") for day in days]
    chosen = np.unique(np.linspace(0, len(days) - 1, min(count, len(days))).round().astype(int))
    return [(round(float(x[at]), 2), f"{days[at]:%-d %b %Y}") for at in chosen]
