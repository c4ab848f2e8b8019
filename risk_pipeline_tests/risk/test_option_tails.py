"""Value at risk of books with options: the same of a session alone and in a block, and beyond what a delta says."""

from __future__ import annotations

import numpy as np
import pytest

from risk_pipeline.analytics.option_scenarios import DAY
from risk_pipeline.analytics.var import LOOK_BACK, TailRisk, filtered_historical_simulation
from risk_pipeline.risk.option_tails import option_outcomes
from risk_pipeline.risk.portfolio_series import by_series
from risk_pipeline.risk.tail_parts import portfolio_tails
from risk_pipeline_tests.support.option_books import lot, option_inputs, panel_of
from risk_pipeline_tests.support.real_prices import PROXIES, real_prices

DAYS = ["2021-01-04", "2021-01-05", "2021-01-06", "2021-01-07"]
TERMS = {"underlying": "SPY", "strike": 357.0, "expiry": "2021-01-15", "implied_volatility": 0.18}
STRADDLE = [lot(kind, -10, DAYS[0], 7.0, option_type=kind, **TERMS) for kind in ("CALL", "PUT")]
SHARES = [lot("AAPL", 500, DAYS[0], 129.0), lot("SPY", 100, DAYS[0], 357.0)]


def tails_of(lots, days=DAYS):
    panel = panel_of(real_prices(sorted({*PROXIES, "AAPL"}), last=DAYS[-1]))
    inputs = option_inputs(lots, days, panel=panel)
    book = inputs.book
    of_series = by_series(
        inputs,
        book.holdings,
        book.equity,
        inputs.ends,
        LOOK_BACK,
        lambda series: vars(filtered_historical_simulation(series)),
    )
    plain = TailRisk(**{name: of_series[name] for name in TailRisk.__dataclass_fields__})
    return inputs, plain, portfolio_tails(inputs, book, inputs.ends)


def numbers(tail: TailRisk) -> np.ndarray:
    return np.stack([values[:, 0] for values in vars(tail).values()])


def test_a_session_s_tail_is_the_same_alone_and_in_a_block():
    whole = numbers(tails_of([*STRADDLE, *SHARES])[2])
    assert (whole > 0).all()
    for at, day in enumerate(DAYS):
        np.testing.assert_array_equal(numbers(tails_of([*STRADDLE, *SHARES], [day])[2])[:, 0], whole[:, at])


def test_a_book_without_options_keeps_its_tail():
    _, plain, revalued = tails_of(SHARES)
    np.testing.assert_array_equal(numbers(revalued), numbers(plain))


def test_the_tail_of_a_short_straddle_at_the_money_is_what_its_delta_leaves_out():
    _, plain, revalued = tails_of(STRADDLE, DAYS[:1])
    assert (revalued.var_99[:, 0] > 10.0 * plain.var_99[:, 0]).all()
    assert (revalued.es_99 >= revalued.var_99).all()


def test_an_outcome_is_the_option_s_own_gain_at_unchanged_positions():
    inputs, _, _ = tails_of([*STRADDLE, *SHARES])
    before = inputs.before
    shares_alone = np.zeros(inputs.book.equity.shape)
    outcome = option_outcomes(inputs, before, shares_alone)[2, 0]
    held = inputs.book.positions
    both = [held.price[(held.session == at) & (held.lot < 2)] for at in (1, 2)]
    delta = held.delta[(held.session == 1) & (held.lot < 2)]
    spot = held.spot[(held.session == 1) & (held.lot == 0)][0]
    move = inputs.panel.returns[inputs.ends[2], inputs.column["SPY"]]
    beyond = -10 * 100 * (both[1] - both[0] - delta * spot * move).sum()
    assert outcome == pytest.approx(beyond / before.equity[2, 0], abs=1e-8)
    assert pytest.approx(1 / 365) == DAY
