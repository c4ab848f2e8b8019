"""Checks of factor exposures."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ...reports.quarantine import KEY, eligible, without_betas
from ...risk.long_rows import Cells
from ...storage.check_queries import all_exposures, exposures, rows_of_each, symbol_fits
from ...storage.tables import factor_exposures
from ..partitions import CALENDAR
from ..resources import Registries
from .common import ERROR, WARN, Check, Finding, session_checks
from .options import OPTION_CHECKS

if TYPE_CHECKING:
    import sqlalchemy as sa


def ir_beta_present(engine: sa.Engine, registries: Registries, sessions: list[date]) -> Finding:
    """Every eligible portfolio has an IR Beta, or too little history for one: an empty one makes rates stress null.

    A portfolio of which no symbol has the history for an estimate is a warning that names it and its symbols. Where
    there is history, or no portfolio of the session has an IR Beta, the batch stops.
    """
    eligible_rows = eligible(engine, sessions)
    empty = without_betas(engine, registries.factors, sessions, eligible_rows)
    total, count = eligible_rows.groupby("session").size(), Counter(one.session for one in empty)
    everybody = {day for day, number in count.items() if number == total[pd.Timestamp(day)] and number > 1}
    bad = [
        {
            "session": pd.Timestamp(one.session),
            "portfolio_id": one.portfolio_id,
            "symbols": one.symbols[:200],
            "reason": one.reason,
            "remedy": one.remedy,
            "excused": one.is_known and one.session not in everybody,
        }
        for one in empty
    ]
    missing = pd.DataFrame(bad, columns=[*KEY, "symbols", "reason", "remedy", "excused"])
    return Finding.by_session(
        eligible_rows["session"], "eligible portfolios", missing.assign(excused=missing["excused"].eq(True))
    )


def factor_set_complete(engine: sa.Engine, registries: Registries, sessions: list[date]) -> Finding:
    """Every eligible portfolio has the registry's factors and the core model's, each once, and no unknown one."""
    eligible_rows = eligible(engine, sessions)
    names = {*registries.factors.names, *registries.factors.core_names}
    every = {*names, *registries.factors.beyond_names}
    counts = rows_of_each(engine, factor_exposures.c.factor_name, sessions, needed=names, known=every)
    merged = eligible_rows.merge(counts, on=KEY, how="left")
    wrong = (merged["needed"] != len(names)) | (merged["rows"] != merged["known"])
    return Finding.by_session(eligible_rows["session"], "eligible portfolios", merged.loc[wrong, KEY])


def coverage_sufficient(engine: sa.Engine, registries: Registries, sessions: list[date]) -> Finding:
    """Betas cover at least 80 % of every portfolio's gross market exposure (error), 95 % (warning)."""
    rows = exposures(engine, sessions, registries.factors.market.name)
    bad = rows.loc[rows["coverage"] < 0.95, [*KEY, "coverage"]]
    return Finding(len(rows), "portfolios", bad, severity=ERROR if (bad["coverage"] < 0.80).any() else WARN)


def no_sudden_change(engine: sa.Engine, registries: Registries, sessions: list[date]) -> Finding:
    """No exposure moves by more than five of its standard errors from one session to the next."""
    rows = all_exposures(engine, [CALENDAR.look_back_from(sessions[0], 1), *sessions])
    axes = {name: rows[name].unique() for name in ("portfolio_id", "factor_name")}
    cells = Cells.of(rows, session=np.sort(rows["session"].unique()), **axes)
    change = np.abs(cells.gather(np.diff(cells.spread(rows["exposure"]), axis=0, prepend=np.nan)))
    looked_at = ~np.isnan(change) & (rows["std_error"] > 0)
    bad = rows.assign(change=change)[looked_at & (change > 5 * rows["std_error"])]
    return Finding(int(looked_at.sum()), "changes", bad.drop(columns="std_error"))


def core_fits_explain(engine: sa.Engine, registries: Registries, sessions: list[date]) -> Finding:
    """No symbol's core model explains it worse than its own mean does (R-squared below zero)."""
    rows = symbol_fits(engine, sessions, registries.factors.core_names[0]).dropna(subset=["r_squared"])
    return Finding(len(rows), "fits", rows[rows["r_squared"] < 0])


exposure_checks = session_checks(
    "factor_exposures",
    Check(
        ir_beta_present,
        "Give the symbols named here prices over the look-back, or an exit; then run these sessions again.",
        blocking=True,
    ),
    Check(
        factor_set_complete,
        "Materialise factor_definitions and factor_exposures for these sessions.",
        blocking=True,
    ),
    Check(
        coverage_sufficient,
        "The symbols named here have no beta: give them prices over the look-back, then run these sessions again.",
    ),
    Check(
        no_sudden_change,
        "Look at the page of the session: trades explain it, or a price does. Correct the price and run the "
        "session again.",
        severity=WARN,
    ),
    Check(
        core_fits_explain,
        "Check the symbol's prices for gaps and unit errors; a beta of a bad fit is still the best estimate there is.",
        severity=WARN,
    ),
    *OPTION_CHECKS,
)
