"""Which sessions to run: the one answer for the schedule and the command line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from ...settings import Settings
from ..partitions import CALENDAR

if TYPE_CHECKING:
    import sqlalchemy as sa


def now() -> datetime:
    """Return the time; only this room reads the clock."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class SessionRange:
    """Sessions from ``first`` to ``last``, both included."""

    first: date
    last: date

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first} to {self.last}"


def sessions_to_run(engine: sa.Engine, at: datetime) -> SessionRange | None:
    """Return the range from the first session that lacks a complete snapshot to the last closed one.

    A session lacks one if any portfolio active on it has no complete row, or the analytics that it was made
    from are gone, judged from the tables and never from a record of runs: deleting rows makes their session
    missing again. The look-back is
    ``RISK_PIPELINE_CATCH_UP_SESSIONS``. Without any portfolio the last closed session is run, so that
    definitions and proxies are there when the first one is imported.

    Returns
    -------
    SessionRange or None
        None where nothing is missing.
    """
    from ...storage.completeness import incomplete_sessions
    from ...storage.queries import portfolios

    last = CALENDAR.last_closed(at)
    if portfolios(engine).empty:
        return SessionRange(last, last)
    first = max(CALENDAR.look_back_from(last, Settings().catch_up_sessions - 1), CALENDAR.first_session)
    missing = incomplete_sessions(engine, CALENDAR.sessions_in_range(first, last).tolist())
    return SessionRange(missing[0], last) if missing else None


def without_todays_price(engine: sa.Engine, session: date) -> list[str]:
    """Return the symbols in use that had a price on the session before but have none on this one.

    Their data is late, or they were delisted today; one that has had none for longer is no news.
    """
    from ...config.factors import load_factors
    from ...storage.market_data import symbols_with_bars
    from ...storage.queries import symbol_needs

    before, today = symbols_with_bars(engine, [CALENDAR.look_back_from(session, 1), session])
    needs = symbol_needs(engine, session, session)
    held = needs.loc[needs["active_from"].notna(), "symbol"]
    return sorted(({*held, *load_factors().proxies} & before) - today)
