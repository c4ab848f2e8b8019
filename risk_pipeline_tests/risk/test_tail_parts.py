"""Components of value at risk and expected shortfall: sums to the whole, by another path, alone as in a range."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from risk_pipeline.analytics.tail_parts import LEVEL, tail_scenarios, weighted
from risk_pipeline.analytics.var import WorstScenarios, filtered_with_scales, tail_risk
from risk_pipeline.risk.tail_parts import portfolio_tails, tail_parts
from risk_pipeline_tests.support.blocks import block, lot
from risk_pipeline_tests.support.real_prices import real_prices

ENTRY = "2020-02-03"
PRICES = real_prices(first="2015-01-02", last="2020-04-30")
PRICES.loc["2018-01-02":"2018-03-29", "XOM"] = np.nan  # inside the window: it moved like the rest
DAYS = [day.date() for day in PRICES.index[-3:]]
THEN = PRICES.loc[ENTRY]
EQUITY = 1_000_000.0


def option(portfolio: str, quantity: float, right: str, strike: float) -> dict:
    terms = {"investment_class": "OPTIONS", "underlying": "SPY", "option_type": right, "strike": strike}
    return lot(portfolio, f"SPY {right}", quantity, ENTRY, 8.0, **terms, expiry="2020-12-18", exercise="european")


LOTS = [
    *[lot("gaps", symbol, 2000, ENTRY, THEN[symbol]) for symbol in ("SPY", "TLT", "KO", "XOM", "JPM")],
    *[lot("hedged", symbol, size, ENTRY, THEN[symbol]) for symbol, size in (("SPY", 3000), ("QQQ", -4000))],
    lot("cancels", "SPY", 500, ENTRY, THEN["SPY"]),
    lot("cancels", "SPY", -500, ENTRY, THEN["SPY"]),
    lot("cancels", "TLT", 500, ENTRY, THEN["TLT"]),
    lot("one", "SPY", 2000, ENTRY, THEN["SPY"]),
    lot("one", "FUND A", 10, ENTRY, 1000.0, investment_class="PRIVATE"),
    lot("options", "SPY", 1000, ENTRY, THEN["SPY"]),
    lot("options", "XOM", 3000, ENTRY, THEN["XOM"]),
    option("options", 10, "PUT", 260.0),
    option("options", -10, "CALL", 300.0),
    lot("young", "XLC", 1000, ENTRY, THEN["XLC"]),
]


@pytest.fixture(scope="module")
def inputs():
    return block(PRICES, DAYS, LOTS, equity=EQUITY)


@pytest.fixture(scope="module")
def parts(inputs):
    held = inputs.book.holdings
    names = [inputs.portfolio_ids[row] for row in held.portfolio]
    return pd.DataFrame({"session": held.session, "portfolio": names, "lot": held.lot, **tail_parts(inputs)})


@pytest.fixture(scope="module")
def tail():
    inputs = block(PRICES, DAYS, LOTS, equity=EQUITY)  # shares nothing with those of the parts
    return portfolio_tails(inputs, inputs.book, inputs.ends)


def test_the_parts_leave_the_tail_that_is_computed_alone(inputs, parts, tail, monkeypatch):
    monkeypatch.setattr("risk_pipeline.risk.tail_parts.by_series", None)  # nothing is computed again
    for name, values in vars(portfolio_tails(inputs, inputs.book, inputs.ends)).items():
        np.testing.assert_array_equal(values, getattr(tail, name))


@pytest.mark.parametrize("measure", ["var_99", "es_99"])
def test_parts_sum_to_the_portfolio_s_number(inputs, parts, tail, measure):
    sums = parts.groupby(["session", "portfolio"])[f"component_{measure}"].sum(min_count=1).unstack()
    whole = getattr(tail, measure)
    np.testing.assert_allclose(sums[inputs.portfolio_ids], whole, rtol=1e-9, atol=1e-12)
    assert np.isnan(whole[:, inputs.portfolio_ids.index("young")]).all()
    assert np.isfinite(np.delete(whole, inputs.portfolio_ids.index("young"), axis=1)).all()


def test_a_part_of_the_shortfall_is_the_mean_loss_on_the_portfolio_s_worst_days(inputs, parts):
    """Each day's own P&L of a position, looked up in the prices, scaled as the portfolio's is."""
    end = int(inputs.ends[0])
    returns = PRICES.pct_change(fill_method=None).iloc[end - 1251 : end + 1]
    held = {symbol: size * PRICES[symbol].iloc[end] / EQUITY for symbol, size in (("SPY", 3000), ("QQQ", -4000))}
    equity = inputs.book.equity[0, inputs.portfolio_ids.index("hedged")] / EQUITY
    pnl = pd.DataFrame({symbol: returns[symbol] * weight / equity for symbol, weight in held.items()})
    scenarios, scales = filtered_with_scales(pnl.sum(axis=1).to_numpy()[:, None])
    worst = scenarios[:, 0] <= np.quantile(scenarios[:, 0], LEVEL)
    assert worst.sum() == 10
    expected = -(pnl.to_numpy()[-1000:] * scales)[worst].mean(axis=0)
    found = parts[(parts["portfolio"] == "hedged") & (parts["session"] == 0)]
    np.testing.assert_allclose(found["component_es_99"], expected, rtol=1e-8)
    assert found["component_es_99"].min() < 0 < found["component_es_99"].max()


def test_one_position_has_all_and_two_that_cancel_have_opposite_parts(parts, tail, inputs):
    one = parts[parts["portfolio"] == "one"]
    for measure in ("var_99", "es_99"):
        whole = getattr(tail, measure)[:, inputs.portfolio_ids.index("one")]
        np.testing.assert_allclose(one[f"component_{measure}"], whole, rtol=1e-12)
        pair = parts.loc[parts["portfolio"] == "cancels", f"component_{measure}"].to_numpy().reshape(len(DAYS), 3)
        np.testing.assert_allclose(pair[:, 0], -pair[:, 1], rtol=1e-12)
        assert (pair[:, 0] != 0).all()


def test_a_long_put_takes_loss_away_and_a_name_without_history_has_some(parts):
    of_options = parts[(parts["portfolio"] == "options") & (parts["session"] == 0)].set_index("lot")
    shares, oil, put, call = of_options["component_es_99"]
    assert put < 0 < shares
    assert call < 0  # a short call gains where the market falls
    assert oil > 0


@pytest.mark.parametrize("day", DAYS[1:])
def test_a_session_alone_and_a_book_alone_have_the_same_bits(parts, day: date):
    alone = tail_parts(block(PRICES, [day], LOTS, equity=EQUITY))
    of_range = parts[parts["session"] == DAYS.index(day)]
    for name, values in alone.items():
        np.testing.assert_array_equal(of_range[name], values)
    some = [one for one in LOTS if one["portfolio_id"] == "options"]
    for name, values in tail_parts(block(PRICES, [day], some, equity=EQUITY)).items():
        np.testing.assert_array_equal(of_range.loc[of_range["portfolio"] == "options", name], values)


def test_weights_give_quantile_and_mean_of_the_tail_on_any_scenarios():
    rng = np.random.default_rng(11)
    scenarios = 0.01 * rng.standard_t(4, (1000, 40)) + rng.normal(0, 0.02, 40)
    scenarios[rng.random(scenarios.shape) < 0.2] = np.nan
    scenarios[:600, 0] = np.nan  # too few
    scenarios[:, 1] = 0.0
    scenarios[:, 2] = np.round(scenarios[:, 2], 2)  # ties
    found, whole = tail_scenarios(WorstScenarios.of(scenarios)), tail_risk(scenarios)
    values = np.take_along_axis(scenarios, found.row, axis=0)
    np.testing.assert_allclose(-weighted(found.es_weight, values), whole.es_99, rtol=1e-12)
    np.testing.assert_allclose(-weighted(found.var_weight, values), whole.var_99, rtol=1e-12)
    assert np.isnan(found.es_weight[:, 0]).all()
    for name, values in vars(tail_risk(scenarios[:, [2]])).items():  # ties count the same whatever is beside them
        np.testing.assert_array_equal(values, getattr(whole, name)[[2]])
