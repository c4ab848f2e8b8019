"""Checks of the limits: breaches and warnings, by session; neither stops the batch."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from ...analytics.reasons import Reason
from ...storage.limit_queries import BREACH, UNKNOWN, WARNING, limit_rows
from ..resources import Registries
from .common import WARN, Check, Finding, session_checks
from .exposures import KEY

if TYPE_CHECKING:
    import sqlalchemy as sa

SHOWN = [*KEY, "measure", "operator", "value", "limit_value", "status", "since", "cause"]
NOTHING_HELD = {Reason.NO_PUBLIC_POSITIONS.value, Reason.NO_ACTIVE_POSITIONS.value}
"""Reasons that need nobody's attention: without a position there is no risk to measure."""


def limits_kept(engine: sa.Engine, registries: Registries, sessions: list[date]) -> Finding:
    """Every number with a limit keeps it. A breach is an error of its session, a value near its limit a warning."""
    rows = limit_rows(engine, sessions[0], sessions[-1])
    bad = rows.loc[rows["status"].isin([BREACH, WARNING]), SHOWN].sort_values(["session", "status", *SHOWN[1:4]])
    return Finding.by_session(rows["session"], "limits", bad.assign(excused=bad["status"] == WARNING))


def limits_measured(engine: sa.Engine, registries: Registries, sessions: list[date]) -> Finding:
    """Every number with a limit is there, unless the portfolio holds nothing that it could be measured of."""
    rows = limit_rows(engine, sessions[0], sessions[-1])
    bad = rows[(rows["status"] == UNKNOWN) & ~rows["reason"].isin(NOTHING_HELD)]
    return Finding(len(rows), "limits", bad[[*KEY, "measure", "operator", "reason"]])


limit_checks = session_checks(
    "risk_limits",
    Check(
        limits_kept,
        "Reduce the position or the factor that the cause names, or import another limit that is valid from today on.",
        by_session=True,
    ),
    Check(
        limits_measured,
        "See the reason on the portfolio's page; a measure that is gone needs another limit.",
        severity=WARN,
    ),
)
