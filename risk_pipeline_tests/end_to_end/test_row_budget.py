"""No table grows with portfolios x symbols, nor with portfolios x scenarios x factors."""

from __future__ import annotations

import pandas as pd
import pytest

from risk_pipeline.config.factors import load_factors
from risk_pipeline.config.scenario_file import load_scenarios
from risk_pipeline.storage import tables
from risk_pipeline_tests.support.homes import BENCHMARKED, KEPT_LIMITS

DAY = "2025-06-04"
FRAMES = {**BENCHMARKED, "limits": KEPT_LIMITS}
AXES = {
    "portfolio": {"portfolio_id"},
    "symbol": {"symbol"},
    "scenario": {"scenario_id"},
    "factor": {"factor_name", "factor_a", "factor_b", "measure"},
}


def axes(table) -> set[str]:
    key = {column.name for column in table.primary_key.columns}
    return {axis for axis, columns in AXES.items() if key & columns}


def test_no_key_has_a_portfolio_and_a_symbol_or_a_portfolio_a_scenario_and_a_factor():
    for table in tables.metadata.tables.values():
        assert not {"portfolio", "symbol"} <= axes(table), table.name
        assert not {"portfolio", "scenario", "factor"} <= axes(table), table.name
    assert axes(tables.stress_test_results) == {"portfolio", "scenario"}


@pytest.fixture(scope="module")
def counts(make_home) -> list[dict[str, int]]:
    """Rows by table of a session of the portfolios, and of each of them twice."""
    again = {
        "portfolios": FRAMES["portfolios"].assign(portfolio_id=lambda rows: rows["portfolio_id"] + "2"),
        "positions": FRAMES["positions"].assign(
            portfolio_id=lambda rows: rows["portfolio_id"] + "2", position_id=lambda rows: rows["position_id"] + "2"
        ),
    }
    twice = {name: pd.concat([frame, again[name]]) if name in again else frame for name, frame in FRAMES.items()}
    out = []
    for frames in (FRAMES, twice):
        home = make_home(frames)
        home.run(DAY)
        out.append({name: len(home.table(name)) for name in tables.metadata.tables})
    return out


def test_twice_the_portfolios_are_twice_their_own_rows_and_no_more_of_the_symbols(counts):
    once, twice = counts
    for table in tables.ANALYTICS:
        name = table.name
        if "portfolio_id" in table.columns:
            assert twice[name] == 2 * once[name], name
            assert once[name] > 0 or name == "currency_exposures", name  # all are in dollars
        elif "entity_type" not in table.columns:
            assert twice[name] == once[name] > 0, name
        else:
            assert twice[name] <= 2 * once[name], name
    assert twice["market_data_cache"] == once["market_data_cache"]


def test_positions_are_a_row_per_held_lot_and_stress_a_row_per_scenario(counts):
    once, _ = counts
    held = 10 - 1  # one lot is bought a day later
    assert once["position_values"] == held
    factors, scenarios = load_factors(), load_scenarios(load_factors(), None)
    with_prices = 4  # the private one by its proxy, not cash only; "late" opens this day and buys a day later
    assert once["stress_test_results"] == with_prices * len(scenarios.active)
    always = with_prices * len({*factors.names, *factors.core_names})
    beyond = once["factor_exposures"] - always  # only those to which a portfolio is exposed have a row
    assert 0 < beyond <= with_prices * len(factors.beyond_names)
    core, cross, sectors = len(factors.core_names), len(factors.cross_asset), len(factors.sectors)
    assert once["factor_covariance"] == sum(n * (n + 1) // 2 for n in (core, cross, sectors))
