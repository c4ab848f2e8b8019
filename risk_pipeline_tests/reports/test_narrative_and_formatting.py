"""How numbers and sentences read."""

from __future__ import annotations

import pytest

from risk_pipeline.reports import formatting as numbers
from risk_pipeline.reports import narrative
from risk_pipeline.reports.sections.volatility import value_at_risk_sentence
from risk_pipeline.reports.summary import escape


@pytest.mark.parametrize(
    ("form", "value", "text"),
    [
        ("money", -1234567.6, "−1,234,568"),
        ("money", -0.2, "0"),
        ("gain", 12.4, "+12"),
        ("gain", 0.0, "0"),
        ("percent", 0.0456, "4.6\u00a0%"),
        ("percent", -0.00001, "0.0\u00a0%"),
        ("return", -0.0704, "−7.04\u00a0%"),
        ("return", 0.00001, "0.00\u00a0%"),
        ("number", -0.53, "−0.53"),
        ("number", float("nan"), "–"),
        ("money", None, "–"),
        ("price", 1234.5, "1,234.50"),
    ],
)
def test_a_number_has_a_real_minus_sign_and_no_sign_where_it_rounds_to_nothing(form, value, text):
    assert numbers.FORMS[form](value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(26_977_524, "27\u2009m"), (-4_500, "−4.5\u2009k"), (2.5e9, "2.5\u2009bn"), (12, "12")]
)
def test_axis_labels_are_short(value, text):
    assert numbers.short_money(value) == text


@pytest.mark.parametrize(
    ("one_in", "windows", "horizon", "text"),
    [
        (0.3, 2520, 1, "once in 1 session"),
        (13.2, 2516, 5, "once in 13 sessions"),
        (600, 2520, 1, "once in 2.4 years"),
        (25_200, 2520, 1, "rarer than once in 10 years at today's volatility"),
        (None, 2500, 21, "rarer than once in 10 years at today's volatility"),
        (600, 300, 1, "rarer than once in 1 year at today's volatility"),
        (600, 0, 1, "–"),
        (600, None, None, "–"),
    ],
)
def test_how_often_a_shock_happens_never_exceeds_what_history_supports(one_in, windows, horizon, text):
    assert narrative.plausibility(one_in, windows, horizon) == text


@pytest.mark.parametrize(
    ("count", "windows", "horizon", "text"),
    [
        (3, 2740, 1, "3 of 2,740 sessions"),
        (0, 2500, 21, "none of 2,500 windows of 21 sessions"),
        (None, None, 5, "no history"),
    ],
)
def test_the_count_from_history_is_in_words(count, windows, horizon, text):
    assert narrative.history_count(count, windows, horizon) == text


def test_how_often_is_short_in_a_column():
    assert narrative.once_in(25_200, 2520, 1) == "10+ years"
    assert narrative.once_in(None, 300, 1) == "1+ years"
    assert narrative.once_in(630, 2520, 1) == "2.5 years"
    assert narrative.once_in(21.4, 2520, 1) == "21 sessions"
    assert narrative.once_in(None, None, 1) == "–"


def test_direct_and_correlated_that_differ_in_sign_are_explained_with_both_betas():
    row = {"direct_pnl": 500.0, "correlated_pnl": -900.0, "registry_beta": 0.12, "implied_beta": -0.21}
    text = narrative.disagreement(row, 100_000.0)
    assert "the registry's beta is 0.12, the one that the headline implies −0.21" in text
    assert narrative.disagreement({**row, "registry_beta": None}, 100_000.0).startswith(
        "Direct and correlated P&L differ"
    )
    assert narrative.disagreement({**row, "direct_pnl": -500.0}, 100_000.0) == ""
    assert narrative.disagreement({**row, "correlated_pnl": None}, 100_000.0) == ""
    assert narrative.disagreement(row, 100_000_000.0) == ""  # nothing to speak of
    puts = {**row, "direct_pnl": -66_897.0, "correlated_pnl": 199_474.0, "option_revaluation": 270_000.0}
    assert "options are revalued: their curvature adds +270,000" in narrative.disagreement(puts, 1_000_000.0)


@pytest.mark.parametrize(
    ("exposure", "error", "word"),
    [
        (0.05, 0.01, "negligible"),
        (-0.25, 0.2, "weak, not distinguishable from zero"),
        (0.8, 0.1, "strong"),
        (-1.6, None, "very strong"),
        (None, None, "not available"),
    ],
)
def test_strength_looks_at_size_and_error(exposure, error, word):
    assert narrative.strength(exposure, error) == word


def test_scenario_names_get_minus_signs_and_keep_hyphens():
    assert narrative.scenario_name("Market -35 %") == "Market −35\u00a0%"
    assert narrative.scenario_name("Dot-com bust 2000") == "Dot-com bust 2000"
    assert narrative.scenario_name("Rates +25 bp") == "Rates +25\u00a0bp"


def test_markdown_can_not_be_smuggled_in():
    assert escape("a|b\n<i>[x](y)") == r"a\|b \<i\>\[x\]\(y\)"


@pytest.mark.parametrize(
    ("value_at_risk", "word"), [(0.010, "below the 1.5 %"), (0.016, ""), (0.030, "above the 1.5 %"), (None, "")]
)
def test_a_value_at_risk_far_from_what_the_forecast_would_make_of_it_is_explained(value_at_risk, word):
    """A forecast of 10 % a year is 1.47 % on the worst normal day of a hundred."""
    text = value_at_risk_sentence({"var_99": value_at_risk, "forecast": 0.10}).replace("\u00a0", " ")
    assert word in text
    assert bool(text) == bool(word)
    assert not text or "of tomorrow alone" in text
