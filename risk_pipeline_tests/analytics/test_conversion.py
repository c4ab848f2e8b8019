"""Positions in another currency than their portfolio: by hand, by triangles and by what must not change."""

from __future__ import annotations

import numpy as np
import pytest

from risk_pipeline.analytics.conversion import PATIENCE, Conversion
from risk_pipeline.analytics.lots import InvestmentClass
from risk_pipeline.currencies import conventional, legs, pair_currencies, risk_name
from risk_pipeline_tests.support import cash_account
from risk_pipeline_tests.support.cash_account import DATES, NO_MARKS, accounts, lots

SPY, EURUSD, GBPUSD = 0, 1, 2
PAIR = {"EURUSD=X": EURUSD, "GBPUSD=X": GBPUSD}


def conversion(*ways: tuple[str, str]) -> Conversion:
    out = Conversion.none(len(ways))
    for row, way in enumerate(ways):
        for place, leg in enumerate(legs(*way)):
            out.column[row, place], out.power[row, place] = PAIR[leg.symbol], leg.power
    return out


def value(held, close, ways, *, dividend=None, owner=None, marks=NO_MARKS, refused=None):
    return cash_account.value(
        *(held, close),
        dividend=dividend,
        owner=owner or accounts(equity=100_000.0),
        volatility=np.full(np.shape(close), 0.2),
        marks=marks,
        conversion=None if ways is None else conversion(*ways),
        refused=refused,
    )


def test_a_euro_book_by_hand():
    """100,000 euros, 100 SPY at 400 dollars on day 0, a dividend of 2 on day 1, half of it sold at 420 on day 2."""
    held = lots(
        [
            {"quantity": 50.0, "entry_price": 400.0},
            {"quantity": 50.0, "entry_price": 400.0, "exit_date": DATES[2], "exit_price": 420.0},
        ]
    )
    close = [[402.0, 1.05, 1.2], [404.0, 1.00, 1.2], [418.0, 1.10, 1.2], [430.0, 1.10, 1.2]]
    dividend = np.zeros((4, 3))
    dividend[1, SPY] = 2.0
    book = value(held, close, [("USD", "EUR")] * 2, dividend=dividend)
    cost = 100 * 400 / 1.05
    assert book.equity[:, 0] == pytest.approx(
        [
            100_000 + 100 * 402 / 1.05 - cost,
            100_000 + 100 * 404 / 1.00 - cost + 100 * 2 / 1.00,
            100_000 + 50 * 418 / 1.10 + 50 * 420 / 1.10 - cost + 200,
            100_000 + 50 * 430 / 1.10 + 50 * 420 / 1.10 - cost + 200,
        ],
        rel=1e-14,
    )
    assert book.long_value[1, 0] == pytest.approx(100 * 404 / 1.00)
    np.testing.assert_allclose(book.equity, book.cash + book.long_value + book.short_value, rtol=1e-14)
    np.testing.assert_allclose(book.positions.rate, 1 / np.array([1.05, 1.05, 1.0, 1.0, 1.1, 1.1]))


def test_the_days_gain_is_price_at_todays_rate_and_currency_at_yesterdays_price():
    held = lots([{"quantity": 100.0, "entry_price": 400.0}])
    book = value(held, [[402.0, 1.05, 1.2], [404.0, 1.0, 1.2]], [("USD", "EUR")])
    rows = book.positions
    by_price = 100 * (rows.price[1] - rows.price[0]) * rows.rate[1]
    by_currency = 100 * rows.price[0] * (rows.rate[1] - rows.rate[0])
    assert book.equity[1, 0] - book.equity[0, 0] == pytest.approx(by_price + by_currency, rel=1e-12)


def test_a_triangle_closes():
    """Pounds in euros are pounds in dollars over euros in dollars, whatever the way."""
    held = lots([{"portfolio": p, "quantity": 10.0, "entry_price": 90.0} for p in range(3)])
    close = np.column_stack([np.linspace(90, 95, 6), np.linspace(1.05, 1.10, 6), np.linspace(1.2, 1.3, 6)])
    book = value(held, close, [("GBP", "EUR"), ("GBP", "USD"), ("EUR", "USD")], owner=accounts(3, 100_000.0))
    in_euros, in_dollars, as_euros_in_dollars = (book.long_value[:, p] for p in range(3))
    np.testing.assert_allclose(in_euros * close[:, EURUSD], in_dollars, rtol=1e-14)
    np.testing.assert_allclose(in_dollars / as_euros_in_dollars, close[:, GBPUSD] / close[:, EURUSD], rtol=1e-14)


def test_a_position_is_a_holding_of_the_instrument_and_of_its_currencies():
    held = lots([{"quantity": 10.0, "entry_price": 90.0}])
    book = value(held, [[90.0, 1.05, 1.2], [90.0, 1.05, 1.2]], [("GBP", "EUR")])
    worth = 10 * 90 * 1.2 / 1.05
    rows = book.holdings.at(1)
    assert rows.symbol.tolist() == [SPY, GBPUSD, EURUSD]
    assert rows.leg.tolist() == [0, 1, 2]
    assert rows.delta_value == pytest.approx([worth, worth, -worth])
    assert rows.value == pytest.approx([worth, 0, 0])


@pytest.mark.parametrize("column", [SPY, EURUSD, GBPUSD])
def test_a_holding_says_what_a_small_move_of_its_symbol_gains(column):
    held = lots([{"quantity": 10.0, "entry_price": 90.0}])
    close = np.tile([90.0, 1.05, 1.2], (2, 1))
    close[1, column] *= 1 + 1e-6
    book = value(held, close, [("GBP", "EUR")])
    before = book.holdings.at(0)
    gain = before.delta_value[before.symbol == column].sum() * 1e-6
    assert book.equity[1, 0] - book.equity[0, 0] == pytest.approx(gain, rel=1e-5)


def test_the_currency_of_an_option_is_its_premium_not_its_notional():
    expiry = DATES[40]
    call = {"kind": InvestmentClass.OPTIONS, "is_call": True, "strike": 90.0, "expiry": expiry, "entry_price": 3.0}
    book = value(lots([call]), np.tile([90.0, 1.05, 1.2], (2, 1)), [("USD", "EUR")])
    rows = book.holdings.at(1)
    premium = book.positions.value[1]
    assert rows.delta_value[0] > 5 * premium > 0
    assert rows.delta_value[1] == pytest.approx(-premium)


def test_a_private_asset_is_converted_and_holds_its_currency_alone():
    fund = {"symbol": -1, "kind": InvestmentClass.PRIVATE, "quantity": 2.0, "entry_price": 1000.0}
    book = value(lots([fund]), [[90.0, 1.05, 1.2], [90.0, 1.0, 1.2]], [("USD", "EUR")])
    assert book.equity[:, 0] == pytest.approx([100_000, 100_000 + 2000 / 1.0 - 2000 / 1.05])
    assert book.holdings.symbol.tolist() == [EURUSD, EURUSD]
    assert book.private_value[1, 0] == pytest.approx(2000)


def test_without_a_pair_the_portfolio_is_not_valued_and_the_others_are_as_before():
    held = lots([{"entry_date": DATES[1]}, {"portfolio": 1, "quantity": 3.0}])
    close = [[1.0, np.nan, 1.2], [1.1, np.nan, 1.2], [1.3, 1.05, 1.2]]
    book = value(held, close, [("USD", "EUR"), ("USD", "USD")], owner=accounts(2))
    assert book.is_active.tolist() == [[True, True], [False, True], [False, True]]
    assert book.is_unvalued[:, 0].tolist() == [False, True, True]
    alone = value(lots([{"quantity": 3.0}]), close, [("USD", "USD")], owner=accounts(1))
    assert book.equity[:, 1].tobytes() == alone.equity[:, 0].tobytes()
    assert set(book.positions.lot.tolist()) == {1}


def test_a_refused_lot_stops_its_portfolio_from_its_entry_on():
    held = lots([{"entry_date": DATES[1]}, {"portfolio": 1}])
    close = np.tile([1.0, 1.05, 1.2], (3, 1))
    ways = [("USD", "USD")] * 2
    book = value(held, close, ways, owner=accounts(2), refused=np.array([True, False]))
    assert book.is_active.tolist() == [[True, True], [False, True], [False, True]]


def test_a_rate_is_carried_forward_and_the_position_called_stale():
    held = lots([{"quantity": 1.0}])
    close = [[1.0, 1.05, 1.2], [1.0, np.nan, 1.2], [1.0, 1.10, 1.2]]
    book = value(held, close, [("EUR", "USD")])
    assert book.positions.rate.tolist() == [1.05, 1.05, 1.10]
    assert book.stale_positions[:, 0].tolist() == [0, 1, 0]


@pytest.mark.parametrize(("age", "is_known"), [(PATIENCE, True), (PATIENCE + 1, False)])
def test_a_rate_reaches_an_entry_from_a_few_sessions_before_it_and_not_from_longer(age, is_known):
    close = np.tile([1.0, np.nan, 1.2], (20, 1))
    close[0, EURUSD] = 1.05
    held = lots([{"entry_date": DATES[age]}])
    book = value(held, close, [("EUR", "USD")])
    assert bool(book.is_active[age, 0]) is is_known


def test_a_lot_in_its_portfolios_currency_is_valued_to_the_bit_as_without_any_pair():
    rng = np.random.default_rng(3)
    close = 100 * np.cumprod(1 + 0.01 * rng.standard_normal((30, 3)), axis=0)
    held = lots([{"quantity": 7.0, "entry_price": 99.0}, {"quantity": -3.0, "symbol": 2, "entry_price": 101.0}])
    ways = [("USD", "USD")] * 2
    with_pairs, plain = value(held, close, ways), value(held, close, None)
    for name in ("equity", "cash", "long_value", "short_value", "lot_pnl"):
        assert getattr(with_pairs, name).tobytes() == getattr(plain, name).tobytes()
    assert with_pairs.holdings.delta_value.tobytes() == plain.holdings.delta_value.tobytes()


def test_every_currency_has_one_pair_against_the_dollar():
    assert legs("EUR", "USD") == (("EURUSD=X", 1),)
    assert legs("USD", "EUR") == (("EURUSD=X", -1),)
    assert legs("JPY", "USD") == (("USDJPY=X", -1),)
    assert legs("GBP", "JPY") == (("GBPUSD=X", 1), ("USDJPY=X", 1))
    assert legs("CHF", "CHF") == ()
    assert conventional("USDEUR=X") == ("EURUSD=X", -1)
    assert conventional("JPY=X") == ("USDJPY=X", 1)
    assert pair_currencies("JPY=X") == ("USD", "JPY")
    assert pair_currencies("AAPL") is None
    assert risk_name("EURUSD=X") == "FX EURUSD"
