"""Checks of what options are valued with."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from ...settings import Settings
from ...storage.check_queries import option_volatilities
from ..partitions import CALENDAR
from ..resources import Registries
from .common import WARN, Check, Finding

if TYPE_CHECKING:
    import sqlalchemy as sa

KEY = ["session", "portfolio_id"]
QUOTED = ("mark", "quote", "surface")


def option_quotes_recent(engine: sa.Engine, registries: Registries, sessions: list[date]) -> Finding:
    """The mark or quote that values an option is no more than RISK_PIPELINE_OPTION_QUOTE_AGE sessions old."""
    rows = option_volatilities(engine, sessions)
    rows = rows[rows["volatility_source"].isin(QUOTED)]
    oldest = {day: CALENDAR.look_back_from(day, Settings().option_quote_age) for day in sessions}
    allowed = np.array([oldest[day.date()] for day in rows["session"]], dtype="datetime64[s]")
    bad = rows[rows["volatility_date"].to_numpy().astype("datetime64[s]") < allowed]
    return Finding(len(rows), "quoted options", bad[[*KEY, "contract", "volatility_source", "volatility_date"]])


def option_marks_within_bounds(engine: sa.Engine, registries: Registries, sessions: list[date]) -> Finding:
    """Every mark of an option lies within the no-arbitrage bounds: no less than its exercise, no more than its share.

    One that does not is not used; the option is valued with the next older quote.
    """
    rows = option_volatilities(engine, sessions)
    bad = rows[rows["refused_mark"].notna()]
    return Finding(len(rows), "options", bad[[*KEY, "position_id", "contract", "refused_mark", "price"]])


OPTION_CHECKS = (
    Check(
        option_quotes_recent,
        "Import newer rows of marks.csv or implied_volatilities.csv for these contracts, then run the sessions again.",
        severity=WARN,
    ),
    Check(
        option_marks_within_bounds,
        "Correct the contract's row in marks.csv: the price per share, of the close of its mark_date; then import it.",
        severity=WARN,
    ),
)
"""They are among the checks of ``factor_exposures``, which writes what options are valued with."""
