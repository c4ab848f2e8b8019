"""Any sequence of imports, restated prices, runs and kills: stale is exactly what a fresh computation would change.

Results are stood for by what they were made from: the lots and the account known by the session, the closes of the
symbols used and of a proxy up to it, and the rows of the assets before. A run reads prices from its panel, and may be
killed after any of its assets; prices may be restated between its panel and its rows. A run of later assets alone
reads the panel and the rows that are there.
"""

from __future__ import annotations

import tempfile
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from risk_pipeline.defs.assets.made_from import MadeFrom
from risk_pipeline.defs.assets.stale import stale_rows
from risk_pipeline.defs.partitions import CALENDAR
from risk_pipeline.defs.resources import Registries
from risk_pipeline.storage.book_versions import book_at, looking_at, newest_version
from risk_pipeline.storage.database import replace_sessions
from risk_pipeline.storage.imports import import_frames
from risk_pipeline.storage.market_data import read_bars, record_panel, store_bars, store_quotes
from risk_pipeline.storage.result_inputs import newest_revision
from risk_pipeline.storage.tables import by_table
from risk_pipeline_tests.support.databases import migrated_sqlite

DAYS = CALENDAR.sessions_in_range(date(2025, 6, 2), date(2025, 6, 13)).tolist()
SESSIONS = DAYS[3:8]
UPSTREAM: dict[str, tuple[str, ...]] = {
    "factor_exposures": (),
    "stress_tests": ("factor_exposures",),
    "volatility": ("factor_exposures",),
    "portfolio_snapshots": ("factor_exposures", "stress_tests", "volatility"),
}
PROXY, SYMBOLS = "SPY", ("KO", "PEP", "SPY")
PORTFOLIOS = pd.DataFrame(
    [("a", "A", "2025-06-02", 1e5), ("b", "B", f"{SESSIONS[1]}", 1e5)],
    columns=["portfolio_id", "name", "inception_date", "starting_equity"],
)
IMPORT = st.tuples(
    st.just("import"), st.sampled_from("ab"), st.sampled_from(SYMBOLS[:2]), st.integers(0, 7), st.integers(0, 9)
)
RESTATE = st.tuples(st.just("restate"), st.sampled_from(SYMBOLS), st.integers(0, 9))
RUN = st.tuples(
    st.just("run"),
    st.integers(0, 4),
    st.integers(0, 4),
    st.sampled_from([0, 1, 2, 3, 4, 4, 4]),
    st.sampled_from([0, 0, 0, 1, 2, 3]),
    st.one_of(st.none(), st.none(), RESTATE),
)


class World:
    """A database, and what each stored row was made from."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine, self.made, self.price, self.now = engine, {}, 100.0, datetime(2025, 7, 1)
        self.panels_made, self.panels = [], {}
        self.lots = {"a": [("KO", 10, 0, None)], "b": [("PEP", 10, 0, None)]}
        store_bars(engine, pd.concat([self.bars(symbol, DAYS) for symbol in SYMBOLS]), known_at=self.now)
        self.bring()

    def bars(self, symbol: str, days: list[date]) -> pd.DataFrame:
        """New bars; no price comes twice."""
        self.price += 1.0
        fixed = {"high": np.nan, "low": np.nan, "volume": np.nan, "dividend": 0.0, "split_factor": 1.0}
        days = np.array(days, dtype="datetime64[s]")
        return pd.DataFrame({"session": days, "symbol": symbol, **fixed, "close": self.price, "basis": "as_traded"})

    def bring(self) -> None:
        rows = [
            (f"{owner}{number}", owner, symbol, "PUBLIC", quantity, DAYS[entry], 100, "" if end is None else DAYS[end])
            for owner, lots in self.lots.items()
            for number, (symbol, quantity, entry, end) in enumerate(lots)
        ]
        names = ["position_id", "portfolio_id", "symbol", "investment_class", "quantity", "entry_date", "entry_price"]
        import_frames(
            self.engine, {"portfolios": PORTFOLIOS, "positions": pd.DataFrame(rows, columns=[*names, "exit_date"])}
        )

    def do(self, action: tuple) -> None:
        kind, *rest = action
        if kind == "import":
            owner, symbol, entry, end = rest
            self.lots[owner] = [*self.lots[owner][-1:], (symbol, 2, entry, end if end > entry else None)]
            self.bring()
        elif kind == "restate":
            symbol, day = rest
            self.now += timedelta(minutes=1)  # no two restatements of a price are known at once
            store_bars(self.engine, self.bars(symbol, [DAYS[day]]), known_at=self.now)
        else:
            first, last, until, since, meanwhile = rest
            sessions = SESSIONS[min(first, last) : max(first, last) + 1]
            if since:
                self.run_later([day for day in sessions if day in self.panels], since, until, meanwhile)
            else:
                self.run(sessions, until, meanwhile)

    def run(self, sessions: list[date], until: int, meanwhile: tuple | None) -> None:
        """Make a panel, then the assets, of which only the first ``until`` are done; the rest was killed."""
        number = len(self.panels_made)
        record_panel(self.engine, f"{number:064}", DAYS[0], sessions[-1], 3, sessions, newest_revision(self.engine))
        self.panels_made.append(self.closes())
        self.panels |= dict.fromkeys(sessions, number)
        if meanwhile:
            self.do(meanwhile)
        self.make(sessions, list(UPSTREAM)[:until])

    def run_later(self, sessions: list[date], since: int, until: int, meanwhile: tuple | None) -> None:
        """Run later assets alone, on the panels that there are, one after the other."""
        if meanwhile:
            self.do(meanwhile)
        for number in sorted({self.panels[day] for day in sessions}):
            self.make([day for day in sessions if self.panels[day] == number], list(UPSTREAM)[since:until])

    def make(self, sessions: list[date], assets: list[str]) -> None:
        """Make the rows of assets, all sessions on one panel."""
        closes = self.panels_made[self.panels[sessions[0]]]
        for asset in assets:
            inputs = MadeFrom(self.engine, Registries())
            stored = {day: [self.made.get((day, name)) for name in UPSTREAM[asset]] for day in sessions}
            if any(None in rows for rows in stored.values()):
                return  # an asset reads rows that are there
            rows = inputs.rows(asset, sessions, "code", set(UPSTREAM[asset]))
            replace_sessions(self.engine, sessions, by_table(rows), analytic=asset)
            for day in sessions:
                self.made[day, asset] = (self.read(day, closes), *stored[day])

    def closes(self) -> dict[tuple[str, date], float]:
        bars = read_bars(self.engine, DAYS[0], DAYS[-1])
        return dict(zip(zip(bars["symbol"], bars["session"].dt.date, strict=True), bars["close"], strict=True))

    def read(self, day: date, closes: dict[tuple[str, date], float]) -> tuple:
        """What the results of a session are made from."""
        out = []
        for owner, inception in zip(PORTFOLIOS["portfolio_id"], PORTFOLIOS["inception_date"], strict=True):
            if date.fromisoformat(inception) > day:
                continue
            known = [
                (number, symbol, quantity, entry, end if end is not None and DAYS[end] <= day else None)
                for number, (symbol, quantity, entry, end) in enumerate(self.lots[owner])
                if DAYS[entry] <= day
            ]
            used = sorted({PROXY, *(lot[1] for lot in known)})
            prices = [closes[symbol, at] for symbol in used for at in DAYS if at <= day]
            out.append((owner, tuple(known), tuple(prices)))
        return tuple(out)

    def fresh(self, day: date, asset: str, closes: dict[tuple[str, date], float]) -> tuple:
        """What the rows of an asset would be made from, were everything run again now."""
        return (self.read(day, closes), *(self.fresh(day, name, closes) for name in UPSTREAM[asset]))

    def check(self) -> None:
        closes = self.closes()
        wrong = {key for key, made in self.made.items() if made != self.fresh(*key, closes)}
        found = stale_rows(self.engine, SESSIONS[0], SESSIONS[-1])
        assert set(zip(found["session"].dt.date, found["asset"], strict=True)) == wrong


def live(actions: list[tuple]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        engine = migrated_sqlite(Path(folder) / "risk.db")
        world = World(engine)
        for action in actions:
            world.do(action)
            world.check()
        world.do(ALL)  # in the end one run of all makes everything fresh
        world.check()
        assert stale_rows(engine, SESSIONS[0], SESSIONS[-1]).empty
        engine.dispose()


ALL = ("run", 0, 4, 4, 0, None)
LATER_ASSETS_OF_ANOTHER_BOOK = [ALL, ("import", "a", "PEP", 0, 0), ("run", 0, 4, 4, 2, None)]
SOLD_EARLY = ("import", "a", "KO", 0, 5)
ONLY_AN_EXIT_CHANGES = [SOLD_EARLY, SOLD_EARLY, ALL, ("import", "a", "KO", 0, 6)]
A_SYMBOL_NOBODY_HOLDS_ANY_MORE = [("import", "b", "KO", 0, 0), ALL, ("import", "b", "KO", 0, 0), ("restate", "PEP", 0)]
ACTIONS = st.lists(st.one_of(IMPORT, RESTATE, RUN, RUN), min_size=3, max_size=7)


@example(LATER_ASSETS_OF_ANOTHER_BOOK)
@example(ONLY_AN_EXIT_CHANGES)
@example(A_SYMBOL_NOBODY_HOLDS_ANY_MORE)
@settings(max_examples=12, deadline=None, derandomize=True)
@given(ACTIONS)
def test_the_answer_is_exactly_what_a_fresh_computation_would_change(actions):
    live(actions)


@pytest.mark.long
@settings(max_examples=300, deadline=None)
@given(ACTIONS)
def test_the_answer_is_exactly_what_a_fresh_computation_would_change_at_length(actions):
    live(actions)


def test_the_assets_of_a_run_share_the_events_of_its_book_until_a_quote_changes(tmp_path):
    world = World(migrated_sqlite(tmp_path / "risk.db"))
    pinned = looking_at(world.engine, book_at(world.engine, newest_version(world.engine)))
    events = MadeFrom(pinned, Registries()).events
    world.do(("import", "a", "PEP", 1, 5))  # another version, which the run does not see
    assert MadeFrom(pinned, Registries()).events is events
    store_quotes(world.engine, {"KO": ("EUR", "as_traded")})
    again = MadeFrom(pinned, Registries()).events
    assert set(again.event_hash) != set(events.event_hash)
    unpinned = looking_at(world.engine, book_at(world.engine, 1))
    np.testing.assert_array_equal(again.event_hash, MadeFrom(unpinned, Registries()).events.event_hash)
    world.engine.dispose()
