"""The definitions that Dagster loads, kept as a snapshot to review: assets, dependencies, checks, jobs and times."""

from __future__ import annotations

import dagster as dg

from risk_pipeline.definitions import defs
from risk_pipeline.storage import tables


def policy_of(node) -> str | None:
    """Return the name of an asset's backfill policy, None of one that is not made by runs."""
    return node.backfill_policy and node.backfill_policy.policy_type.name


def test_the_graph_is_the_one_that_was_reviewed(snapshot):
    graph = defs.resolve_asset_graph()
    assets = {
        key.to_user_string(): {
            "after": sorted(parent.to_user_string() for parent in graph.get(key).parent_keys),
            "group": graph.get(key).group_name,
            "partitioned": graph.get(key).is_partitioned,
            "one run for a range": policy_of(graph.get(key)) == "SINGLE_RUN",
            "pools": sorted(graph.get(key).pools or []),
            "checks": sorted(
                f"{check.name}{' (blocking)' if graph.get(check).blocking else ''}"
                for check in graph.asset_check_keys
                if check.asset_key == key
            ),
        }
        for key in sorted(graph.get_all_asset_keys())
    }
    assert assets == snapshot


def test_every_table_of_the_analytics_is_shown_with_one_asset():
    shown: list[str] = []
    for node in defs.resolve_asset_graph().asset_nodes:
        others = [name.removeprefix("table ") for name in node.metadata if name.startswith("table ")]
        shown += [*others, node.metadata.get("dagster/table_name")]
    of_each = {tables.analytics_skips, tables.portfolio_inputs, tables.session_inputs}  # by every analytic
    for table in {*tables.ANALYTICS} - of_each:
        assert shown.count(table.name) == 1, table.name


def test_jobs_schedules_and_sensors_are_those_that_were_reviewed(snapshot):
    repository = defs.get_repository_def()
    schedules = {s.name: [s.cron_schedule, s.execution_timezone, s.job_name] for s in repository.schedule_defs}
    sensors = {s.name: s.minimum_interval_seconds for s in repository.sensor_defs}
    jobs = sorted(name for name in repository.job_names if not name.startswith("__"))
    assert {"jobs": jobs, "schedules": schedules, "sensors": sensors} == snapshot


def test_all_market_data_comes_before_the_cache_and_the_cache_before_analytics():
    graph = defs.resolve_asset_graph()

    def above(name: str) -> set[str]:
        return {key.to_user_string() for key in graph.get_ancestor_asset_keys(dg.AssetKey(name))}

    assert {"market_data", "market_data_coverage"} <= above("price_cache")
    for analytic in ("factor_exposures", "stress_tests", "volatility", "portfolio_snapshots", "risk_report"):
        assert {"price_cache", "market_data_coverage", "factor_definitions"} <= above(analytic)
