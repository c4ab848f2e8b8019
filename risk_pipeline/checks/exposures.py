"""Checks of factor exposures."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pandas as pd

from ..assets.common import CALENDAR
from ..resources import Registries
from ..storage.check_queries import exposures, skipped
from ..storage.queries import portfolios
from .common import ERROR, WARN, Finding, session_check

if TYPE_CHECKING:
    import sqlalchemy as sa

KEY = ["session", "portfolio_id"]


def eligible(engine: sa.Engine, sessions: list[date]) -> pd.DataFrame:
    """Return ``session, portfolio_id`` of active portfolios that were not skipped with a reason."""
    rows = [
        (pd.Timestamp(day), row.portfolio_id)
        for row in portfolios(engine).itertuples(index=False)
        for day in sessions
        if row.inception_date.date() <= day and (pd.isna(row.closed_date) or day < row.closed_date.date())
    ]
    active = pd.DataFrame(rows, columns=KEY).astype({"session": "datetime64[s]"})
    out = skipped(engine, sessions, "factor_exposures")[KEY].assign(is_skipped=True)
    merged = active.merge(out, on=KEY, how="left")
    return merged.loc[merged["is_skipped"].isna(), KEY]


def ir_beta_present(engine: sa.Engine, registries: Registries, sessions: list[date]) -> Finding:
    """Every eligible portfolio has an IR Beta: an empty one would make rates stress silently zero."""
    wanted = eligible(engine, sessions)
    rows = exposures(engine, sessions)
    rows = rows[(rows["factor_name"] == registries.factors.rates.name) & rows["dollar_exposure"].notna()]
    merged = wanted.merge(rows[KEY].assign(there=True), on=KEY, how="left")
    return Finding(len(wanted), "eligible portfolios", merged.loc[merged["there"].isna(), KEY])


def factor_set_complete(engine: sa.Engine, registries: Registries, sessions: list[date]) -> Finding:
    """Every eligible portfolio has exactly the registry's factors and the core model's, each once."""
    wanted = eligible(engine, sessions)
    names = {*registries.factors.names, *registries.factors.core_names}
    rows = exposures(engine, sessions)
    sets = rows.groupby(KEY)["factor_name"].agg(set).rename("factors").reset_index()
    merged = wanted.merge(sets, on=KEY, how="left")
    wrong = [found != names for found in merged["factors"]]
    return Finding(len(wanted), "eligible portfolios", merged.loc[wrong, KEY])


def coverage_sufficient(engine: sa.Engine, registries: Registries, sessions: list[date]) -> Finding:
    """Betas cover at least 80 % of every portfolio's gross market exposure (error), 95 % (warning)."""
    rows = exposures(engine, sessions)
    rows = rows[rows["factor_name"] == registries.factors.market.name]
    bad = rows.loc[rows["coverage"] < 0.95, [*KEY, "coverage"]]
    return Finding(len(rows), "portfolios", bad, severity=ERROR if (bad["coverage"] < 0.80).any() else WARN)


def no_sudden_change(engine: sa.Engine, registries: Registries, sessions: list[date]) -> Finding:
    """No exposure moves by more than five of its standard errors from one session to the next."""
    span = [CALENDAR.back(sessions[0], 1), *sessions]
    rows = exposures(engine, span).sort_values(["portfolio_id", "factor_name", "session"])
    change = rows.groupby(["portfolio_id", "factor_name"])["exposure"].diff().abs()
    looked = change.notna() & (rows["std_error"] > 0)
    is_bad = looked & (change > 5 * rows["std_error"])
    bad = rows.assign(change=change).loc[is_bad, [*KEY, "factor_name", "exposure", "change"]]
    return Finding(int(looked.sum()), "changes", bad)


exposure_checks = [
    session_check("factor_exposures", ir_beta_present, blocking=True),
    session_check("factor_exposures", factor_set_complete, blocking=True),
    session_check("factor_exposures", coverage_sufficient),
    session_check("factor_exposures", no_sudden_change, severity=WARN),
]
