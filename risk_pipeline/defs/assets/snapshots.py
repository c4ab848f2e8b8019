"""One row per portfolio and session with everything a reader asks for first, and sectors."""

import dagster as dg

from ...risk.snapshots import compute_snapshots
from ...storage import tables
from ..code_version import code_version
from ..partitions import ANALYTIC
from ..resources import Database, PriceCache, Registries
from .failures import with_remedy
from .inputs import read_snapshot_inputs
from .metadata import definition_metadata
from .sessions import compute_sessions

GROUP = "risk"


@dg.asset(
    **ANALYTIC,
    code_version=code_version("risk/snapshots.py", "config/factors.yaml"),
    deps=[
        "portfolios",
        "company_profiles",
        "price_cache",
        "factor_exposures",
        "stress_tests",
        "volatility",
    ],
    group_name=GROUP,
    kinds={"table"},
    metadata=definition_metadata(tables.portfolio_snapshots, tables.sector_exposures, tables.position_correlations),
)
@with_remedy
def portfolio_snapshots(
    context: dg.AssetExecutionContext, db: Database, cache: PriceCache, registries: Registries
) -> dg.MaterializeResult:
    """NAV, P&L, exposures, volatility, worst scenario and concentration; equity is derived, never rolled.

    `sector_exposures` has net and gross by sector, `position_correlations` how the largest positions move together.
    `is_complete` is true only when every analytic of the session is there or skipped with a reason.
    """
    return compute_sessions(context, db, cache, registries, compute_snapshots, read_snapshot_inputs)
