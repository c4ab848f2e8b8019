"""One book that can't be computed has nulls with a reason and is named; nobody else notices. Case 16."""

from __future__ import annotations

from datetime import UTC, datetime

import dagster as dg
import pandas as pd
import pytest

from risk_pipeline.defs.automation.catch_up import due
from risk_pipeline.storage.imports import import_frames
from risk_pipeline_tests.support.homes import FRAMES

DAY = "2025-06-03"
BAD = {"mistyped": "AAPLX", "option": "NOBODY"}


@pytest.fixture(scope="module")
def home(make_home):
    portfolios, positions = FRAMES["portfolios"].copy(), FRAMES["positions"].copy()
    for name in BAD:
        portfolios.loc[len(portfolios)] = (name, name, "2025-01-02", "", 10_000)
    positions.loc[len(positions)] = ("m1", "mistyped", "AAPLX", "PUBLIC", 10, "2025-05-20", 100, *[""] * 6)
    option = ("o1", "option", "NOBODY C", "OPTIONS", 1, "2025-05-20", 5, "", "", "NOBODY", "CALL", 100, "2026-01-16")
    positions.loc[len(positions)] = option
    home = make_home(None)
    import_frames(home.engine, {**FRAMES, "portfolios": portfolios, "positions": positions})
    home.result = home.run(DAY)
    return home


def test_the_others_are_complete_and_the_bad_ones_have_nulls_with_a_reason(home):
    rows = home.table("portfolio_snapshots").set_index("portfolio_id")
    assert rows["is_complete"].all()
    assert (
        rows.loc[["growth", "hedged"], ["market_beta", "ir_beta", "forecast", "worst_scenario_pnl"]].notna().all(None)
    )
    assert rows.loc[list(BAD), ["market_beta", "ir_beta", "forecast"]].isna().all(axis=None)
    exposures = home.table("factor_exposures")
    assert exposures.loc[exposures["portfolio_id"].isin(list(BAD)), "reason"].notna().all()
    assert due(home.engine, datetime(2025, 6, 4, 2, tzinfo=UTC)).absent[-1] != pd.Timestamp(DAY).date()


def test_the_check_warns_and_names_portfolio_symbols_and_remedy(home):
    (found,) = [e for e in home.result.get_asset_check_evaluations() if e.check_name == "ir_beta_present"]
    assert not found.passed
    assert found.severity is dg.AssetCheckSeverity.WARN
    rows = {record.data["portfolio_id"]: record.data for record in found.metadata["bad_rows"].records}
    assert set(rows) == set(BAD)
    for name, symbol in BAD.items():
        assert rows[name]["symbols"] == f"{symbol} (0 prices)"
        assert "check the spelling" in rows[name]["remedy"]
