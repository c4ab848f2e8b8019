"""Reference assets: what the user imported, the registries and the company profiles."""

import hashlib
from typing import TYPE_CHECKING

import dagster as dg
import pandas as pd

from ...settings import Settings
from ...storage import tables
from ...storage.queries import portfolio_summary, position_symbols, upsert_profiles
from ...storage.reference import reconcile_factors, reconcile_scenarios
from ..code_version import code_version, with_file
from ..partitions import CALENDAR, DAILY, OWNERS, run_sessions, run_started
from ..resources import Database, MarketData, Registries
from .failures import with_remedy
from .metadata import definition_metadata, table_metadata

if TYPE_CHECKING:
    import sqlalchemy as sa

GROUP = "reference"
DATA_VERSION = "dagster/data_version"


portfolios = dg.AssetSpec(
    "portfolios",
    description="The imported portfolios and positions. `risk-pipeline import` makes it and reports each new version, "
    "so that what was computed from an older one is marked as stale.",
    group_name=GROUP,
    owners=OWNERS,
    kinds={"table"},
    metadata=definition_metadata(
        tables.portfolios,
        tables.positions,
        tables.portfolio_flows,
        tables.private_marks,
        tables.symbol_aliases,
        tables.implied_volatilities,
    ),
)
"""Not made by a run: it is the same for every session, and only an import changes it."""


def report_portfolios(instance: dg.DagsterInstance, engine: "sa.Engine") -> bool:
    """Report the portfolios and their version to Dagster; return whether the version was new."""
    summary, version = portfolio_summary(engine)
    latest = instance.get_latest_materialization_event(portfolios.key)
    known = latest.asset_materialization.tags if latest and latest.asset_materialization else None
    if summary.empty or (known or {}).get(DATA_VERSION) == version:
        return False
    instance.report_runless_asset_event(
        dg.AssetMaterialization(
            portfolios.key,
            tags={DATA_VERSION: version},
            metadata={
                "table": table_metadata(summary.to_dict("records")),
                "portfolios": len(summary),
                "positions": int(summary["positions"].sum()),
            },
        )
    )
    return True


@dg.asset(
    **DAILY,
    code_version=with_file(code_version("config"), Settings().scenarios_path),
    group_name=GROUP,
    kinds={"table", "yaml"},
    metadata=definition_metadata(tables.factor_definitions, tables.stress_scenarios),
)
@with_remedy
def factor_definitions(context: dg.AssetExecutionContext, db: Database, registries: Registries) -> dg.MaterializeResult:
    """The factor and scenario registries, upserted and reconciled by every run: twice in a row changes nothing."""
    newest = run_sessions(context)[-1]
    factors, scenarios = registries.factors, registries.scenarios
    factor_changes = reconcile_factors(db.engine, factors.frame(), factors.aliases)
    scenario_changes = reconcile_scenarios(db.engine, scenarios.frame())
    version = hashlib.sha256(repr([f.frame().to_dict("records") for f in (factors, scenarios)]).encode())
    shown = table_metadata(factors.frame().to_dict("records"))
    context.add_asset_metadata({"table": shown}, partition_key=newest.isoformat())
    return dg.MaterializeResult(
        data_version=dg.DataVersion(version.hexdigest()[:16]),  # a changed registry marks what is downstream stale
        metadata={
            "factors": len(factors.names),
            "scenarios": len(scenarios.active),
            **{f"factors/{name}": count for name, count in factor_changes.items()},
            **{f"scenarios/{name}": count for name, count in scenario_changes.items()},
        },
    )


@dg.asset(
    **DAILY,
    code_version=code_version("defs/assets/reference.py", "market"),
    deps=[portfolios],
    group_name=GROUP,
    kinds={"table"},
    metadata=definition_metadata(tables.company_profiles),
)
@with_remedy
def company_profiles(
    context: dg.AssetExecutionContext, db: Database, market: MarketData, registries: Registries
) -> dg.MaterializeResult:
    """Sector and vendor beta by symbol, each version with the date from which it was known.

    A source that gives only today's profile has it stamped with the newest closed session, so a backfill of
    the past never sees it.
    """
    run_sessions(context)  # refuses a range that holds none, before Dagster fails on it
    known = CALENDAR.last_closed(run_started(context))
    symbols = sorted({*position_symbols(db.engine), *registries.factors.proxies})
    profiles = market.source.profiles(symbols)
    profiles["as_of"] = profiles["as_of"].fillna(pd.Timestamp(known))
    profiles = profiles[profiles["as_of"] <= pd.Timestamp(known)]
    written = upsert_profiles(db.engine, profiles)
    return dg.MaterializeResult(
        metadata={
            "symbols": int(profiles["symbol"].nunique()),
            "without_profile": len(set(symbols) - set(profiles["symbol"])),
            "versions_written": written,
        }
    )
