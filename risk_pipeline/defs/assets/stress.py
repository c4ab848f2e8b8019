"""Stress tests: every active scenario on every portfolio with a market-priced position."""

import dagster as dg

from ...desk.inputs import read_stress_inputs
from ...risk.core_model import BETAS, CORE
from ...risk.stress import compute_stress
from ...settings import Settings
from ...storage import tables
from ..code_version import code_version, with_file
from ..partitions import ANALYTIC
from ..resources import Database, PriceCache, Registries
from .failures import with_remedy
from .metadata import definition_metadata
from .sessions import compute_sessions

GROUP = "risk"


@dg.asset(
    **ANALYTIC,
    code_version=with_file(
        code_version("risk/stress.py", "config/factors.yaml", "config/scenarios.yaml"), Settings().scenarios_path
    ),
    deps=["factor_exposures", "price_cache", "factor_definitions"],  # Dagster calls stale only what depends directly
    group_name=GROUP,
    kinds={"table"},
    metadata=definition_metadata(
        tables.stress_test_results,
        tables.scenario_factor_moves,
        tables.scenario_plausibility,
        tables.option_grids,
        tables.analytics_skips,
    ),
)
@with_remedy
def stress_tests(
    context: dg.AssetExecutionContext, db: Database, cache: PriceCache, registries: Registries
) -> dg.MaterializeResult:
    """P&L of each scenario: direct, and with the other factors moving as they do when the shocked ones move.

    Contributions by factor are the view `stress_factor_impacts`. Books with options also have a grid of spot and
    volatility, `option_grids`.
    """
    return compute_sessions(context, db, cache, registries, compute_stress, read_stress_inputs, (CORE, BETAS))
