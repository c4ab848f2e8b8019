"""The sessions of an exchange as exchange_calendars has them, kept in the home for the other processes of a day.

Making a calendar takes a third of a second, which each command would pay. A kept one is used on the day it was made, by
the same versions of the libraries that made it, if its digest is that of its content; anything else in its place is
ignored and replaced.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .analytics.arrays import Date1D

FIRST = date(2000, 1, 3)
"""Of a calendar that begins by then; partitions begin at the first session that a calendar is made with."""
SESSIONS_OF_A_YEAR = 260
FOLDER = "calendars"
TODAY = date.today()
"""When this process began. A calendar ends a year after the day on which its library was loaded."""


class CalendarError(ValueError):
    """An exchange whose calendar is unknown, can't be made or fits no daily partitions; names the remedy."""


@dataclass(frozen=True)
class ExchangeDays:
    """The sessions of an exchange, the time of its latest close of a year and its own time zone.

    ``latest_close`` is in hours of UTC after the midnight that begins the session's date.
    """

    sessions: Date1D
    latest_close: float
    timezone: str


@lru_cache
def exchange_days(exchange: str, home: Path | None = None) -> ExchangeDays:
    """Return the days of an exchange by its ISO 10383 code, such as ``XNYS``; kept in the home, if there is one.

    Raises
    ------
    CalendarError
        If there is no such calendar, or it can't be made; names the remedy.
    """
    if home is None or not re.fullmatch(r"\w+", exchange) or not home.is_dir():
        return _made(exchange)
    days = _kept(exchange, home)
    if days is None:
        days = _made(exchange)
        _keep(exchange, home, days)
    return days


def kept_at(exchange: str, home: Path) -> Path:
    """Return where a home keeps the days of an exchange."""
    return home / FOLDER / f"{exchange}.json"


def is_kept(exchange: str, home: Path) -> bool:
    """Return whether the next process of today finds the days of an exchange in the home."""
    return _kept(exchange, home) is not None


def _kept(exchange: str, home: Path) -> ExchangeDays | None:
    """Return what a home keeps, None if it is not what these libraries would make today."""
    try:
        content = json.loads(kept_at(exchange, home).read_text(encoding="utf-8"))
        days = content["days"]
        if content["made_by"] != _made_by() or content["digest"] != _digest(days):
            return None
        sessions = np.array(days["sessions"], dtype="datetime64[D]")
        sessions.flags.writeable = False
        return ExchangeDays(sessions, float(days["latest_close"]), str(days["timezone"]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _keep(exchange: str, home: Path, made: ExchangeDays) -> None:
    """Put a file in place all at once; where that can't be written, each process makes its own."""
    days = {
        "latest_close": made.latest_close,
        "timezone": made.timezone,
        "sessions": made.sessions.astype(str).tolist(),
    }
    file = kept_at(exchange, home)
    part = file.with_suffix(f".{os.getpid()}")
    with suppress(OSError):
        file.parent.mkdir(exist_ok=True)
        try:
            part.write_text(json.dumps({"made_by": _made_by(), "digest": _digest(days), "days": days}), "utf-8")
            os.replace(part, file)
        finally:
            part.unlink(missing_ok=True)


def _made_by() -> dict[str, str]:
    return {"day": TODAY.isoformat(), **{name: version(name) for name in ("exchange_calendars", "pandas")}}


def _digest(days: Any) -> str:
    return hashlib.sha256(json.dumps(days, sort_keys=True).encode()).hexdigest()


def _made(exchange: str) -> ExchangeDays:
    calendar = _calendar(exchange)
    closes = calendar.schedule["close"].tail(SESSIONS_OF_A_YEAR)
    after = (closes.dt.tz_localize(None) - closes.index) / pd.Timedelta(hours=1)
    return ExchangeDays(calendar.sessions.values.astype("datetime64[D]"), float(after.max()), str(calendar.tz))


def _calendar(exchange: str) -> Any:
    import exchange_calendars as xc

    if exchange not in xc.get_calendar_names(include_aliases=True):
        raise CalendarError(
            f"there is no exchange calendar {exchange!r}; "
            "give a code such as XNYS, XLON or XTKS (`python -m exchange_calendars` lists them)"
        )
    problem = ""
    for start in (FIRST, None):  # some calendars begin later, and say so in words only
        try:
            return xc.get_calendar(exchange, start=start)
        except (ValueError, NotImplementedError) as error:
            problem = str(error)
    raise CalendarError(
        f"exchange_calendars {xc.__version__} can't make the calendar {exchange} ({problem:.80}): "
        "set RISK_PIPELINE_CALENDAR to an exchange with the same sessions"
    )
