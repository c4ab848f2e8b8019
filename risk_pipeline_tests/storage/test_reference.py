"""Seeding: upsert, reconcile and heal, on SQLite and on Postgres."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest
import sqlalchemy as sa

from risk_pipeline.config.factors import load_factors
from risk_pipeline.config.scenario_file import load_scenarios
from risk_pipeline.storage import tables as t
from risk_pipeline.storage.database import insert_rows, transaction
from risk_pipeline.storage.queries import profiles, read_table, upsert_profiles
from risk_pipeline.storage.reference import reconcile_factors, reconcile_scenarios

NOTHING = {"added": 0, "changed": 0, "retired": 0, "merged": 0}


@pytest.fixture
def seed(engine):
    registry = load_factors()
    return lambda frame=None: reconcile_factors(engine, registry.frame() if frame is None else frame, registry.aliases)


def test_twice_in_a_row_changes_nothing(engine, seed):
    assert seed() == {**NOTHING, "added": 13}
    first = read_table(engine, "factor_definitions")
    assert seed() == NOTHING
    pd.testing.assert_frame_equal(read_table(engine, "factor_definitions"), first)


def test_a_changed_attribute_is_applied_and_a_name_that_is_gone_retired(engine, seed):
    seed()
    frame = load_factors().frame()
    frame.loc[0, "window"] = 91
    assert seed(frame.iloc[:-1]) == {**NOTHING, "changed": 1, "retired": 1}
    stored = read_table(engine, "factor_definitions").set_index("factor_name")
    assert stored.loc["Market Beta (90D)", "window"] == 91
    assert not stored.loc["Quality Spread", "is_active"]
    assert seed() == {**NOTHING, "changed": 2}
    assert read_table(engine, "factor_definitions")["is_active"].astype(bool).all()


def exposure(day: int, portfolio: str, name: str, value: float) -> dict[str, object]:
    row = {column.name: None for column in t.factor_exposures.columns}
    key = {"session": date(2025, 6, day), "portfolio_id": portfolio, "factor_name": name}
    return {**row, **key, "dollar_exposure": value, "coverage": 1.0}


def test_an_alias_is_merged_its_exposures_re_pointed_and_the_real_name_s_rows_kept(engine, seed):
    seed()
    definitions = t.factor_definitions
    rows = [
        exposure(2, "a", "Interest Rate", -1.0),
        exposure(3, "a", "Interest Rate", -2.0),
        exposure(3, "a", "IR Beta", 7.0),
        exposure(3, "b", "Momentum", 1.0),
    ]
    with transaction(engine) as connection:
        rates = (
            connection.execute(sa.select(definitions).where(definitions.c.factor_name == "IR Beta")).mappings().one()
        )
        connection.execute(sa.insert(definitions).values({**rates, "factor_name": "Interest Rate"}))
        insert_rows(connection, t.factor_exposures, pd.DataFrame(rows))
    assert seed()["merged"] == 3
    stored = read_table(engine, "factor_exposures")
    assert stored[["factor_name", "dollar_exposure"]].to_numpy().tolist() == [
        ["IR Beta", -1.0],
        ["IR Beta", 7.0],
        ["Momentum", 1.0],
    ]
    assert "Interest Rate" not in set(read_table(engine, "factor_definitions")["factor_name"])
    assert seed() == NOTHING


def test_scenarios_are_reconciled_too(engine):
    frame = load_scenarios(load_factors()).frame()
    assert reconcile_scenarios(engine, frame) == {"added": 23, "changed": 0, "retired": 0}
    assert reconcile_scenarios(engine, frame) == {"added": 0, "changed": 0, "retired": 0}
    assert reconcile_scenarios(engine, frame.iloc[1:])["retired"] == 1
    stored = read_table(engine, "stress_scenarios").set_index("scenario_id")
    assert stored["is_active"].astype(bool).sum() == 22
    assert stored.loc["rates_up_100bp", "shocks"] == {"Interest_Rate": {"yield_change": 0.01}}


def test_profiles_that_are_stored_again_replace_their_own_versions_only(engine):
    columns = ["symbol", "as_of", "name", "sector", "vendor_beta"]
    first = [("AAPL", "2024-01-02", "Apple", "Technology", 1.2), ("AAPL", "2025-01-02", "Apple", "Technology", 1.3)]
    other = [("XOM", "2024-01-02", "Exxon", "Energy", None)]
    again = [("AAPL", "2025-01-02", "Apple Inc.", "Technology", 1.4), ("AAPL", "2026-01-02", "Apple", "Hardware", 1.5)]
    for rows, written in ((first + other, 3), (again, 2), (again, 2)):
        frame = pd.DataFrame(rows, columns=columns).astype({"as_of": "datetime64[s]"})
        assert upsert_profiles(engine, frame) == written
    stored = profiles(engine, date(2030, 1, 1))
    expected = pd.DataFrame(first[:1] + again + other, columns=columns).astype({"as_of": "datetime64[s]"})
    pd.testing.assert_frame_equal(stored[columns], expected, check_dtype=False)
