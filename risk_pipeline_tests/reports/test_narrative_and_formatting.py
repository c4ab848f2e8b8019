"""How numbers and sentences read."""

from __future__ import annotations

import pytest

from risk_pipeline.reports import formatting as numbers
from risk_pipeline.reports import narrative as words
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
    ("sessions", "text"),
    [(0.3, "1 session"), (13.2, "13 sessions"), (600, "2.4 years"), (25_200, "100 years"), (None, "10,000+ years")],
)
def test_plausibility_is_in_words(sessions, text):
    assert words.plausibility(sessions) == text


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
    assert words.strength(exposure, error) == word


def test_scenario_names_get_minus_signs_and_keep_hyphens():
    assert words.scenario_name("Market -35 %") == "Market −35\u00a0%"
    assert words.scenario_name("Dot-com bust 2000") == "Dot-com bust 2000"
    assert words.scenario_name("Rates +25 bp") == "Rates +25\u00a0bp"


def test_markdown_can_not_be_smuggled_in():
    assert escape("a|b\n<i>[x](y)") == r"a\|b \<i\>\[x\]\(y\)"
