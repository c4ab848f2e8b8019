"""Homes of earlier versions: a one-off report to Dagster, so that no completed session looks missing."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import dagster as dg

from ...config.factors import load_factors
from ...storage.coverage import update_coverage
from ..assets.reference import report_portfolios
from ..partitions import CALENDAR

if TYPE_CHECKING:
    import sqlalchemy as sa

NOT_PARTITIONED_BEFORE = ("factor_definitions", "company_profiles", "market_data_coverage")
WHY = "reported by `risk-pipeline init`: the session was run when this asset was not partitioned"


def adopt_home(instance: dg.DagsterInstance, engine: sa.Engine) -> int:
    """Report the portfolios, and reference assets of sessions that were run before these were partitioned.

    The coverage of these sessions is computed from the stored prices. Returns how many sessions were reported;
    none the next time.
    """
    report_portfolios(instance, engine)
    ran = instance.get_materialized_partitions(dg.AssetKey("price_cache"))
    reported: set[str] = set()
    for name in NOT_PARTITIONED_BEFORE:
        missing = sorted(ran - instance.get_materialized_partitions(dg.AssetKey(name)))
        if missing and name == "market_data_coverage":
            days = [date.fromisoformat(key) for key in missing]
            update_coverage(engine, days, load_factors().proxies, CALENDAR.sessions_in_range, CALENDAR.look_back_from)
        for key in missing:
            instance.report_runless_asset_event(dg.AssetMaterialization(name, partition=key, metadata={"note": WHY}))
        reported |= {*missing}
    return len(reported)
