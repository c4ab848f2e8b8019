"""Eleven demo portfolios on the simulated market, one of each kind that a risk batch must cope with.

They are the same on every machine and every day: trades, flows, marks and options reach to the end of 2035,
and whatever lies after a session is unknown to it. Their files are also the template for one's own.
"""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pandas as pd

from .books import BOOK_COLUMNS, INCEPTION, LAST_YEAR, YEARS, DemoBooks, weekday_from

_GROWTH = {
    "AAPL": 260e3, "MSFT": 260e3, "NVDA": 180e3, "GOOGL": 180e3, "AMZN": 180e3, "META": 120e3, "AVGO": 120e3,
    "TSLA": 80e3, "LLY": 120e3, "V": 120e3, "COST": 120e3, "NFLX": 80e3, "KELP": 40e3,
}  # fmt: skip
_FUNDS = {
    "SPY": 1_000e3, "TLT": 700e3, "QUAL": 300e3, "MTUM": 200e3, "IWM": 200e3, "VTV": 200e3, "VUG": 150e3,
    "USMV": 200e3,
}  # fmt: skip
_LONG_SHORT = {
    "NVDA": 700e3, "AMD": 400e3, "META": 600e3, "JPM": 700e3, "CAT": 600e3, "LIN": 500e3, "UNH": 600e3,
    "COP": 400e3, "EQIX": 400e3, "INTC": -450e3, "F": -350e3, "PFE": -450e3, "T": -400e3, "NKE": -450e3,
    "BA": -400e3,
}  # fmt: skip
_NEUTRAL = {
    "JNJ": 500e3, "PG": 500e3, "HD": 400e3, "HON": 400e3, "CVX": 300e3, "SO": 400e3,
    "MRK": -500e3, "KO": -500e3, "MCD": -300e3, "UPS": -450e3, "XOM": -350e3, "DUK": -400e3,
}  # fmt: skip
_PENSION = {
    "SPY": 2_000e3, "TLT": 1_800e3, "BRK.B": 300e3, "JPM": 200e3, "NEE": 200e3, "O": 200e3, "VZ": 200e3,
}  # fmt: skip
_ROTATION = (
    "AMZN", "XOM", "CRM", "BAC", "DIS", "AMT", "GE", "ABT", "FCX", "WFC", "ORCL", "PEP", "GS", "IBM", "NEM",
    "TSLA", "WMT", "GOOGL", "HD", "CVX", "HLXR",
)  # fmt: skip


def demo_frames() -> dict[str, pd.DataFrame]:
    """Return the demo's rows by file, with the columns of :data:`~.books.BOOK_COLUMNS`.

    Dates are ISO text; a missing value is None or NaN.
    """
    books = DemoBooks()
    for make in (_growth, _family, _long_short, _funds, _private):
        make(books)
    for make in (_cash, _neutral, _failed, _trader, _pension, _overlay):
        make(books)
    return {name: pd.DataFrame(books.rows[name], columns=list(columns)) for name, columns in BOOK_COLUMNS.items()}


def write_demo(directory: Path) -> list[Path]:
    """Write the demo as CSV files into a folder, made if need be; return their paths."""
    directory.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, frame in demo_frames().items():
        path = directory / f"{name}.csv"
        frame.to_csv(path, index=False, lineterminator="\n")
        paths.append(path)
    return paths


def _growth(books: DemoBooks) -> None:
    books.open("growth", "Maple Growth", 2e6, benchmark="SPY")
    books.hold("growth", _GROWTH)
    books.lot("growth", "NOVR", 60e3, date(2024, 7, 10))


def _family(books: DemoBooks) -> None:
    books.open("family", "Alder Family Office", 20e6)
    for day, dollars in ((INCEPTION, 900e3), (date(2024, 9, 11), 600e3), (date(2025, 4, 9), 500e3)):
        books.lot("family", "AAPL", dollars, day)
    books.hold("family", {"BRK.B": 2_000e3, "JNJ": 1_500e3, "KO": 1_200e3, "PG": 1_200e3, "JPM": 1_500e3})
    books.hold("family", {"EQIX": 900e3, "MSFT": 1_500e3, "TLT": 1_500e3})
    books.private("family", "ALDER TIMBERLAND LP", 3_000e3, growth=0.05)
    books.private("family", "NORTHGATE APARTMENTS", 2_500e3, growth=0.03)


def _long_short(books: DemoBooks) -> None:
    books.open("long_short", "Kestrel Long/Short", 5e6)
    books.rebalance("long_short", _LONG_SHORT)
    books.lot("long_short", "OLDM", -150e3, INCEPTION, date(2025, 8, 6))
    rolls = [INCEPTION, *(weekday_from(date(year, 12, 8), 2) for year in YEARS)]
    for start, end in pairwise(rolls):
        expiry = weekday_from(date(end.year + 1, 1, 15), 4)  # the third Friday, after the roll
        books.option("long_short", "SPY", "PUT", 0.90, 30, (start, expiry), 0.19, is_quoted=True, sold=end)
        books.option("long_short", "JPM", "CALL", 1.05, 40, (start, expiry), 0.27, is_quoted=True, sold=end)
        books.option("long_short", "AAPL", "CALL", 1.15, -15, (start, expiry), 0.30)


def _funds(books: DemoBooks) -> None:
    books.open("funds", "Cedar Fund Mix", 3e6)
    books.hold("funds", _FUNDS)


def _private(books: DemoBooks) -> None:
    books.open("private", "Birch Private Holdings", 1.5e6)
    books.private("private", "HARBOUR FERRY CO", 700e3, growth=0.04)
    books.private("private", "ELM STREET LOAN FUND", 500e3, growth=0.02)


def _cash(books: DemoBooks) -> None:
    books.open("cash", "Willow Reserve", 250e3)


def _neutral(books: DemoBooks) -> None:
    books.open("neutral", "Heron Market Neutral", 4e6)
    books.rebalance("neutral", _NEUTRAL)


def _failed(books: DemoBooks) -> None:
    """Equity below nothing: a private venture written off took more than there was."""
    books.open("failed", "Larch Estate in Settlement", 200e3)
    books.private("failed", "LARCH VENTURE", 900e3, growth=-0.9, sold=date(2024, 2, 7), proceeds=0.02)
    books.rebalance("failed", {"WFC": 60e3, "NEM": 40e3})


def _trader(books: DemoBooks) -> None:
    """Buy one symbol and sell another short every second Wednesday, for two weeks."""
    books.open("trader", "Swift Rotation", 500e3)
    books.hold("trader", {"SPY": 150e3})
    days = [INCEPTION + timedelta(weeks=2 * turn) for turn in range(26 * 12 + 3)]
    sessions = [_session_near(day) for day in days if day.year <= LAST_YEAR]
    for turn, (start, end) in enumerate(pairwise(sessions)):
        long, short = _ROTATION[turn % len(_ROTATION)], _ROTATION[(turn + 8) % len(_ROTATION)]
        books.lot("trader", long, 120e3, start, end, at_close=False)
        books.lot("trader", short, -60e3, start, end, at_close=False)


def _pension(books: DemoBooks) -> None:
    """Paid into every month and paid out every quarter."""
    books.open("pension", "Harbor Pension Plan", 5e6)
    books.hold("pension", _PENSION)
    for year in YEARS:
        for month in range(1, 13):
            books.flow("pension", date(year, month, 15), 40e3)
        for month in (3, 6, 9, 12):
            books.flow("pension", date(year, month, 25), -110e3)


def _overlay(books: DemoBooks) -> None:
    """Sell calls on its Microsoft, insure its index fund with puts, sell straddles on Apple; rolled every quarter."""
    books.open("overlay", "Hazel Option Overlay", 3e6)
    books.hold("overlay", {"SPY": 1_200e3, "MSFT": 600e3, "TLT": 500e3})
    rolls = [INCEPTION, *(weekday_from(date(year, month, 8), 2) for year in YEARS for month in (3, 6, 9, 12))]
    for start, end in pairwise(rolls):
        expiry = weekday_from(end + timedelta(days=8), 4)  # after the roll, so that none is ever without
        life = (start, expiry)
        covered = 600e3 / books.price("MSFT", INCEPTION) // 100
        insured = 1_200e3 / books.price("SPY", INCEPTION) // 100
        short = max(250e3 / books.price("AAPL", start) // 100, 1.0)
        books.option("overlay", "MSFT", "CALL", 1.05, -covered, life, 0.24, is_quoted=True, sold=end)
        books.option("overlay", "SPY", "PUT", 0.95, insured, life, 0.19, is_quoted=True, sold=end)
        for kind in ("CALL", "PUT"):
            books.option("overlay", "AAPL", kind, 1.0, -short, life, 0.28, is_quoted=True, sold=end)


def _session_near(wednesday: date) -> date:
    """Return a Wednesday, or the day before one that is a holiday of fixed date."""
    holidays = {(1, 1), (6, 19), (7, 4), (12, 25)}
    return wednesday - timedelta(days=(wednesday.month, wednesday.day) in holidays)
