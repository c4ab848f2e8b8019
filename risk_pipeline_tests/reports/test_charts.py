"""Where the marks of charts stand."""

from __future__ import annotations

import re
from datetime import date, timedelta
from math import isnan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk_pipeline.reports.charts import Span, nice_ticks, path, sparkline, time_chart
from risk_pipeline.reports.formatting import money_axis, percent_axis

numbers = st.floats(-1e9, 1e9, allow_nan=False)


@given(values=st.lists(numbers | st.none(), min_size=1, max_size=20))
def test_a_span_holds_every_value_and_zero_in_order(values):
    span = Span.of(values)
    known = sorted(value for value in [*values, 0.0] if value is not None)
    places = [span.at(value) for value in known]
    assert places == sorted(places)
    assert all(0 <= place <= 100 for place in places)
    for value in known:
        bar = span.bar(value)
        assert bar["down"] == (value < 0)
        assert bar["left"] + bar["width"] == pytest.approx(max(span.at(value), span.zero), abs=0.2)
        assert bar["left"] == pytest.approx(min(span.at(value), span.zero), abs=0.2)


def test_bars_are_as_long_as_their_values():
    span = Span.of([-50.0, 100.0])
    assert span.bar(-50.0)["width"] * 2 == pytest.approx(span.bar(100.0)["width"], abs=0.2)
    assert span.bar(None) is None
    assert span.band(100.0, None) is None


def test_a_sparkline_goes_through_its_values_and_lifts_over_gaps():
    line = sparkline([1.0, None, 3.0, 2.0])
    assert line["path"] == "M0 92M2 8l1 42"
    assert (line["low"], line["high"], line["count"], line["width"]) == (1.0, 3.0, 3, 3)
    assert (line["dot"], line["zero"]) == ("M3,50h0", None)
    assert sparkline([None, 1.0]) is None
    assert sparkline([5.0, 5.0])["path"] == "M0 50l1 0"
    assert sparkline([-1.0, 1.0])["zero"] == "50"


@given(st.lists(st.floats(0, 200) | st.just(float("nan")), max_size=60))
def test_a_path_is_where_its_values_are_and_does_not_drift(values):
    at, place, found = -1, 0, {}
    for move, first, second in re.findall(r"([Ml])(\d+) ?(-?\d+)", path(np.array(values))):
        at, place = (int(first), int(second)) if move == "M" else (at + int(first), place + int(second))
        found[at] = place
    assert found == {number: round(value) for number, value in enumerate(values) if not isnan(value)}


def test_a_time_chart_has_its_lines_stems_and_dots_inside_and_ticks_in_order():
    days = [date(2026, 1, 1) + timedelta(at) for at in range(30)]
    returns = [0.01 * (-1) ** at for at in range(30)]
    chart = time_chart(days, {"limit": [None, *[-0.02] * 29]}, stems=returns, dots=[3], labels=percent_axis)
    assert [int(down) for down in re.findall(r"V(\d+)", chart.stems)] == [0, 133] * 15
    assert (chart.lines["limit"], chart.width) == ("M1 200" + "l1 0" * 28, 29)
    assert chart.dots == "M3 133h0"
    assert chart.stems.count("M") == 30
    tops = [at for at, _ in chart.y_ticks]
    assert tops == sorted(tops, reverse=True)
    assert chart.zero == next(at for at, text in chart.y_ticks if text == "0\u2009%")
    assert chart.x_ticks[0][1] == "1 Jan 2026"


def test_a_flat_line_has_a_chart_too():
    chart = time_chart([date(2026, 1, 1), date(2026, 1, 2)], {"NAV": [100.0, 100.0]}, labels=money_axis)
    assert len(chart.y_ticks) >= 2


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.0, 1.0, [0.0, 0.25, 0.5, 0.75, 1.0]),
        (-0.02, 0.01, [-0.02, -0.01, 0.0, 0.01]),
        (0.3, 0.4, [0.3, 0.325, 0.35, 0.375, 0.4]),
        (6_601_000.0, 6_679_000.0, [6_600_000.0, 6_620_000.0, 6_640_000.0, 6_660_000.0, 6_680_000.0]),
        (-350.0, 1200.0, [-500.0, 0.0, 500.0, 1000.0, 1500.0]),
    ],
)
def test_ticks_are_round_numbers(low, high, ticks):
    assert nice_ticks(low, high) == ticks


@given(low=numbers, width=st.floats(1e-4, 1e10), intervals=st.integers(2, 8))
def test_ticks_hold_their_range_evenly_and_are_few(low, width, intervals):
    width = max(width, 1e-6 * abs(low))
    ticks = np.array(nice_ticks(low, low + width, intervals))
    assert 2 <= len(ticks) <= intervals + 1
    steps = np.diff(ticks)
    np.testing.assert_allclose(steps, steps[0], rtol=1e-4)
    assert ticks[0] <= low + 1e-6 * width
    assert ticks[-1] >= low + width * (1 - 1e-6)
    assert steps[0] <= 5.0 * width / (intervals - 1)  # no coarser than it takes


@pytest.mark.parametrize(
    ("ticks", "texts"),
    [
        ([6.6e6, 6.64e6, 6.68e6], ["6.60\u2009m", "6.64\u2009m", "6.68\u2009m"]),
        ([1.585e6, 1.6e6, 1.615e6], ["1.585\u2009m", "1.600\u2009m", "1.615\u2009m"]),
        ([0.0, 2.5e6, 5e6], ["0.0\u2009m", "2.5\u2009m", "5.0\u2009m"]),
        ([-500.0, 0.0, 500.0], ["−500", "0", "500"]),
    ],
)
def test_an_axis_has_one_unit_and_the_decimals_that_its_steps_need(ticks, texts):
    assert money_axis(ticks) == texts
