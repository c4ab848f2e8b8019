"""Contracts as they trade: splits of any ratio, indices settled in cash, expiry on closed days and on the entry day."""

from __future__ import annotations

import numpy as np
import pytest

from risk_pipeline_tests.support.option_books import lot, option_inputs, panel_of
from risk_pipeline_tests.support.real_prices import PROXIES, real_prices

DAYS = ["2021-01-14", "2021-01-15", "2021-01-19", "2021-01-20", "2021-01-21", "2021-01-22"]
OPTION = {"underlying": "SPY", "strike": 370.0, "implied_volatility": 0.2}
CALL = OPTION | {"option_type": "CALL"}
PUT = OPTION | {"option_type": "PUT"}


def closes():
    return real_prices(sorted({*PROXIES, "SPY"}), last=DAYS[-1])


def pnl_of(inputs):
    """What the only lot has gained by each session."""
    return inputs.book.lot_pnl[:, 0]


@pytest.mark.parametrize("ratio", [2.0, 1.5, 0.1, 4 / 3])
@pytest.mark.parametrize("exercise", ["american", "european"])
def test_a_split_of_any_ratio_changes_strike_and_deliverable_and_no_value(ratio, exercise):
    call = lot("c", 5, DAYS[0], 9.0, expiry="2021-03-19", exercise=exercise, **CALL)
    plain = option_inputs([call], DAYS, panel=panel_of(closes()))
    prices = closes()
    prices.loc[DAYS[2] :, "SPY"] /= ratio
    split = option_inputs([call], DAYS, panel=panel_of(prices, {(DAYS[2], "SPY"): ratio}))
    np.testing.assert_allclose(pnl_of(split), pnl_of(plain), rtol=1e-9)
    positions = split.book.positions
    assert positions.quantity[positions.session == 3][0] == pytest.approx(5 * ratio)
    np.testing.assert_allclose(positions.delta, plain.book.positions.delta, rtol=1e-6)


@pytest.mark.parametrize(("kind", "expected"), [(CALL, 0.0), (PUT, 100.0)])
def test_an_index_option_settles_in_cash_at_its_multiplier_and_leaves_no_shares(kind, expected):
    """Held over the expiry it is worth its intrinsic value times the multiplier, and nothing of it is held after."""
    index = kind | {"exercise": "european", "multiplier": 100.0, "strike": 400.0}
    spot = closes().loc["2021-01-20", "SPY"]
    worth = max(spot - 400.0, 0.0) if kind is CALL else max(400.0 - spot, 0.0)
    inputs = option_inputs([lot("x", -2, DAYS[0], 5.0, expiry="2021-01-20", **index)], DAYS, panel=panel_of(closes()))
    assert pnl_of(inputs)[-1] == pytest.approx(-2 * 100 * (worth - 5.0))
    assert (worth > 0) == (expected > 0)
    assert (inputs.book.position_count[3:, 0] == 0).all()
    assert (inputs.book.long_value[3:] == 0).all()


@pytest.mark.parametrize("closed", ["2021-01-16", "2021-01-17", "2021-01-18"])
def test_an_option_that_expires_on_a_weekend_or_a_holiday_settles_at_the_session_before(closed):
    inputs = option_inputs([lot("c", 1, DAYS[0], 5.0, expiry=closed, **CALL)], DAYS, panel=panel_of(closes()))
    friday = option_inputs([lot("c", 1, DAYS[0], 5.0, expiry=DAYS[1], **CALL)], DAYS, panel=panel_of(closes()))
    assert pnl_of(inputs)[-1] == pnl_of(friday)[-1]
    assert inputs.book.position_count[2, 0] == 0


def test_an_option_bought_on_its_expiry_day_is_gone_that_evening():
    inputs = option_inputs([lot("c", 1, DAYS[1], 1.5, expiry=DAYS[1], **CALL)], DAYS, panel=panel_of(closes()))
    spot = closes().loc[DAYS[1], "SPY"]
    assert pnl_of(inputs)[1] == pytest.approx(100 * (max(spot - 370.0, 0.0) - 1.5))
    assert inputs.book.position_count[1, 0] == 0


def test_an_assigned_put_and_its_shares_count_once():
    """As a broker exports it: the put ends at nothing, the shares come at the strike on the expiry day."""
    put = lot("p", -1, DAYS[0], 6.0, expiry=DAYS[3], exit_date=DAYS[3], exit_price=0.0, **PUT | {"strike": 390.0})
    shares = lot("SPY", 100, DAYS[3], 390.0)
    settled = lot("p", -1, DAYS[0], 6.0, expiry=DAYS[3], **PUT | {"strike": 390.0})
    delivered = option_inputs([put, shares], DAYS, panel=panel_of(closes())).book.lot_pnl.sum(axis=1)
    cash = option_inputs([settled], DAYS, panel=panel_of(closes())).book.lot_pnl.sum(axis=1)
    assert delivered[3] == pytest.approx(cash[3])
    spot = closes()["SPY"]
    assert delivered[5] - delivered[3] == pytest.approx(100 * (spot[DAYS[5]] - spot[DAYS[3]]))
