"""The schema: every table, its primary key and its indexes; one module for each group of tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from sqlalchemy import Table

from .benchmark import active_exposures, benchmark_risk
from .book import (
    benchmarks,
    book_rows,
    book_versions,
    implied_volatilities,
    portfolio_flows,
    portfolio_groups,
    portfolios,
    positions,
    private_marks,
    symbol_aliases,
)
from .explain import pnl_explain
from .exposures import currency_exposures, factor_covariance, factor_exposures, factor_returns, symbol_factor_exposures
from .limits import limit_utilisations, limits
from .market_data import (
    market_data_cache,
    market_data_coverage,
    market_data_gaps,
    market_data_ranges,
    price_panels,
    price_restatements,
    quarantined_bars,
    symbol_quotes,
)
from .provenance import (
    analytics_skips,
    batch_runs,
    database_facts,
    input_revisions,
    passed_sessions,
    portfolio_inputs,
    session_inputs,
)
from .reference import company_profiles, factor_definitions, stress_scenarios
from .schema import metadata
from .snapshots import (
    portfolio_snapshots,
    position_correlations,
    position_values,
    risk_changes,
    sector_exposures,
)
from .stress import (
    STRESS_FACTOR_IMPACTS,
    STRESS_FACTOR_IMPACTS_SELECT,
    option_grids,
    scenario_factor_moves,
    scenario_plausibility,
    stress_test_results,
)
from .volatility import portfolio_volatility, symbol_volatility, value_at_risk_outcomes, volatility_scores

T = TypeVar("T")

__all__ = [
    "ANALYTICS",
    "STRESS_FACTOR_IMPACTS",
    "STRESS_FACTOR_IMPACTS_SELECT",
    "active_exposures",
    "analytics_skips",
    "batch_runs",
    "benchmark_risk",
    "benchmarks",
    "book_rows",
    "book_versions",
    "by_table",
    "company_profiles",
    "currency_exposures",
    "database_facts",
    "factor_covariance",
    "factor_definitions",
    "factor_exposures",
    "factor_returns",
    "implied_volatilities",
    "input_revisions",
    "limit_utilisations",
    "limits",
    "market_data_cache",
    "market_data_coverage",
    "market_data_gaps",
    "market_data_ranges",
    "metadata",
    "option_grids",
    "passed_sessions",
    "pnl_explain",
    "portfolio_flows",
    "portfolio_groups",
    "portfolio_inputs",
    "portfolio_snapshots",
    "portfolio_volatility",
    "portfolios",
    "position_correlations",
    "position_values",
    "positions",
    "price_panels",
    "price_restatements",
    "private_marks",
    "quarantined_bars",
    "risk_changes",
    "scenario_factor_moves",
    "scenario_plausibility",
    "sector_exposures",
    "session_inputs",
    "stress_scenarios",
    "stress_test_results",
    "symbol_aliases",
    "symbol_factor_exposures",
    "symbol_quotes",
    "symbol_volatility",
    "value_at_risk_outcomes",
    "volatility_scores",
]

ANALYTICS = (
    symbol_factor_exposures,
    factor_exposures,
    position_values,
    factor_returns,
    currency_exposures,
    factor_covariance,
    scenario_factor_moves,
    scenario_plausibility,
    option_grids,
    stress_test_results,
    symbol_volatility,
    portfolio_volatility,
    volatility_scores,
    value_at_risk_outcomes,
    risk_changes,
    portfolio_snapshots,
    sector_exposures,
    position_correlations,
    pnl_explain,
    benchmark_risk,
    active_exposures,
    limit_utilisations,
    session_inputs,
    portfolio_inputs,
    analytics_skips,
)
"""What ``risk-pipeline rebuild`` clears: everything derived, never prices or what the user brought."""


def by_table(rows: Mapping[str, T]) -> dict[Table, T]:
    """Return a dict by table instead of table name."""
    return {metadata.tables[name]: value for name, value in rows.items()}
