"""The options of a portfolio on its page: what they are, their greeks, the grid."""

from __future__ import annotations

import re

import pytest

from risk_pipeline.reports.formatting import money
from risk_pipeline.reports.sections import options
from risk_pipeline.reports.sections.options import _structures
from risk_pipeline.storage.queries import read_table
from risk_pipeline_tests.reports.test_risk_page import rows  # noqa: F401 (a fixture)


@pytest.fixture
def overlay(rows):  # noqa: F811
    day = list(rows.sessions())[-1]
    return next(portfolio for portfolio in day.portfolios if portfolio.id == "overlay")


def test_each_structure_of_the_overlay_is_named(overlay):
    names = {
        row["contract"].split()[0]: name
        for row in overlay.options
        for name in [_structures(overlay)[row["position_id"]]]
    }
    assert names == {"MSFT": "covered call", "SPY": "protective put", "AAPL": "short straddle"}


def test_a_call_beyond_the_shares_is_uncovered(overlay):
    for row in overlay.positions:
        if row["symbol"] == "MSFT":
            row["quantity"] = 100.0
    assert "uncovered call" in _structures(overlay).values()


def test_greeks_by_underlying_sum_to_the_portfolio_s(overlay):
    built = options.build(overlay)
    for name in ("gamma", "vega", "theta", "rho"):
        assert sum(row[name] for row in built["underlyings"]) == pytest.approx(overlay.snapshot[name])


def test_the_page_shows_grid_and_structures(pages, overlay):
    text = pages.of("overlay").read_text(encoding="utf-8")
    assert 'id="options"' in text
    grid = overlay.option_grid
    assert re.search(r'class="up now"|class="dn now"', text)
    for value in (grid["pnl"][0][0], grid["pnl"][-1][-1]):
        assert money(value).lstrip("−") in text
    for structure in ("covered call", "protective put", "short straddle"):
        assert structure in text
    assert 'id="options"' not in pages.of("growth").read_text(encoding="utf-8")


def test_only_books_with_options_have_greeks_and_a_grid(pages):
    snapshots = read_table(pages.engine, "portfolio_snapshots")
    has_options = snapshots["option_positions"] > 0
    for name in ("gamma", "vega", "theta", "rho"):
        assert snapshots[name].notna().tolist() == has_options.tolist()
    grids = read_table(pages.engine, "option_grids")
    assert set(grids["portfolio_id"]) == set(snapshots.loc[has_options, "portfolio_id"])
    assert len(grids) == has_options.sum()
