"""The section of correlations: what is shown of few pairs."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from risk_pipeline.reports.sections.correlations import build


def day(*correlations: float | None) -> SimpleNamespace:
    """A portfolio's day with so many pairs, (1, 2), (1, 3), …"""
    rows = [
        {
            "rank_a": 1,
            "rank_b": at,
            "symbol_a": "A",
            "symbol_b": f"B{at}",
            "correlation": value,
            "variance_share": value and value / 10,
        }
        for at, value in enumerate(correlations, 2)
    ]
    return SimpleNamespace(correlations=rows, snapshot={"option_positions": 0}, positions=[])


@pytest.mark.parametrize("correlations", [(), (0.0,), (0.04,), (None,)])
def test_nothing_is_shown_of_two_positions_that_are_unrelated(correlations):
    assert build(day(*correlations)) is None


@pytest.mark.parametrize("correlations", [(0.4,), (-0.4,), (0.0, 0.01)])
def test_a_relation_or_several_pairs_are_shown(correlations):
    assert len(build(day(*correlations))["pairs"]) == len(correlations)
