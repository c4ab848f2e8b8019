"""Portfolios that lack numbers for a known reason: which symbols, why, and what to do. All others are complete.

The check of IR Beta, the terminal, the pages and the alert all say what is found here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..analytics.reasons import Reason
from ..analytics.returns import STALE_RUN
from ..config.factors import FactorRegistry
from ..settings import Settings
from ..storage.check_queries import exposures, skipped
from ..storage.price_panel import build_panel
from ..storage.queries import lots, portfolios, read_table
from ..storage.shared_reads import shared
from ..symbols import priced_symbols
from .refusals import refusals_of

if TYPE_CHECKING:
    import sqlalchemy as sa

KEY = ["session", "portfolio_id"]
TOO_FEW = (
    "check the spelling of the symbols; a new listing gets its betas when it has prices enough on sessions running; "
    "what never moves is held as cash"
)
ENOUGH = "prices are there: run the session again, and report it if it stays"
MOST_SYMBOLS = 5


@dataclass(frozen=True)
class Quarantined:
    """A portfolio without some or all of its numbers on a session; ``is_known`` where the reason explains it."""

    session: date
    portfolio_id: str
    symbols: str
    reason: str
    remedy: str
    is_known: bool = True

    def __str__(self) -> str:
        return f"{self.portfolio_id}: {self.symbols}: {self.reason}. Remedy: {self.remedy}"


@shared
def eligible(engine: sa.Engine, sessions: Sequence[date]) -> pd.DataFrame:
    """Return ``session, portfolio_id`` of active portfolios that were not skipped with a reason."""
    known, days = portfolios(engine), pd.DataFrame({"session": np.array(list(sessions), dtype="datetime64[s]")})
    both = days.merge(known[["portfolio_id", "inception_date", "closed_date"]], how="cross")
    is_open = (both["inception_date"] <= both["session"]) & ~(both["closed_date"] <= both["session"])
    active = both.loc[is_open, KEY]
    out = skipped(engine, sessions, "factor_exposures")[KEY].assign(is_skipped=True)
    merged = active.merge(out, on=KEY, how="left")
    return merged.loc[merged["is_skipped"].isna(), KEY]


def without_betas(
    engine: sa.Engine, factors: FactorRegistry, sessions: Sequence[date], among: pd.DataFrame | None = None
) -> list[Quarantined]:
    """Return the portfolios that have no IR Beta: of the eligible ones with a row of it, or ``among`` others.

    One without a row was removed since, or never run.
    """
    stored = exposures(engine, sessions, factors.rates.name)
    rows = stored.dropna(subset=["dollar_exposure"])
    known = eligible(engine, sessions).merge(stored[KEY], on=KEY) if among is None else among
    merged = known.merge(rows[KEY].assign(there=True), on=KEY, how="left")
    empty = merged[merged["there"].isna()].sort_values(KEY)
    out: list[Quarantined] = []
    for session, named in empty.groupby("session"):
        day = session.date()
        counts = _counts(engine, factors.rates.window, day, named["portfolio_id"].tolist())
        for name in named["portfolio_id"]:
            own = counts[counts["portfolio_id"] == name]
            is_known = bool(len(own)) and bool((own["returns"] < factors.rates.min_observations).all())
            listed = [_counted(*row) for row in own[["symbol", "prices", "returns"]].to_numpy()]
            more = f" and {len(listed) - MOST_SYMBOLS} more" if len(listed) > MOST_SYMBOLS else ""
            out.append(
                Quarantined(
                    session=day,
                    portfolio_id=name,
                    symbols=", ".join(listed[:MOST_SYMBOLS]) + more,
                    reason=Reason.TOO_SHORT.explain() if is_known else f"there is no {factors.rates.name}",
                    remedy=TOO_FEW if is_known else ENOUGH,
                    is_known=is_known,
                )
            )
    return out


def quarantined(engine: sa.Engine, factors: FactorRegistry, sessions: Sequence[date]) -> list[Quarantined]:
    """Return the portfolios that could not be valued, and those without betas, of consecutive sessions."""
    if not len(sessions):
        return []
    skips = read_table(engine, "analytics_skips", first=sessions[0], last=sessions[-1])
    refused = [
        Quarantined(
            session=refusal.session,
            portfolio_id=refusal.id,
            symbols="; ".join(refusal.found) or "not valued",
            reason=refusal.why,
            remedy=refusal.remedies[0].removesuffix("."),
        )
        for refusal in refusals_of(skips, {})
    ]
    return refused + without_betas(engine, factors, sessions)


def _counts(engine: sa.Engine, window: int, session: date, names: Sequence[str]) -> pd.DataFrame:
    """Return ``portfolio_id, symbol, prices, returns``: of the priced symbols that portfolios hold, in a window.

    A return needs prices on two sessions running that are not carried forward.
    """
    held = lots(engine, session)
    ends = held["exit_date"].fillna(held["expiry"])
    held = held[held["portfolio_id"].isin(list(names)) & ~(ends <= pd.Timestamp(session))]
    symbols = [(name, symbol) for name, own in held.groupby("portfolio_id") for symbol in priced_symbols(own)]
    frame = pd.DataFrame(symbols, columns=["portfolio_id", "symbol"])
    if frame.empty:
        return frame.assign(prices=0, returns=0)
    calendar = Settings().sessions
    dates = calendar.sessions_in_range(calendar.look_back_from(session, window + STALE_RUN), session)
    panel = build_panel(engine, dates, frame["symbol"].unique().tolist())
    known = {"prices": ~np.isnan(panel.close[-window - 1 :]), "returns": ~np.isnan(panel.returns[-window:])}
    of_symbols = pd.DataFrame({name: cells.sum(axis=0) for name, cells in known.items()}, index=list(panel.symbols))
    return frame.join(of_symbols, on="symbol")


def _counted(symbol: str, prices: int, returns: int) -> str:
    """Return a symbol with its prices; of one with gaps the returns too."""
    return f"{symbol} ({prices} prices{f', {returns} returns' if returns < prices - 1 else ''})"
