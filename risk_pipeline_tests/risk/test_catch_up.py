"""The fingerprint of a session changes with what its numbers are made from, and with nothing else."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from risk_pipeline.risk.catch_up import Fingerprints, Reach, fingerprints, timeline
from risk_pipeline.risk.inputs import BookFrames
from risk_pipeline.risk.staleness import BOOK, GONE, NEW, PRICES, stale_assets, stale_portfolios

DAYS = np.busday_offset("2025-01-01", np.arange(60), roll="forward")
SESSIONS = DAYS[20:40]
REACH = Reach(DAYS, 8, frozenset({"SPY"}), ((date(2025, 1, 6), date(2025, 1, 8)),), "^IRX")
NO_REVISIONS = pd.DataFrame(columns=["revision", "kind", "symbol", "first_session", "last_session"])

QUOTES = pd.DataFrame({"symbol": ["KO"], "currency": ["USD"], "basis": ["as_traded"]})


def stamp(values: list) -> pd.Series:
    return pd.Series(pd.to_datetime(pd.Series(values, dtype=object)).astype("datetime64[s]"))


def book(**changes: dict[str, object]) -> BookFrames:
    """A portfolio "a" with a stock and a private asset, and "b" with a stock; ``changes`` by lot, flow or account."""
    lots = pd.DataFrame(
        [
            ("1", "a", "KO", "PUBLIC", 10.0, DAYS[22], 50.0),
            ("2", "a", "FUND", "PRIVATE", 1.0, DAYS[22], 50.0),
            ("3", "b", "PEP", "PUBLIC", 5.0, DAYS[10], 100.0),
        ],
        columns=["position_id", "portfolio_id", "symbol", "investment_class", "quantity", "entry_date", "entry_price"],
    ).assign(underlying=None, exit_date=None, exit_price=np.nan, is_deleted=False, currency=None)
    accounts = pd.DataFrame(
        [("a", "A", DAYS[0], None, 1000.0), ("b", "B", DAYS[0], None, 1000.0)],
        columns=["portfolio_id", "name", "inception_date", "closed_date", "starting_equity"],
    ).assign(currency="USD")
    flows = pd.DataFrame([("a", DAYS[30], 5.0)], columns=["portfolio_id", "flow_date", "amount"])
    marks = pd.DataFrame([("FUND", DAYS[32], 60.0)], columns=["symbol", "mark_date", "price"])
    for name, values in changes.items():
        frame, key = {"a": (accounts, "portfolio_id"), "b": (accounts, "portfolio_id")}.get(name, (lots, None))
        for column, value in values.items():
            where = frame[key] == name if key else frame["position_id"] == name.removeprefix("lot")
            frame.loc[where, column] = value
    for frame, columns in (
        (lots, ["entry_date", "exit_date"]),
        (accounts, ["inception_date", "closed_date"]),
        (flows, ["flow_date"]),
        (marks, ["mark_date"]),
    ):
        for column in columns:
            frame[column] = stamp(frame[column].tolist())
    return BookFrames(accounts, lots, flows, marks, pd.DataFrame(), QUOTES)


def made(frames: BookFrames, revisions: pd.DataFrame = NO_REVISIONS, sessions=SESSIONS) -> Fingerprints:
    return fingerprints(timeline(frames), revisions, REACH, sessions)


def changed(left: Fingerprints, right: Fingerprints) -> dict[str, tuple[int, int]]:
    """First and last place in DAYS that differ, by portfolio."""
    out = {}
    for place, name in enumerate(left.portfolio_ids):
        differs = (left.book != right.book) | (left.revision != right.revision) | (left.is_active != right.is_active)
        rows = np.flatnonzero(differs[:, place])
        if len(rows):
            assert len(rows) == rows[-1] - rows[0] + 1
            out[name] = (20 + int(rows[0]), 20 + int(rows[-1]))
    return out


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"lot1": {"quantity": 11.0}}, {"a": (22, 39)}),
        ({"lot1": {"entry_price": 51.0}}, {"a": (22, 39)}),
        ({"lot1": {"entry_date": DAYS[25]}}, {"a": (22, 39)}),
        ({"lot1": {"exit_date": DAYS[35]}}, {"a": (35, 39)}),  # known of earlier sessions only when it happens
        ({"lot3": {"quantity": 6.0}}, {"b": (20, 39)}),
        ({"a": {"starting_equity": 2.0}}, {"a": (20, 39)}),
        ({"a": {"closed_date": DAYS[30]}}, {"a": (30, 39)}),
        ({"b": {"inception_date": DAYS[25]}}, {"b": (20, 39)}),
        ({"a": {"name": "another"}}, {}),
    ],
)
def test_a_change_of_the_book_reaches_the_sessions_that_know_of_it(change, expected):
    assert changed(made(book()), made(book(**change))) == expected


def test_flows_and_marks_count_from_their_day_on_and_a_mark_only_for_who_holds_the_asset():
    plain, other = book(), book()
    other.flows.loc[0, "amount"] = 6.0
    assert changed(made(plain), made(other)) == {"a": (30, 39)}
    other = book()
    other.marks.loc[0, "price"] = 61.0
    assert changed(made(plain), made(other)) == {"a": (32, 39)}


def revision(symbol: str, first: int, last: int, kind: str = "price", number: int = 1) -> pd.DataFrame:
    return pd.DataFrame([(number, kind, symbol, DAYS[first], DAYS[last])], columns=NO_REVISIONS.columns)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (revision("PEP", 30, 30), {"b": (30, 39)}),  # held since day 10: dividends and splits count for ever
        (revision("PEP", 5, 5), {}),  # before the look-back of the first session
        (revision("KO", 18, 18), {"a": (22, 26)}),  # before its entry: while a look-back of 8 holds it
        (revision("KO", 24, 25), {"a": (24, 39)}),
        (revision("SPY", 21, 21), {"a": (21, 29), "b": (21, 29)}),  # a proxy
        (revision("SPY", 4, 4), {"a": (20, 39), "b": (20, 39)}),  # within a replay
        (revision("MSFT", 45, 45), {}),  # after all of them
        (revision("EURUSD=X", 25, 25), {"a": (25, 39), "b": (25, 39)}),  # of a pair that no lot uses
        (revision("^IRX", 25, 25), {"a": (25, 39), "b": (25, 39)}),
        (revision("GONE", 25, 25), {}),  # of a portfolio that was removed
        (revision("KO", 24, 24, "profile"), {"a": (24, 39)}),
    ],
)
def test_a_revision_reaches_the_sessions_that_read_it(row, expected):
    assert changed(made(book()), made(book(), row)) == expected


def test_a_session_s_fingerprint_does_not_depend_on_the_others_asked_for():
    whole, revisions = made(book(), revision("KO", 24, 25)), revision("KO", 24, 25)
    for at in range(len(SESSIONS)):
        alone = made(book(), revisions, SESSIONS[at : at + 1])
        assert alone.of_sessions[0] == whole.of_sessions[at]


def test_why_is_told_by_portfolio():
    before, after = made(book()), made(book(lot1={"quantity": 11.0}), revision("PEP", 30, 30))
    sessions = pd.DataFrame(
        {
            "session": SESSIONS.astype("datetime64[s]"),
            "asset": "portfolio_snapshots",
            "fingerprint": [f"{value:016x}" for value in before.of_sessions.tolist()],
            "registry": "r",
            "code_version": "c",
        }
    )
    stale = stale_assets(after, sessions, "r")
    assert (len(stale), set(stale["why"])) == (18, {"inputs"})
    assert set(stale_assets(before, sessions, "other")["why"]) == {"registry"}
    assert stale_assets(before, sessions, "r").empty
    assert len(stale_assets(before, sessions, "r", {"portfolio_snapshots": "newer"})) == 20
    found = stale_portfolios(after, before.rows())
    assert found.groupby(["portfolio_id", "why"]).size().to_dict() == {("a", BOOK): 18, ("b", PRICES): 10}
    gone = stale_portfolios(before.take(np.array([0])), before.take(np.array([0])).rows().iloc[:1])
    assert gone["why"].tolist() == [NEW]
    closed = made(book(b={"closed_date": DAYS[30]}))
    assert set(stale_portfolios(closed, before.rows())["why"]) == {GONE}


LOT = st.tuples(st.sampled_from("ab"), st.sampled_from(["KO", "PEP", "FUND"]), st.integers(1, 5), st.integers(0, 59))


@settings(max_examples=60, deadline=None)
@given(st.lists(LOT, max_size=6), st.lists(LOT, max_size=6), st.integers(0, 39))
def test_equal_books_as_of_a_session_have_equal_fingerprints_and_others_not(left, right, at):
    """The answer is empty exactly when the lots entered by the session are the same."""

    def frames(lots: list) -> BookFrames:
        base = book()
        rows = [
            (f"{n}", owner, symbol, "PRIVATE" if symbol == "FUND" else "PUBLIC", float(size), DAYS[day], 1.0)
            for n, (owner, symbol, size, day) in enumerate(lots)
        ]
        table = pd.DataFrame(rows, columns=base.lots.columns[:7]).assign(
            underlying=None, exit_date=stamp([None] * len(rows)), exit_price=np.nan, is_deleted=False, currency=None
        )
        table["entry_date"] = stamp(table["entry_date"].tolist())
        return BookFrames(base.portfolios, table, base.flows.iloc[:0], base.marks.iloc[:0], pd.DataFrame(), QUOTES)

    def known(lots: list) -> set:
        return {(n, lot) for n, lot in enumerate(lots) if lot[3] <= at}

    session = DAYS[at : at + 1]
    same = made(frames(left), sessions=session).of_sessions == made(frames(right), sessions=session).of_sessions
    assert bool(same[0]) == (known(left) == known(right))
