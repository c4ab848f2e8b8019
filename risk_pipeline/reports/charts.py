"""Positions of the marks in the page's charts, in per cent of their box; templates draw them.

Bars are positioned ``<i>`` elements inside table cells, so that the number beside them is their text
alternative. Lines are SVG paths, a step across per session, in a box that CSS stretches; their labels are HTML.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil, floor, isnan, log10
from typing import Any

import numpy as np

Values = Sequence[float | None]
"""What is not there is None or NaN."""
HEIGHT = 200.0
"""Of a time chart's box, in units that are shown at half a pixel or so."""


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


def without_flows(nav: Values, cumulative_pnl: Values) -> list[float]:
    """Return the first NAV and what was gained since, session by session: money paid in or out is no gain."""
    pnl = np.array(cumulative_pnl, dtype=float)
    return (np.array(nav, dtype=float)[:1] + (pnl - pnl[:1])).tolist()


def sparkline(values: Values) -> dict[str, Any] | None:
    """Return a path through the values and where the last one stands; None with fewer than two."""
    series = np.array(values, dtype=float)
    known = series[~np.isnan(series)]
    if len(known) < 2:
        return None
    low, high = float(known.min()), float(known.max())
    y = 92.0 - 84.0 * (series - low) / ((high - low) or 1.0) if high > low else np.full(len(series), 50.0)
    y[np.isnan(series)] = np.nan
    last = np.flatnonzero(~np.isnan(y))[-1]
    return {
        "path": path(y),
        "dot": f"M{last},{y[last]:.0f}h0",
        "width": len(series) - 1,
        "zero": f"{92.0 + 84.0 * low / (high - low):.0f}" if low < 0 < high else None,
        "low": low,
        "high": high,
        "count": len(known),
    }


def path(down: np.ndarray) -> str:
    """Return an SVG path with a step of one across per value, lifted over those that are NaN.

    Whole numbers relative to the point before, which is half the bytes of coordinates; nothing drifts, since what is
    rounded is each point and not each step.
    """
    pieces, last, drawing = [], 0, False
    for across, place in enumerate(down.tolist()):
        if isnan(place):
            drawing = False
            continue
        point = round(place)
        pieces.append(f"l1 {point - last}" if drawing else f"M{across} {point}")
        last, drawing = point, True
    return "".join(pieces).replace(" -", "-")


@dataclass(frozen=True)
class TimeChart:
    """A chart over sessions: paths by name, ticks with their labels, and marks as dots.

    Paths are in a box of ``width`` by 200; ticks and ``zero`` are per cent of it.
    """

    width: int
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
    labels: Callable[[Sequence[float]], list[str]],
    stems: Values | None = None,
    dots: Sequence[int] = (),
    from_zero: bool = False,
    ticks_wanted: int = 4,
) -> TimeChart:
    """Lay out lines (and, from zero, stems with dots at some of their ends) over two sessions or more.

    ``labels`` writes the ticks of the vertical axis. ``from_zero`` keeps zero on the axis.
    """
    everything = [np.array(line, dtype=float) for line in lines.values()]
    stem = None if stems is None else np.array(stems, dtype=float)
    known = np.concatenate([*everything, *([stem] if stem is not None else [])])
    known = known[~np.isnan(known)]
    low, high = float(known.min()), float(known.max())
    if from_zero or stem is not None:
        low, high = min(low, 0.0), max(high, 0.0)
    if high == low:
        low, high = low - abs(low or 1.0) / 100, high + abs(high or 1.0) / 100
    ticks = nice_ticks(low, high, ticks_wanted)
    low, high = ticks[0], ticks[-1]

    def down(values: Any) -> Any:
        return HEIGHT * (high - values) / (high - low)

    zero = down(0.0)
    ends = [] if stem is None else [(x, down(stem[x])) for x in np.flatnonzero(~np.isnan(stem))]
    texts = labels(ticks)
    return TimeChart(
        width=len(days) - 1,
        lines={name: path(down(series)) for name, series in zip(lines, everything, strict=True)},
        stems="".join(f"M{x} {round(zero)}V{round(end)}" for x, end in ends),
        dots="" if stem is None else "".join(f"M{x} {round(down(stem[x]))}h0" for x in dots),
        y_ticks=[(round(100 * down(tick) / HEIGHT, 2), text) for tick, text in zip(ticks, texts, strict=True)],
        x_ticks=_day_ticks(days),
        zero=round(100 * zero / HEIGHT, 2) if low < 0 < high else None,
    )


def nice_ticks(low: float, high: float, intervals: int = 4) -> list[float]:
    """Return round numbers around ``low < high``, evenly spaced: at most ``intervals + 1``, as close as they can be.

    The step is 1, 2, 2.5 or 5 times a power of ten.
    """
    magnitude = floor(log10((high - low) / intervals))
    for step in (1, 2, 2.5, 5, 10, 20):
        first, last = (low / step / 10.0**magnitude, high / step / 10.0**magnitude)
        whole = range(floor(round(first, 9)), ceil(round(last, 9)) + 1)
        if len(whole) <= intervals + 1:
            break
    return [float(f"{place * step * 10.0**magnitude:.12g}") for place in whole]


def _day_ticks(days: Sequence[date], count: int = 4) -> list[tuple[float, str]]:
    """Return a few days spread over the axis."""
    chosen = np.unique(np.linspace(0, len(days) - 1, min(count, len(days))).round().astype(int))
    return [(round(float(100 * index / (len(days) - 1)), 2), f"{days[index]:%-d %b %Y}") for index in chosen]
