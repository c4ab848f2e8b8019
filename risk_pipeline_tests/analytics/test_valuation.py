"""The derived equity against a cash account walked day by day, and the identities of valuation."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from risk_pipeline.analytics.concentration import concentration, sector_exposure
from risk_pipeline.analytics.lots import InvestmentClass, Lots, SplitAdjusted, private_prices
from risk_pipeline.analytics.options import black_scholes
from risk_pipeline.analytics.valuation import Accounts, value_book

DATES = np.arange("2025-03-03", "2025-06-01", dtype="datetime64[D]")
DATES = DATES[np.is_busday(DATES)]
NAT, NONE, RATE = np.datetime64("NaT", "D"), np.nan, 0.02


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
        "contract_size": NONE,
        "fees": NONE,
        "exit_fees": NONE,
        "is_american": False,
    }
    filled = [{**default, **row} for row in rows]
    kinds = {"portfolio": np.int64, "symbol": np.int64, "name": np.int64, "kind": np.int64}
    kinds |= dict.fromkeys(("is_call", "is_american"), bool)
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


NO_MARKS = tuple(np.array([], dtype=kind) for kind in (np.int64, "datetime64[D]", float))


def value(held: Lots, close, *, dividend=None, split=None, ends=None, owner=None, volatility=None, marks=NO_MARKS):
    close = np.asarray(close, dtype=float)
    dividend = np.zeros(close.shape) if dividend is None else dividend
    split = np.ones(close.shape) if split is None else split
    ends = np.arange(len(close)) if ends is None else np.asarray(ends)
    volatility = np.full((len(ends), close.shape[1]), np.nan) if volatility is None else volatility
    return value_book(
        *(held, owner or accounts(), DATES[: len(close)], SplitAdjusted.of(close, split), dividend, ends),
        volatility=volatility,
        private_price=private_prices(held, DATES[ends], *marks),
        rate=RATE,
    )


@dataclass
class Market:
    """A random market, the lots of one portfolio in it, its flows, and marks of its private asset."""

    held: Lots
    close: np.ndarray
    dividend: np.ndarray
    split: np.ndarray
    flows: list
    marks: tuple

    def value(self, **changes):
        given = {"dividend": self.dividend, "split": self.split, "owner": accounts(flows=self.flows)}
        return value(self.held, self.close, marks=self.marks, **{**given, **changes})


class Walker:
    """One lot, walked day by day with a cash account beside it: split, dividend, exit or expiry, entry, mark."""

    def __init__(self, market: Market, lot: int) -> None:
        self.market = market
        for name, values in vars(market.held).items():
            setattr(self, name, values[lot])
        self.state, self.units, self.ratio, self.spot, self.cash = "before", 0.0, 1.0, np.nan, 0.0
        usual = 100.0 if self.kind == InvestmentClass.OPTIONS else 1.0
        self.multiplier = usual if np.isnan(self.contract_size) else self.contract_size
        in_time = np.isnat(self.expiry) or self.exit_date <= self.expiry
        self.is_sold = not np.isnan(self.exit_price) and bool(in_time)

    def price(self, day: int) -> float:
        if self.kind == InvestmentClass.PRIVATE:
            _, dates, prices = self.market.marks
            known = prices[(dates >= self.entry_date) & (dates <= DATES[day])]
            return known[-1] if len(known) else self.entry_price
        if self.kind == InvestmentClass.PUBLIC:
            return self.spot
        years = (self.expiry - DATES[day]).astype(int) / 365
        arrays = (np.array([x]) for x in (self.spot, self.strike / self.ratio, years))
        worth = black_scholes(
            *arrays, RATE, np.array([self.implied_volatility]), np.array([self.is_call]), self.dividend_yield(day)
        )
        return worth.price[0]

    def dividend_yield(self, day: int) -> float:
        """The dividends of all sessions so far, fewer than a year's, on the spot; splits make them smaller."""
        market, n = self.market, self.symbol
        paid = sum(market.dividend[s, n] / np.prod(market.split[s : day + 1, n]) for s in range(1, day + 1))
        return np.log1p(paid / self.spot)

    def close_out(self, price: float) -> None:
        self.cash += self.units * price
        self.units, self.state = 0.0, "over"

    def settle(self) -> None:
        gain = self.spot - self.strike / self.ratio
        self.close_out(max(gain if self.is_call else -gain, 0.0))

    def step(self, day: int) -> float:
        market, n = self.market, self.symbol
        if self.state == "held" and self.expiry < DATES[day] and not self.is_sold:
            self.settle()  # it expired on a closed day, at the price before
        if self.state == "held" and n >= 0:
            if self.kind == InvestmentClass.PUBLIC:
                self.cash += self.units * market.dividend[day, n]
            self.units, self.spot = self.units * market.split[day, n], self.spot / market.split[day, n]
            self.ratio *= market.split[day, n]
            if not np.isnan(market.close[day, n]):
                self.spot = market.close[day, n]
        if self.state == "held" and self.expiry == DATES[day] and not self.is_sold:
            self.settle()
        if self.state == "held" and self.exit_date <= DATES[day]:
            self.close_out(self.price(day) if np.isnan(self.exit_price) else self.exit_price)
            self.cash -= np.nan_to_num(self.exit_fees)
        if self.state == "before" and self.entry_date <= DATES[day]:
            self.state, self.units = "held", self.quantity * self.multiplier
            self.cash -= self.units * self.entry_price + np.nan_to_num(self.fees)
            if n >= 0:
                fallback = self.strike if self.kind == InvestmentClass.OPTIONS else self.entry_price
                self.spot = fallback if np.isnan(market.close[day, n]) else market.close[day, n]
        return self.cash + (self.units * self.price(day) if self.state == "held" else 0.0)


def walk(market: Market, equity: float) -> np.ndarray:
    """Return what the portfolio is worth on each day, from its cash account."""
    walkers = [Walker(market, lot) for lot in range(len(market.held.quantity))]
    out = []
    for day in range(len(market.close)):
        paid_in = sum(amount for _, date, amount in market.flows if DATES[0] <= date <= DATES[day])
        out.append(equity + paid_in + sum(walker.step(day) for walker in walkers))
    return np.array(out)


@st.composite
def markets(draw) -> Market:
    """Random lots of shares, options and a private asset, with splits, dividends, gaps, marks and flows."""
    rng = np.random.default_rng(draw(st.integers(0, 100_000)))
    days, symbols = 30, 3
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.02, (days, symbols)), axis=0))
    split = np.where(rng.random((days, symbols)) < 0.03, rng.choice([2.0, 4.0, 0.5], (days, symbols)), 1.0)
    dividend = np.where(rng.random((days, symbols)) < 0.06, rng.uniform(0.1, 2, (days, symbols)), 0.0)
    gaps = rng.random((days, symbols)) < 0.08
    split[gaps] = 1.0
    dividend[gaps] = 0.0
    rows = []
    for _ in range(draw(st.integers(1, 8))):
        entry = int(rng.integers(0, days - 2))
        row = {"symbol": int(rng.integers(0, symbols)), "quantity": float(rng.integers(-50, 51) or 1)}
        row |= {"entry_date": DATES[entry], "entry_price": float(rng.uniform(80, 120))}
        kind = draw(st.sampled_from(InvestmentClass))
        if rng.random() < 0.5:
            row["exit_date"] = DATES[int(rng.integers(entry + 1, days))]
            is_priced = kind != InvestmentClass.PUBLIC or rng.random() < 0.5
            row["exit_price"] = float(rng.uniform(80, 120)) if is_priced else NONE
        if kind == InvestmentClass.PRIVATE:
            row |= {"symbol": -1, "kind": kind}
        if kind == InvestmentClass.OPTIONS:
            terms = {"is_call": bool(rng.random() < 0.5), "strike": float(rng.uniform(80, 120))}
            expiry = DATES[entry] + int(rng.integers(1, 60))  # on any day, a closed one too
            row |= {"kind": kind, "entry_price": 4.0, "expiry": expiry, "implied_volatility": 0.3, **terms}
            if rng.random() < 0.3:  # sold on the very day of the expiry
                row |= {"exit_date": expiry, "exit_price": float(rng.uniform(0, 9))}
        extras = {"contract_size": 10.0, "fees": 1.5, "exit_fees": 2.5}
        row |= {name: value for name, value in extras.items() if rng.random() < 0.3}
        rows.append(row)
    dates = [DATES[int(day)] for day in np.sort(rng.integers(0, days, 3))]
    flows = [(0, day, float(amount)) for day, amount in zip(dates, rng.normal(0, 100, 3), strict=True)]
    marked = np.unique(rng.integers(0, days, 4))
    marks = np.zeros(len(marked), dtype=np.int64), DATES[marked], rng.uniform(50, 150, len(marked))
    return Market(lots(rows), np.where(gaps, np.nan, close), dividend, split, flows, marks)


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
    option |= {"expiry": DATES[friday] + 1, "implied_volatility": 0.3}
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
