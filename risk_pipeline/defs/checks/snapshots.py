"""Checks of the snapshots."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ...reports.quarantine import KEY
from ...storage.check_queries import snapshots, unvalued
from ..partitions import CALENDAR
from ..resources import Registries
from .common import Check, Finding, session_checks

if TYPE_CHECKING:
    import sqlalchemy as sa

TOLERANCE = 1e-9


def nav_is_cash_long_short(engine: sa.Engine, registries: Registries, sessions: list[date]) -> Finding:
    """NAV equals cash plus long plus short value."""
    rows = snapshots(engine, sessions, "nav", "cash", "long_value", "short_value", "gross")
    gap = rows["nav"] - (rows["cash"] + rows["long_value"] + rows["short_value"])
    size = rows["cash"].abs() + rows["gross"].abs() + 1.0
    bad = rows.assign(gap=gap).loc[gap.abs() > TOLERANCE * size, [*KEY, "nav", "gap"]]
    return Finding.by_session(rows["session"], "snapshots", bad)


def portfolios_valued(engine: sa.Engine, registries: Registries, sessions: list[date]) -> Finding:
    """Every portfolio can be valued: each lot has a plausible price and each currency an exchange rate."""
    left_out = unvalued(engine, sessions)
    return Finding(len(snapshots(engine, sessions)) + len(left_out), "portfolios", left_out)


def snapshots_complete(engine: sa.Engine, registries: Registries, sessions: list[date]) -> Finding:
    """Every snapshot has every analytic, or a recorded reason for the absence of one."""
    rows = snapshots(engine, sessions, "is_complete", "missing")
    return Finding(len(rows), "snapshots", rows.loc[~rows["is_complete"].astype(bool), [*KEY, "missing"]])


def pnl_telescopes(engine: sa.Engine, registries: Registries, sessions: list[date]) -> Finding:
    """NAV is the previous session's NAV plus the day's P&L and flow."""
    days = [CALENDAR.look_back_from(sessions[0], 1), *sessions]
    rows = snapshots(engine, days, "nav", "gross", "daily_pnl", "flow").sort_values(["portfolio_id", "session"])
    of_portfolio = rows.groupby("portfolio_id")
    before = of_portfolio["nav"].shift()
    session_before = {day: pd.Timestamp(CALENDAR.look_back_from(day.date(), 1)) for day in rows["session"].unique()}
    consecutive = (of_portfolio["session"].shift() == rows["session"].map(session_before)).to_numpy()
    gap = rows["nav"] - before - rows["daily_pnl"] - rows["flow"]
    size = rows["nav"].abs() + rows["gross"].abs() + 1.0
    bad = consecutive & (gap.abs() > TOLERANCE * size)
    return Finding(
        int(consecutive.sum()),
        "pairs of consecutive snapshots",
        rows.assign(gap=gap).loc[bad, [*KEY, "gap"]],
    )


def tails_are_possible(engine: sa.Engine, registries: Registries, sessions: list[date]) -> Finding:
    """Value at risk is no more than expected shortfall, and of a long book without options neither beyond all it holds.

    Positive shares of NAV: such a book can't lose more than its gross value.
    """
    tails = ["var_95", "es_95", "var_99", "es_99"]
    rows = snapshots(engine, sessions, *tails, "nav", "gross", "short_value", "option_positions")
    rows = rows[rows[tails].notna().all(axis=1) & (rows["nav"] > 0)]
    ordered = (rows["var_95"] <= rows["es_95"]) & (rows["var_99"] <= rows["es_99"]) & (rows["es_95"] <= rows["es_99"])
    is_long = (rows["short_value"] == 0) & (rows["option_positions"] == 0)
    most = (rows["gross"] / rows["nav"]).where(is_long, np.inf)
    bad = ~ordered | (rows["es_99"] > most * (1 + TOLERANCE))
    return Finding(len(rows), "expected shortfalls", rows.loc[bad, [*KEY, "var_99", "es_99", "gross", "nav"]])


snapshot_checks = session_checks(
    "portfolio_snapshots",
    Check(
        nav_is_cash_long_short,
        "Materialise portfolio_snapshots for these sessions.",
        blocking=True,
    ),
    Check(portfolios_valued, "Correct the price or the exchange rate named here, then run these sessions again."),
    Check(
        snapshots_complete,
        "Materialise what is named as missing, then portfolio_snapshots, for these sessions.",
    ),
    Check(
        pnl_telescopes,
        "Run from the earlier of the two sessions on: one was computed from an older book or older prices.",
    ),
    Check(
        tails_are_possible,
        "Check the prices of the portfolio's symbols, then materialise volatility and portfolio_snapshots.",
    ),
)
