"""The exchange calendar, the partitions made from it, and when a session is ready to be analysed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, cast
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from .analytics.arrays import Date1D
from .exchange_days import FIRST, SESSIONS_OF_A_YEAR, CalendarError, ExchangeDays, exchange_days

if TYPE_CHECKING:
    import dagster as dg

READY_HOURS = 3
"""A session's partition exists this long after the exchange's latest regular close (rounded up to an hour)."""
EARLIEST_END, LATEST_END = 10, 36
"""Hours of UTC, from a session's midnight on, at which its partition may end: zones are UTC+14 to UTC-12."""
TRY_AFTER = timedelta(minutes=30)
MOST_TRIES = 4
LAST_TRY_TAKES = timedelta(hours=1)
MORNING_TRIES = (time(6, 30), time(7, 30), time(8, 30), time(9, 15))


class NoSessionError(ValueError):
    """A date or range that holds no session of the exchange."""


def written_day(text: object) -> date:
    """Return the day that a text such as ``2026-11-30`` states.

    Raises
    ------
    NoSessionError
        If it states none, or is no text.
    """
    try:
        return date.fromisoformat(text)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise NoSessionError(f"{text!r} is no day: write one such as 2026-11-30") from None


@dataclass(frozen=True)
class SessionCalendar:
    """The sessions of one exchange from ``first_session`` on, as dates and as Dagster partitions.

    Partition keys are exactly the exchange's sessions. A partition's day ends a few hours after the close in
    a zone without daylight saving, so a session can be asked for the same evening and never before its close.
    """

    exchange: str
    first_session: date
    is_ready_next_morning: bool = False
    """Whether the schedule waits for the morning after, for a vendor that publishes overnight."""
    home: Path | None = None
    """Where the exchange's days are kept from one process to the next."""

    @property
    def _days(self) -> ExchangeDays:
        return exchange_days(self.exchange, self.home)

    @cached_property
    def _sessions(self) -> Date1D:
        return self._days.sessions

    @cached_property
    def _partition_end(self) -> int:
        """Hours of UTC from a session's midnight to the end of its partition."""
        return max(math.ceil(self._days.latest_close + READY_HOURS), EARLIEST_END)

    @cached_property
    def partition_timezone(self) -> str:
        """Return the fixed-offset zone whose midnight falls ``READY_HOURS`` after the latest close, or later.

        UTC for New York. (An end offset together with exclusions would make future partitions.)
        """
        return "UTC" if self._partition_end == 24 else f"Etc/GMT{self._partition_end - 24:+d}"

    @property
    def timezone(self) -> str:
        """Return the exchange's own time zone."""
        return self._days.timezone

    @cached_property
    def partitions(self) -> dg.TimeWindowPartitionsDefinition:
        """Return one partition per session, from ``first_session`` on."""
        import dagster as dg

        first = max(self.first_session, self._sessions[0].item())
        weekdays = self._weekdays(first)
        days = pd.date_range(first, self._sessions[-1].item())
        holidays = days[days.day_of_week.isin(weekdays)].difference(pd.DatetimeIndex(self._sessions))
        weekend = [str((day + 1) % 7) for day in range(7) if day not in weekdays]
        return dg.TimeWindowPartitionsDefinition(
            start=first.isoformat(),
            fmt="%Y-%m-%d",
            cron_schedule="0 0 * * *",
            timezone=self.partition_timezone,
            exclusions=[
                *([f"0 0 * * {','.join(sorted(weekend))}"] if weekend else []),
                *(day.to_pydatetime() for day in holidays),
            ],
        )

    def _weekdays(self, first: date) -> list[int]:
        """Return the days of the week (Monday is 0) that have held a session since a day, or will."""
        return sorted({day.weekday() for day in self._sessions[self._row(first) :].tolist()})

    @cached_property
    def _ready_local(self) -> timedelta:
        """How long after a session's local midnight its partition surely exists, on both sides of daylight saving."""
        days = pd.to_datetime(self._sessions[-SESSIONS_OF_A_YEAR:])
        ends = (days + pd.Timedelta(hours=self._partition_end)).tz_localize("UTC").tz_convert(self.timezone)
        return max(ends.tz_localize(None) - days).to_pytimedelta()

    @cached_property
    def runs_next_morning(self) -> bool:
        """Whether the schedule comes the morning after: on request, or since the session ends late in the evening."""
        return self.is_ready_next_morning or self._ready_local + TRY_AFTER >= timedelta(days=1)

    @cached_property
    def evening_tries(self) -> tuple[time, ...]:
        """Return when a session's run is tried, in the exchange's own time zone: hourly until midnight, at most four.

        The first half an hour after the partition surely exists. Or the morning after.
        """
        if self.runs_next_morning:
            return MORNING_TRIES
        ready = (datetime.min + self._ready_local + TRY_AFTER).time()
        return tuple(time(hour, ready.minute) for hour in range(ready.hour, 24))[:MOST_TRIES]

    @cached_property
    def schedule_crons(self) -> list[str]:
        """Return the cron strings of the evening's tries on every weekday of the exchange."""
        later = 2 if self.runs_next_morning else 1
        days = sorted((day + later) % 7 for day in self._weekdays(self._sessions[-SESSIONS_OF_A_YEAR].item()))
        is_stretch = days == list(range(days[0], days[-1] + 1))
        weekdays = f"{days[0]}-{days[-1]}" if is_stretch and len(days) > 2 else ",".join(map(str, days))
        return [f"{try_at.minute} {try_at.hour} * * {weekdays}" for try_at in self.evening_tries]

    def day_of_tick(self, local: date) -> date:
        """Return the day that the schedule looks at on a day of the exchange's own calendar."""
        return local - timedelta(days=1) if self.runs_next_morning else local

    def due_at(self, session: date) -> datetime:
        """Return when a session's run must be done (aware): an hour after the last try of its evening has begun."""
        day = session + timedelta(days=1) if self.runs_next_morning else session
        return datetime.combine(day, self.evening_tries[-1], ZoneInfo(self.timezone)) + LAST_TRY_TAKES

    def last_closed(self, now: datetime) -> date:
        """Return the latest session whose partition exists at ``now`` (an aware datetime).

        Raises
        ------
        NoSessionError
            Where no session has closed yet.
        """
        import dagster as dg

        with dg.partition_loading_context(effective_dt=now):
            key = self.partitions.get_last_partition_key()
        if key is None:
            raise NoSessionError(f"no session of {self.exchange} has closed since {self.first_session}")
        return date.fromisoformat(key)

    def is_session(self, day: date) -> bool:
        """Return whether the exchange opened on the day."""
        return bool((self._sessions == np.datetime64(day)).any())

    def require_session(self, day: date) -> date:
        """Return a day that is a session.

        Raises
        ------
        NoSessionError
            If it is none; names the one before, or where the calendar ends.
        """
        if not self.is_session(day):
            before = self.date_to_session(day)
            raise NoSessionError(f"{day} is no session of {self.exchange}; the one before is {before}")
        return day

    def sessions_in_range(self, first: date, last: date) -> Date1D:
        """Return the sessions from ``first`` to ``last``, both included; also before ``first_session``."""
        low = np.searchsorted(self._sessions, np.datetime64(first), side="left")
        high = np.searchsorted(self._sessions, np.datetime64(last), side="right")
        return self._sessions[low:high]

    def date_to_session(self, day: date) -> date:
        """Return the day if it is a session, else the last session before it.

        Raises
        ------
        NoSessionError
            If the calendar begins later, or ends before.
        """
        if day > self._sessions[-1].item():
            raise NoSessionError(f"the calendar of {self.exchange} ends on {self._sessions[-1]}, before {day}")
        return self._session(self._row(day), f"on or before {day}")

    def next_session(self, session: date) -> date:
        """Return the session after a session.

        Raises
        ------
        NoSessionError
            If ``session`` is none, or the calendar ends with it.
        """
        return self.session_offset(session, 1)

    def session_offset(self, session: date, count: int) -> date:
        """Return the session ``count`` sessions after a session, before it if negative.

        Raises
        ------
        NoSessionError
            If ``session`` is none, or the calendar doesn't reach so far.
        """
        if not self.is_session(session):
            raise NoSessionError(f"{session} is no session of {self.exchange}")
        return self._session(self._row(session) + count, f"{abs(count)} {'after' if count > 0 else 'before'} {session}")

    def look_back_from(self, day: date, count: int) -> date:
        """Return the session ``count`` sessions before a day's, the calendar's first if it has fewer.

        For windows of history, which are as long as there is one. A day that is no session counts as the one before.
        """
        return cast("date", self._sessions[max(self._row(day) - count, 0)].item())

    def _row(self, day: date) -> int:
        """Return the row of the last session up to a day; -1 if there is none."""
        return int(np.searchsorted(self._sessions, np.datetime64(day), side="right")) - 1

    def _session(self, row: int, which: str) -> date:
        if not 0 <= row < len(self._sessions):
            span = f"{self._sessions[0]} to {self._sessions[-1]}"
            raise NoSessionError(f"there is no session {which}: the calendar of {self.exchange} has {span}")
        return cast("date", self._sessions[row].item())

    def index(self, first: date, last: date) -> pd.DatetimeIndex:
        """Return ``sessions_in_range`` as a pandas index."""
        return pd.DatetimeIndex(self.sessions_in_range(first, last).astype("datetime64[s]"), name="session")


@lru_cache
def session_calendar(
    exchange: str, first_session: date = FIRST, *, is_ready_next_morning: bool = False, home: Path | None = None
) -> SessionCalendar:
    """Return the calendar of an exchange by its ISO 10383 code, such as ``XNYS``.

    Raises
    ------
    CalendarError
        If there is no such calendar, or it can't be made; names the remedy.
    """
    calendar = SessionCalendar(exchange, first_session, is_ready_next_morning, home)
    if calendar._partition_end > LATEST_END:
        raise CalendarError(f"{exchange} closes too long after its sessions' dates for a partition a day")
    return calendar
