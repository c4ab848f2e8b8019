"""The chart of NAV: money paid in or out does not look like a gain."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from risk_pipeline.reports.sections.headline import _nav_chart

DAYS = pd.bdate_range("2026-01-05", periods=5)
PNL = np.array([10.0, 20.0, -5.0, 15.0, 30.0])
"""Cumulative, as the snapshots have it."""


def history(flows: list[float], rows: slice = slice(None)) -> pd.DataFrame:
    frame = pd.DataFrame({"session": DAYS, "nav": 1000.0 + PNL + np.cumsum(flows), "cumulative_pnl": PNL})
    return frame.iloc[rows].reset_index(drop=True)


def test_without_flows_nav_is_one_line():
    found = _nav_chart(history([500.0, 0, 0, 0, 0]))  # paid in on the first session of the chart, or before it
    assert list(found["chart"].lines) == ["NAV"]
    assert found["paid"] is None


@pytest.mark.parametrize("rows", [slice(None), slice(None, None, 2)], ids=["every session", "with holes"])
def test_with_flows_the_second_line_is_what_was_gained(rows):
    found = _nav_chart(history([0, 0, 400.0, -100.0, 0], rows))
    plain = _nav_chart(history([0] * 5, rows))
    assert found["paid"] == pytest.approx(300.0, abs=1e-9)
    assert list(found["chart"].lines) == ["NAV", "without flows"]
    chart = found["chart"]
    low, high = (float(text.replace(",", "").split("\u2009")[0]) for _, text in (chart.y_ticks[0], chart.y_ticks[-1]))
    scale = 1000.0 if "k" in chart.y_ticks[0][1] else 1.0
    assert _ends(chart.lines["without flows"], low * scale, high * scale) == pytest.approx([1010.0, 1030.0], abs=2.0)
    assert _ends(chart.lines["NAV"], low * scale, high * scale) == pytest.approx([1010.0, 1330.0], abs=2.0)
    assert plain["paid"] is None


def _ends(path: str, low: float, high: float) -> list[float]:
    """Return the values at which a path begins and ends."""
    start, *steps = path.replace("M0 ", "").replace("-", " -").split("l1")
    first = float(start)
    last = first + sum(float(step) for step in steps)
    return [high - down / 200.0 * (high - low) for down in (first, last)]
