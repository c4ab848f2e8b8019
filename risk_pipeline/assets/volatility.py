"""Volatility of every symbol in use and every portfolio, tail risk, and how past forecasts turned out."""

import dagster as dg

from ..resources import Database, PriceCache, Registries
from ..storage import tables
from .common import DAILY, definition_metadata
from .inputs import compute_sessions
from .volatility_rows import compute_volatility

GROUP = "risk"


@dg.asset(
    **DAILY,
    deps=["price_cache", "factor_exposures", "portfolios"],
    group_name=GROUP,
    kinds={"table"},
    metadata=definition_metadata(tables.portfolio_volatility),
)
def volatility(
    context: dg.AssetExecutionContext, db: Database, cache: PriceCache, registries: Registries
) -> dg.MaterializeResult:
    """Realised, EWMA and forecast volatility 21 sessions ahead, value at risk and expected shortfall.

    A portfolio's own: its holdings as of the session applied to the symbols' history. Each forecast is
    scored when the 21 sessions after it are known.
    """
    return compute_sessions(context, db, cache, registries, compute_volatility)
