"""Checks of market data and of the price panel."""

from datetime import date
from typing import TYPE_CHECKING

import dagster as dg
import numpy as np
import pandas as pd

from ..assets.common import CALENDAR
from ..assets.look_back import look_back, required_history
from ..resources import Database, PriceCache, Registries
from ..storage.check_queries import bars, stored_proxies
from .common import WARN, Finding, checked_sessions, evaluate, session_check

if TYPE_CHECKING:
    import sqlalchemy as sa

STALE_RUN = 5
JUMP = 8.0
HISTORY = 63


def proxies_complete(engine: "sa.Engine", registries: Registries, sessions: list[date]) -> Finding:
    """The market's and the rates' proxies have a price on every session: without one nothing can be analysed."""
    required = registries.factors.required_proxies
    stored = stored_proxies(engine, sessions, required)
    there = set(zip(stored["session"].dt.date, stored["symbol"], strict=True))
    bad = [{"session": day, "symbol": symbol} for day in sessions for symbol in required if (day, symbol) not in there]
    return Finding(len(sessions) * len(required), "proxy prices", pd.DataFrame(bad, columns=["session", "symbol"]))


def symbols_covered(engine: "sa.Engine", registries: Registries, sessions: list[date]) -> Finding:
    """Every symbol held on the last session of the run has a price on it."""
    from ..storage.queries import symbol_needs

    last = sessions[-1]
    needs = symbol_needs(engine, last, last)
    held = needs.loc[needs["active_from"].notna(), "symbol"].tolist()
    stored = set(stored_proxies(engine, [last], held)["symbol"])
    missing = [symbol for symbol in held if symbol not in stored]
    return Finding(len(held), f"symbols held on {last}", pd.DataFrame({"session": str(last), "symbol": missing}))


def no_stale_prices(engine: "sa.Engine", registries: Registries, sessions: list[date]) -> Finding:
    """No symbol closes at the same price on five sessions in a row up to a session of the run."""
    rows = bars(engine, CALENDAR.back(sessions[0], STALE_RUN), sessions[-1])
    same = rows.groupby("symbol")["close"].diff().eq(0)
    run = same.groupby([rows["symbol"], (~same).cumsum()]).cumsum()
    inside = rows["session"] >= pd.Timestamp(sessions[0])
    bad = rows.loc[inside & (run >= STALE_RUN - 1), ["session", "symbol", "close"]]
    return Finding(int(inside.sum()), "bars", bad)


def no_unexplained_jumps(engine: "sa.Engine", registries: Registries, sessions: list[date]) -> Finding:
    """No return beyond eight robust standard deviations of the symbol's last quarter without a corporate action."""
    rows = bars(engine, CALENDAR.back(sessions[0], HISTORY), sessions[-1])
    change = np.log(rows["close"] * rows["split_factor"]).sub(np.log(rows.groupby("symbol")["close"].shift()))
    by_symbol = change.groupby(rows["symbol"])
    spread = 1.4826 * (change - by_symbol.transform("median")).abs().groupby(rows["symbol"]).transform("median")
    inside = (rows["session"] >= pd.Timestamp(sessions[0])) & change.notna()
    jump = inside & (spread > 0) & (change.abs() > JUMP * spread)
    plain = (rows["dividend"] == 0) & (rows["split_factor"] == 1)
    bad = rows.assign(move=change).loc[jump & plain, ["session", "symbol", "move"]]
    return Finding(int(inside.sum()), "returns", bad)


def bars_on_sessions_only(engine: "sa.Engine", registries: Registries, sessions: list[date]) -> Finding:
    """No bar is stored for a day on which the exchange was closed."""
    rows = bars(engine, sessions[0], sessions[-1])[["session", "symbol"]]
    open_days = CALENDAR.between(sessions[0], sessions[-1]).astype("datetime64[s]")
    return Finding(len(rows), "bars", rows[~rows["session"].isin(open_days)])


market_checks = [
    session_check("market_data", proxies_complete, blocking=True),
    session_check("market_data", symbols_covered, severity=WARN),
    session_check("market_data", no_stale_prices, severity=WARN),
    session_check("market_data", no_unexplained_jumps, severity=WARN),
    session_check("market_data", bars_on_sessions_only),
]


@dg.asset_check(asset="price_cache", blocking=True)
def covers_look_back(
    context: dg.AssetCheckExecutionContext, db: Database, cache: PriceCache, registries: Registries
) -> dg.AssetCheckResult:
    """The panel holds every session of the run, its prices, and the longest look-back before the first."""
    sessions = checked_sessions(context, db)
    needed = required_history(db, registries, sessions)
    start = CALENDAR.back(sessions[0], look_back(registries))
    bad = []
    for panel, days in cache.panels(db, sessions):
        places = {day: at for at, day in enumerate(panel.dates.tolist())}
        proxies = [panel.symbols.index(s) for s in registries.factors.required_proxies if s in panel.symbols]
        for day in days:
            if day not in places:
                bad.append({"session": day, "problem": "is not in the panel"})
            elif not proxies or np.isnan(panel.close[places[day], proxies]).any():
                bad.append({"session": day, "problem": "has no proxy price in the panel"})
        if panel.dates[0] > np.datetime64(start):
            bad.append({"session": days[0], "problem": f"the panel starts at {panel.dates[0]}, after {start}"})
        missing = sorted(set(needed["symbol"]) - set(panel.symbols))
        if missing and len(cache.panels(db, sessions)) == 1:
            bad.append({"session": days[0], "problem": f"lacks {', '.join(missing[:5])}"})
    return evaluate(Finding(len(sessions), "sessions", pd.DataFrame(bad)), dg.AssetCheckSeverity.ERROR)


@dg.asset_check(asset="price_cache")
def hash_matches_content(
    context: dg.AssetCheckExecutionContext, db: Database, cache: PriceCache
) -> dg.AssetCheckResult:
    """Each panel's content is what its name says."""
    panels = cache.panels(db, checked_sessions(context, db))
    bad = [
        {"session": days[0], "panel": name}
        for (panel, days), name in zip(panels, cache.hashes(db, panels), strict=True)
        if panel.content_hash() != name
    ]
    return evaluate(Finding(len(panels), "panels", pd.DataFrame(bad)), dg.AssetCheckSeverity.ERROR)
