"""Seeding of the registries: upsert by name, retire what is gone, re-point the old batch's names."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import sqlalchemy as sa

from . import tables
from .database import replace_table, transaction

NAMED = (tables.factor_exposures, tables.symbol_factor_exposures, tables.scenario_factor_moves)
"""Tables whose key holds a factor's name."""


def reconcile_factors(engine: sa.Engine, definitions: pd.DataFrame, aliases: Mapping[str, str]) -> dict[str, int]:
    """Make ``factor_definitions`` equal the registry; twice in a row changes nothing.

    A changed attribute is applied. A name that the registry no longer has is kept as retired. The rows of a
    known alias are re-pointed to the factor's one name, unless that has its own row for the same key, and
    its definition is deleted. Returns counts: added, changed, retired, merged.
    """
    with transaction(engine, tables.factor_definitions, *NAMED) as connection:
        merged = sum(_merge_alias(connection, alias, name) for alias, name in aliases.items())
        counts = _reconcile(connection, tables.factor_definitions, "factor_name", definitions)
    return {**counts, "merged": merged}


def reconcile_scenarios(engine: sa.Engine, scenarios: pd.DataFrame) -> dict[str, int]:
    """Make ``stress_scenarios`` equal the library; returns counts: added, changed, retired."""
    with transaction(engine, tables.stress_scenarios) as connection:
        return _reconcile(connection, tables.stress_scenarios, "scenario_id", scenarios)


def _merge_alias(connection: sa.Connection, alias: str, name: str) -> int:
    """Re-point an alias's rows to the factor's name and delete its definition; returns rows touched."""
    touched = 0
    for table in NAMED:
        other = table.alias()
        same_key = [
            other.c[column.name] == table.c[column.name]
            for column in table.primary_key.columns
            if column.name != "factor_name"
        ]
        has_own = sa.exists().where(other.c.factor_name == name, *same_key)
        touched += connection.execute(sa.delete(table).where(table.c.factor_name == alias, has_own)).rowcount
        touched += connection.execute(
            sa.update(table).where(table.c.factor_name == alias).values(factor_name=name)
        ).rowcount
    definitions = tables.factor_definitions
    return touched + connection.execute(sa.delete(definitions).where(definitions.c.factor_name == alias)).rowcount


def _reconcile(connection: sa.Connection, table: sa.Table, key: str, definitions: pd.DataFrame) -> dict[str, int]:
    stored = {row[key]: dict(row) for row in connection.execute(sa.select(table)).mappings()}
    columns = [column.name for column in table.columns]
    rows = {
        row[key]: {name: None if _is_null(row[name]) else row[name] for name in columns}
        for row in definitions.to_dict("records")
    }
    added = [name for name in rows if name not in stored]
    changed = [name for name, row in rows.items() if name in stored and stored[name] != row]
    retired = [name for name, row in stored.items() if name not in rows and row["is_active"]]
    if added or changed or retired:
        kept = [{**row, "is_active": False} for name, row in stored.items() if name not in rows]
        replace_table(connection, table, pd.DataFrame([*rows.values(), *kept], columns=columns))
    return {"added": len(added), "changed": len(changed), "retired": len(retired)}


def _is_null(value: object) -> bool:
    return not isinstance(value, dict) and bool(pd.isna(value))
