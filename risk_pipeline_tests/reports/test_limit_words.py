"""Measures of limits as readers call them, and the form of their numbers."""

from __future__ import annotations

import pytest

from risk_pipeline.reports.limit_words import breach_sentence, measure_form, measure_name


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


def test_a_breach_that_rounding_would_hide_says_how_much_of_the_limit_it_is():
    row = {"portfolio_id": "a", "measure": "var_99", "operator": "<=", "limit_value": 0.014, "utilisation": 1.012}
    assert breach_sentence({**row, "value": 0.014168}).endswith("1.4\u00a0%, at most 1.4\u00a0%, 101.2\u00a0% of it")
    assert breach_sentence({**row, "value": 0.0151}).endswith("1.5\u00a0%, at most 1.4\u00a0%")
