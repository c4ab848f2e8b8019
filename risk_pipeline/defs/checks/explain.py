"""Checks of what made the P&L."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from ...risk.explain_record import SESSIONS, explained_shares, poorly_explained
from ...settings import Settings
from ...storage.check_queries import snapshots
from ...storage.explain_queries import explained_sessions, modelled_variances
from ..partitions import CALENDAR
from ..resources import Registries
from .common import WARN, Check, Finding, session_checks
from .exposures import KEY

if TYPE_CHECKING:
    import sqlalchemy as sa

TOLERANCE = 1e-9
RESIDUAL_SHARE = 1e-3
"""Of NAV: what the greeks may leave of the options' P&L of a session."""


def parts_sum_to_pnl(engine: sa.Engine, registries: Registries, sessions: list[date]) -> Finding:
    """The parts of every portfolio's P&L sum to it, to 1e-9 of NAV and gross."""
    rows = snapshots(engine, sessions, "daily_pnl", "nav", "gross").merge(
        explained_sessions(engine, sessions[0], sessions[-1])[[*KEY, "parts"]], on=KEY, how="left"
    )
    gap = rows["daily_pnl"] - rows["parts"]
    size = rows["nav"].abs() + rows["gross"].abs() + rows["daily_pnl"].abs() + 1.0
    bad = rows.assign(gap=gap).loc[~(gap.abs() <= TOLERANCE * size), [*KEY, "daily_pnl", "parts", "gap"]]
    return Finding(len(rows), "snapshots", bad)


def pnl_is_explained(engine: sa.Engine, registries: Registries, sessions: list[date]) -> Finding:
    """Over the last 63 sessions what has a name explains the P&L to more than the share that the setting asks for.

    A book of which the factor model expects less, such as a market-neutral one, fails only where what is unexplained
    is half as large again as the model's specific volatility.
    """
    first = CALENDAR.look_back_from(sessions[-1], SESSIONS - 1)
    shares = explained_shares(explained_sessions(engine, first, sessions[-1])).dropna()
    model = modelled_variances(engine, first, sessions[-1])
    return Finding(len(shares), "portfolios", poorly_explained(shares, model, Settings().explained_share_warning))


def greeks_explain_options(engine: sa.Engine, registries: Registries, sessions: list[date]) -> Finding:
    """Delta, gamma, vega and theta leave at most 0.1 % of NAV of the options' P&L of a session."""
    rows = explained_sessions(engine, sessions[0], sessions[-1])
    bad = rows["residual"].abs() > RESIDUAL_SHARE * rows["nav"].abs()
    return Finding(len(rows), "snapshots", rows.loc[bad, [*KEY, "residual", "nav"]])


explain_checks = session_checks(
    "pnl_explain",
    Check(parts_sum_to_pnl, "Materialise portfolio_snapshots and pnl_explain together for these sessions."),
    Check(
        pnl_is_explained,
        "Read on the page which positions' specific P&L is largest: a position may be priced wrongly, or the book bets "
        "on single names. RISK_PIPELINE_EXPLAINED_SHARE_WARNING sets the share.",
        severity=WARN,
    ),
    Check(
        greeks_explain_options,
        "Look at the options near expiry or with a large move of the underlying: greeks of the session before don't "
        "tell their P&L, scenarios with full revaluation do.",
        severity=WARN,
    ),
)
