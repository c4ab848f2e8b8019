"""The one question: which sessions and portfolios are made from other inputs than the present ones, and why.

Each stored session and portfolio carries a fingerprint of what it was made from: a hash of its part of the book as
of the session, and the newest revision (a change of prices or profiles that came after results may have read them)
that touches what it reads. The same functions give the fingerprint when rows are stored and when they are judged.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

import numpy as np
import pandas as pd

from ..analytics.arrays import Bool2D, Date1D, Int1D, Int2D
from ..analytics.hashing import UInt, mixed, numbers_hash, rows_hash, running_sums, texts_hash
from ..config.registries import Registries
from ..currencies import legs, pair_currencies
from ..symbols import priced_symbol
from .inputs import BookFrames
from .lookback import look_back
from .option_quotes import quote_frame, quote_name

CARRIED_DAYS = 21
"""An exchange rate may be carried to an entry from so many days before it: the sessions of ``conversion.PATIENCE``."""
LIMITS = "risk_limits"
"""The asset that reads the limits; a changed one makes no other stale."""
NOT_IN_BOOK = {"portfolios": ("name", "closed_date"), "lots": ("is_deleted",)}
"""Columns that change no number: a name, and what says which rows there are."""


@dataclass(frozen=True)
class Timeline:
    """When each portfolio's part of the book changed: events (E,), spans (P,) and who has used what since when (H,).

    An event is a lot's entry or exit, a flow, a mark of an asset that is held, or the account itself at its
    inception; nothing of it counts before ``event_day``. A portfolio is active from ``opened`` on and before
    ``closed`` (NaT: open). ``used_symbol`` numbers ``symbols``, ``used_since`` is the first entry.
    """

    portfolio_ids: list[str]
    opened: Date1D
    closed: Date1D
    event_day: Date1D
    event_portfolio: Int1D
    event_hash: UInt
    symbols: list[str]
    used_portfolio: Int1D
    used_symbol: Int1D
    used_since: Date1D


@dataclass(frozen=True)
class Fingerprints:
    """Of each session and portfolio, (D, P): whether it is active, the hash of its book, its newest revision."""

    sessions: Date1D
    portfolio_ids: list[str]
    is_active: Bool2D
    book: UInt
    revision: Int2D
    limits: UInt | None = None
    """Of each session the hash of the limits by then, (D,); 0 where there are none. Only :data:`LIMITS` reads them."""

    def of_asset(self, asset: str) -> UInt:
        """Return the fingerprint of an asset for each session, (D,)."""
        if asset != LIMITS or self.limits is None:
            return self.of_sessions
        return np.asarray(np.where(self.limits == 0, self.of_sessions, mixed(self.of_sessions ^ self.limits)))

    @cached_property
    def of_sessions(self) -> UInt:
        """Return one fingerprint for each session, (D,): of all portfolios that are active on it."""
        names = texts_hash(self.portfolio_ids)
        cells = mixed(mixed(self.book ^ names) ^ numbers_hash(self.revision))
        with np.errstate(over="ignore"):
            return np.asarray(np.where(self.is_active, cells, np.uint64(0)).sum(axis=1, dtype=np.uint64))

    def rows(self) -> pd.DataFrame:
        """Return ``session, portfolio_id, book, revision`` of the active cells."""
        session, portfolio = np.nonzero(self.is_active)
        return pd.DataFrame(
            {
                "session": self.sessions[session].astype("datetime64[s]"),
                "portfolio_id": np.array(self.portfolio_ids, dtype=object)[portfolio],
                "book": as_text(self.book[session, portfolio]),
                "revision": self.revision[session, portfolio],
            }
        )

    def take(self, rows: Int1D) -> Fingerprints:
        """Return some of the sessions."""
        picked = {name: getattr(self, name)[rows] for name in ("sessions", "is_active", "book", "revision")}
        return replace(self, **picked, limits=None if self.limits is None else self.limits[rows])


def as_text(hashes: UInt) -> np.ndarray:
    """Return hashes as sixteen hexadecimal digits, shape (n,)."""
    return np.array([f"{value:016x}" for value in hashes.tolist()], dtype=object)


def registry_hash(registries: Registries, risk_free_rate: float) -> str:
    """Return a hash of all factors, all scenarios and the risk-free rate."""
    parts = [registry.frame().to_dict("records") for registry in (registries.factors, registries.scenarios)]
    return hashlib.sha256(repr([*parts, risk_free_rate]).encode()).hexdigest()[:16]


def timeline(book: BookFrames) -> Timeline:
    """Turn the whole book into the events of each portfolio; what the source says of a quote is part of its lots."""
    ids = list(book.portfolios["portfolio_id"])
    number = {name: place for place, name in enumerate(ids)}
    lots = book.lots
    priced = lots["underlying"].where(lots["underlying"].notna(), lots["symbol"])
    quotes = book.quotes.set_index("symbol")
    lots = lots.assign(**{f"quote_{name}": priced.map(quotes[name]) for name in quotes})
    exits = [name for name in lots if name.startswith("exit_")]
    is_lot_of = lots["portfolio_id"].map(number)
    ended = lots[lots["exit_date"].notna()]
    private = lots[lots["investment_class"] == "PRIVATE"].groupby(["portfolio_id", "symbol"])["entry_date"].min()
    marks = private.rename("since").reset_index().merge(book.marks, on="symbol")
    quotes = _quotes_read(book)
    compared = _benchmarks_read(book)
    days = [
        book.portfolios["inception_date"],
        lots["entry_date"],
        ended["exit_date"],
        book.flows["flow_date"],
        marks[["since", "mark_date"]].max(axis=1),
        quotes["day"],
        compared["valid_from"],
    ]
    owners = [
        book.portfolios["portfolio_id"].map(number),
        is_lot_of,
        ended["portfolio_id"].map(number),
        book.flows["portfolio_id"].map(number),
        marks["portfolio_id"].map(number),
        quotes["portfolio_id"].map(number),
        compared["portfolio_id"].map(number),
    ]
    hashes = [
        _hash(book.portfolios, "account", NOT_IN_BOOK["portfolios"]),
        _hash(lots, "lot", (*exits, *NOT_IN_BOOK["lots"])),
        _hash(ended[["position_id", *exits]], "exit"),
        _hash(book.flows, "flow"),
        _hash(marks.drop(columns=["since", "portfolio_id"]), "mark"),
        quotes["hash"].to_numpy(dtype=np.uint64),
        _hash(compared[["symbol", "weight", "valid_from"]], "benchmark"),
    ]
    own = lots.assign(priced=priced_symbol(lots), owner=is_lot_of)[["owner", "priced", "entry_date"]]
    used = (
        pd.concat([own[own["priced"].notna()], *_pairs_used(book, own), _used_by_benchmarks(compared, number)])
        .groupby(["owner", "priced"])["entry_date"]
        .min()
        .reset_index()
    )
    codes, symbols = pd.factorize(used["priced"])
    return Timeline(
        portfolio_ids=ids,
        opened=_days(book.portfolios["inception_date"]),
        closed=_days(book.portfolios["closed_date"]),
        event_day=np.concatenate([_days(part) for part in days]),
        event_portfolio=np.concatenate([part.to_numpy(dtype=float) for part in owners]).astype(np.int64),
        event_hash=np.concatenate(hashes),
        symbols=list(symbols),
        used_portfolio=used["owner"].to_numpy(dtype=float).astype(np.int64),
        used_symbol=codes.astype(np.int64),
        used_since=_days(used["entry_date"]),
    )


def _benchmarks_read(book: BookFrames) -> pd.DataFrame:
    """Return ``portfolio_id, inception_date, symbol, weight, valid_from`` of the benchmark of each portfolio."""
    columns = ["portfolio_id", "inception_date", "symbol", "weight", "valid_from"]
    if "benchmark" not in book.portfolios or book.benchmarks.empty:
        return book.portfolios.iloc[:0].reindex(columns=columns).astype({"valid_from": "datetime64[s]"})
    return book.portfolios.merge(book.benchmarks, on="benchmark")[columns]


def _used_by_benchmarks(compared: pd.DataFrame, number: Mapping[str, int]) -> pd.DataFrame:
    """Return a benchmark's symbols as a portfolio's since its inception, as ``owner, priced, entry_date``."""
    return pd.DataFrame(
        {
            "owner": compared["portfolio_id"].map(number),
            "priced": compared["symbol"],
            "entry_date": compared["inception_date"],
        }
    )


def _quotes_read(book: BookFrames) -> pd.DataFrame:
    """Return ``portfolio_id, day, hash`` of the marks and volatilities that a portfolio's options may read.

    One event for all quotes of an underlying, or of a name, on a day: a surface reads them all.
    """
    quotes = quote_frame(book.volatilities, book.marks[~book.marks["symbol"].isin(_private_names(book.lots))])
    quotes = quotes.assign(hash=_hash(quotes, "quote"))
    options = book.lots[(book.lots["investment_class"] == "OPTIONS") & (len(quotes) > 0)]
    names = [quote_name(symbol) for symbol in options["symbol"]]
    rows: list[tuple[str, pd.Timestamp, int]] = []
    for key, used in (("underlying", options["underlying"]), ("name", pd.Series(names, index=options.index))):
        readers = options.groupby(used)["portfolio_id"].unique()
        some = quotes[(quotes["underlying"].notna() == (key == "underlying")) & quotes[key].isin(readers.index)]
        for (name, day), together in some.groupby([key, "day"]):
            total = int(np.add.reduce(together["hash"].to_numpy(dtype=np.uint64)))
            rows += [(owner, day, total) for owner in readers[name]]
    out = pd.DataFrame(rows, columns=["portfolio_id", "day", "hash"])
    return out.assign(day=pd.to_datetime(out["day"]))


def _private_names(lots: pd.DataFrame) -> pd.Series:
    return lots.loc[lots["investment_class"] == "PRIVATE", "symbol"]


def limits_hash(limits: pd.DataFrame, sessions: Date1D) -> UInt:
    """Return the hash of the limits valid by each of the sorted sessions, (D,)."""
    row = np.searchsorted(sessions, _days(limits["valid_from"]))
    nobody = np.zeros(len(limits), dtype=np.int64)
    return running_sums(row, nobody, _hash(limits, "limit"), (len(sessions), 1))[:, 0]


def _pairs_used(book: BookFrames, lots: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Yield the pairs that convert lots, as ``owner, priced, entry_date``; a rate may be carried to an entry."""
    carried = pd.Timedelta(days=CARRIED_DAYS)
    ways = book.currencies[["currency", "into"]]
    for way, rows in ways.groupby(["currency", "into"]).indices.items():
        for leg in legs(*way):
            some = lots.iloc[rows]
            yield some.assign(priced=leg.symbol, entry_date=pd.to_datetime(some["entry_date"]) - carried)


def _days(values: pd.Series) -> Date1D:
    return np.asarray(pd.to_datetime(values).to_numpy().astype("datetime64[D]"))


def _hash(rows: pd.DataFrame, kind: str, without: tuple[str, ...] = ()) -> UInt:
    """Return the hash of each row; ``kind`` tells rows of different tables apart."""
    columns = {}
    for name in sorted(set(rows) - set(without)):
        values = rows[name]
        present = values.notna().to_numpy()
        if values.dtype == object or isinstance(values.dtype, pd.StringDtype):
            codes, texts = pd.factorize(values)
            hashed = np.append(texts_hash([str(text) for text in texts]), np.uint64(0))[codes]
        else:
            hashed = numbers_hash(np.nan_to_num(values.to_numpy()) if values.dtype.kind == "f" else values.to_numpy())
        columns[f"{kind}.{name}"] = (hashed, present)
    return rows_hash(columns, len(rows))


@dataclass(frozen=True)
class Reach:
    """How far back results read: sessions of look-back, and the replays that read proxies of their own dates.

    ``calendar`` are all sessions of the exchange, ``bill`` the symbol that gives the risk-free rate.
    """

    calendar: Date1D
    look_back: int
    proxies: frozenset[str]
    replays: tuple[tuple[date, date], ...]
    bill: str | None = None

    @classmethod
    def of(cls, registries: Registries, calendar: Date1D, bill: str | None = None) -> Reach:
        """Return what the registries say."""
        replays = tuple(scenario.replay for scenario in registries.scenarios.replays if scenario.replay)
        return cls(calendar, look_back(registries), frozenset(registries.factors.proxies), replays, bill)

    def is_read_by_all(self, symbol: str) -> bool:
        """Return whether every portfolio may read a symbol without an end: the bill, a currency pair."""
        return symbol == self.bill or pair_currencies(symbol) is not None

    def last_reader(self, session: np.datetime64) -> np.datetime64:
        """Return the last session whose look-back holds a session."""
        at = int(np.searchsorted(self.calendar, session, side="right")) - 1 + self.look_back
        return np.datetime64(self.calendar[min(at, len(self.calendar) - 1)])


def fingerprints(events: Timeline, revisions: pd.DataFrame, reach: Reach, sessions: Date1D) -> Fingerprints:
    """Return what the results of each of the (sorted) sessions would be made from.

    ``revisions`` has ``revision, kind, symbol, first_session, last_session``. A revision of a price reaches the
    sessions from the first that changed: without end those that hold, or held, a lot entered by the last that
    changed (its dividends and splits count since then); else those whose look-back holds it. A proxy's reaches the
    replays over its dates too; a profile's all from its date on. One of the bill, and of a pair that no lot uses,
    reaches everybody; one of another symbol that no lot uses, such as a removed portfolio's, nobody.
    """
    shape = (len(sessions), len(events.portfolio_ids))
    row = np.searchsorted(sessions, events.event_day)
    revision = np.zeros(shape[::-1], dtype=np.int64).T  # a portfolio contiguous: written stretch by stretch
    symbol_of = {symbol: code for code, symbol in enumerate(events.symbols)}
    order = np.argsort(events.used_symbol, kind="stable")
    starts = np.searchsorted(events.used_symbol[order], np.arange(len(events.symbols) + 1))
    for entry in revisions.sort_values("revision").itertuples(index=False):
        first, last = (np.datetime64(day, "D") for day in (entry.first_session, entry.last_session))
        from_, number = int(np.searchsorted(sessions, first)), entry.revision
        if from_ == len(sessions):
            continue
        until = int(np.searchsorted(sessions, reach.last_reader(last), side="right"))
        code = symbol_of.get(entry.symbol)
        is_profile = entry.kind == "profile"
        is_proxy = entry.symbol in reach.proxies
        if is_proxy or (code is None and reach.is_read_by_all(entry.symbol)):
            endless = is_profile or not is_proxy
            revision[from_ : (len(sessions) if endless else until)] = number
            for replay_first, replay_last in reach.replays:
                if first <= np.datetime64(replay_last) and last >= _before(reach.calendar, replay_first):
                    revision[int(np.searchsorted(sessions, np.datetime64(replay_last))) :] = number
        if code is None:
            continue
        users = order[starts[code] : starts[code + 1]]
        owners, since = events.used_portfolio[users], events.used_since[users]
        begins = np.maximum(np.searchsorted(sessions, since), from_)
        ends = np.where(is_profile | (since <= last), len(sessions), until)
        for owner, begin, end in zip(owners.tolist(), begins.tolist(), ends.tolist(), strict=True):
            revision[begin:end, owner] = number
    return Fingerprints(
        sessions=sessions,
        portfolio_ids=events.portfolio_ids,
        is_active=(events.opened <= sessions[:, None]) & ~(events.closed <= sessions[:, None]),
        book=running_sums(row, events.event_portfolio, events.event_hash, shape),
        revision=np.ascontiguousarray(revision),
    )


def without_prices(prints: Fingerprints, events: Timeline, symbols: Collection[str]) -> Fingerprints:
    """Return fingerprints that no inputs have, of the portfolios that use a symbol other than ``symbols`` by then."""
    known = {*symbols}
    missing = np.array([symbol not in known for symbol in events.symbols], dtype=bool)
    revision = prints.revision.copy()
    for use in np.flatnonzero(missing[events.used_symbol]).tolist():
        revision[prints.sessions >= events.used_since[use], events.used_portfolio[use]] = -1
    return replace(prints, revision=revision)


def _before(calendar: Date1D, day: date) -> np.datetime64:
    """Return the session before a day: a replay's first return needs its close."""
    return np.datetime64(calendar[max(int(np.searchsorted(calendar, np.datetime64(day))) - 1, 0)])
