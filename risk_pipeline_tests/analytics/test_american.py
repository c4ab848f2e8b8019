"""American options against QuantLib's high-precision engine, and what must hold of any of them."""

from __future__ import annotations

from itertools import product

import numpy as np
import QuantLib as ql  # noqa: N813 (the short name of its own documentation)
from hypothesis import given, settings
from hypothesis import strategies as st

from risk_pipeline.analytics.implied_volatility import implied_volatility, price_bounds
from risk_pipeline.analytics.options import OptionTerms, black_scholes

SPOT = 100.0
GRID = list(
    product(
        (60.0, 80.0, 95.0, 100.0, 105.0, 120.0, 160.0),
        (1, 7, 30, 182, 730),
        (0.0, 0.02, 0.06),
        (0.0, 0.03),
        (0.1, 0.25, 0.6),
        (True, False),
    )
)


def american_price(spot, strike, years, rate, dividend_yield, volatility, is_call):
    """Return prices by the tree."""
    terms = (spot, strike, years, rate, dividend_yield, volatility, is_call)
    return OptionTerms(*terms, is_american=np.ones(len(spot), dtype=bool)).tree_price()


def of_quantlib(strike: float, days: int, rate: float, dividend: float, volatility: float, is_call: bool) -> float:
    """Price one option with QuantLib's fixed-point engine (Andersen, Lake and Offengenden 2016)."""
    today = ql.Date(1, 1, 2024)
    ql.Settings.instance().evaluationDate = today
    count = ql.Actual365Fixed()
    kind = ql.Option.Call if is_call else ql.Option.Put
    option = ql.VanillaOption(ql.PlainVanillaPayoff(kind, strike), ql.AmericanExercise(today, today + days))
    process = ql.BlackScholesMertonProcess(
        ql.QuoteHandle(ql.SimpleQuote(SPOT)),
        ql.YieldTermStructureHandle(ql.FlatForward(today, dividend, count)),
        ql.YieldTermStructureHandle(ql.FlatForward(today, rate, count)),
        ql.BlackVolTermStructureHandle(ql.BlackConstantVol(today, ql.NullCalendar(), volatility, count)),
    )
    option.setPricingEngine(ql.QdFpAmericanEngine(process, ql.QdFpAmericanEngine.highPrecisionScheme()))
    return float(option.NPV())


def test_prices_are_those_of_quantlib_to_a_ten_thousandth_of_the_spot():
    strike, days, rate, dividend, volatility = (
        np.array(column, dtype=float) for column in list(zip(*GRID, strict=True))[:5]
    )
    is_call = np.array([row[5] for row in GRID])
    ours = american_price(np.full(len(GRID), SPOT), strike, days / 365, rate, dividend, volatility, is_call)
    theirs = np.array([of_quantlib(*row) for row in GRID])
    np.testing.assert_allclose(ours, theirs, atol=1e-4 * SPOT, rtol=0)


def test_a_call_without_dividends_is_never_exercised_early():
    strike = np.array([70.0, 100.0, 130.0])
    terms = (np.full(3, SPOT), strike, np.full(3, 0.5))
    american = american_price(*terms, np.full(3, 0.03), np.zeros(3), np.full(3, 0.3), np.ones(3, dtype=bool))
    european = black_scholes(*terms, 0.03, np.full(3, 0.3), np.ones(3, dtype=bool)).price
    np.testing.assert_allclose(american, european, atol=1e-3)


@settings(deadline=None, max_examples=50)
@given(
    spot=st.floats(1, 500),
    strike=st.floats(1, 500),
    years=st.floats(0, 3),
    rate=st.floats(-0.02, 0.1),
    dividend=st.floats(0, 0.08),
    volatility=st.floats(0, 2),
    is_call=st.booleans(),
)
def test_an_option_is_worth_its_exercise_at_least_and_its_underlying_or_strike_at_most(
    spot, strike, years, rate, dividend, volatility, is_call
):
    terms = (np.array([value]) for value in (spot, strike, years, rate, dividend, volatility))
    price = american_price(*terms, np.array([is_call]))[0]
    assert price >= max(spot - strike if is_call else strike - spot, 0.0)
    assert price <= (spot if is_call else strike * np.exp(max(-rate, 0.0) * years)) * (1 + 1e-6) + 1e-9


def test_an_option_does_not_depend_on_which_others_are_valued_with_it():
    rows = np.array([row[:5] for row in GRID[:40]], dtype=float)
    is_call = np.array([row[5] for row in GRID[:40]])
    terms = (rows[:, 0], rows[:, 1] / 365, rows[:, 2], rows[:, 3], rows[:, 4])
    together = american_price(np.full(40, SPOT), *terms, is_call)
    for k in range(0, 40, 7):
        alone = american_price(np.full(1, SPOT), *(values[[k]] for values in terms), is_call[[k]])
        assert alone[0] == together[k]


def test_the_implied_volatility_of_a_price_gives_the_price_back():
    volatility = np.array([0.05, 0.2, 0.8, 2.5])
    strike, is_call = np.array([98.0, 110.0, 90.0, 100.0]), np.array([True, False, True, False])
    four = np.ones(4)
    terms = OptionTerms(SPOT * four, strike, 0.4 * four, 0.03 * four, 0.01 * four, volatility, is_call, is_call)
    np.testing.assert_allclose(implied_volatility(terms.price(), terms), volatility, rtol=1e-8)


def test_an_implied_volatility_does_not_depend_on_the_others():
    terms = terms_of([row for row in GRID if row[1] == 182], is_american=True)
    price = terms.price()
    together = implied_volatility(price, terms)
    for k in range(0, len(price), 17):
        row = np.array([k])
        np.testing.assert_array_equal(implied_volatility(price[row], terms.take(row)), together[row])


def test_a_price_outside_of_the_no_arbitrage_bounds_implies_no_volatility():
    three = np.ones(3)
    is_call = np.ones(3, dtype=bool)
    terms = OptionTerms(SPOT * three, 90 * three, 0.5 * three, 0.02 * three, 0 * three, three, is_call, ~is_call)
    price = np.array([9.0, 101.0, 12.0])  # below exercise, above the share, possible
    found = implied_volatility(price, terms)
    assert np.isnan(found[:2]).all()
    assert 0.1 < found[2] < 0.4
    lowest, highest = price_bounds(terms)
    assert price[0] < lowest[0]
    assert price[1] > highest[1]


def terms_of(rows: list[tuple[float, float, float, float, float, bool]], is_american: bool) -> OptionTerms:
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    strike, days, rate, dividend, volatility, is_call = columns
    count = len(rows)
    american = np.full(count, is_american)
    return OptionTerms(np.full(count, SPOT), strike, days / 365, rate, dividend, volatility, is_call, american)


def test_greeks_of_european_options_are_quantlib_s():
    rows = [row for row in GRID if row[1] >= 30]
    ours = terms_of(rows, is_american=False).value()
    today, count = ql.Date(1, 1, 2024), ql.Actual365Fixed()
    ql.Settings.instance().evaluationDate = today
    for k in range(0, len(rows), 17):
        strike, days, rate, dividend, volatility, is_call = rows[k]
        kind = ql.Option.Call if is_call else ql.Option.Put
        exercise = ql.EuropeanExercise(today + days)
        option = ql.VanillaOption(ql.PlainVanillaPayoff(kind, strike), exercise)
        process = ql.BlackScholesMertonProcess(
            ql.QuoteHandle(ql.SimpleQuote(SPOT)),
            ql.YieldTermStructureHandle(ql.FlatForward(today, dividend, count)),
            ql.YieldTermStructureHandle(ql.FlatForward(today, rate, count)),
            ql.BlackVolTermStructureHandle(ql.BlackConstantVol(today, ql.NullCalendar(), volatility, count)),
        )
        option.setPricingEngine(ql.AnalyticEuropeanEngine(process))
        theirs = (option.NPV(), option.delta(), option.gamma(), option.vega(), option.theta(), option.rho())
        mine = tuple(getattr(ours, name)[k] for name in ("price", "delta", "gamma", "vega", "theta", "rho"))
        np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-9)


def test_put_call_parity_holds_for_european_options():
    calls = terms_of([row for row in GRID if row[5]], is_american=False)
    puts = terms_of([row for row in GRID if not row[5]], is_american=False)
    forward = calls.spot * np.exp(-calls.dividend_yield * calls.years) - calls.strike * np.exp(
        -calls.rate * calls.years
    )
    np.testing.assert_allclose(calls.price() - puts.price(), forward, atol=1e-10)


def test_greeks_of_american_options_lie_where_they_must():
    terms = terms_of([row for row in GRID if row[1] >= 30], is_american=True)
    worth = terms.value()
    sign = np.where(terms.is_call, 1.0, -1.0)
    assert (sign * worth.delta >= -1e-6).all()
    assert (sign * worth.delta <= 1 + 1e-6).all()
    assert (worth.vega >= -1e-3).all()
    european = OptionTerms(**{**vars(terms), "is_american": ~terms.is_american})
    assert (worth.price >= european.price() - 1e-9).all()
    exercised = np.isclose(worth.price, np.maximum(sign * (terms.spot - terms.strike), 0.0), atol=1e-9) & (
        worth.price > 0
    )
    assert exercised.any()
    np.testing.assert_allclose((sign * worth.delta)[exercised & (worth.price > 25)], 1.0, atol=1e-3)


def test_vanna_is_the_slope_of_delta_in_volatility():
    generator = np.random.default_rng(5)
    spot, strike = generator.uniform(80, 120, 200), generator.uniform(80, 120, 200)
    years, rate, paid = generator.uniform(0.02, 2, 200), generator.uniform(-0.01, 0.05, 200), np.full(200, 0.02)
    volatility, is_call, step = generator.uniform(0.1, 0.6, 200), generator.random(200) < 0.5, 1e-5

    def greeks(volatility, years=years):
        return black_scholes(spot, strike, years, rate, volatility, is_call, paid)

    slope = (greeks(volatility + step).delta - greeks(volatility - step).delta) / (2 * step)
    np.testing.assert_allclose(greeks(volatility).vanna, slope, rtol=1e-5, atol=1e-7)
    assert (greeks(volatility, np.zeros(200)).vanna == 0.0).all()
