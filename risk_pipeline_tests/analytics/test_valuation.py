"""The derived equity against a cash account walked day by day, and the identities of valuation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from risk_pipeline.analytics.concentration import concentration, sector_exposure
from risk_pipeline.analytics.lots import InvestmentClass, Lots, private_prices
from risk_pipeline_tests.support.cash_account import DATES, Market, accounts, lots, markets, value, walk


@settings(deadline=None, max_examples=100)
@given(markets())
def test_equity_is_that_of_a_cash_account_walked_day_by_day(market):
    book = market.value()
    np.testing.assert_allclose(book.equity[:, 0], walk(market, 1000.0), rtol=1e-9, atol=1e-6)
    np.testing.assert_allclose(book.equity, book.cash + book.long_value + book.short_value, rtol=1e-12, atol=1e-9)
    np.testing.assert_allclose(book.net, book.gross + 2 * book.short_value, rtol=1e-12, atol=1e-9)
    held = np.bincount(book.positions.session, book.positions.value, len(book.equity))
    np.testing.assert_allclose(held, book.net[:, 0], rtol=1e-12, atol=1e-9)


@settings(deadline=None, max_examples=30)
@given(markets(), st.sets(st.integers(0, 29), min_size=2, max_size=8))
def test_pnl_telescopes_over_any_sessions_to_the_last_bit_of_equity(market, chosen):
    everything, some = market.value(), sorted(chosen)
    few = market.value(ends=some)
    np.testing.assert_array_equal(few.equity, everything.equity[some])
    np.testing.assert_array_equal(few.cash, everything.cash[some])
    pnl = np.diff(everything.equity[:, 0]) - everything.flow[1:, 0]
    gained = everything.cumulative_pnl[some[-1], 0] - everything.cumulative_pnl[some[0], 0]
    assert pnl[some[0] : some[-1]].sum() == pytest.approx(gained, rel=1e-9, abs=1e-6)


@settings(deadline=None, max_examples=10)
@given(markets())
def test_valuing_keeps_no_state_and_leaves_its_inputs_alone(market):
    given_arrays = (*vars(market.held).values(), market.close, market.dividend, market.split, *market.marks)
    before = [array.tobytes() for array in given_arrays]
    first, second = market.value(), market.value()
    for name in ("equity", "cash", "long_value", "cumulative_pnl"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    assert [array.tobytes() for array in given_arrays] == before


@settings(deadline=None, max_examples=30)
@given(markets(), st.integers(2, 5))
def test_a_lot_cut_in_pieces_is_the_lot_and_a_lot_against_itself_is_nothing(market, pieces):
    def with_lots(copies: int, factor: float, sign: float = 1.0) -> Market:
        fields = {name: np.tile(values, copies) for name, values in vars(market.held).items()}
        for name in ("quantity", "fees", "exit_fees"):
            fields[name] = np.tile(getattr(market.held, name) * factor, copies)
            fields[name][len(market.held.quantity) :] *= sign
        return replace(market, held=Lots(**fields))

    whole, cut = market.value(), with_lots(pieces, 1 / pieces).value()
    for name in ("equity", "cash", "long_value", "short_value", "cumulative_pnl"):
        np.testing.assert_allclose(getattr(cut, name), getattr(whole, name), rtol=1e-9, atol=1e-6)
    nothing = with_lots(2, 1.0, -1.0).value()
    np.testing.assert_allclose(nothing.cumulative_pnl, 0.0, atol=1e-6)
    np.testing.assert_allclose(nothing.net, 0.0, atol=1e-6)


def test_an_option_that_expires_on_a_closed_day_settles_at_the_price_before():
    friday = int(np.flatnonzero(np.diff(DATES).astype(int) > 1)[0])
    option = {"kind": InvestmentClass.OPTIONS, "entry_price": 5, "is_call": True, "strike": 100}
    option |= {"expiry": DATES[friday] + np.timedelta64(1, "D"), "implied_volatility": 0.3}
    close = np.full((friday + 2, 1), 110.0)
    close[friday + 1] = 150.0
    book = value(lots([option]), close)
    assert book.option_positions[friday:, 0].tolist() == [1, 0]
    assert book.equity[-1, 0] == pytest.approx(1000 + 100 * (10 - 5))


@pytest.mark.parametrize(("quantity", "exit_price", "gain"), [(10, 2.5, -2500), (-10, 6.0, -1000), (-10, 0.0, 5000)])
def test_a_stated_exit_price_wins_on_the_expiry_day(quantity, exit_price, gain):
    option = {"kind": InvestmentClass.OPTIONS, "quantity": quantity, "entry_price": 5, "is_call": True, "strike": 100}
    option |= {"expiry": DATES[2], "implied_volatility": 0.3, "exit_date": DATES[2], "exit_price": exit_price}
    book = value(lots([option]), [[100.0], [105], [112], [80]])
    assert book.equity[2:, 0].tolist() == [1000 + gain] * 2


def test_an_option_bought_and_expiring_on_one_day_gains_what_it_is_worth_less_its_cost():
    option = {"kind": InvestmentClass.OPTIONS, "entry_price": 1.5, "is_call": True, "strike": 100}
    option |= {"entry_date": DATES[1], "expiry": DATES[1], "implied_volatility": 0.3}
    book = value(lots([option, option | {"exit_date": DATES[1], "exit_price": 2.5}]), [[100.0], [104], [112]])
    assert book.option_positions[:, 0].tolist() == [0, 0, 0]
    np.testing.assert_allclose(book.equity[:, 0] - 1000, [0, 250 + 100, 250 + 100])


def test_multiplier_and_fees_are_counted_once_and_on_their_days():
    lot = {"quantity": 100_000, "entry_price": 99.0, "contract_size": 0.01, "fees": 20.0, "entry_date": DATES[1]}
    held = lots([lot | {"exit_date": DATES[3], "exit_price": 101.0, "exit_fees": 7.0}])
    book = value(held, [[98.0], [99.0], [100.0], [50.0]])
    np.testing.assert_allclose(book.equity[:, 0] - 1000, [0, -20, 980, 1973])
    np.testing.assert_allclose(book.long_value[:, 0], [0, 99_000, 100_000, 0])


def test_a_cost_of_nothing_is_legal_and_the_gain_is_all_of_the_value():
    book = value(lots([{"quantity": 100, "entry_price": 0.0}]), [[77.0], [80.0]])
    np.testing.assert_allclose(book.equity[:, 0] - 1000, [7700, 8000])


def test_many_splits_lose_no_digit_of_the_shares():
    split = np.array([[1.0], [1 / 3], [1 / 15], [1 / 25], [1 / 4], [1 / 30]])
    held = lots([{"quantity": 1e7, "entry_price": 5.0}])
    book = value(held, [[5.0], [15], [225], [5625], [22_500], [675_000]], split=split)
    np.testing.assert_allclose(book.long_value[:, 0], 5e7, rtol=1e-11)


def test_some_sessions_of_a_book_are_those_sessions():
    held = lots([{"quantity": 10}, {"symbol": 1, "quantity": -5, "entry_date": DATES[1]}])
    book = value(held, [[100, 50], [104, 51], [108, 49], [90, 48]])
    some = book.take(np.array([3, 1]))
    np.testing.assert_array_equal(some.equity, book.equity[[3, 1]])
    assert some.positions.session.tolist() == some.holdings.session.tolist() == [0, 0, 1, 1]
    np.testing.assert_array_equal(some.positions.value, [900, -240, 1040, -255])


def test_a_round_trip_is_exit_less_entry():
    held = lots([{"quantity": 10, "entry_price": 95, "exit_date": DATES[2], "exit_price": 110}])
    book = value(held, [[100], [104], [108], [90]])
    np.testing.assert_allclose(book.equity[:, 0] - 1000, [50, 90, 150, 150])
    assert book.position_count[:, 0].tolist() == [1, 1, 0, 0]


def test_a_split_leaves_the_value_and_multiplies_the_quantity():
    held = lots([{"quantity": 10, "entry_price": 400}])
    book = value(held, [[400], [100.0], [101.0]], split=np.array([[1.0], [4.0], [1.0]]))
    np.testing.assert_allclose(book.long_value[:, 0], [4000, 4000, 4040])
    np.testing.assert_allclose(book.positions.quantity, [10, 40, 40])


def test_a_dividend_goes_to_cash_on_the_ex_date_for_who_held_the_day_before():
    dividend = np.array([[0.0], [2.0], [0.0]])
    early, late = (lots([{"quantity": 10, "entry_price": 100, "entry_date": DATES[day]}]) for day in (0, 1))
    prices = [[100.0], [98.0], [98.0]]
    np.testing.assert_allclose(value(early, prices, dividend=dividend).equity[:, 0], [1000, 1000, 1000])
    np.testing.assert_allclose(value(late, prices, dividend=dividend).equity[1:, 0], [980, 980])
    short = replace(early, quantity=-early.quantity)
    np.testing.assert_allclose(value(short, prices, dividend=dividend).equity[:, 0], [1000, 1000, 1000])


def test_a_missing_close_is_valued_at_the_last_split_adjusted_price_and_says_so():
    held = lots([{"quantity": 10, "entry_price": 90}])
    book = value(held, [[100], [np.nan], [np.nan]], split=np.array([[1.0], [2.0], [1.0]]))
    np.testing.assert_allclose(book.long_value[:, 0], 1000)
    assert book.stale_positions[:, 0].tolist() == [0, 1, 1]


def test_all_prices_missing_is_valued_at_cost():
    book = value(lots([{"quantity": 10, "entry_price": 90}]), [[np.nan], [np.nan]])
    np.testing.assert_allclose(book.long_value[:, 0], 900)
    np.testing.assert_allclose(book.equity[:, 0], 1000)
    assert (book.stale_positions == 1).all()


def test_an_option_moves_by_its_delta_and_is_gone_at_expiry():
    option = {
        "kind": InvestmentClass.OPTIONS,
        "quantity": 2,
        "entry_price": 5,
        "is_call": True,
        "strike": 100,
        "expiry": DATES[3],
        "implied_volatility": 0.3,
    }
    book = value(lots([option]), [[100.0], [105], [110], [112], [80]])
    rows = book.positions
    assert book.option_positions[:, 0].tolist() == [1, 1, 1, 0, 0]
    np.testing.assert_allclose(book.holdings.delta_value, rows.delta * 200 * rows.spot)
    assert ((rows.delta > 0.4) & (rows.delta < 1.0)).all()
    np.testing.assert_allclose(book.equity[3:, 0], 1000 + 200 * (12 - 5))


def test_without_any_volatility_an_option_is_worth_its_intrinsic_value_and_stale():
    option = {"kind": InvestmentClass.OPTIONS, "entry_price": 5, "strike": 100, "expiry": DATES[20]}
    book = value(lots([option]), [[80.0], [90.0]])
    assert book.stale_positions[:, 0].tolist() == [1, 1]
    assert book.positions.price[0] == pytest.approx(20, abs=0.2)


def test_private_assets_are_in_nav_at_their_mark_and_in_no_holdings():
    held = lots([{"kind": InvestmentClass.PRIVATE, "symbol": -1, "quantity": 10, "entry_price": 50}])
    marked = private_prices(held, DATES[:3], np.array([0]), DATES[1:2], np.array([60.0]))
    np.testing.assert_allclose(marked[:, 0], [50, 60, 60])
    book = value(held, [[1.0], [1.0], [1.0]])
    np.testing.assert_allclose(book.private_value[:, 0], 500)
    assert len(book.holdings.symbol) == 0


def test_a_portfolio_without_positions_is_worth_its_cash():
    book = value(lots([{"portfolio": 1}]), [[1.0]], owner=accounts(2, 250.0))
    assert book.equity[0, 0] == book.cash[0, 0] == 250.0


def test_cash_may_be_negative():
    book = value(lots([{"quantity": 30, "entry_price": 100}]), [[100.0]])
    assert book.cash[0, 0] == -2000.0


def test_long_and_short_net_to_nothing_and_gross_to_twice():
    book = value(lots([{"quantity": 10}, {"quantity": -10}]), [[100.0]])
    assert (book.gross[0, 0], book.net[0, 0]) == (2000.0, 0.0)


def test_three_lots_of_ten_are_one_of_thirty():
    rng = np.random.default_rng(1)
    close = 100 + rng.normal(size=(20, 1)).cumsum(axis=0)
    one, three = (value(lots([{"quantity": q, "entry_price": 97}] * n), close) for q, n in ((30, 1), (10, 3)))
    np.testing.assert_allclose(one.equity, three.equity, rtol=1e-12)


def test_before_inception_a_portfolio_is_not_active_and_a_flow_is_no_gain():
    owner = replace(accounts(flows=[(0, DATES[2], 500.0)]), inception=np.array([DATES[1]]))
    book = value(lots([{"quantity": 0.0}]), [[1.0]] * 4, owner=owner)
    assert book.is_active[:, 0].tolist() == [False, True, True, True]
    np.testing.assert_allclose(book.flow[:, 0], [0, 0, 500, 0])
    np.testing.assert_allclose(book.cumulative_pnl[:, 0], 0)


def test_a_portfolio_is_the_same_whatever_others_there_are():
    rng = np.random.default_rng(4)
    close = 100 + rng.normal(size=(15, 4)).cumsum(axis=0)
    rows = [
        {"portfolio": p, "symbol": (p + k) % 4, "quantity": 3 + k, "entry_price": 99}
        for p in range(5)
        for k in range(3)
    ]
    together = value(lots(rows), close, owner=accounts(5))
    alone = value(lots([{**row, "portfolio": 0} for row in rows if row["portfolio"] == 3]), close)
    np.testing.assert_array_equal(together.equity[:, 3], alone.equity[:, 0])


def test_concentration_by_name_and_sectors_that_sum_to_one():
    cell, name = np.array([0, 0, 0, 0]), np.array([0, 0, 1, 2])
    found = concentration(cell, name, np.array([30.0, 20.0, -25.0, 25.0]), (1, 1))
    assert found.herfindahl[0, 0] == pytest.approx(10_000 * (0.5**2 + 0.25**2 + 0.25**2))
    assert found.effective_positions[0, 0] == pytest.approx(1 / 0.375)
    assert (found.top_3[0, 0], found.top_10[0, 0]) == (1.0, 1.0)
    sectors = sector_exposure(cell, np.array([0, 0, 1, 1]), np.array([30.0, 20.0, -25.0, 25.0]), (1, 1))
    np.testing.assert_allclose(sectors.net, [50, 0])
    np.testing.assert_allclose(sectors.gross_share, [0.5, 0.5])
