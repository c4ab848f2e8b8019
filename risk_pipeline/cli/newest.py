"""The newest session that can be run: the last closed one, or the last with prices where those ended long ago."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from ..defs.partitions import CALENDAR
from ..settings import Settings

LONG_AGO = 10
"""Sessions. Prices that ended fewer sessions ago are late, and a run that lacks them has to fail."""


@dataclass(frozen=True)
class Newest:
    """The newest session that can be run."""

    session: date
    at: datetime
    """A time at which it was the last closed one."""
    prices_end: date | None = None
    """Where prices of the past are run: the last day that they have."""


def newest_session(settings: Settings, now: datetime) -> Newest:
    """Return the last closed session; of price files that ended long ago, the last session that they hold."""
    closed = CALENDAR.last_closed(now)
    end = _end_of_files(settings, closed)
    if end is None or end >= CALENDAR.look_back_from(closed, LONG_AGO) or end < CALENDAR.first_session:
        return Newest(closed, now)
    session = CALENDAR.date_to_session(end)
    zone = ZoneInfo(CALENDAR.partition_timezone)
    return Newest(session, datetime.combine(session + timedelta(1), time(0, 1), zone), end)


def _end_of_files(settings: Settings, closed: date) -> date | None:
    """Return the last day of price files, None of another source; a bar of the future is no end."""
    from ..market.files import FileMarket
    from ..market.open import open_source

    market = settings.market
    source = open_source(market.source, path=market.path, seed=market.seed, key=market.secret)
    return source.last_date(closed) if isinstance(source, FileMarket) else None
