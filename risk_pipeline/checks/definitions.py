"""Checks of the factor and scenario definitions."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pandas as pd

from ..resources import Registries
from ..storage.check_queries import factor_names_in_use
from ..storage.queries import read_table
from .common import Finding, table_check

if TYPE_CHECKING:
    import sqlalchemy as sa


def registry_and_table_agree(engine: sa.Engine, registries: Registries, _: list[date]) -> Finding:
    """Every factor of the registry is in the table with the same attributes, and no other is active."""
    stored = read_table(engine, "factor_definitions")
    stored = stored[stored["is_active"].astype(bool)].set_index("factor_name").astype(object)
    wanted = registries.factors.frame().set_index("factor_name").astype(object)[stored.columns]
    names = stored.index.union(wanted.index)
    left, right = (frame.reindex(names).astype(str).replace("nan", "None") for frame in (stored, wanted))
    numeric = ["factor_order", "window", "min_observations", "half_life", "penalty"]
    for frame in (left, right):
        frame[numeric] = frame[numeric].apply(pd.to_numeric, errors="coerce").fillna(-1)
    differs = (left != right).any(axis=1)
    return Finding(len(names), "factor definitions", pd.DataFrame({"factor_name": names[differs]}))


def no_retired_name_left(engine: sa.Engine, registries: Registries, _: list[date]) -> Finding:
    """No table holds an exposure or a move under an alias or a name that the registry doesn't know."""
    known = {*registries.factors.names, *registries.factors.core_names}
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
        {"scenario_id": row.scenario_id, "factor": key}
        for row in stored.itertuples(index=False)
        for key in row.shocks
    ]
    bad = [row for row in shocked if row["factor"] not in registries.factors.by_scenario_key]
    return Finding(len(shocked), "shocked factors", pd.DataFrame(bad, columns=["scenario_id", "factor"]))


definition_checks = [
    table_check("factor_definitions", registry_and_table_agree, blocking=True),
    table_check("factor_definitions", no_retired_name_left, blocking=True),
    table_check("factor_definitions", scenario_factors_resolve),
]
