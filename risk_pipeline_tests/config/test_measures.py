"""Names of measures: columns of the tables, factors, scenarios, sectors and single names."""

from __future__ import annotations

import pytest

from risk_pipeline.config.measures import Measures, UnknownMeasureError
from risk_pipeline.storage.limit_measures import known_measures, numeric_columns


@pytest.fixture(scope="module")
def measures() -> Measures:
    return known_measures(None)


@pytest.mark.parametrize(
    ("written", "name", "table"),
    [
        ("var_99", "var_99", "portfolio_snapshots"),
        ("VAR_99", "var_99", "portfolio_snapshots"),
        ("realised_252", "realised_252", "portfolio_volatility"),
        ("gross/nav", "gross/nav", "portfolio_snapshots"),
        ("ir  beta", "IR Beta", "factor_exposures"),
        ("Momentum", "Momentum", "factor_exposures"),
        ("covid_2020", "covid_2020", "stress_test_results"),
        ("Covid_2020/NAV", "covid_2020/nav", "stress_test_results"),
        ("sector:Energy", "sector:Energy", "sector_exposures"),
        ("name:aapl", "name:AAPL", "position_values"),
        ("fx eurusd", "FX EURUSD", "currency_exposures"),
        ("mark_age", "mark_age", "position_values"),
        ("tracking_error", "tracking_error", "benchmark_risk"),
        ("Market", "core_market", "factor_exposures"),
        ("interest rates", "core_rates", "factor_exposures"),
        ("core_market", "core_market", "factor_exposures"),
        ("active:Interest  Rates", "active:core_rates", "active_exposures"),
        ("active:core_market", "active:core_market", "active_exposures"),
        ("Active:momentum", "active:Momentum", "active_exposures"),
        ("active_name:aapl", "active_name:AAPL", "active_exposures"),
    ],
)
def test_a_name_is_found_in_any_case(measures, written, name, table):
    found = measures.resolve(written)
    assert (found.name, found.table) == (name, table)
    assert measures.resolve(found.name) == found


def test_every_factor_and_every_scenario_is_a_measure(measures):
    for factor in measures.factors.factors:
        assert measures.resolve(factor.name).item == factor.name
    for scenario in measures.scenarios.active:
        assert measures.resolve(scenario.name).item == scenario.id


def test_a_numeric_column_of_a_table_by_portfolio_is_a_measure_without_code(measures):
    extended = Measures({**numeric_columns(), "of_mine": ("my_own_number",)}, measures.factors, measures.scenarios)
    assert extended.resolve("my_own_number").table == "of_mine"
    assert extended.resolve("days_to_liquidate").table == "portfolio_snapshots"


@pytest.mark.parametrize(
    ("written", "nearest"), [("var99", "var_99"), ("IR Betta", "IR Beta"), ("leverag", "leverage")]
)
def test_an_unknown_name_is_told_the_nearest(measures, written, nearest):
    with pytest.raises(UnknownMeasureError, match=f"did you mean .*{nearest}"):
        measures.resolve(written)


@pytest.mark.parametrize(
    "written", ["", "portfolio_id", "trend", "sector:", "session", "stress:covid_2020", "active:Energy"]
)
def test_texts_and_keys_are_no_measures(measures, written):
    with pytest.raises(UnknownMeasureError):
        measures.resolve(written)
