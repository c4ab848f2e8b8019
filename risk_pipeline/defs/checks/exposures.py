"""Checks of factor exposures."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ...risk.inputs import priced_symbols
from ...risk.long_rows import Cells
from ...storage.check_queries import count_of_each, exposures, exposures_with_errors, skipped, symbol_fits
from ...storage.market_data import read_bars
from ...storage.queries import lots, portfolios
from ..partitions import CALENDAR
from ..resources import Registries
from .common import ERROR, WARN, Check, Finding, session_checks
from .options import OPTION_CHECKS

if TYPE_CHECKING:
    import sqlalchemy as sa

KEY = ["session", "portfolio_id"]


def eligible(engine: sa.Engine, sessions: list[date]) -> pd.DataFrame:
    """Return ``session, portfolio_id`` of active portfolios that were not skipped with a reason."""
    known, days = portfolios(engine), pd.DataFrame({"session": np.array(sessions, dtype="datetime64[s]")})
    both = days.merge(known[["portfolio_id", "inception_date", "closed_date"]], how="cross")
    is_open = (both["inception_date"] <= both["session"]) & ~(both["closed_date"] <= both["session"])
    active = both.loc[is_open, KEY]
    out = skipped(engine, sessions, "factor_exposures")[KEY].assign(is_skipped=True)
    merged = active.merge(out, on=KEY, how="left")
    return merged.loc[merged["is_skipped"].isna(), KEY]


def ir_beta_present(engine: sa.Engine, registries: Registries, sessions: list[date]) -> Finding:
    """Every eligible portfolio has an IR Beta, or too little history for one: an empty one makes rates stress null.

    A portfolio of which no symbol has the history for an estimate is a warning that names it and its symbols. Where
    there is history, or no portfolio of the session has an IR Beta, the batch stops.
    """
    eligible_rows = eligible(engine, sessions)
    rows = exposures(engine, sessions, registries.factors.rates.name).dropna(subset=["dollar_exposure"])
    merged = eligible_rows.merge(rows[KEY].assign(there=True), on=KEY, how="left")
    empty = merged[merged["there"].isna()]
    total = eligible_rows.groupby("session").size()
    everybody = {day for day, count in empty.groupby("session").size().items() if count == total[day] and count > 1}
    bad = []
    for row in empty.itertuples(index=False):
        priced = priced_by(engine, registries, row.session.date(), row.portfolio_id)
        short = priced["prices"].max() <= registries.factors.rates.min_observations
        bad.append(
            {
                "session": row.session,
                "portfolio_id": row.portfolio_id,
                "symbols": ", ".join(f"{s} ({n} prices)" for s, n in priced.itertuples(index=False))[:200],
                "remedy": SHORT if short else "prices are there: run the session again, and report it if it stays",
                "excused": bool(short) and row.session not in everybody,
            }
        )
    columns = [*KEY, "symbols", "remedy", "excused"]
    missing = pd.DataFrame(bad, columns=columns)
    return Finding.by_session(
        eligible_rows["session"], "eligible portfolios", missing.assign(excused=missing["excused"].eq(True))
    )


SHORT = "check the spelling of the symbols; a new listing gets its beta when it has prices enough"


def priced_by(engine: sa.Engine, registries: Registries, session: date, portfolio: str) -> pd.DataFrame:
    """Return ``symbol, prices``: the priced symbols that a portfolio holds, and their prices in the beta's window."""
    held = lots(engine, session)
    ends = held["exit_date"].fillna(held["expiry"])
    held = held[(held["portfolio_id"] == portfolio) & ~(ends <= pd.Timestamp(session))]
    symbols = priced_symbols(held)
    window = registries.factors.rates.window
    rows = read_bars(engine, CALENDAR.look_back_from(session, window), session, symbols)
    counts = rows.groupby("symbol").size().reindex(symbols).fillna(0).astype(int)
    return pd.DataFrame({"symbol": symbols, "prices": counts.to_numpy()})


def factor_set_complete(engine: sa.Engine, registries: Registries, sessions: list[date]) -> Finding:
    """Every eligible portfolio has the registry's factors and the core model's, each once, and no unknown one."""
    eligible_rows = eligible(engine, sessions)
    names = {*registries.factors.names, *registries.factors.core_names}
    counts = [
        count_of_each(engine, "factor_exposures", "factor_name", known, sessions)
        for known in (names, {*names, *registries.factors.beyond_names})
    ]
    both = counts[0].merge(counts[1].drop(columns="rows"), on=KEY, suffixes=("", "_every"))
    merged = eligible_rows.merge(both, on=KEY, how="left")
    wrong = (merged["known"] != len(names)) | (merged["rows"] != merged["known_every"])
    return Finding.by_session(eligible_rows["session"], "eligible portfolios", merged.loc[wrong, KEY])


def coverage_sufficient(engine: sa.Engine, registries: Registries, sessions: list[date]) -> Finding:
    """Betas cover at least 80 % of every portfolio's gross market exposure (error), 95 % (warning)."""
    rows = exposures(engine, sessions, registries.factors.market.name)
    bad = rows.loc[rows["coverage"] < 0.95, [*KEY, "coverage"]]
    return Finding(len(rows), "portfolios", bad, severity=ERROR if (bad["coverage"] < 0.80).any() else WARN)


def no_sudden_change(engine: sa.Engine, registries: Registries, sessions: list[date]) -> Finding:
    """No exposure moves by more than five of its standard errors from one session to the next."""
    rows = exposures_with_errors(engine, [CALENDAR.look_back_from(sessions[0], 1), *sessions])
    axes = {name: np.unique(rows[name]) for name in ("session", "portfolio_id", "factor_name")}
    cells = Cells.of(rows, **axes)
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
