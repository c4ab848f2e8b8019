"""What `init` and `import` report to Dagster: the portfolios' version, and sessions that an earlier version had run."""

from __future__ import annotations

import dagster as dg
import pandas as pd
import pytest
import sqlalchemy as sa

from risk_pipeline.defs.assets.reference import DATA_VERSION, portfolios, report_portfolios
from risk_pipeline.defs.automation.adopt import NOT_PARTITIONED_BEFORE, adopt_home
from risk_pipeline.storage import tables as t
from risk_pipeline.storage.imports import import_frames
from risk_pipeline_tests.support.homes import FRAMES, PORTFOLIOS

DAY = "2025-06-02"
LATER = pd.DataFrame([("second", "Second", "2025-01-02", "", 1_000)], columns=PORTFOLIOS.columns)


def reported(instance) -> list[dg.AssetMaterialization]:
    records = instance.fetch_materializations(portfolios.key, limit=10).records
    return [record.asset_materialization for record in reversed(records)]


def test_the_portfolios_are_reported_once_for_each_version_of_them(make_home):
    home = make_home()
    instance = home.instance
    assert [report_portfolios(instance, home.engine) for _ in range(2)] == [True, False]
    import_frames(home.engine, FRAMES)  # the same again
    assert not report_portfolios(instance, home.engine)
    import_frames(home.engine, {"portfolios": LATER})
    assert report_portfolios(instance, home.engine)
    first, second = reported(instance)
    assert first.tags[DATA_VERSION] != second.tags[DATA_VERSION]
    assert second.metadata["portfolios"].value == first.metadata["portfolios"].value + 1


def test_without_portfolios_nothing_is_reported(make_home):
    home = make_home(frames=None)
    assert not report_portfolios(home.instance, home.engine)
    assert reported(home.instance) == []


@pytest.fixture
def home_of_an_earlier_version(make_home):
    """Its reference assets were not partitioned, and coverage was no table by session."""
    home = make_home()
    home.run(DAY)
    home.coverage = home.table("market_data_coverage")
    with home.engine.begin() as connection:
        connection.execute(sa.delete(t.market_data_coverage))
    home.instance.dispose()
    home.instance = dg.DagsterInstance.ephemeral()
    home.instance.report_runless_asset_event(dg.AssetMaterialization("price_cache", partition=DAY))
    return home


def test_sessions_of_an_earlier_version_are_adopted_once_with_their_coverage(home_of_an_earlier_version):
    home = home_of_an_earlier_version
    assert adopt_home(home.instance, home.engine) == 1
    for name in NOT_PARTITIONED_BEFORE:
        assert home.instance.get_materialized_partitions(dg.AssetKey(name)) == {DAY}
        event = home.instance.get_latest_materialization_event(dg.AssetKey(name))
        assert "risk-pipeline init" in event.asset_materialization.metadata["note"].value
    pd.testing.assert_frame_equal(home.table("market_data_coverage"), home.coverage, check_exact=True)
    assert len(home.coverage)
    assert len(reported(home.instance)) == 1
    assert adopt_home(home.instance, home.engine) == 0
    assert len(reported(home.instance)) == 1
