"""What made each portfolio's P&L."""

import dagster as dg

from ...risk.explain import compute_explain
from ...storage import tables
from ..code_version import code_version
from ..partitions import ANALYTIC
from ..resources import Database, PriceCache, Registries
from .failures import with_remedy
from .metadata import definition_metadata
from .sessions import compute_sessions

GROUP = "risk"


@dg.asset(
    **ANALYTIC,
    code_version=code_version("risk/explain.py", "config/factors.yaml"),
    deps=["portfolios", "company_profiles", "price_cache", "factor_exposures", "portfolio_snapshots"],
    group_name=GROUP,
    kinds={"table"},
    metadata=definition_metadata(tables.pnl_explain),
)
@with_remedy
def pnl_explain(
    context: dg.AssetExecutionContext, db: Database, cache: PriceCache, registries: Registries
) -> dg.MaterializeResult:
    """The session's P&L by factor, specific, greek, dividends, trades, marks, currency and fees; the parts sum to it.

    Exposures are those of the session before, computed from the session's own panel and book, so that no earlier
    session needs to have been run.
    """
    return compute_sessions(context, db, cache, registries, compute_explain)
