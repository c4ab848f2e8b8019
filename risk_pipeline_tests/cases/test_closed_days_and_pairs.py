"""Lots of closed days around splits and dividends, and currencies by whatever pairs there are: equity by hand."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from risk_pipeline.market.files import FileMarket
from risk_pipeline.market.pairs import WithPairs

BEGIN, FIRST, LAST = "2022-10-03", "2022-12-01", "2022-12-16"
SATURDAY, SUNDAY, MONDAY = "2022-12-10", "2022-12-11", "2022-12-12"
SESSIONS = pd.bdate_range(BEGIN, LAST).difference(pd.DatetimeIndex(["2022-11-24"]))


def series(symbol: str, steps: dict[str, float], **actions: float) -> pd.DataFrame:
    """Closes that stay until the next step; ``actions`` are those of the Monday."""
    close = pd.Series(steps).set_axis(pd.DatetimeIndex(list(steps))).reindex(SESSIONS, method="ffill")
    frame = pd.DataFrame({"date": SESSIONS, "symbol": symbol, "close": close.to_numpy()})
    for name, value in actions.items():
        frame.loc[frame["date"] == MONDAY, name] = value
    return frame


PRICES = [
    series("SPL", {BEGIN: 400.0, MONDAY: 200.0, LAST: 210.0}, split_factor=2.0),
    series("RSV", {BEGIN: 2.0, MONDAY: 20.0, LAST: 21.0}, split_factor=0.1),
    series("DIV", {BEGIN: 50.0, MONDAY: 48.0, LAST: 49.0}, dividend=2.0),
    series("BIG", {BEGIN: 100.0, MONDAY: 60.0}, dividend=40.0),
    series("JPC", {BEGIN: 1000.0, MONDAY: 1100.0}),
    series("UKC", {BEGIN: 10.0, MONDAY: 11.0}),
    series("JPY=X", {BEGIN: 140.0, MONDAY: 137.5}),
    series("CHF=X", {BEGIN: 0.8, MONDAY: 0.9}),
    series("EURGBP=X", {BEGIN: 0.8, MONDAY: 0.88}),
    series("GBPUSD=X", {BEGIN: 1.25, MONDAY: 1.2}),
]
COLUMNS = (
    *("symbol", "investment_class", "quantity", "entry_date", "entry_price", "exit_date", "exit_price", "currency"),
    *("multiplier", "option_type", "strike", "expiry", "underlying"),
)
BOOKS = {  # portfolio: its currency, its lot, its equity on the last day by hand
    "before a split": ("USD", ("SPL", "STOCK", 10, SATURDAY, 400), 100_000 + 20 * 210 - 4000),
    "before a reverse split": ("USD", ("RSV", "STOCK", 1000, SUNDAY, 2), 100_000 + 100 * 21 - 2000),
    "before a dividend": ("USD", ("DIV", "STOCK", 10, SATURDAY, 50), 100_000 + 10 * (49 + 2 - 50)),
    "short before a dividend": ("USD", ("DIV", "STOCK", -10, SATURDAY, 50), 100_000 - 10 * (49 + 2 - 50)),
    "sold before a split": ("USD", ("SPL", "STOCK", 10, FIRST, 400, SATURDAY, 401), 100_010),
    "sold before a dividend": ("USD", ("DIV", "STOCK", 10, FIRST, 50, SATURDAY, 50.5), 100_005),
    "a trade of a weekend": ("USD", ("SPL", "STOCK", 10, SATURDAY, 400, SUNDAY, 405), 100_050),
    "bought on the day": ("USD", ("SPL", "STOCK", 10, MONDAY, 200), 100_100),
    "sold on the day": ("USD", ("SPL", "STOCK", 10, FIRST, 400, MONDAY, 201), 100_000 + 20 * 201 - 4000),
    "bought and sold on the day": ("USD", ("DIV", "STOCK", 10, MONDAY, 48, MONDAY, 48.5), 100_005),
    "short of a special dividend": ("USD", ("BIG", "STOCK", -10, FIRST, 100), 100_000 - 10 * (60 + 40 - 100)),
    "a call before a split": (
        "USD",
        ("SPLC", "OPTIONS", 1, SATURDAY, 10, "", "", "", "", "CALL", 380, LAST, "SPL"),
        100_000 - 1000 + 200 * (210 - 190),
    ),
    "a mini put": (
        "USD",
        ("UKCP", "OPTIONS", 2, FIRST, 5, "", "", "", 10, "PUT", 30, LAST, "UKC"),
        100_000 - 100 + 20 * 19,
    ),
    "the short form": ("USD", ("JPC", "STOCK", 1000, FIRST, 1000, "", "", "JPY"), 100_000 + 8000 - 1e6 / 140),
    "a book in francs": ("CHF", ("UKC", "STOCK", 100, FIRST, 10, "", "", "USD"), 100_000 + 100 * (9.9 - 8)),
    "through a cross": ("GBP", ("UKC", "STOCK", 100, FIRST, 10, "", "", "EUR"), 100_000 + 100 * (11 * 0.88 - 8)),
    "through two": (
        "EUR",
        ("JPC", "STOCK", 1000, FIRST, 1000, "", "", "JPY"),
        100_000 + 8000 / (0.88 * 1.2) - 1e6 / 140 / (0.8 * 1.25),
    ),
    "foreign cash": ("USD", ("GBPUSD=X", "FUND", 1000, FIRST, 1.25), 99_950),
    "short foreign cash of a cross": ("EUR", ("EURGBP=X", "FUND", -1000, FIRST, 0.8), 100_000),
}


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "prices").mkdir()
    (tmp_path / "book").mkdir()
    pd.concat(PRICES).to_csv(tmp_path / "prices" / "prices.csv", index=False, date_format="%Y-%m-%d")
    pd.DataFrame(
        {"portfolio_id": name, "name": name, "inception_date": FIRST, "starting_equity": 100_000, "currency": currency}
        for name, (currency, *_) in BOOKS.items()
    ).to_csv(tmp_path / "book" / "portfolios.csv", index=False)
    lots = [dict(zip(COLUMNS, lot, strict=False)) | {"portfolio_id": name} for name, (_, lot, _) in BOOKS.items()]
    pd.DataFrame(lots).to_csv(tmp_path / "book" / "positions.csv", index=False)
    return tmp_path


def test_equity_is_what_a_cash_account_by_hand_has(folder, equity_of):
    market = WithPairs(FileMarket(folder / "prices"))
    equity = equity_of(folder / "book", market, FIRST, LAST, daily=False).loc[LAST]
    assert equity.to_dict() == pytest.approx({name: right for name, (*_, right) in BOOKS.items()}, abs=1e-6)
