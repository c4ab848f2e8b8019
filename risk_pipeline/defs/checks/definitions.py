"""Checks of the factor and scenario definitions."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pandas as pd

from ...config.scenarios import CURRENCIES, VOLATILITY
from ...storage.check_queries import factor_names_in_use
from ...storage.queries import read_table
from ..resources import Registries
from .common import Check, Finding, table_checks

if TYPE_CHECKING:
    import sqlalchemy as sa


def registry_and_table_agree(engine: sa.Engine, registries: Registries, _: list[date]) -> Finding:
    """Every factor of the registry is in the table with the same attributes, and no other is active."""
    stored = read_table(engine, "factor_definitions")
    stored = stored[stored["is_active"].astype(bool)]
    rows = [_attributes(frame) for frame in (stored, registries.factors.frame())]
    names = sorted({*rows[0], *rows[1]})
    bad = [name for name in names if rows[0].get(name) != rows[1].get(name)]
    return Finding(len(names), "factor definitions", pd.DataFrame({"factor_name": bad}))


def _attributes(definitions: pd.DataFrame) -> dict[str, dict[str, object]]:
    """Return each factor's attributes that are set, numbers as floats."""
    return {
        row["factor_name"]: {
            name: float(value) if isinstance(value, int | float) else value
            for name, value in row.items()
            if not pd.isna(value)
        }
        for row in definitions.to_dict("records")
    }


def no_retired_name_left(engine: sa.Engine, registries: Registries, _: list[date]) -> Finding:
    """No table holds an exposure or a move under an alias or a name that the registry doesn't know."""
    known = {*registries.factors.names, *registries.factors.model_names}
    used = factor_names_in_use(engine)
    retired = used[~used["factor_name"].isin(known)]
    definitions = read_table(engine, "factor_definitions")
    inactive = set(definitions.loc[~definitions["is_active"].astype(bool), "factor_name"])
    is_definition = (retired["table"] == "factor_definitions") & retired["factor_name"].isin(inactive)
    aliases = retired["factor_name"].isin(list(registries.factors.aliases))
    return Finding(len(used), "factor names in use", retired[aliases | ~is_definition])


def scenario_factors_resolve(engine: sa.Engine, registries: Registries, _: list[date]) -> Finding:
    """Every factor that an active scenario shocks resolves to a factor of the registry."""
    stored = read_table(engine, "stress_scenarios")
    stored = stored[stored["is_active"].astype(bool)]
    shocked = [
        {"scenario_id": row.scenario_id, "factor": key} for row in stored.itertuples(index=False) for key in row.shocks
    ]
    known = {*registries.factors.by_scenario_key, CURRENCIES, VOLATILITY}
    bad = [row for row in shocked if row["factor"] not in known]
    return Finding(len(shocked), "shocked factors", pd.DataFrame(bad, columns=["scenario_id", "factor"]))


definition_checks = table_checks(
    "factor_definitions",
    Check(
        registry_and_table_agree,
        "Run any session: every run writes the registry to the table.",
        blocking=True,
    ),
    Check(
        no_retired_name_left,
        "Run any session: the rows of an alias are renamed. Of any other name, add it to the aliases in "
        "factors.yaml or delete the rows.",
        blocking=True,
    ),
    Check(
        scenario_factors_resolve,
        "Correct the factor's name in the scenario file, then run a session.",
    ),
)
