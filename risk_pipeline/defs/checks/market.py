"""Checks of market data."""

from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ...storage.check_queries import bars, stored_proxies
from ..partitions import CALENDAR
from ..resources import Registries
from .common import WARN, Check, Finding, session_checks

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
    looked_at = pd.Series([day for day in sessions for _ in required])
    return Finding.by_session(looked_at, "proxy prices", pd.DataFrame(bad, columns=["session", "symbol"]))


def symbols_covered(engine: "sa.Engine", registries: Registries, sessions: list[date]) -> Finding:
    """Every symbol has a price on each session of the run on which it is held."""
    from ...storage.queries import symbol_needs

    needs = symbol_needs(engine, sessions[0], sessions[-1]).dropna(subset=["active_from"])
    days = pd.DataFrame({"session": np.array(sessions, dtype="datetime64[s]")})
    held = days.merge(needs, how="cross")
    since, until = (pd.to_datetime(held[name]) for name in ("active_from", "last_held"))
    held = held.loc[(since <= held["session"]) & (held["session"] <= until), ["session", "symbol"]]
    stored = stored_proxies(engine, sessions, needs["symbol"].tolist()).assign(there=True)
    found = held.merge(stored, on=["session", "symbol"], how="left")
    return Finding(len(held), "prices of symbols held", found.loc[found["there"].isna(), ["session", "symbol"]])


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


market_checks = session_checks(
    "market_data",
    Check(proxies_complete, blocking=True),
    Check(symbols_covered, severity=WARN),
    Check(no_stale_prices, severity=WARN),
    Check(no_unexplained_jumps, severity=WARN),
    Check(bars_on_sessions_only),
)
