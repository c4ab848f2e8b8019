"""The examinations of ``risk-pipeline doctor``; each finding says what to do."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from ..dagster_ext.instance import open_instance
from ..defs.automation.catch_up import described, due, now, stretches
from ..defs.partitions import CALENDAR
from ..exchange_days import exchange_days, is_kept, kept_at
from ..market.source import SourceError
from ..reports.unpriced import unpriced_on
from ..settings import ENV_FILE, Settings
from ..storage.check_queries import unvalued
from ..storage.coverage import newest_coverage
from ..storage.database import place_of
from ..storage.errors import StorageError
from ..storage.probe import probe
from ..storage.queries import earliest_session, group_ids, latest_session, portfolios, read_table
from ..storage.read_only import is_read_only
from .diagnosis import Diagnosis
from .instance import examine_instance
from .newest import Newest, newest_session
from .places import examine_history, examine_places
from .terminal import existing_database

if TYPE_CHECKING:
    import sqlalchemy as sa

NAMED = 10
"""Symbols without a price that are named."""


def examine() -> Iterator[Diagnosis]:
    """Examine settings, places, database, calendar, portfolios, source, coverage and stuck runs.

    Without a database that answers what it holds is not looked at. One that this user can only read is no fault.
    """
    settings = Settings()
    yield _settings(settings)
    yield from examine_places(settings)
    instance, opens = examine_instance()
    yield instance
    if opens:
        yield examine_history()
    with ExitStack() as stack:
        try:
            engine = stack.enter_context(existing_database())
            finding = _database(engine)
        except StorageError as error:
            finding = Diagnosis("database", False, str(error))
        yield finding
        if finding.is_fine:
            yield from _examine_contents(engine, settings, opens)


def _examine_contents(engine: sa.Engine, settings: Settings, opens: bool) -> Iterator[Diagnosis]:
    last = CALENDAR.last_closed(now())
    yield _calendar(settings, last)
    yield _portfolios(engine)
    try:
        newest = newest_session(settings, now())
    except SourceError as error:
        yield Diagnosis("source", False, str(error))
        newest = Newest(last, now())
    else:
        yield _source(settings, newest)
    if settings.panel_location[1] is not None:
        yield _panel_store(settings)
    yield _missing(engine, newest)
    yield _refused(engine)
    yield _unpriced(engine)
    yield _coverage(engine)
    if opens:
        yield _stuck_runs(engine)


def _database(engine: sa.Engine) -> Diagnosis:
    text = f"{engine.dialect.name}, schema up to date"
    if is_read_only(engine):
        return Diagnosis("database", True, f"{text}, can be read; this user may not write it, its owner runs sessions")
    probe(engine)
    return Diagnosis("database", True, f"{text}, can be written")


def _settings(settings: Settings) -> Diagnosis:
    text = f"home {settings.home.resolve()}, source {settings.market.source}"
    if Path(ENV_FILE).is_file():
        text += f"; with what {Path(ENV_FILE).resolve()} says"
    return Diagnosis("settings", True, text)


def _calendar(settings: Settings, last: date) -> Diagnosis:
    """Name the files of calendars that this user should be able to write and can't."""
    text, home = f"{settings.calendar}, last closed session {last}", settings.home.resolve()
    lost = []
    for name in sorted({settings.calendar, settings.proxy_calendar}):
        exchange_days(name, home)  # keeps it, if that can be
        if not is_kept(name, home):
            lost.append(str(kept_at(name, home)))
    if not lost or not os.access(home, os.W_OK):
        return Diagnosis("calendar", True, text)
    return Diagnosis(
        "calendar",
        False,
        f"{text}; {' and '.join(lost)} can't be written, so that each command makes the calendar again: remove what is "
        "there, or correct the permissions of its folder",
    )


def _portfolios(engine: sa.Engine) -> Diagnosis:
    known, of_groups = portfolios(engine)["portfolio_id"], group_ids(engine)
    count, groups = int((~known.isin(of_groups)).sum()), len(of_groups)
    also = f", and {groups} group{'' if groups == 1 else 's'} of them" if groups else ""
    return Diagnosis(
        "portfolios",
        count > 0,
        f"{count} imported{also}" if count else "none yet: `risk-pipeline import` or `risk-pipeline demo`",
    )


def _source(settings: Settings, end: Newest) -> Diagnosis:
    """Ask the source for the core model's proxies on the latest sessions."""
    from ..config.factors import load_factors
    from ..market.open import open_source

    market, calendar = settings.market, CALENDAR
    factors = load_factors()
    symbols = factors.core_proxies
    last = end.session
    first = calendar.look_back_from(last, 9)
    try:
        source = open_source(market.source, path=market.path, seed=market.seed, key=market.secret)
        bars = source.fetch(symbols, calendar.index(first, last))
    except SourceError as error:
        return Diagnosis("source", False, str(error))
    newest = bars.bars.groupby("symbol")["session"].max()
    text = f"{market.source} has {len(newest)} of {', '.join(symbols)} for the ten sessions up to {last}"
    missing = [symbol for symbol in symbols if symbol not in newest.index]
    if {*missing} & {*factors.required_proxies}:
        text += f": a session without {', '.join(missing)} can't be analysed, add their prices"
    elif missing:
        text += f": without {', '.join(missing)} there is no core model, so no style betas, no headline stress and no "
        text += "explanation of the P&L; add their prices"
    elif (reached := newest.min().date()) < last:
        text += f", but nothing after {reached}: what is later can't be run yet"
    elif end.prices_end:
        text += f", where its prices end: sessions up to {last} can be run"
    text += "".join(f"; {remark}" for remark in bars.remarks)
    return Diagnosis("source", not missing, text)


def _panel_store(settings: Settings) -> Diagnosis:
    """Write a small object to the store that machines share, and delete it."""
    from ..storage.panel_store import PanelStore
    from ..storage.price_panel import PanelError

    try:
        PanelStore(*settings.panel_location).probe()
    except PanelError as error:
        return Diagnosis("panel store", False, str(error))
    return Diagnosis("panel store", True, "can be written")


def _missing(engine: sa.Engine, newest: Newest) -> Diagnosis:
    """Sessions before the first run are not missing."""
    if portfolios(engine).empty:
        return Diagnosis("snapshots", True, "there is no portfolio to make any of")
    sessions_due = due(engine, newest.at)
    waiting = (
        f"; {_count(sessions_due.waiting)} without market data, asked for again later" if sessions_due.waiting else ""
    )
    if not sessions_due.run:
        return Diagnosis("snapshots", True, f"every active portfolio is complete, from the present inputs{waiting}")
    absent, parts = sessions_due.absent, []
    stale = sorted({*sessions_due.run, *sessions_due.beyond} - {*absent})
    made = earliest_session(engine)
    if absent and not stale and made is not None and absent[-1] < made:
        return Diagnosis(
            "snapshots",
            True,
            f"complete from {made} on; the {_count(absent)} before were never run: `risk-pipeline run` runs them too",
        )
    if absent:
        parts.append(f"{_count(absent)} missing ({described(stretches(absent))})")
    if stale:
        parts.append(f"{_count(stale)} made from other inputs than the present ones ({described(stretches(stale))})")
    text = f"{'; '.join(parts)}{waiting}: `risk-pipeline run`"
    if sessions_due.beyond:
        text += f" computes the oldest, {len(sessions_due.beyond)} are left for later (RISK_PIPELINE_STALE_SESSIONS)"
    return Diagnosis("snapshots", False, text)


def _count(days: Collection[date]) -> str:
    return f"{len(days)} session{'' if len(days) == 1 else 's'}"


def _refused(engine: sa.Engine) -> Diagnosis:
    """Name the portfolios without numbers on the newest session because of a price or an exchange rate."""
    session = latest_session(engine)
    rows = [] if session is None else unvalued(engine, [session])["portfolio_id"].tolist()
    if not rows:
        return Diagnosis("valuation", True, "every portfolio of the newest session could be valued")
    named = ", ".join(rows[:5]) + (f" and {len(rows) - 5} more" if len(rows) > 5 else "")
    remedy = f"`risk-pipeline show --portfolio {rows[0]}` says why and what to do"
    return Diagnosis("valuation", False, f"{named} could not be valued on {session}: {remedy}")


def _unpriced(engine: sa.Engine) -> Diagnosis:
    """Name the symbols held on the newest session that have no price of it, and who holds them."""
    session = latest_session(engine)
    rows = [] if session is None else unpriced_on(engine, session)
    if not rows:
        return Diagnosis("prices", True, "every symbol held on the newest session has a price of it")
    more = f"\n  and {len(rows) - NAMED} more, see the check symbols_covered" if len(rows) > NAMED else ""
    return Diagnosis("prices", False, f"on {session}\n  " + "\n  ".join(map(str, rows[:NAMED])) + more)


def _coverage(engine: sa.Engine) -> Diagnosis:
    session = newest_coverage(engine)
    if session is None:
        return Diagnosis("coverage", True, "no prices stored yet")
    coverage = read_table(engine, "market_data_coverage", first=session, last=session)
    gaps = coverage.loc[coverage["missing_sessions"] > 0, "symbol"].tolist()
    text = f"{len(coverage)} symbols in use on {session}"
    if gaps:
        text += f"; prices of the last year missing of {', '.join(gaps[:8])}{' …' if len(gaps) > 8 else ''}"
        text += " (see market_data_coverage)"
    return Diagnosis("coverage", True, text)


def _stuck_runs(engine: sa.Engine) -> Diagnosis:
    from ..defs.automation.dead_runs import dead_runs
    from ..defs.own_runs import other_databases

    with open_instance() as instance:
        ids = [run.run_id[:8] for run in dead_runs(instance, engine)]
        others = other_databases(instance, place_of(engine))
    text = (
        f"killed, and not yet recorded as failed: {', '.join(ids)}; `risk-pipeline run` or the daemon does that"
        if ids
        else "none is stuck"
    )
    if others:
        text += (
            f"; runs of {', '.join(others[:3])} are in Dagster's history too and are left alone, but Dagster has one "
            "status of a partition for all: give each database a DAGSTER_HOME of its own"
        )
    return Diagnosis("runs", not ids, text)
