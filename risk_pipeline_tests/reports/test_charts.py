"""Where the marks of charts stand."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk_pipeline.reports.charts import Span, sparkline, time_chart
from risk_pipeline.reports.numbers import axis_percent

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
    assert line["path"].count("M") == 2
    assert (line["low"], line["high"], line["count"]) == (1.0, 3.0, 3)
    assert re.fullmatch(r"M100\.0,[\d.]+h0", line["dot"])
    assert sparkline([None, 1.0]) is None
    assert sparkline([5.0, 5.0])["path"] == "M0,50L100,50"


def test_a_time_chart_has_its_lines_stems_and_dots_inside_and_ticks_in_order():
    days = [date(2026, 1, 1) + timedelta(at) for at in range(30)]
    returns = [0.01 * (-1) ** at for at in range(30)]
    chart = time_chart(days, {"limit": [None, *[-0.02] * 29]}, stems=returns, dots=[3], label=axis_percent)
    places = [float(place) for place in re.findall(r"[-\d.]+", chart.lines["limit"] + chart.stems + chart.dots)]
    assert all(0 <= place <= 100 for place in places)
    assert chart.stems.count("M") == 30
    assert chart.dots.count("M") == 1
    tops = [at for at, _ in chart.y_ticks]
    assert tops == sorted(tops, reverse=True)
    assert chart.zero == next(at for at, text in chart.y_ticks if text == "0\u2009%")
    assert chart.x_ticks[0][1] == "1 Jan 2026"


def test_a_flat_line_has_a_chart_too():
    chart = time_chart([date(2026, 1, 1), date(2026, 1, 2)], {"NAV": [100.0, 100.0]}, label=str)
    assert len(chart.y_ticks) >= 2
