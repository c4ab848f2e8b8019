"""Symbols are asked for together, and each is judged by the sessions that it is needed for."""

from __future__ import annotations

from datetime import date

import pandas as pd

from risk_pipeline.defs.assets.fetches import fetched_spans, within
from risk_pipeline.market.simulated import SimulatedMarket
from risk_pipeline.market.validate import checked_bars

LONG, SHORT = (date(2019, 6, 3), date(2025, 6, 3)), (date(2024, 6, 3), date(2025, 6, 3))


class Contradicting:
    """A source with two bars of MSFT on one day of 2020."""

    name = "contradicting"

    def fetch(self, symbols, sessions):
        bars = SimulatedMarket().fetch(symbols, sessions).bars
        of_day = bars[(bars["symbol"] == "MSFT") & (bars["session"] == pd.Timestamp("2020-03-02"))]
        both = pd.concat([bars, of_day.assign(close=of_day["close"] * 1.1)], ignore_index=True)
        return checked_bars(both, sessions)


def test_a_bad_bar_before_a_symbol_s_own_span_refuses_nothing():
    spans = {"SPY": LONG, "MSFT": SHORT}
    fetched = fetched_spans(Contradicting(), spans)
    assert fetched.errors == {}
    own = within(fetched.bars, spans)
    whole = SimulatedMarket().fetch(["MSFT", "SPY"], pd.DatetimeIndex(own["session"].unique())).bars
    pd.testing.assert_frame_equal(own.reset_index(drop=True), within(whole, spans).reset_index(drop=True))


def test_a_bad_bar_within_it_refuses_the_symbol():
    fetched = fetched_spans(Contradicting(), {"SPY": SHORT, "MSFT": LONG})
    assert set(fetched.errors) == {"MSFT"}
    assert set(fetched.bars["symbol"]) == {"SPY"}
