"""Checks of market data."""

from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ...analytics.returns import STALE_RUN
from ...reports.unpriced import Unpriced, unpriced_on
from ...settings import Settings
from ...storage.check_queries import bars, newest_bars, quarantined, stored_proxies
from ...storage.queries import profiles, symbol_needs
from ..partitions import CALENDAR
from ..resources import Registries
from .common import WARN, Check, Finding, session_checks

if TYPE_CHECKING:
    import sqlalchemy as sa

JUMP = 8.0
"""Standard deviations beyond which a return needs an explanation."""
JUMP_FLOOR = 0.02
"""No smaller move is doubted: the deviations of a fund of Treasury bills are of a hundredth of a per cent."""
QUARTER, YEAR = 63, 252
LEAST_RETURNS, LEAST_IN_SECTOR = 21, 4


def proxies_complete(engine: "sa.Engine", registries: Registries, sessions: list[date]) -> Finding:
    """The market's and the rates' proxies have a price on every session, or none will come.

    Where their own exchange is closed, or they have prices of later sessions, the windows up to the last price stand
    and the check warns. Otherwise the price may still come: nothing is analysed without it.
    """
    required = registries.factors.required_proxies
    stored = stored_proxies(engine, sessions, required)
    present = set(zip(stored["session"].dt.date, stored["symbol"], strict=True))
    absent = [(day, symbol) for day in sessions for symbol in required if (day, symbol) not in present]
    looked_at = pd.Series([day for day in sessions for _ in required])
    bad = pd.DataFrame(absent, columns=["session", "symbol"])
    excused = [will_not_come(engine, day, [symbol]) for day, symbol in absent]
    return Finding.by_session(looked_at, "proxy prices", bad.assign(excused=pd.Series(excused, dtype=bool)))


def will_not_come(engine: "sa.Engine", session: date, symbols: list[str]) -> bool:
    """Return whether it is no use to wait for the proxies' prices of a session."""
    if not Settings().proxy_sessions.is_session(session):
        return True
    newest = newest_bars(engine, symbols)
    return all(symbol in newest and session < newest[symbol] for symbol in symbols)


def symbols_covered(engine: "sa.Engine", registries: Registries, sessions: list[date]) -> Finding:
    """Every symbol has a price on each session of the run on which it is held."""
    needs = symbol_needs(engine, sessions[0], sessions[-1]).dropna(subset=["active_from"])
    days = pd.DataFrame({"session": np.array(sessions, dtype="datetime64[s]")})
    held = days.merge(needs, how="cross")
    since, until = (pd.to_datetime(held[name]) for name in ("active_from", "last_held"))
    held = held.loc[(since <= held["session"]) & (held["session"] <= until), ["session", "symbol"]]
    stored = stored_proxies(engine, sessions, needs["symbol"].tolist()).assign(there=True)
    covered = held.merge(stored, on=["session", "symbol"], how="left")
    bad = covered.loc[covered["there"].isna(), ["session", "symbol"]]
    return Finding(len(held), "prices of symbols held", _with_owners(engine, bad))


def _with_owners(engine: "sa.Engine", bad: pd.DataFrame) -> pd.DataFrame:
    """Return rows of symbols without a price, with who holds them and why, of the last session of each."""
    found: dict[str, Unpriced] = {}
    for day in sorted(set(bad.groupby("symbol")["session"].max().dt.date)) if len(bad) else []:
        found |= {row.symbol: row for row in unpriced_on(engine, day)}
    known = [found.get(symbol) for symbol in bad["symbol"]]
    return bad.assign(
        held_by=[row.owners if row else "" for row in known],
        reason=[row.reason if row else "no price" for row in known],
        remedy=[row.remedy if row else "" for row in known],
    )


def no_stale_prices(engine: "sa.Engine", registries: Registries, sessions: list[date]) -> Finding:
    """No symbol closes at the same price on five sessions in a row up to a session of the run."""
    rows = bars(engine, CALENDAR.look_back_from(sessions[0], STALE_RUN), sessions[-1])
    same = rows.groupby("symbol")["close"].diff().eq(0)
    run = same.groupby([rows["symbol"], (~same).cumsum()]).cumsum()
    inside = rows["session"] >= pd.Timestamp(sessions[0])
    bad = rows.loc[inside & (run >= STALE_RUN - 1), ["session", "symbol", "close"]]
    return Finding(int(inside.sum()), "bars", bad)


def no_unexplained_jumps(engine: "sa.Engine", registries: Registries, sessions: list[date]) -> Finding:
    """No return without a corporate action is far from zero, from the market's and from the median of its sector's.

    Far is beyond eight standard deviations of the symbol's returns before, the robust one of a quarter and the plain
    one of a year, which knows of earlier days of results; and beyond two per cent.
    """
    rows = bars(engine, CALENDAR.look_back_from(sessions[0], YEAR), sessions[-1])
    close, split, dividend = (rows[name].to_numpy(dtype=float) for name in ("close", "split_factor", "dividend"))
    column, symbols = pd.factorize(rows["symbol"])
    days, row = np.unique(rows["session"].to_numpy(), return_inverse=True)
    before = np.where(np.diff(column, prepend=-1) == 0, np.roll(close, 1), np.nan)
    moves, is_plain = np.full((len(days), len(symbols)), np.nan), np.zeros((len(days), len(symbols)), dtype=bool)
    moves[row, column] = np.log(close * split) - np.log(before)
    is_plain[row, column] = (dividend == 0) & (split == 1)
    first = int(np.searchsorted(days, np.datetime64(sessions[0])))
    judged = moves[first:]  # none of a session that was given up
    limit = [_limit(moves[max(day - YEAR, 0) : day]) for day in range(first, len(days))]
    market = np.nan_to_num(judged[:, symbols == registries.factors.market.proxy]).sum(axis=1, keepdims=True)
    sector = _sector_moves(engine, judged, symbols, sessions[-1])
    far = np.minimum.reduce([np.abs(judged), np.abs(judged - market), np.abs(judged - sector)])
    day, symbol = np.nonzero((far > np.reshape(limit, judged.shape)) & is_plain[first:])
    jumps = {"session": days[first:][day], "symbol": symbols[symbol], "move": judged[day, symbol]}
    return Finding(int((~np.isnan(judged)).sum()), "returns", pd.DataFrame(jumps))


def _limit(before: np.ndarray) -> np.ndarray:
    """Return how far a return may lie after those before it, (sessions, symbols); NaN with fewer than 21."""
    enough = (~np.isnan(before)).sum(axis=0) >= LEAST_RETURNS
    out = np.full(len(enough), np.nan)
    if enough.any():
        known = before[:, enough]
        quarter = known[-QUARTER:]
        robust = 1.4826 * _medians(np.abs(quarter - _medians(quarter)))
        out[enough] = np.maximum(JUMP * np.fmax(robust, np.nanstd(known, axis=0, ddof=1)), JUMP_FLOOR)
    return out


def _medians(values: np.ndarray) -> np.ndarray:
    """Return the median of each column without its gaps; the few that have some take NumPy ten times as long.

    NaN of a column without any value, and no warning: to catch one is nothing for threads.
    """
    is_known = ~np.isnan(values)
    whole = is_known.all(axis=0)
    partly = is_known.any(axis=0) & ~whole
    out = np.full(values.shape[1], np.nan)
    if whole.any():
        out[whole] = np.median(values[:, whole], axis=0)
    if partly.any():
        out[partly] = np.nanmedian(values[:, partly], axis=0)
    return out


def _sector_moves(engine: "sa.Engine", moves: np.ndarray, symbols: pd.Index, last: date) -> np.ndarray:
    """Return the median move of each symbol's sector by session; zero where it has few symbols."""
    known = profiles(engine, last).dropna(subset=["sector"]).groupby("symbol")["sector"].last()
    sectors = known.reindex(symbols).to_numpy(dtype=object, na_value=None)
    out = np.zeros(moves.shape)
    for sector in set(sectors) - {None}:
        members = sectors == sector
        enough = (~np.isnan(moves[:, members])).sum(axis=1) >= LEAST_IN_SECTOR
        out[np.ix_(enough, members)] = np.nanmedian(moves[np.ix_(enough, members)], axis=1)[:, None]
    return out


def units_kept(engine: "sa.Engine", registries: Registries, sessions: list[date]) -> Finding:
    """No series switched its unit, from pence to pounds or back: such bars are quarantined and count as gaps."""
    rows = quarantined(engine, sessions)
    return Finding(len(bars(engine, sessions[0], sessions[-1])) + len(rows), "bars", rows)


def bars_on_sessions_only(engine: "sa.Engine", registries: Registries, sessions: list[date]) -> Finding:
    """No bar is stored for a day on which the exchange was closed."""
    rows = bars(engine, sessions[0], sessions[-1])[["session", "symbol"]]
    open_days = CALENDAR.sessions_in_range(sessions[0], sessions[-1]).astype("datetime64[s]")
    return Finding(len(rows), "bars", rows[~rows["session"].isin(open_days)])


market_checks = session_checks(
    "market_data",
    Check(
        proxies_complete,
        "Wait until the source has the price, or add it to your files; then run these sessions again.",
        blocking=True,
    ),
    Check(
        symbols_covered,
        "Run these sessions again once the source has the price. If the ticker was changed, import the "
        "change; if it was delisted, give its lots an exit.",
        severity=WARN,
    ),
    Check(
        no_stale_prices,
        "Compare with another source. A symbol that no longer trades needs an exit, or a mark as a private asset.",
        severity=WARN,
    ),
    Check(
        no_unexplained_jumps,
        "Compare with another source. If a split or dividend is missing there, correct it and run again with "
        "fetch_history_again.",
        severity=WARN,
    ),
    Check(
        units_kept,
        "The source's currency unit changed: correct it there or wait; what is quarantined is in quarantined_bars.",
    ),
    Check(
        bars_on_sessions_only,
        "Correct the dates in the source, delete these bars, run the sessions again.",
    ),
)
