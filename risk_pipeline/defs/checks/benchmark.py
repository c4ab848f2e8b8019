"""Checks of the portfolios against their benchmarks."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pandas as pd

from ...analytics.reasons import Reason
from ...storage.queries import read_table
from ..resources import Registries
from .common import WARN, Check, Finding, session_checks
from .exposures import KEY

if TYPE_CHECKING:
    import sqlalchemy as sa

TOLERANCE = 1e-9
SHOWN = [*KEY, "benchmark", "reason"]
EXPECTED = {Reason.TOO_SHORT.value, Reason.NO_PUBLIC_POSITIONS.value, Reason.NON_POSITIVE_EQUITY.value}
"""Reasons that need nobody's attention."""


def _rows(engine: sa.Engine, name: str, sessions: list[date]) -> pd.DataFrame:
    return read_table(engine, name, first=sessions[0], last=sessions[-1])


def tracking_errors_add_up(engine: sa.Engine, registries: Registries, sessions: list[date]) -> Finding:
    """Factors and what they leave make the model's tracking error, and so do the positions, to 1e-9."""
    rows = _rows(engine, "benchmark_risk", sessions)
    parts = _rows(engine, "active_exposures", sessions)
    by_position = parts[parts["kind"] == "position"].groupby(KEY)["risk_contribution"].sum().rename("positions")
    rows = rows.dropna(subset=["model_tracking_error"]).merge(by_position.reset_index(), on=KEY, how="left")
    total = rows["model_tracking_error"]
    squares = (rows["factor_part"] ** 2 + rows["specific_part"] ** 2) ** 0.5
    holds = ((squares - total).abs() <= TOLERANCE) & ((rows["positions"] - total).abs() <= TOLERANCE)
    shown = [*KEY, "model_tracking_error", "factor_part", "specific_part", "positions"]
    return Finding(len(rows), "portfolios with a benchmark", rows.loc[~holds, shown])


def benchmarks_are_compared(engine: sa.Engine, registries: Registries, sessions: list[date]) -> Finding:
    """Every portfolio with a benchmark has a tracking error, unless it is too young or holds nothing priced."""
    rows = _rows(engine, "benchmark_risk", sessions)
    bad = rows["reason"].notna() & ~rows["reason"].isin(EXPECTED)
    return Finding(len(rows), "portfolios with a benchmark", rows.loc[bad, SHOWN])


benchmark_checks = session_checks(
    "benchmark_risk",
    Check(tracking_errors_add_up, "Materialise benchmark_risk for these sessions again."),
    Check(
        benchmarks_are_compared,
        "See the reason: import weights of the benchmark that are valid by then, or name one in the currency of the "
        "portfolio.",
        severity=WARN,
    ),
)
