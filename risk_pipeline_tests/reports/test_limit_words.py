"""Measures of limits as readers call them, and the form of their numbers."""

from __future__ import annotations

import pytest

from risk_pipeline.reports.limit_words import measure_form, measure_name


@pytest.mark.parametrize(
    ("measure", "limit", "name", "form"),
    [
        ("var_99", 0.03, "VaR 99 %, one day", "percent"),
        ("net/nav", 0.5, "Net exposure, of NAV", "percent"),
        ("net", 5e5, "Net exposure", "money"),
        ("drawdown", 0.1, "Drawdown", "percent"),
        ("drawdown_sessions", 60.0, "Sessions below the last peak", "whole"),
        ("model_tracking_error", 0.08, "Tracking error by the factor model", "percent"),
        ("active_sector:Energy", 0.1, "Energy, active weight", "percent"),
        ("core_market", 1.2, "Market", "number"),
        ("active:core_rates", 0.2, "Interest rates, active", "number"),
        ("IR Beta", 0.5, "IR Beta", "number"),
        ("covid_2020", -1e6, "Covid 2020", "money"),
    ],
)
def test_a_measure_has_a_name_and_a_form(measure, limit, name, form):
    assert (measure_name(measure), measure_form(measure, limit)) == (name, form)
