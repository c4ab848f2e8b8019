"""Reference assets: what the user imported, the registries and the company profiles."""

import hashlib

import dagster as dg
import pandas as pd

from ...storage import tables
from ...storage.queries import portfolio_summary, position_symbols, upsert_profiles
from ...storage.reference import reconcile_factors, reconcile_scenarios
from ..code_version import code_version
from ..partitions import ANY_SESSION, CALENDAR, run_started
from ..resources import Database, MarketData, Registries
from .failures import explained
from .metadata import definition_metadata, table_metadata

GROUP = "reference"


@dg.asset(
    **ANY_SESSION,
    code_version=code_version("defs/assets/reference.py"),
    group_name=GROUP,
    kinds={"table"},
    metadata=definition_metadata(tables.portfolios, tables.positions, tables.portfolio_flows, tables.private_marks),
)
@explained
def portfolios(db: Database) -> dg.MaterializeResult:
    """The imported portfolios and positions: a view with counts; `risk-pipeline import` writes them."""
    summary, version = portfolio_summary(db.engine)
    return dg.MaterializeResult(
        data_version=dg.DataVersion(version),
        metadata={
            "portfolios": len(summary),
            "positions": int(summary["positions"].sum()),
            "table": table_metadata(summary.to_dict("records")),
        },
    )


@dg.asset(
    **ANY_SESSION,
    code_version=code_version("config"),
    group_name=GROUP,
    kinds={"table", "yaml"},
    metadata=definition_metadata(tables.factor_definitions, tables.stress_scenarios),
)
@explained
def factor_definitions(db: Database, registries: Registries) -> dg.MaterializeResult:
    """The factor and scenario registries, upserted and reconciled: twice in a row changes nothing."""
    factors, scenarios = registries.factors, registries.scenarios
    factor_changes = reconcile_factors(db.engine, factors.frame(), factors.aliases)
    scenario_changes = reconcile_scenarios(db.engine, scenarios.frame())
    version = hashlib.sha256(repr([f.frame().to_dict("records") for f in (factors, scenarios)]).encode())
    return dg.MaterializeResult(
        data_version=dg.DataVersion(version.hexdigest()[:16]),  # a changed registry marks what is downstream stale
        metadata={
            "factors": len(factors.names),
            "scenarios": len(scenarios.active),
            **{f"factors/{name}": count for name, count in factor_changes.items()},
            **{f"scenarios/{name}": count for name, count in scenario_changes.items()},
            "table": table_metadata(factors.frame().to_dict("records")),
        },
    )


@dg.asset(
    **ANY_SESSION,
    code_version=code_version("defs/assets/reference.py", "market"),
    deps=[portfolios],
    group_name=GROUP,
    kinds={"table"},
    metadata=definition_metadata(tables.company_profiles),
)
@explained
def company_profiles(
    context: dg.AssetExecutionContext, db: Database, market: MarketData, registries: Registries
) -> dg.MaterializeResult:
    """Sector and vendor beta by symbol, each version with the date from which it was known.

    A source that gives only today's profile has it stamped with the newest closed session, so a backfill of
    the past never sees it.
    """
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
