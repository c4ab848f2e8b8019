"""Which sessions to run, and why: the one answer for schedule, command line, doctor, plan and the UI's partitions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pandas as pd

from ...config.factors import load_factors
from ...risk.staleness import BOOK, NEW, stale_portfolios
from ...settings import Settings
from ...storage.completeness import sessions_without_rows, unrecorded_sessions
from ...storage.market_data import newest_session, symbols_with_bars
from ...storage.queries import portfolios, symbol_needs
from ...storage.result_inputs import passed_over, portfolio_fingerprints
from ..assets.made_from import SNAPSHOTS, MadeFrom
from ..assets.stale import stale_rows
from ..partitions import CALENDAR
from ..resources import Registries

if TYPE_CHECKING:
    import sqlalchemy as sa

ABSENT, NOT_RECORDED = "absent", "not recorded"
FREE_TRIES = 4
"""A session without market data is asked for so many times whenever a run comes by, then with growing intervals."""
LONGEST_WAIT = timedelta(days=16)
SLACK = timedelta(hours=6)
"""Evenings are not exactly a day apart."""


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


@dataclass(frozen=True)
class Due:
    """What must be computed, and why.

    ``found`` has ``session, asset, why`` of rows that are absent, not recorded or made from other inputs than the
    present ones. ``run`` are the sessions to run now, ``beyond`` those that are left for later by the bounds,
    ``waiting`` those without market data that are not asked for yet; each sorted.
    """

    found: pd.DataFrame
    run: list[date]
    beyond: list[date]
    waiting: list[date]
    failed: frozenset[date] = frozenset()
    """Sessions of ``run`` whose market data was not there when they were asked for last."""

    @property
    def absent(self) -> list[date]:
        """Sessions to run that lack rows."""
        lacking = {*_days(self.found[self.found["why"] == ABSENT])}
        return [day for day in self.run if day in lacking]

    @property
    def ranges(self) -> list[SessionRange]:
        """The sessions to run as stretches without a hole; one without market data last time is a stretch of its own.

        So it can't fail the others again.
        """
        doubtful = [day for day in self.run if day in self.failed]
        sure = [day for day in self.run if day not in self.failed]
        alone = [SessionRange(day, day) for day in doubtful]
        return sorted([*stretches(sure), *alone], key=lambda stretch: stretch.first)


def stretches(sessions: Iterable[date]) -> list[SessionRange]:
    """Return sorted sessions as ranges of consecutive sessions of the exchange."""
    out: list[SessionRange] = []
    for day in sorted(sessions):
        if out and CALENDAR.next_session(out[-1].last) == day:
            out[-1] = SessionRange(out[-1].first, day)
        else:
            out.append(SessionRange(day, day))
    return out


def described(ranges: Sequence[SessionRange]) -> str:
    """Return ranges in words, the first of many."""
    return ", ".join(map(str, ranges[:4])) + (f" and {len(ranges) - 4} more" if len(ranges) > 4 else "")


def sessions_to_run(engine: sa.Engine, at: datetime) -> list[SessionRange]:
    """Return the sessions to run at a time, as stretches, oldest first; empty where nothing is due."""
    return due(engine, at).ranges


def due(engine: sa.Engine, at: datetime, *, code: Mapping[str, str] | None = None) -> Due:
    """Return which sessions are absent, or made from other inputs than the present ones, and which of them to run.

    Judged from the tables and never from a record of runs. Absent (or without a record of their inputs) is looked
    for among the last ``RISK_PIPELINE_CATCH_UP_SESSIONS``. Results from another book, other prices or other
    registries are found at any age; of them the oldest ``RISK_PIPELINE_STALE_SESSIONS`` are run at once, the others
    lie beyond. Another code makes nothing stale, unless ``code`` gives the present versions by asset; then there is
    no bound. Without any portfolio the last closed session is run, so that definitions and proxies are there when
    the first one is imported.
    """
    settings = Settings()
    last = CALENDAR.last_closed(at)
    if portfolios(engine).empty:
        return Due(_no_findings(), [last], [], [])
    first = max(CALENDAR.look_back_from(last, settings.catch_up_sessions - 1), CALENDAR.first_session)
    window = CALENDAR.sessions_in_range(first, last).tolist()
    absent = absent_rows(engine, window)
    waiting = _waiting(engine, at) & {*_days(absent)}
    stale = stale_rows(engine, CALENDAR.first_session, last, code=code)
    lacking = {*_days(absent)} - waiting
    old = sorted({*_days(stale)} - lacking - waiting)
    bound = len(old) if code is not None else settings.stale_sessions
    return Due(
        found=pd.concat([absent, stale], ignore_index=True),
        run=sorted(lacking | {*old[:bound]}),
        beyond=old[bound:],
        waiting=sorted(waiting),
        failed=frozenset(_without_data(engine)),
    )


def absent_rows(engine: sa.Engine, sessions: Sequence[date]) -> pd.DataFrame:
    """Return ``session, asset, why`` of sorted sessions that lack rows, or the record of what they were made from."""
    lost = sessions_without_rows(engine, sessions)
    rows = [(day, asset, ABSENT) for asset, days in lost.items() for day in days]
    rows += [(day, SNAPSHOTS, NOT_RECORDED) for day in unrecorded_sessions(engine, sessions)]
    return _findings(rows)


def changed_portfolios(engine: sa.Engine, at: datetime) -> pd.DataFrame:
    """Return ``portfolio_id, sessions, first``: of how many stored sessions a portfolio's book changed, and since when.

    What an import says right after it stored its rows.
    """
    days = sorted({*_days(stale_rows(engine, CALENDAR.first_session, CALENDAR.last_closed(at)))})
    if not days:
        return pd.DataFrame(columns=["portfolio_id", "sessions", "first"])
    found = stale_portfolios(MadeFrom(engine, Registries()).present(days), portfolio_fingerprints(engine, days))
    changed = found[found["why"].isin([BOOK, NEW])]
    return changed.groupby("portfolio_id")["session"].agg(sessions="count", first="min").reset_index()


def _waiting(engine: sa.Engine, at: datetime) -> set[date]:
    """Return the sessions without market data that are not to be asked for yet."""
    return {
        day
        for day, (tries, asked_at) in _without_data(engine).items()
        if tries >= FREE_TRIES and at < asked_at.replace(tzinfo=UTC) + wait_after(tries)
    }


def _without_data(engine: sa.Engine) -> dict[date, tuple[int, datetime]]:
    """Return tries and last try of the sessions that had no market data and have none yet, nor any later session."""
    newest = newest_session(engine)
    passed = passed_over(engine)
    return {day: (tries, at) for day, (tries, at, _) in passed.items() if newest is None or day > newest}


def wait_after(tries: int) -> timedelta:
    """Return how long a session without market data is left alone after so many tries."""
    if tries < FREE_TRIES:
        return timedelta()
    return min(timedelta(days=1) * 2 ** (tries - FREE_TRIES), LONGEST_WAIT) - SLACK


def _findings(rows: list[tuple[date, str, str]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["session", "asset", "why"])
    return frame.assign(session=pd.to_datetime(frame["session"]).astype("datetime64[s]"))


def _no_findings() -> pd.DataFrame:
    return _findings([])


def _days(found: pd.DataFrame) -> list[date]:
    return list(found["session"].dt.date.unique())


def without_todays_price(engine: sa.Engine, session: date) -> list[str]:
    """Return the symbols in use that had a price on the session before but have none on this one.

    Their data is late, or they were delisted today; one that has had none for longer is no news.
    """
    before, today = symbols_with_bars(engine, [CALENDAR.look_back_from(session, 1), session])
    needs = symbol_needs(engine, session, session)
    held = needs.loc[needs["active_from"].notna(), "symbol"]
    return sorted(({*held, *load_factors().proxies} & before) - today)
