"""Volatility of every symbol in use and every portfolio, tail risk, and how past forecasts turned out."""

from datetime import date
from typing import TYPE_CHECKING

import dagster as dg

from ...desk.inputs import read_core_model
from ...reports.scorecards import symbols_scorecard, value_at_risk_scorecard, volatility_scorecard
from ...risk.core_model import CORE
from ...risk.volatility import compute_volatility
from ...storage import tables
from ...storage.queries import read_table
from ..code_version import code_version
from ..partitions import ANALYTIC
from ..resources import Database, PriceCache, Registries
from .failures import with_remedy
from .metadata import SHOWN, definition_metadata, table_metadata
from .sessions import CELLS_AT_ONCE, compute_sessions

if TYPE_CHECKING:
    import sqlalchemy as sa

GROUP = "risk"


@dg.asset(
    **ANALYTIC,
    code_version=code_version("risk/volatility.py", "config/factors.yaml"),
    deps=["price_cache", "factor_exposures", "portfolios"],
    group_name=GROUP,
    kinds={"table"},
    metadata=definition_metadata(
        tables.portfolio_volatility,
        tables.symbol_volatility,
        tables.volatility_scores,
        tables.value_at_risk_outcomes,
        tables.risk_changes,
        tables.analytics_skips,
    ),
)
@with_remedy
def volatility(
    context: dg.AssetExecutionContext, db: Database, cache: PriceCache, registries: Registries
) -> dg.MaterializeResult:
    """Realised, EWMA and forecast volatility 21 sessions ahead, value at risk and expected shortfall.

    A portfolio's own: its holdings as of the session applied to the symbols' history. Each forecast is
    scored when the 21 sessions after it are known. The tables show the record of some
    portfolios and of all symbols.
    """
    return compute_sessions(
        context,
        db,
        cache,
        registries,
        compute_volatility,
        read_core_model,
        (CORE,),
        cells=8 * CELLS_AT_ONCE,  # each block estimates as of 21 sessions before it too
        threads=1,  # its series are estimated on threads
        of_newest=_scorecards,
    )


def _scorecards(engine: "sa.Engine", session: date) -> dict[str, dg.TableMetadataValue]:
    """Return how forecasts and values at risk have done up to a session, as tables."""
    rows = read_table(engine, "portfolio_volatility", first=session, last=session)
    some = sorted(rows.dropna(subset=["forecast"])["portfolio_id"])[:SHOWN]
    records = {
        "forecasts_against_outcomes": volatility_scorecard(engine, session, entities=some),
        "symbols_forecasts_against_outcomes": symbols_scorecard(engine, session),
        "value_at_risk_against_outcomes": value_at_risk_scorecard(engine, session, some),
    }
    return {name: table_metadata(rows.to_dict("records")) for name, rows in records.items()}
