"""Volatility of every symbol in use and every portfolio, tail risk, and how past forecasts turned out."""

import dagster as dg

from ...reports.scorecards import symbols_scorecard, value_at_risk_scorecard, volatility_scorecard
from ...risk.volatility import compute_volatility
from ...storage import tables
from ...storage.queries import read_table
from ..code_version import code_version
from ..partitions import DAILY, run_sessions
from ..resources import Database, PriceCache, Registries
from .failures import explained
from .inputs import read_core_model
from .metadata import SHOWN, definition_metadata, table_metadata
from .sessions import CELLS_AT_ONCE, compute_sessions

GROUP = "risk"


@dg.asset(
    **DAILY,
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
@explained
def volatility(
    context: dg.AssetExecutionContext, db: Database, cache: PriceCache, registries: Registries
) -> dg.MaterializeResult:
    """Realised, EWMA and forecast volatility 21 sessions ahead, value at risk and expected shortfall.

    A portfolio's own: its holdings as of the session applied to the symbols' history. Each forecast is
    scored when the 21 sessions after it are known. The tables show the record of some
    portfolios and of all symbols.
    """
    result = compute_sessions(
        context, db, cache, registries, compute_volatility, read_core_model, cells=2 * CELLS_AT_ONCE
    )  # each block estimates as of 21 sessions before it too
    last = run_sessions(context)[-1]
    rows = read_table(db.engine, "portfolio_volatility", first=last, last=last)
    some = sorted(rows.dropna(subset=["forecast"])["portfolio_id"])[:SHOWN]
    records = {
        "forecasts_against_outcomes": volatility_scorecard(db.engine, last, entities=some),
        "symbols_forecasts_against_outcomes": symbols_scorecard(db.engine, last),
        "value_at_risk_against_outcomes": value_at_risk_scorecard(db.engine, last, some),
    }
    tables_shown = {name: table_metadata(rows.to_dict("records")) for name, rows in records.items()}
    context.add_asset_metadata(tables_shown, partition_key=last.isoformat())  # no other session's event
    return result
