"""Checks of the price panels that the analytics read."""

from collections.abc import Iterator
from datetime import date

import dagster as dg
import numpy as np
import pandas as pd

from ...risk.lookback import look_back
from ..assets.inputs import history_needed
from ..partitions import CALENDAR
from ..resources import Database, PriceCache, Registries
from .common import Check, Event, Finding, checked_sessions, events, materialisations, naming_failures, selected
from .market import will_not_come


def covers_look_back(db: Database, cache: PriceCache, registries: Registries, sessions: list[date]) -> Finding:
    """The panel holds every session of the run, its prices, and the longest look-back before the first."""
    needed = history_needed(db, registries, sessions)
    start = CALENDAR.look_back_from(sessions[0], look_back(registries))
    panels = cache.panels(db, sessions)
    bad = []
    for panel, days in panels:
        places = {day: index for index, day in enumerate(panel.dates.tolist())}
        proxies = [panel.symbols.index(s) for s in registries.factors.required_proxies if s in panel.symbols]
        for day in days:
            if day not in places:
                bad.append({"session": day, "problem": "is not in the panel"})
            elif not proxies or np.isnan(panel.close[places[day], proxies]).any():
                absent = [panel.symbols[index] for index in proxies if np.isnan(panel.close[places[day], index])]
                excused = bool(absent) and will_not_come(db.engine, day, absent)
                bad.append({"session": day, "problem": "has no proxy price in the panel", "excused": excused})
        if panel.dates[0] > np.datetime64(start):
            bad.append({"session": days[0], "problem": f"the panel starts at {panel.dates[0]}, after {start}"})
        missing = sorted(set(needed["symbol"]) - set(panel.symbols))
        if missing and len(panels) == 1:
            bad.append({"session": days[0], "problem": f"lacks {', '.join(missing[:5])}"})
    problems = pd.DataFrame(bad, columns=["session", "problem", "excused"])
    return Finding.by_session(pd.Series(sessions), "sessions", problems.assign(excused=problems["excused"].eq(True)))


def hash_matches_content(db: Database, cache: PriceCache, _: Registries, sessions: list[date]) -> Finding:
    """Each panel's content is what its name says."""
    panels = cache.panels(db, sessions)
    bad = [
        {"session": days[0], "panel": cache.hash_of(panel)}
        for panel, days in panels
        if panel.content_hash() != cache.hash_of(panel)
    ]
    return Finding(len(panels), "panels", pd.DataFrame(bad))


PANEL_CHECKS = (
    Check(
        covers_look_back,
        "Materialise market_data and price_cache for these sessions.",
        blocking=True,
    ),
    Check(
        hash_matches_content,
        "Materialise price_cache for these sessions: a damaged panel is replaced.",
    ),
)


@dg.multi_asset_check(
    name="checks_of_price_cache",
    specs=[check.spec("price_cache", CALENDAR.partitions) for check in PANEL_CHECKS],
    can_subset=True,
)
@naming_failures(PANEL_CHECKS)
def panel_checks(
    context: dg.AssetCheckExecutionContext, db: Database, cache: PriceCache, registries: Registries
) -> Iterator[Event]:
    """Evaluate the checks of the panels; as `session_checks`, but these look at files."""
    sessions = checked_sessions(context, db)
    newest = materialisations(context, "price_cache", sessions)
    for check in selected(context, PANEL_CHECKS):
        yield from events("price_cache", check, check.find(db, cache, registries, sessions), sessions, newest)
