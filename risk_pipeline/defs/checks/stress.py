"""Checks of stress tests."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ...reports.quarantine import KEY, eligible
from ...risk.long_rows import Cells
from ...storage.check_queries import contribution_parts, correlated_stress, exposures, rows_of_each, stress_of
from ...storage.queries import read_table
from ...storage.tables import stress_test_results
from ..resources import Registries
from .common import WARN, Check, Finding, session_checks

if TYPE_CHECKING:
    import sqlalchemy as sa


def expected_row_count(engine: sa.Engine, registries: Registries, sessions: list[date]) -> Finding:
    """Every eligible portfolio has one row for each active scenario."""
    eligible_rows = eligible(engine, sessions)
    ids = {scenario.id for scenario in registries.scenarios.active}
    counts = rows_of_each(engine, stress_test_results.c.scenario_id, sessions, known=ids)
    merged = eligible_rows.merge(counts, on=KEY, how="left")
    wrong = (merged["rows"] != len(ids)) | (merged["known"] != len(ids))
    return Finding.by_session(eligible_rows["session"], "eligible portfolios", merged.loc[wrong, KEY])


def rates_scenarios_not_zero(engine: sa.Engine, registries: Registries, sessions: list[date]) -> Finding:
    """A portfolio with a rates beta gains or loses when rates move."""
    factors = registries.factors
    beta = exposures(engine, sessions, factors.rates.name)
    beta = beta[beta["dollar_exposure"].abs() > 1.0]
    shocked = [
        s.id
        for s in registries.scenarios.active
        if {shock.factor for shock in s.shocks} == {factors.rates.scenario_key}
    ]
    rows = stress_of(engine, sessions, shocked).merge(beta[KEY], on=KEY)
    zero = rows["direct_pnl"].isna() | (rows["direct_pnl"] == 0) | rows["correlated_pnl"].isna()
    return Finding(len(rows), "rates results", rows.loc[zero, [*KEY, "scenario_id"]])


def contributions_sum_to_total(engine: sa.Engine, registries: Registries, sessions: list[date]) -> Finding:
    """The factors' contributions, options' revaluation, currencies and compounding sum to each scenario's P&L."""
    rows = correlated_stress(engine, sessions)
    moves, dollars = contribution_parts(engine, sessions)
    impact = _impact(rows, moves, dollars)
    gap = (impact + rows["beside"] - rows["correlated_pnl"]).abs()
    tolerance = 1e-6 * np.maximum(rows["correlated_pnl"].abs(), 1.0)
    bad = rows.assign(gap=gap).loc[~(gap <= tolerance), [*KEY, "scenario_id", "gap"]]
    return Finding(len(rows), "results", bad)


def _impact(rows: pd.DataFrame, moves: pd.DataFrame, dollars: pd.DataFrame) -> np.ndarray:
    """Return the summed contributions of the factors to each row; NaN where a row has none.

    As the view has them, without its portfolios x scenarios x factors rows.
    """
    axes = {name: rows[name].unique() for name in ("session", "scenario_id", "portfolio_id")}
    session, factors = axes["session"], moves["factor_name"].unique()
    in_moves = Cells.of(moves, session=session, scenario_id=axes["scenario_id"], factor_name=factors)
    in_dollars = Cells.of(dollars, session=session, portfolio_id=axes["portfolio_id"], factor_name=factors)
    move, dollar = in_moves.spread(moves["move"]), in_dollars.spread(dollars["dollar_exposure"])
    known = np.einsum("dsk,dpk->dsp", ~np.isnan(move), ~np.isnan(dollar))
    summed = np.einsum("dsk,dpk->dsp", np.nan_to_num(move), np.nan_to_num(dollar))
    return Cells.of(rows, **axes).gather(np.where(known, summed, np.nan))


def shocks_plausible(engine: sa.Engine, registries: Registries, sessions: list[date]) -> Finding:
    """No hypothetical scenario was refused because its factors can't be told apart."""
    columns = ["session", "scenario_id", "reason"]
    rows = read_table(engine, "scenario_plausibility", first=sessions[0], last=sessions[-1], columns=columns)
    return Finding(len(rows), "scenarios", rows[rows["reason"].notna()])


stress_checks = session_checks(
    "stress_tests",
    Check(
        expected_row_count,
        "Materialise factor_definitions and stress_tests for these sessions.",
        blocking=True,
    ),
    Check(
        rates_scenarios_not_zero,
        "Materialise factor_exposures and stress_tests for these sessions.",
    ),
    Check(
        contributions_sum_to_total,
        "Materialise factor_exposures and stress_tests together for these sessions.",
    ),
    Check(
        shocks_plausible,
        "Shock one of the factors that can't be told apart, not both, in the scenario file.",
        severity=WARN,
    ),
)
