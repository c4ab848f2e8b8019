"""Checks of what options are valued with."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ...settings import Settings
from ...storage.check_queries import dividends_paid, option_volatilities
from ..partitions import CALENDAR
from ..resources import Registries
from .common import WARN, Check, Finding

if TYPE_CHECKING:
    import sqlalchemy as sa

KEY = ["session", "portfolio_id"]
YEAR = 252
LEAST_ADJUSTED = 0.125
"""Dollars per share from which the Options Clearing Corporation adjusts contracts."""
QUOTED = ("mark", "quote", "surface")


def option_quotes_recent(engine: sa.Engine, registries: Registries, sessions: list[date]) -> Finding:
    """The mark or quote that values an option is no more than RISK_PIPELINE_OPTION_QUOTE_AGE sessions old."""
    rows = option_volatilities(engine, sessions)
    rows = rows[rows["volatility_source"].isin(QUOTED)]
    days, place = np.unique(rows["session"].to_numpy().astype("datetime64[D]"), return_inverse=True)
    oldest = [CALENDAR.look_back_from(day, Settings().option_quote_age) for day in days.tolist()]
    allowed = np.array(oldest, dtype="datetime64[s]")[place]
    bad = rows[rows["volatility_date"].to_numpy().astype("datetime64[s]") < allowed]
    return Finding(len(rows), "quoted options", bad[[*KEY, "contract", "volatility_source", "volatility_date"]])


def option_marks_within_bounds(engine: sa.Engine, registries: Registries, sessions: list[date]) -> Finding:
    """Every mark of an option lies within the no-arbitrage bounds: no less than its exercise, no more than its share.

    One that does not is not used; the option is valued with the next older quote.
    """
    rows = option_volatilities(engine, sessions)
    bad = rows[rows["refused_mark"].notna()]
    return Finding(len(rows), "options", bad[[*KEY, "position_id", "contract", "refused_mark", "price"]])


def no_special_dividend(engine: sa.Engine, registries: Registries, sessions: list[date]) -> Finding:
    """No underlying of an option paid a dividend that is far from its usual ones: contracts are adjusted for such.

    The clearing house lowers strikes by a special dividend of 12.50 a contract or more; no source of prices says which
    are special. Found are those of more than twice the largest in the 252 sessions before, or 2 % of the price.
    """
    rows = option_volatilities(engine, sessions)
    first = CALENDAR.look_back_from(sessions[0], YEAR)
    paid = dividends_paid(engine, first, sessions[-1], set(rows["underlying"]))
    columns = [*KEY, "position_id", "contract", "dividend"]
    if rows.empty or paid.empty:  # no rows have no types, and pandas merges none
        return Finding(len(rows), "options", pd.DataFrame(columns=columns))
    symbol, day, dividend, close = (paid[name].tolist() for name in ("symbol", "session", "dividend", "close"))
    since = {one: pd.Timestamp(CALENDAR.look_back_from(one.date(), YEAR)) for one in set(day)}
    is_special = np.zeros(len(paid), dtype=bool)
    for row in np.flatnonzero(paid["session"] >= pd.Timestamp(sessions[0])).tolist():
        before = row
        while before and symbol[before - 1] == symbol[row] and day[before - 1] >= since[day[row]]:
            before -= 1
        most = 2.0 * max(dividend[before:row]) if before < row else 0.02 * close[row]
        is_special[row] = dividend[row] >= LEAST_ADJUSTED and dividend[row] > most
    special = paid[is_special].rename(columns={"symbol": "underlying"})
    bad = rows.merge(special[["underlying", "session", "dividend"]], on=["underlying", "session"])
    return Finding(len(rows), "options", bad[columns])


OPTION_CHECKS = (
    Check(
        option_quotes_recent,
        "Import newer rows of marks.csv or implied_volatilities.csv for these contracts, then run the sessions again.",
        severity=WARN,
    ),
    Check(
        no_special_dividend,
        "If the contract was adjusted, give the position this day as exit_date with the day's price, and enter the "
        "adjusted contract (its strike less the dividend) on it at the same price; then import and run again.",
        severity=WARN,
    ),
    Check(
        option_marks_within_bounds,
        "Correct the contract's row in marks.csv: the price per share, of the close of its mark_date; then import it.",
        severity=WARN,
    ),
)
"""They are among the checks of ``factor_exposures``, which writes what options are valued with."""
