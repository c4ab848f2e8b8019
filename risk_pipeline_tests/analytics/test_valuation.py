"""The derived equity against a cash account walked day by day, and the identities of valuation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from risk_pipeline.analytics.concentration import concentration, sector_exposure
from risk_pipeline.analytics.lots import InvestmentClass, Lots, SplitAdjusted, private_prices
from risk_pipeline.analytics.valuation import Accounts, value_book

DATES = np.arange("2025-03-03", "2025-06-01", dtype="datetime64[D]")
DATES = DATES[np.is_busday(DATES)]
NAT, NONE = np.datetime64("NaT", "D"), np.nan


def lots(rows: list[dict]) -> Lots:
    """Lots from dicts; what is left out is a public share of the first portfolio and symbol."""
    default = {
        "portfolio": 0,
        "symbol": 0,
        "name": 0,
        "kind": InvestmentClass.PUBLIC,
        "quantity": 1.0,
        "entry_date": DATES[0],
        "entry_price": 1.0,
        "exit_date": NAT,
        "exit_price": NONE,
        "is_call": False,
        "strike": NONE,
        "expiry": NAT,
        "implied_volatility": NONE,
    }
    filled = [{**default, **row} for row in rows]
    kinds = {"portfolio": np.int64, "symbol": np.int64, "name": np.int64, "kind": np.int64, "is_call": bool}
    kinds |= dict.fromkeys(("entry_date", "exit_date", "expiry"), "datetime64[D]")
    return Lots(**{key: np.array([row[key] for row in filled], dtype=kinds.get(key, float)) for key in default})


def accounts(count: int = 1, equity: float = 1000.0, flows=()) -> Accounts:
    columns = list(zip(*flows, strict=True)) or [(), (), ()]
    return Accounts(
        np.full(count, equity),
        np.full(count, DATES[0]),
        np.full(count, NAT),
        *(np.array(c, dtype=k) for c, k in zip(columns, (np.int64, "datetime64[D]", float), strict=True)),
    )


def value(held: Lots, close, *, dividend=None, split=None, ends=None, owner=None, volatility=None):
    close = np.asarray(close, dtype=float)
    dividend = np.zeros(close.shape) if dividend is None else dividend
    split = np.ones(close.shape) if split is None else split
    ends = np.arange(len(close)) if ends is None else np.asarray(ends)
    volatility = np.full((len(ends), close.shape[1]), np.nan) if volatility is None else volatility
    return value_book(
        *(held, owner or accounts(), DATES[: len(close)], SplitAdjusted.of(close, split), dividend, ends),
        volatility=volatility,
        private_price=private_prices(
            held, DATES[ends], *(np.array([], dtype=k) for k in (int, "datetime64[D]", float))
        ),
        rate=0.02,
    )


def walk(held: Lots, close, dividend, split, equity: float, flows) -> np.ndarray:
    """Walk a cash account: split, dividend, sell, buy, flow, then mark to the last known price."""
    days, cash = len(close), equity
    shares = [0.0] * len(held.quantity)
    state = ["before"] * len(held.quantity)
    last = [None] * len(held.quantity)
    out = []
    for day in range(days):
        for lot in range(len(shares)):
            n = held.symbol[lot]
            if state[lot] == "held":
                cash += shares[lot] * dividend[day, n]
                shares[lot] *= split[day, n]
                last[lot] /= split[day, n]
            if state[lot] in ("held", "opened") and not np.isnan(close[day, n]):
                last[lot] = close[day, n]
            exits = not np.isnat(held.exit_date[lot]) and held.exit_date[lot] <= DATES[day]
            if state[lot] == "held" and exits:
                price = last[lot] if np.isnan(held.exit_price[lot]) else held.exit_price[lot]
                cash, shares[lot], state[lot] = cash + shares[lot] * price, 0.0, "sold"
            if state[lot] == "before" and held.entry_date[lot] <= DATES[day]:
                state[lot], shares[lot] = "held", held.quantity[lot]
                cash -= held.quantity[lot] * held.entry_price[lot]
                last[lot] = held.entry_price[lot] if np.isnan(close[day, n]) else close[day, n]
        if day:
            cash += sum(amount for _, date, amount in flows if DATES[day - 1] < date <= DATES[day])
        out.append(cash + sum(s * p for s, p in zip(shares, last, strict=True) if p is not None))
    return np.array(out)


@st.composite
def markets(draw):
    seed = draw(st.integers(0, 100_000))
    rng = np.random.default_rng(seed)
    days, symbols = 30, 3
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.02, (days, symbols)), axis=0))
    split = np.where(rng.random((days, symbols)) < 0.03, rng.choice([2.0, 4.0, 0.5], (days, symbols)), 1.0)
    dividend = np.where(rng.random((days, symbols)) < 0.06, rng.uniform(0.1, 2, (days, symbols)), 0.0)
    gaps = rng.random((days, symbols)) < 0.08
    gaps[0] = False
    split[gaps] = 1.0
    dividend[gaps] = 0.0
    rows = []
    for _ in range(draw(st.integers(1, 8))):
        entry = int(rng.integers(0, days - 2))
        row = {"symbol": int(rng.integers(0, symbols)), "quantity": float(rng.integers(-50, 51) or 1)}
        row |= {"entry_date": DATES[entry], "entry_price": float(rng.uniform(80, 120))}
        if rng.random() < 0.5:
            row["exit_date"] = DATES[int(rng.integers(entry + 1, days))]
            row["exit_price"] = float(rng.uniform(80, 120)) if rng.random() < 0.5 else NONE
        rows.append(row)
    flows = [
        (0, DATES[int(d)], float(a))
        for d, a in zip(np.sort(rng.integers(1, days, 3)), rng.normal(0, 100, 3), strict=True)
    ]
    return lots(rows), np.where(gaps, np.nan, close), dividend, split, flows


@settings(deadline=None, max_examples=60)
@given(markets())
def test_t22_equity_is_that_of_a_cash_account_walked_day_by_day(market):
    held, close, dividend, split, flows = market
    book = value(held, close, dividend=dividend, split=split, owner=accounts(flows=flows))
    np.testing.assert_allclose(book.equity[:, 0], walk(held, close, dividend, split, 1000.0, flows), rtol=1e-9)
    np.testing.assert_allclose(book.equity, book.cash + book.long_value + book.short_value, rtol=1e-12, atol=1e-9)


@settings(deadline=None, max_examples=30)
@given(markets(), st.sets(st.integers(0, 29), min_size=2, max_size=8))
def test_t26_t27_pnl_telescopes_over_any_sessions_to_the_last_bit_of_equity(market, chosen):
    held, close, dividend, split, flows = market
    owner = accounts(flows=flows)
    everything = value(held, close, dividend=dividend, split=split, owner=owner)
    some = sorted(chosen)
    few = value(held, close, dividend=dividend, split=split, owner=owner, ends=some)
    np.testing.assert_array_equal(few.equity, everything.equity[some])
    np.testing.assert_array_equal(few.cash, everything.cash[some])
    pnl = np.diff(everything.equity[:, 0]) - everything.flow[1:, 0]
    gained = everything.cumulative_pnl[some[-1], 0] - everything.cumulative_pnl[some[0], 0]
    assert pnl[some[0] : some[-1]].sum() == pytest.approx(gained, rel=1e-9, abs=1e-6)


@settings(deadline=None, max_examples=10)
@given(markets())
def test_t25_valuing_keeps_no_state_and_leaves_its_inputs_alone(market):
    held, close, dividend, split, flows = market
    before = [array.tobytes() for array in (*vars(held).values(), close, dividend, split)]
    first, second = (value(held, close, dividend=dividend, split=split, owner=accounts(flows=flows)) for _ in range(2))
    for name in ("equity", "cash", "long_value", "cumulative_pnl"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    assert [array.tobytes() for array in (*vars(held).values(), close, dividend, split)] == before


def test_some_sessions_of_a_book_are_those_sessions():
    held = lots([{"quantity": 10}, {"symbol": 1, "quantity": -5, "entry_date": DATES[1]}])
    book = value(held, [[100, 50], [104, 51], [108, 49], [90, 48]])
    some = book.take(np.array([3, 1]))
    np.testing.assert_array_equal(some.equity, book.equity[[3, 1]])
    assert some.positions.session.tolist() == some.holdings.session.tolist() == [0, 0, 1, 1]
    np.testing.assert_array_equal(some.positions.value, [900, -240, 1040, -255])


def test_t43_a_round_trip_is_exit_less_entry():
    held = lots([{"quantity": 10, "entry_price": 95, "exit_date": DATES[2], "exit_price": 110}])
    book = value(held, [[100], [104], [108], [90]])
    np.testing.assert_allclose(book.equity[:, 0] - 1000, [50, 90, 150, 150])
    assert book.position_count[:, 0].tolist() == [1, 1, 0, 0]


def test_fixture_10_a_split_leaves_the_value_and_multiplies_the_quantity():
    held = lots([{"quantity": 10, "entry_price": 400}])
    book = value(held, [[400], [100.0], [101.0]], split=np.array([[1.0], [4.0], [1.0]]))
    np.testing.assert_allclose(book.long_value[:, 0], [4000, 4000, 4040])
    np.testing.assert_allclose(book.positions.quantity, [10, 40, 40])


def test_t59_a_dividend_goes_to_cash_on_the_ex_date_for_who_held_the_day_before():
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


def test_fixture_14_all_prices_missing_is_valued_at_cost():
    book = value(lots([{"quantity": 10, "entry_price": 90}]), [[np.nan], [np.nan]])
    np.testing.assert_allclose(book.long_value[:, 0], 900)
    np.testing.assert_allclose(book.equity[:, 0], 1000)
    assert (book.stale_positions == 1).all()


def test_t39_an_option_moves_by_its_delta_and_is_gone_at_expiry():
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


def test_t39_without_any_volatility_an_option_is_worth_its_intrinsic_value_and_stale():
    option = {"kind": InvestmentClass.OPTIONS, "entry_price": 5, "strike": 100, "expiry": DATES[20]}
    book = value(lots([option]), [[80.0], [90.0]])
    assert book.stale_positions[:, 0].tolist() == [1, 1]
    assert book.positions.price[0] == pytest.approx(20, abs=0.2)


def test_t37_private_assets_are_in_nav_at_their_mark_and_in_no_holdings():
    held = lots([{"kind": InvestmentClass.PRIVATE, "symbol": -1, "quantity": 10, "entry_price": 50}])
    marked = private_prices(held, DATES[:3], np.array([0]), DATES[1:2], np.array([60.0]))
    np.testing.assert_allclose(marked[:, 0], [50, 60, 60])
    book = value(held, [[1.0], [1.0], [1.0]])
    np.testing.assert_allclose(book.private_value[:, 0], 500)
    assert len(book.holdings.symbol) == 0


def test_t45_a_portfolio_without_positions_is_worth_its_cash():
    book = value(lots([{"portfolio": 1}]), [[1.0]], owner=accounts(2, 250.0))
    assert book.equity[0, 0] == book.cash[0, 0] == 250.0


def test_t44_cash_may_be_negative():
    book = value(lots([{"quantity": 30, "entry_price": 100}]), [[100.0]])
    assert book.cash[0, 0] == -2000.0


def test_fixture_2_long_and_short_net_to_nothing_and_gross_to_twice():
    book = value(lots([{"quantity": 10}, {"quantity": -10}]), [[100.0]])
    assert (book.gross[0, 0], book.net[0, 0]) == (2000.0, 0.0)


def test_fixture_18_three_lots_of_ten_are_one_of_thirty():
    rng = np.random.default_rng(1)
    close = 100 + rng.normal(size=(20, 1)).cumsum(axis=0)
    one, three = (value(lots([{"quantity": q, "entry_price": 97}] * n), close) for q, n in ((30, 1), (10, 3)))
    np.testing.assert_allclose(one.equity, three.equity, rtol=1e-12)


def test_t42_before_inception_a_portfolio_is_not_active_and_a_flow_is_no_gain():
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
