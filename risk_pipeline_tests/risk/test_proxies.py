"""A private asset with a proxy has the risk of the proxy at its beta, and the money of its marks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from risk_pipeline.risk.explain import compute_explain
from risk_pipeline.risk.exposures import compute_exposures
from risk_pipeline.risk.stress import compute_stress
from risk_pipeline.risk.volatility import compute_volatility
from risk_pipeline_tests.support.blocks import block, lot
from risk_pipeline_tests.support.real_prices import PROXIES, real_prices

PRICES = real_prices((*PROXIES, "KO", "HYG", "XLP"), first="2016-01-04", last="2020-12-31")
DAY = PRICES.index[-1]
CLOSE = PRICES.loc[DAY]
PRIVATE = {"investment_class": "PRIVATE", "proxy": "KO", "proxy_beta": 0.5}
BOUGHT = str(DAY.date())
LOTS = [
    lot("house", "HOUSE", 4.0, BOUGHT, 100_000.0, **PRIVATE),
    lot("shares", "KO", 200_000.0 / CLOSE["KO"], BOUGHT, CLOSE["KO"]),
    lot("plain", "HOUSE", 4.0, BOUGHT, 100_000.0, investment_class="PRIVATE"),
]
KEY = ["session", "portfolio_id"]


@pytest.fixture(scope="module")
def rows() -> dict[str, pd.DataFrame]:
    inputs = block(PRICES, [DAY.date()], LOTS)
    for compute in (compute_exposures, compute_stress, compute_volatility):
        found = compute(inputs)
        inputs.stored.update({name: frame for name, frame in found.items() if name != "analytics_skips"})
        inputs.stored.setdefault("analytics_skips", found["analytics_skips"])
    return inputs.stored


@pytest.mark.parametrize("table", ["factor_exposures", "stress_test_results", "portfolio_volatility"])
def test_the_risk_is_that_of_beta_times_the_value_in_the_proxy(rows, table):
    """The portfolios have the same equity, one 400,000 of the house at .5, one 200,000 of the share."""
    house, shares = (
        rows[table][rows[table]["portfolio_id"] == name].drop(columns="portfolio_id").reset_index(drop=True)
        for name in ("house", "shares")
    )
    assert len(house)
    pd.testing.assert_frame_equal(house, shares, rtol=1e-9, atol=1e-9)


def test_without_a_proxy_there_is_no_risk_and_a_reason(rows):
    assert "plain" not in set(rows["factor_exposures"]["portfolio_id"])
    skips = rows["analytics_skips"].set_index("entity")["reason"]
    assert skips["plain"] == "no_public_positions"
    assert "house" not in skips.index


def test_the_position_has_the_parts_and_says_what_is_assumed(rows):
    positions = rows["position_values"].set_index("portfolio_id")
    assert positions.loc["house", ["proxy", "proxy_beta"]].tolist() == ["KO", 0.5]
    assert positions.loc["plain", ["proxy", "proxy_beta"]].isna().all()
    for name in ("risk_contribution", "component_var_99", "component_es_99"):
        assert positions.loc["house", name] == pytest.approx(positions.loc["shares", name], rel=1e-9)
        assert np.isnan(positions.loc["plain", name])
    assert positions.loc["house", "value"] == 400_000.0
    assert np.isnan(positions.loc["house", "delta_value"])


def test_pnl_and_its_parts_are_those_of_the_marks():
    days = [day.date() for day in PRICES.index[-3:]]
    since = str(days[0])
    lots = [
        lot("house", "HOUSE", 4.0, since, 100_000.0, **PRIVATE),
        lot("plain", "HOUSE", 4.0, since, 100_000.0, investment_class="PRIVATE"),
        *(lot(name, "KO", 500.0, since, PRICES.loc[since, "KO"]) for name in ("house", "plain")),
    ]
    inputs = block(PRICES, days, lots, marks=[("HOUSE", str(days[-1]), 101_000.0)])
    np.testing.assert_array_equal(inputs.book.equity[:, 0], inputs.book.equity[:, 1])
    parts = compute_explain(inputs)["pnl_explain"]
    house, plain = (
        parts[parts["portfolio_id"] == name].drop(columns="portfolio_id").reset_index(drop=True)
        for name in ("house", "plain")
    )
    pd.testing.assert_frame_equal(house, plain, check_exact=True)
    last = house[house["session"] == pd.Timestamp(days[-1])]
    assert last.loc[last["kind"] == "marks", "pnl"].tolist() == [4_000.0]
    assert last["pnl"].sum() == pytest.approx(inputs.book.equity[-1, 0] - inputs.before.equity[-1, 0], abs=1e-6)
