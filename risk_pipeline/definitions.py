"""What Dagster loads: the one list of everything."""

from __future__ import annotations

import dagster as dg

from . import assets, checks
from .automation.jobs import daily_risk
from .automation.lost_rows import lost_rows
from .automation.run_records import run_records
from .automation.schedules import evening
from .memory import keep_freed_arrays
from .resources import Database, MarketData, PriceCache, Registries

keep_freed_arrays()
defs = dg.Definitions(
    assets=dg.load_assets_from_package_module(assets),
    asset_checks=dg.load_asset_checks_from_package_module(checks),
    jobs=[daily_risk],
    schedules=[evening],
    sensors=[run_records, lost_rows],
    resources={
        "db": Database(),
        "market": MarketData(),
        "cache": PriceCache(),
        "registries": Registries(),
    },
    # A process per step costs 3.5 s here; the steps of a run are a chain anyway.
    executor=dg.in_process_executor,
)
