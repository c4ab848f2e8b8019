"""How fast a book can be sold: at a fifth of the median volume, whatever was split, held twice or not traded."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from risk_pipeline.analytics.liquidity import median_volume
from risk_pipeline.risk.liquidity import portfolio_liquidity
from risk_pipeline_tests.support.blocks import block, lot
from risk_pipeline_tests.support.real_prices import real_prices

PRICES = real_prices(["AAPL", "KO", "SPY"], "2019-06-03", "2020-03-31")
DAYS = [day.date() for day in PRICES.loc["2020-03-02":].index]
ENTRY = "2020-02-03"
RNG = np.random.default_rng(11)
VOLUME = pd.DataFrame(RNG.lognormal(10, 0.5, PRICES.shape).round(), PRICES.index, PRICES.columns)


def stored(volume: pd.DataFrame) -> dict[str, pd.DataFrame]:
    rows = volume.rename_axis(index="session", columns="symbol").stack().rename("volume").reset_index()
    return {"volumes": rows.sample(frac=1.0, random_state=1)}


def found(lots: list[dict], volume: pd.DataFrame = VOLUME, days=DAYS, **more) -> dict[str, np.ndarray]:
    return portfolio_liquidity(block(more.pop("prices", PRICES), days, lots, stored=stored(volume), **more))


def held(symbol: str, quantity: float, portfolio: str = "p") -> dict:
    return lot(portfolio, symbol, quantity, ENTRY, PRICES[symbol][ENTRY])


def test_days_and_shares_are_those_of_pandas_medians():
    got = found([held("AAPL", 30_000), held("KO", -200_000)], equity=50e6)
    nav = 50e6 + 30_000 * (PRICES["AAPL"] - PRICES["AAPL"][ENTRY]) - 200_000 * (PRICES["KO"] - PRICES["KO"][ENTRY])
    pace = 0.2 * VOLUME.rolling(63).median().loc["2020-03-02":]
    days = pd.DataFrame({"AAPL": 30_000 / pace["AAPL"], "KO": 200_000 / pace["KO"]})
    np.testing.assert_allclose(got["days_to_liquidate"][:, 0], days.max(axis=1), rtol=1e-12)
    worth = pd.DataFrame({"AAPL": 30_000 * PRICES["AAPL"], "KO": 200_000 * PRICES["KO"]}).loc["2020-03-02":]
    for horizon in (1, 5, 20):
        expected = (worth * (horizon / days).clip(upper=1.0)).sum(axis=1) / nav.loc["2020-03-02":]
        np.testing.assert_allclose(got[f"sold_{horizon}d"][:, 0], expected, rtol=1e-9)
    np.testing.assert_allclose(got["volume_coverage"], 1.0)
    assert (got["sold_1d"] < got["sold_5d"]).all()


def test_a_split_changes_nothing():
    split = pd.DataFrame({"AAPL": {pd.Timestamp("2020-03-12"): 4.0}})
    after = PRICES.index >= "2020-03-12"
    prices, volume = PRICES.copy(), VOLUME.copy()
    prices.loc[after, "AAPL"] /= 4.0
    volume.loc[after, "AAPL"] *= 4.0
    same = found([held("AAPL", 30_000)])
    other = found([held("AAPL", 30_000)], volume, prices=prices, split=split)
    for name, values in same.items():
        np.testing.assert_allclose(other[name], values, rtol=1e-9)


def test_two_lots_are_one_and_a_hedged_symbol_is_nothing_to_sell():
    both = found([held("KO", 700), held("KO", 300, "p")])
    one = found([held("KO", 1000)])
    for name, values in one.items():
        np.testing.assert_allclose(both[name], values, rtol=1e-12)
    flat = found([held("KO", 700), held("KO", -700)])
    assert np.isnan(flat["days_to_liquidate"]).all()


def test_without_volumes_there_is_no_number_and_a_private_asset_is_never_sold():
    fund = lot("p", "FUND", 10, ENTRY, 1000.0, investment_class="PRIVATE")
    silent = VOLUME.assign(KO=np.nan)
    got = found([held("KO", 100), fund], silent)
    for name in ("days_to_liquidate", "sold_1d", "sold_20d"):
        assert np.isnan(got[name]).all()
    assert (got["volume_coverage"] == 0.0).all()
    mixed = found([held("AAPL", 100), fund])
    nav = 1e6 + 100 * (PRICES["AAPL"] - PRICES["AAPL"][ENTRY]).loc["2020-03-02":]
    np.testing.assert_allclose(mixed["sold_20d"][:, 0], (100 * PRICES["AAPL"].loc["2020-03-02":]) / nav, rtol=1e-9)
    assert (mixed["volume_coverage"] < 1.0).all()


def test_a_session_alone_has_the_numbers_of_the_range():
    lots = [held("AAPL", 30_000), held("KO", -200_000), held("SPY", 10, "q")]
    whole = found(lots)
    alone = found(lots, VOLUME.loc["2019-12-01":], [DAYS[7]])
    for name, values in whole.items():
        np.testing.assert_array_equal(alone[name][0], values[7])


@pytest.mark.parametrize("known", [20, 21, 22])
def test_a_median_needs_a_month_of_volumes(known):
    volume = np.full((63, 2), np.nan)
    volume[-known:] = RNG.uniform(1, 9, (known, 2))
    got = median_volume(volume, np.ones_like(volume))
    np.testing.assert_array_equal(got, np.nanmedian(volume, axis=0) if known >= 21 else np.full(2, np.nan))
