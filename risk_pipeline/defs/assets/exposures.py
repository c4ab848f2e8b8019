"""Factor exposures of symbols and portfolios, and the factor covariance that all portfolios share."""

import dagster as dg

from ...risk.exposures import compute_exposures
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
    code_version=code_version("risk/exposures.py", "config/factors.yaml"),
    deps=["price_cache", "factor_definitions", "portfolios", "company_profiles"],
    group_name=GROUP,
    kinds={"table", "scikitlearn"},
    metadata=definition_metadata(
        tables.factor_exposures,
        tables.symbol_factor_exposures,
        tables.factor_returns,
        tables.factor_covariance,
        tables.position_values,
        tables.currency_exposures,
        tables.analytics_skips,
    ),
)
@with_remedy
def factor_exposures(
    context: dg.AssetExecutionContext, db: Database, cache: PriceCache, registries: Registries
) -> dg.MaterializeResult:
    """Betas of every symbol in use, and of every portfolio: dollars first, then on equity.

    Thirteen factors and the two further coefficients of the core model. A portfolio without a market-priced
    position is skipped with its reason.
    """
    return compute_sessions(context, db, cache, registries, compute_exposures)
