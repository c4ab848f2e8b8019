"""Inputs from the field, through the doors and up to the book's equity, without Dagster.

Each folder holds portfolios, positions and made-up prices of a case; the values that tests expect were computed
independently, from quantity, price and cash by hand.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from risk_pipeline.config.factors import load_factors
from risk_pipeline.config.scenario_file import load_scenarios
from risk_pipeline.defs.assets.inputs import history_needed
from risk_pipeline.defs.assets.market import look_again_from, store_fetched
from risk_pipeline.desk.inputs import book_frames
from risk_pipeline.desk.inputs import inputs_of as laid_on
from risk_pipeline.market.files import FileMarket
from risk_pipeline.risk.inputs import Inputs
from risk_pipeline.sessions import session_calendar
from risk_pipeline.storage import queries
from risk_pipeline.storage.imports import run_import
from risk_pipeline.storage.market_data import asked_ranges, extend_ranges, store_bars
from risk_pipeline.storage.price_panel import build_panel
from risk_pipeline.symbols import priced_symbols
from risk_pipeline_tests.support.cases import CASES
from risk_pipeline_tests.support.databases import migrated_sqlite
from risk_pipeline_tests.support.real_prices import PATH as REAL_PRICES

CARRIED = 63


@pytest.fixture
def engine(tmp_path) -> Iterator[sa.Engine]:
    """A migrated SQLite database."""
    engine = migrated_sqlite(tmp_path / "risk.db")
    yield engine
    engine.dispose()


@pytest.fixture
def market_of(tmp_path) -> Callable[..., FileMarket]:
    """Return a function that makes a market of a case's own prices and the real ones."""

    def make(case: str, write: Callable[[pd.DataFrame, Path], object] | None = None) -> FileMarket:
        folder = tmp_path / "prices"
        folder.mkdir()
        shutil.copy(REAL_PRICES, folder)
        own = CASES / case / "own_prices_tail.csv"
        if write is None:
            shutil.copy(own, folder)
        else:
            write(pd.read_csv(own, dtype=str, keep_default_na=False), folder)
        return FileMarket(folder)

    return make


@pytest.fixture
def inputs_of(engine) -> Callable[..., Inputs]:
    """Return a function that imports a case's book, by name or folder, and makes the inputs of a range of sessions."""

    def make(case: str | Path, market: FileMarket, first: str, last: str, *, daily: bool = True) -> Inputs:
        run_import(engine, sorted((CASES / case).glob("[!o]*.csv")))
        calendar = session_calendar("XNYS", date(2015, 1, 2))
        start, end = date.fromisoformat(first), date.fromisoformat(last)
        sessions = calendar.sessions_in_range(start, end).tolist()
        registries = SimpleNamespace(factors=load_factors(), scenarios=load_scenarios(load_factors(), None))
        database = SimpleNamespace(engine=engine)
        symbols = history_needed(database, registries, sessions)["symbol"].tolist()
        held = set(priced_symbols(queries.lots(engine, end)))
        for session in sessions if daily else [end]:
            since = session if daily and session != start else calendar.look_back_from(start, CARRIED)
            fetched = market.fetch(symbols, calendar.index(calendar.look_back_from(since, CARRIED), session))
            assert not held & fetched.errors.keys()
            kept = fetched.bars[fetched.bars["session"] >= pd.Timestamp(since)]
            store_bars(engine, kept, known_at=datetime(2023, 1, 1))
        dates = calendar.sessions_in_range(calendar.look_back_from(start, 40), end)
        return laid_on(book_frames(engine, sessions[-1]), build_panel(engine, dates, symbols), sessions, registries)

    return make


@pytest.fixture
def evening(engine, tmp_path) -> Callable[..., Inputs]:
    """Return a function that does an evening: fetch as a daily run does, then make the inputs of the sessions so far.

    ``bars`` are the case's own prices as the source has them that evening.
    """
    calendar = session_calendar("XNYS", date(2015, 1, 2))
    registries = SimpleNamespace(factors=load_factors(), scenarios=load_scenarios(load_factors(), None))
    database = SimpleNamespace(engine=engine)

    def live(bars: pd.DataFrame, first: str, day: str) -> Inputs:
        own = tmp_path / "own"
        own.mkdir(exist_ok=True)
        bars.to_csv(own / "own.csv", index=False)
        market = FileMarket(own)
        start, session = date.fromisoformat(first), date.fromisoformat(day)
        sessions = calendar.sessions_in_range(start, session).tolist()
        symbols = sorted({*bars["symbol"]})
        asked = asked_ranges(engine, symbols)
        since = look_again_from([session]) if asked else calendar.look_back_from(start, 40)
        bars = market.fetch(symbols, calendar.index(since, session)).bars
        store_fetched(database, market, bars.assign(source="files"), datetime(2023, 1, 1))
        extend_ranges(engine, dict.fromkeys(symbols, (min([since, *(span[0] for span in asked.values())]), session)))
        dates = calendar.sessions_in_range(calendar.look_back_from(start, 40), session)
        return laid_on(book_frames(engine, sessions[-1]), build_panel(engine, dates, symbols), sessions, registries)

    return live


@pytest.fixture
def equity_of(inputs_of) -> Callable[..., pd.DataFrame]:
    """Return a function that imports a case's book and values it: equity by session and portfolio."""

    def value(*case: object, **how: bool) -> pd.DataFrame:
        inputs = inputs_of(*case, **how)
        index = pd.Index([str(day) for day in inputs.sessions])
        return pd.DataFrame(np.asarray(inputs.book.equity), index=index, columns=inputs.portfolio_ids)

    return value
