"""Checks of volatility."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ...analytics.backtests import kupiec
from ...reports.quarantine import KEY, eligible
from ...risk.scorecards import BACKTESTED
from ...storage.check_queries import forecast_outcomes, volatilities
from ...storage.queries import read_outcomes
from ..partitions import CALENDAR
from ..resources import Registries
from .common import WARN, Check, Finding, session_checks

if TYPE_CHECKING:
    import sqlalchemy as sa

BIAS_SESSIONS = 63


def present_for_eligible(engine: sa.Engine, registries: Registries, sessions: list[date]) -> Finding:
    """Every eligible portfolio has a volatility row."""
    eligible_rows = eligible(engine, sessions)
    merged = eligible_rows.merge(volatilities(engine, sessions)[KEY].assign(there=True), on=KEY, how="left")
    return Finding(len(eligible_rows), "eligible portfolios", merged.loc[merged["there"].isna(), KEY])


def forecast_finite_and_positive(engine: sa.Engine, registries: Registries, sessions: list[date]) -> Finding:
    """Every forecast is a positive number, or its row says why there is none."""
    rows = volatilities(engine, sessions)
    good = (np.isfinite(rows["forecast"]) & (rows["forecast"] > 0)) | rows["reason"].notna()
    return Finding(len(rows), "forecasts", rows.loc[~good, [*KEY, "forecast"]])


def forecast_unbiased(engine: sa.Engine, registries: Registries, sessions: list[date]) -> Finding:
    """Over the last 63 sessions outcomes were between half and twice what was forecast, on average."""
    first = CALENDAR.look_back_from(sessions[-1], BIAS_SESSIONS - 1)
    rows = forecast_outcomes(engine, first, sessions[-1])
    ratio = (rows["outcome"] / rows["forecast"]).groupby(rows["entity"]).mean()
    bad = ratio[(ratio < 0.5) | (ratio > 2.0)].rename("outcome_over_forecast").reset_index()
    return Finding(len(ratio), "portfolios", pd.DataFrame(bad))


def value_at_risk_holds(engine: sa.Engine, registries: Registries, sessions: list[date]) -> Finding:
    """Losses beyond the 99 % value at risk were not far more frequent than they should be (Kupiec, p < 1 %)."""
    outcomes = read_outcomes(engine, sessions[-1], BACKTESTED)
    record = outcomes.groupby("portfolio_id")["exceeded_99"].agg(outcomes="size", exceeded_99="sum").reset_index()
    many = record[record["exceeded_99"] > 0.01 * record["outcomes"]]
    exceeded, outcomes_of = (many[name].to_numpy(dtype=np.int64) for name in ("exceeded_99", "outcomes"))
    many = many.assign(kupiec_p_99=kupiec(exceeded, outcomes_of, 0.01).p_value)
    return Finding(len(record), "portfolios", many[many["kupiec_p_99"] < 0.01])


volatility_checks = session_checks(
    "volatility",
    Check(
        present_for_eligible,
        "Materialise volatility for these sessions.",
    ),
    Check(
        forecast_finite_and_positive,
        "Check the prices of the portfolio's symbols, then materialise volatility for these sessions.",
    ),
    Check(
        forecast_unbiased,
        "Read the scorecard on the page of volatility: the market may have changed, or a price may be wrong.",
        severity=WARN,
    ),
    Check(
        value_at_risk_holds,
        "Read the backtest on the risk page; treat the value at risk of these portfolios as too low until it holds.",
        severity=WARN,
    ),
)
