"""Which stored rows were made from other inputs than the present ones: for catching up, for the UI, and for pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

import pandas as pd

from ...reports.freshness import Freshness
from ...risk.staleness import REGISTRY, stale_assets, stale_portfolios
from ...storage.result_inputs import portfolio_fingerprints, session_fingerprints
from ..partitions import CALENDAR
from ..resources import Registries
from .made_from import MadeFrom

if TYPE_CHECKING:
    import sqlalchemy as sa

PAGE_HISTORY = 252
"""Sessions before its own that a page shows."""


def stale_rows(engine: sa.Engine, first: date, last: date, *, code: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Return ``session, asset, why`` of stored rows that were made from other inputs than the present ones."""
    stored = session_fingerprints(engine, first, last)
    if stored.empty:
        return pd.DataFrame({"session": stored["session"], "asset": [], "why": []})
    inputs = MadeFrom(engine, Registries())
    days = sorted(stored["session"].dt.date.unique())
    return stale_assets(inputs.present(days), stored, inputs.registry, code)


def freshness(engine: sa.Engine, sessions: Sequence[date]) -> Freshness:
    """Return what is stale of sorted sessions and of the year before, which their pages show too, by portfolio."""
    first = CALENDAR.look_back_from(sessions[0], PAGE_HISTORY)
    stale = stale_rows(engine, first, sessions[-1])
    days = sorted(stale["session"].dt.date.unique())
    if not days:
        return Freshness()
    stored = portfolio_fingerprints(engine, days)
    by_session: dict[date, dict[str, str]] = {day: {} for day in days}
    for day in stale.loc[stale["why"] == REGISTRY, "session"].dt.date.unique():
        of_day = stored.loc[stored["session"] == pd.Timestamp(day), "portfolio_id"]
        by_session[day] = dict.fromkeys(of_day, REGISTRY)
    found = stale_portfolios(MadeFrom(engine, Registries()).present(days), stored)
    for row in found.itertuples(index=False):
        by_session[row.session.date()][row.portfolio_id] = row.why
    return Freshness(by_session)
