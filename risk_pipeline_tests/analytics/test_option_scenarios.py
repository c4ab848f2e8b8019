"""Options on scenarios: what must hold of any of them, and a short straddle on eight years of real prices."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from risk_pipeline.analytics.option_scenarios import DAY, LEAST_VOLATILITY, OptionScenarios
from risk_pipeline.analytics.options import OptionTerms
from risk_pipeline.analytics.var import LOOK_BACK, filtered_historical_simulation, filtered_scenarios, tail_risk
from risk_pipeline.risk import option_stress, option_tails
from risk_pipeline_tests.support.real_prices import real_returns


def straddle(spot: float, years: float, volatility: float, *, is_american: bool = False) -> OptionTerms:
    """A call and a put at the money."""
    one = np.ones(2)
    american = np.full(2, is_american)
    is_call = np.array([True, False])
    return OptionTerms(spot * one, spot * one, years * one, 0.02 * one, 0.01 * one, volatility * one, is_call, american)


@pytest.mark.parametrize("is_american", [False, True])
def test_an_option_that_nothing_happens_to_keeps_its_price(is_american):
    terms = straddle(100.0, 0.5, 0.2, is_american=is_american)
    nothing = np.zeros((3, 2))
    np.testing.assert_allclose(OptionScenarios(terms).price(nothing, 0.0), np.tile(terms.price(), (3, 1)), atol=1e-4)


def test_many_scenarios_of_american_options_are_the_tree_s_prices_of_each():
    terms = straddle(100.0, 0.75, 0.3, is_american=True)
    terms = dataclasses.replace(terms, strike=np.array([90.0, 130.0]), rate=np.array([0.05, 0.05]))
    move = np.linspace(-0.25, 0.25, 41)[:, None] * np.ones(2)
    found = OptionScenarios(terms, DAY).price(move, 0.0)
    for row, shift in enumerate(move):
        one = dataclasses.replace(terms, spot=terms.spot * (1 + shift), years=terms.years - DAY)
        np.testing.assert_allclose(found[row], one.price(), atol=0.02)  # of a spot of a hundred


@pytest.mark.parametrize(
    ("low", "largest"), [(0.0, 2e-3), (-0.04, 1e-3)]
)  # of rates and dividends; below zero the region of exercise may have two ends
def test_scenarios_of_any_american_option_are_the_prices_of_fine_trees(low, largest):
    rng, count = np.random.default_rng(3), 400
    strike = 100.0 * np.exp(rng.normal(0, 0.25, count))
    years, volatility = rng.choice([0.004, 0.02, 0.1, 0.5, 1.5, 3.0], count), rng.choice([0.02, 0.2, 0.8], count)
    rate, dividend_yield = rng.uniform(low, 0.08, (2, count))
    is_call, always = rng.random(count) < 0.5, np.ones(count, dtype=bool)
    terms = OptionTerms(np.full(count, 100.0), strike, years, rate, dividend_yield, volatility, is_call, always)
    move = np.array([-0.6, -0.25, -0.1, -0.03, 0.0, 0.03, 0.1, 0.25, 0.6])[:, None] * np.ones(count)
    found = OptionScenarios(terms).price(move, 0.0)
    error = []
    for row, shift in zip(found, move, strict=True):
        moved = dataclasses.replace(terms, spot=terms.spot * (1 + shift))
        whole = np.maximum(moved.european().price, moved.tree_price(1001))
        error.append(np.abs(row - np.where(moved.may_exercise_early, whole, moved.european().price)) / 100.0)
    assert np.max(error) < largest
    assert np.mean(error) < 4e-6


@pytest.fixture(scope="module")
def many() -> OptionTerms:
    """American options of all kinds, of a few days to three years, in and out of the money."""
    rng, count = np.random.default_rng(4), 300
    one, strike = np.ones(count), 100.0 * np.exp(rng.normal(0, 0.2, count))
    years, volatility = rng.choice([0.02, 0.1, 0.5, 1.5, 3.0], count), rng.choice([0.12, 0.2, 0.4, 0.8], count)
    rate, dividend_yield = rng.uniform(0.0, 0.06, (2, count))
    return OptionTerms(100.0 * one, strike, years, rate, dividend_yield, volatility, rng.random(count) < 0.4, one > 0)


def trees_of(terms: OptionTerms, move: float, change: float) -> np.ndarray:
    volatility = np.maximum(terms.volatility + change, np.minimum(terms.volatility, LEAST_VOLATILITY))
    return dataclasses.replace(terms, spot=terms.spot * (1 + move), volatility=volatility).price(801)


MOVES = np.array([-0.5, -0.1, -0.02, 0.0, 0.1])[:, None]


@pytest.mark.parametrize("change", [-0.3, -0.1, -0.05, 0.05, 0.1, 0.15, 0.2, 0.4, 0.6, 0.9])
def test_where_volatility_changes_the_premium_is_that_of_the_new_one(many, change):
    """A put that would be exercised today is worth more than that in a crisis. Beyond all lattices it is by trees."""
    exact = np.array([trees_of(many, shift, change) for shift in MOVES[:, 0]])
    options = OptionScenarios(many, changes=option_stress.VOLATILITY_CHANGES)
    error = np.abs(options.whole_price(MOVES, change) - exact) / 100.0
    assert error.max() < 8e-3
    assert np.quantile(error, 0.99) < 8e-4
    assert error.mean() < 3e-5
    assert np.abs(OptionScenarios(many).price(MOVES, change) - exact).max() / 100.0 > 5e-3


@pytest.mark.parametrize("change", [-0.12, -0.1, -0.03, 0.02, 0.06, 0.1, 0.13])
def test_value_at_risk_takes_three_lattices(many, change):
    exact = np.array([trees_of(many, shift, change) for shift in MOVES[1:, 0]])
    near, now = (
        np.abs(OptionScenarios(many, changes=changes).price(MOVES[1:], change) - exact) / 100.0
        for changes in (option_tails.VOLATILITY_CHANGES, (0.0,))
    )
    assert near.max() < 2e-2
    assert np.quantile(near, 0.99) < 8e-4
    assert near.mean() < 5e-5 < now.mean()


def crr(spot, strike, years, rate, dividend_yield, volatility, sign, steps=2000):
    step = years / steps
    up = np.exp(volatility * np.sqrt(step))
    rise, discount = (np.exp((rate - dividend_yield) * step) - 1 / up) / (up - 1 / up), np.exp(-rate * step)
    spots = spot * up ** (2.0 * np.arange(steps + 1) - steps)
    values = np.maximum(sign * (spots - strike), 0.0)
    for level in range(steps, 0, -1):
        spots = spots[1 : level + 1] / up
        values = discount * (rise * values[1:] + (1 - rise) * values[:-1])
        values = np.maximum(values, sign * (spots - strike))
    return values[0]


@pytest.mark.parametrize(
    ("strike", "years", "rate", "dividend_yield", "volatility", "sign"),
    [
        (140.0, 3.0, 0.05, 0.072, 0.03, -1),
        (300.0, 3.0, 0.02, 0.072, 0.08, -1),
        (55.0, 3.0, 0.06, 0.03, 0.05, 1),
    ],
)
def test_far_from_the_strike_the_carry_decides_when_to_exercise(strike, years, rate, dividend_yield, volatility, sign):
    """Beyond seven standard deviations: waiting is worth something although nothing comes near the strike."""
    numbers = np.array([[100.0, strike, years, rate, dividend_yield, volatility]]).T
    terms = OptionTerms(*numbers, np.array([sign > 0]), np.array([True]))
    expected = crr(100.0, strike, years, rate, dividend_yield, volatility, sign)
    assert terms.price()[0] == pytest.approx(expected, abs=2e-2)
    assert terms.price()[0] > max(sign * (100.0 - strike), terms.european().price[0]) + 1e-3
    options = OptionScenarios(terms, changes=option_stress.VOLATILITY_CHANGES)
    assert options.price(np.zeros((1, 1)), 0.0)[0, 0] == pytest.approx(terms.price()[0], rel=1e-12)


def test_volatility_stops_at_its_floor():
    terms = straddle(100.0, 0.5, 0.2)
    fallen = OptionScenarios(terms).price(np.zeros((1, 2)), -1.0)[0]
    floor = dataclasses.replace(terms, volatility=np.full(2, LEAST_VOLATILITY)).price()
    np.testing.assert_allclose(fallen, floor, rtol=1e-12)


def test_an_option_s_scenarios_do_not_depend_on_the_others():
    rng = np.random.default_rng(5)
    terms = straddle(100.0, 0.3, 0.25, is_american=True)
    move, change = rng.normal(0, 0.02, (50, 2)), rng.normal(0, 0.02, (50, 2))
    both = OptionScenarios(terms, DAY).price(move, change)
    for n in range(2):
        alone = OptionScenarios(terms.take(np.array([n])), DAY).price(move[:, [n]], change[:, [n]])
        np.testing.assert_array_equal(alone[:, 0], both[:, n])


def test_a_rise_of_volatility_is_worth_its_vega_and_delta_hedged_convexity_is_a_gain():
    terms = straddle(100.0, 0.5, 0.25, is_american=True)
    worth, options = terms.value(), OptionScenarios(terms)
    still = np.zeros((1, 2))
    np.testing.assert_allclose(options.price(still, 0.01)[0] - worth.price, 0.01 * worth.vega, rtol=0.05)
    for move in (-0.35, 0.35):
        change = options.price(still + move, 0.0)[0] - worth.price
        assert (change > worth.delta * 100.0 * move).all()


def test_the_tail_of_a_share_is_that_of_its_filtered_simulation():
    returns = real_returns(["SPY", "AAPL"], last="2019-12-31").to_numpy()
    one, other = filtered_historical_simulation(returns), tail_risk(filtered_scenarios(returns))
    for name, values in vars(one).items():
        np.testing.assert_array_equal(values, getattr(other, name))


@pytest.mark.parametrize("days", [1, 30])
def test_the_value_at_risk_of_a_short_straddle_holds_on_real_prices(days):
    """Every sixth session of 2016 to 2022, SPY. By delta the 99 % value at risk was exceeded on a fifth of them."""
    returns = real_returns(["SPY"])["SPY"].to_numpy()
    daily = np.full(len(returns), np.nan)
    variance = np.nanmean(returns[1:22] ** 2)
    for row in range(1, len(returns)):
        variance = 0.94 * variance + 0.06 * returns[row] ** 2
        daily[row] = np.sqrt(variance * 252)
    exceeded, by_delta = [], []
    for end in range(540, len(returns) - 1, 6):
        terms = straddle(100.0, days / 365, daily[end])
        now = terms.value()
        scenario = filtered_scenarios(returns[max(end + 1 - LOOK_BACK, 1) : end + 1, None])
        options = OptionScenarios(terms, DAY)
        price = options.price(scenario * np.ones(2), -scenario)
        value_at_risk = tail_risk(-(price - now.price).sum(axis=1)[:, None]).var_99[0]
        linear = tail_risk(-scenario * now.delta.sum() * 100.0).var_99[0]
        after = options.price(np.full((1, 2), returns[end + 1]), daily[end + 1] - daily[end])[0]
        loss = (after - now.price).sum()
        exceeded.append(loss > value_at_risk)
        by_delta.append(loss > linear)
    assert len(exceeded) > 250
    assert np.mean(exceeded) <= 0.02
    assert np.mean(by_delta) > 0.15


def test_some_of_the_options_are_priced_as_if_they_had_come_alone():
    terms = straddle(100.0, 0.3, 0.25, is_american=True)
    terms = dataclasses.replace(terms, is_american=np.array([True, False]))
    terms = terms.take(np.array([0, 1, 0, 1, 0]))
    move = np.linspace(-0.2, 0.2, 9)[:, None] * np.ones(3)
    some = np.array([4, 1, 0])
    of_all, alone = OptionScenarios(terms, DAY).take(some), OptionScenarios(terms.take(some), DAY)
    np.testing.assert_array_equal(of_all.price(move, 0.01), alone.price(move, 0.01))


def test_an_option_that_several_hold_is_computed_once(monkeypatch):
    terms = straddle(100.0, 0.3, 0.25, is_american=True).take(np.array([0, 1, 0, 1, 0]))
    terms = dataclasses.replace(terms, spot=np.array([100.0, 100.0, 100.0, 100.0, 101.0]))
    trees, tree_price = [], OptionTerms.tree_price

    def counted(terms, *steps):
        trees.append(len(terms.spot))
        return tree_price(terms, *steps)

    monkeypatch.setattr(OptionTerms, "tree_price", counted)
    worth, scenarios, price = terms.value(), OptionScenarios(terms), terms.price()
    assert trees == [8 * 3, 3, 3, 3]  # two options, and the call at another spot
    np.testing.assert_array_equal(price, worth.price)
    move = np.linspace(-0.2, 0.2, 9)[:, None] * np.ones(5)
    priced = scenarios.price(move, 0.01)
    for k in range(5):
        alone = terms.take(np.array([k]))
        np.testing.assert_array_equal(OptionScenarios(alone).price(move[:, [k]], 0.01)[:, 0], priced[:, k])
        for name, values in vars(alone.value()).items():
            assert values[0] == getattr(worth, name)[k]


def test_prices_that_are_known_save_the_trees_and_change_nothing(monkeypatch):
    terms = straddle(100.0, 0.3, 0.25, is_american=True).take(np.array([0, 1, 0, 1, 0]))
    terms = dataclasses.replace(terms, is_american=np.array([True, False, True, True, False]))
    move, price = np.linspace(-0.2, 0.2, 9)[:, None], terms.value().price
    expected = OptionScenarios(terms).price(move, 0.01)
    monkeypatch.setattr(OptionTerms, "tree_price", None)
    np.testing.assert_array_equal(OptionScenarios(terms, price=price).price(move, 0.01), expected)


def test_options_differ_by_any_term_and_by_what_else_is_asked():
    terms = straddle(100.0, 0.3, 0.25, is_american=True).take(np.array([0, 0, 0, 0, 0]))
    terms = dataclasses.replace(terms, is_american=np.array([True, True, False, True, True]))
    first, place = terms.distinct(np.array([7, 7, 7, 8, 7]))
    assert sorted(first.tolist()) == [0, 2, 3]
    np.testing.assert_array_equal(first[place], [0, 0, 2, 3, 0])
