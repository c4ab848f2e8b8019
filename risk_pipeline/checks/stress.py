"""Checks of stress tests."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..resources import Registries
from ..storage.check_queries import exposures, impacts, stress
from .common import WARN, Finding, session_check
from .exposures import KEY, eligible

if TYPE_CHECKING:
    import sqlalchemy as sa


def expected_row_count(engine: sa.Engine, registries: Registries, sessions: list[date]) -> Finding:
    """Every eligible portfolio has one row for each active scenario."""
    wanted = eligible(engine, sessions)
    ids = {scenario.id for scenario in registries.scenarios.active}
    found = stress(engine, sessions).groupby(KEY)["scenario_id"].agg(set).rename("found").reset_index()
    merged = wanted.merge(found, on=KEY, how="left")
    wrong = [scenarios != ids for scenarios in merged["found"]]
    return Finding(len(wanted), "eligible portfolios", merged.loc[wrong, KEY])


def rates_scenarios_not_zero(engine: sa.Engine, registries: Registries, sessions: list[date]) -> Finding:
    """A portfolio with a rates beta gains or loses when rates move."""
    factors = registries.factors
    beta = exposures(engine, sessions)
    beta = beta[(beta["factor_name"] == factors.rates.name) & (beta["dollar_exposure"].abs() > 1.0)]
    shocked = [
        s.id
        for s in registries.scenarios.active
        if {shock.factor for shock in s.shocks} == {factors.rates.scenario_key}
    ]
    rows = stress(engine, sessions)
    rows = rows[rows["scenario_id"].isin(shocked)].merge(beta[KEY], on=KEY)
    zero = rows["direct_pnl"].isna() | (rows["direct_pnl"] == 0) | rows["correlated_pnl"].isna()
    return Finding(len(rows), "rates results", rows.loc[zero, [*KEY, "scenario_id"]])


def contributions_sum_to_total(engine: sa.Engine, registries: Registries, sessions: list[date]) -> Finding:
    """The factors' contributions and the options' revaluation sum to each scenario's P&L."""
    rows = stress(engine, sessions).dropna(subset=["correlated_pnl"])
    merged = rows.merge(impacts(engine, sessions), on=[*KEY, "scenario_id"], how="left")
    gap = (merged["impact"] + merged["option_revaluation"] - merged["correlated_pnl"]).abs()
    tolerance = 1e-6 * np.maximum(merged["correlated_pnl"].abs(), 1.0)
    bad = merged.assign(gap=gap).loc[~(gap <= tolerance), [*KEY, "scenario_id", "gap"]]
    return Finding(len(merged), "results", bad)


def shocks_plausible(engine: sa.Engine, registries: Registries, sessions: list[date]) -> Finding:
    """No hypothetical scenario was refused because its factors can't be told apart."""
    from ..storage.queries import read_table

    rows = read_table(engine, "scenario_plausibility", first=sessions[0], last=sessions[-1])
    bad = rows.loc[[reason is not None for reason in rows["reason"]], ["session", "scenario_id", "reason"]]
    return Finding(len(rows), "scenarios", pd.DataFrame(bad))


stress_checks = [
    session_check("stress_tests", expected_row_count, blocking=True),
    session_check("stress_tests", rates_scenarios_not_zero),
    session_check("stress_tests", contributions_sum_to_total),
    session_check("stress_tests", shocks_plausible, severity=WARN),
]
