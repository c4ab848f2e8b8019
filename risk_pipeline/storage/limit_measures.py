"""The measures that limits may be set on, from the tables as they are and the registries of the settings."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from ..config.factors import load_factors
from ..config.measures import Measures
from ..config.scenario_file import load_scenarios
from . import tables


def numeric_columns() -> dict[str, tuple[str, ...]]:
    """Return the numeric columns of every analytics table whose key is session and portfolio, by table."""
    return {
        table.name: tuple(column.name for column in table.columns if isinstance(column.type, sa.Float | sa.Integer))
        for table in tables.ANALYTICS
        if [column.name for column in table.primary_key.columns] == ["session", "portfolio_id"]
        and table is not tables.portfolio_inputs
    }


def known_measures(scenarios_path: Path | None) -> Measures:
    """Return the measures by the shipped factors, and the scenarios with the user's own."""
    factors = load_factors()
    return Measures(numeric_columns(), factors, load_scenarios(factors, scenarios_path))
