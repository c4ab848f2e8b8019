"""The simulated market behaves like one, and never depends on how it is asked."""

from __future__ import annotations

from datetime import date
from functools import cache

import exchange_calendars as xc
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from risk_pipeline.config.factors import load_factors
from risk_pipeline.market.simulated import SimulatedMarket
from risk_pipeline.market.simulated_paths import simulate
from risk_pipeline.market.simulated_universe import SECTOR_FUNDS, universe
from risk_pipeline.market.source import SourceError
from risk_pipeline.market.validate import checked_bars

MARKET = SimulatedMarket(seed=7)
CALENDAR = xc.get_calendar("XNYS", start="2009-01-01")
ALL = CALENDAR.sessions[CALENDAR.sessions <= "2026-06-30"]
SPLITS = {"AAPL": 4.0, "NVDA": 10.0, "HLXR": 0.1}
COMPANIES = [company.symbol for company in universe() if not (company.is_fund or company.is_pair)]
PAIRS = ["EURUSD=X", "GBPUSD=X", "USDJPY=X", "USDCHF=X"]


@cache
def panel(seed: int = 7) -> dict[str, pd.DataFrame]:
    """Fields as sessions x symbols, and total returns."""
    market = MARKET if seed == 7 else SimulatedMarket(seed)
    bars = market.fetch(market.symbols, ALL).bars
    fields = {
        name: bars.pivot(index="session", columns="symbol", values=name)
        for name in ("high", "low", "close", "dividend", "split_factor")
    }
    close = fields["close"]
    growth = (close * fields["split_factor"] + fields["dividend"]) / close.shift()
    return fields | {"returns": growth - 1}


def test_every_proxy_of_the_registry_is_there():
    proxies = load_factors().proxies
    assert set(proxies) <= set(MARKET.symbols)
    assert panel()["close"][list(proxies)].notna().all().all()
    assert len(set(MARKET.symbols) - set(proxies)) >= 55


@pytest.mark.parametrize("seed", [7, 1])
def test_volatility_is_that_of_a_market(seed):
    volatility = panel(seed)["returns"].std() * np.sqrt(252)
    assert volatility["SPY"] == pytest.approx(0.16, abs=0.015)
    assert volatility["TLT"] == pytest.approx(0.13, abs=0.015)
    companies = volatility[COMPANIES]
    assert 0.14 < companies.min() < 0.20
    assert 0.5 < companies.max() < 0.8
    assert 0.22 < companies.median() < 0.32


@pytest.mark.parametrize("seed", [7, 1])
def test_tails_are_fat_and_volatility_clusters(seed):
    market = panel(seed)["returns"]["SPY"].dropna()
    assert stats.kurtosis(market, fisher=False) > 4
    assert stats.kurtosis(panel(seed)["returns"]["KO"].dropna(), fisher=False) > 4
    size = market.abs()
    assert all(size.autocorr(lag) > 0.05 for lag in (1, 5, 10, 21))
    assert abs(market.autocorr(1)) < 0.05
    by_year = market.groupby(market.index.year).std()
    assert by_year.max() > 1.4 * by_year.min()


@pytest.mark.parametrize("seed", [7, 1])
def test_tails_are_those_of_real_stocks(seed):
    """Of 353 US stocks from 2010 to 2022 the kurtosis is 14 at the median and 33 at the 95th percentile."""
    returns = panel(seed)["returns"][COMPANIES]
    kurtosis = stats.kurtosis(returns, fisher=False, nan_policy="omit")
    assert 5 < np.median(kurtosis) < 15
    assert np.max(kurtosis) < 40
    assert returns.min().min() > -0.45
    on_splits = returns.where(panel(seed)["split_factor"][COMPANIES] != 1).stack()
    assert len(on_splits) >= 8  # the close falls by 75 % and 90 %, nobody loses a cent
    assert on_splits.abs().max() < 0.15


@pytest.mark.parametrize("seed", [7, 1])
@pytest.mark.parametrize(
    ("first", "last", "funds"),
    [
        ("2020-02-19", "2020-03-23", {"SPY": -0.337, "TLT": 0.142, "IWM": -0.41, "BIL": 0.003, "GLD": -0.04}),
        ("2022-01-03", "2022-10-24", {"SPY": -0.20, "TLT": -0.33, "VUG": -0.28, "VTV": -0.10, "BIL": 0.01}),
    ],
)
def test_the_sell_offs_that_scenarios_replay_fall_as_they_fell(seed, first, last, funds):
    returns = panel(seed)["returns"].loc[first:last].iloc[1:]
    total = (1.0 + returns).prod() - 1.0
    for fund, real in funds.items():
        assert total[fund] == pytest.approx(real, abs=0.16 if fund == "GLD" else 0.06), fund
    assert total[COMPANIES].median() < (-0.2 if first < "2021" else 0.05)


def test_prices_after_an_episode_do_not_depend_on_it(monkeypatch):
    monkeypatch.setattr("risk_pipeline.market.simulated_paths.EPISODES", ())
    calm = simulate(7)
    later, shares = calm.days >= np.datetime64("2024-01-01"), [calm.symbols.index(symbol) for symbol in COMPANIES]
    both = [paths.close[np.ix_(later, shares)] for paths in (calm, MARKET.paths)]
    assert np.abs(both[0] / both[1] - 1.0).max() < 1e-3
    assert (both[0] == both[1]).mean() > 0.999


@pytest.mark.parametrize("seed", [7, 1])
def test_cross_asset_and_sector_funds_are_what_they_say(seed):
    returns = panel(seed)["returns"]
    volatility = returns.std() * np.sqrt(252)
    assert volatility["BIL"] < 0.004
    assert volatility[["HYG", "UUP"]].between(0.05, 0.11).all()
    assert volatility[["DBC", "GLD"]].between(0.11, 0.19).all()
    correlation = returns.corr()
    assert correlation.loc["HYG", "SPY"] > 0.6
    assert correlation.loc["UUP", "EURUSD=X"] < -0.8
    assert correlation.loc["GLD", "UUP"] < -0.3
    sectors = {company.symbol: company.sector for company in universe()}
    excess = returns.sub(returns["SPY"], axis=0)
    for fund, sector in SECTOR_FUNDS.items():
        members = [symbol for symbol in COMPANIES if sectors[symbol] == sector]
        others = [symbol for symbol in COMPANIES if sectors[symbol] != sector]
        own = excess[members].corrwith(excess[fund]).mean()
        assert own > excess[others].corrwith(excess[fund]).mean() + 0.1, fund


def test_currency_pairs_are_quoted_to_four_decimals_and_pay_nothing():
    fields = panel()
    close = fields["close"][PAIRS]
    assert close.loc["2024-01-03"].tolist() == [1.0949, 1.2680, 142.60, 0.85]
    assert (close.stack() == close.stack().round(4)).all()
    assert (fields["dividend"][PAIRS] == 0).all().all()
    assert (fields["returns"][PAIRS].std() * np.sqrt(252)).between(0.05, 0.12).all()


@pytest.mark.parametrize("seed", [7, 1])
def test_regression_recovers_the_true_betas(seed):
    market = MARKET if seed == 7 else SimulatedMarket(seed)
    returns = panel(seed)["returns"]
    covariance = returns.cov()
    estimated = covariance["SPY"] / covariance.loc["SPY", "SPY"]
    true = pd.Series(market.paths.market_beta, index=market.paths.symbols)
    error = (estimated - true).drop("NOVR")  # a short history
    assert error.abs().max() < 0.15
    assert true[COMPANIES].min() < 0.35
    assert true.max() > 1.85


@pytest.mark.parametrize("seed", [7, 1])
def test_interest_rates_help_utilities_and_hurt_banks(seed):
    covariance = panel(seed)["returns"].cov()
    beta = covariance["TLT"] / covariance.loc["TLT", "TLT"]
    assert (beta[["DUK", "SO", "NEE", "O", "EQIX"]] > 0.05).all()
    assert (beta[["JPM", "BAC", "GS", "WFC", "XOM"]] < -0.3).all()
    assert panel(seed)["returns"]["SPY"].corr(panel(seed)["returns"]["TLT"]) == pytest.approx(-0.2, abs=0.06)


def test_style_funds_in_excess_of_the_market_are_several_factors():
    returns = panel()["returns"]
    excess = returns[["VTV", "VUG", "MTUM", "QUAL", "IWM", "USMV"]].sub(returns["SPY"], axis=0)
    assert (excess.std() * np.sqrt(252)).between(0.02, 0.12).all()
    assert excess["VTV"].corr(excess["VUG"]) < -0.7
    assert excess.drop(columns="VUG").corr().abs().where(~np.eye(5, dtype=bool)).max().max() < 0.4
    small = (returns["OLDM"] - returns["SPY"]).dropna()
    assert np.polyfit(excess["IWM"][small.index], small, 1)[0] > 0.4


def test_parkinsons_range_agrees_with_close_to_close():
    fields = panel()
    parkinson = np.sqrt((np.log(fields["high"] / fields["low"]) ** 2).mean() / (4 * np.log(2)))
    ratio = parkinson / fields["returns"].std()
    assert ratio.between(0.93, 1.07).all()
    assert ratio.mean() == pytest.approx(1.0, abs=0.02)
    assert (fields["low"] <= fields["close"]).where(fields["close"].notna(), True).all().all()
    assert (fields["close"] <= fields["high"]).where(fields["close"].notna(), True).all().all()


def test_prices_stay_plausible_over_all_the_years():
    paths = MARKET.paths
    shown = np.where(paths.has_bar, paths.close, np.nan)
    assert np.nanmin(shown[:, [paths.symbols.index(symbol) for symbol in COMPANIES]]) > 1.0
    assert np.nanmax(shown) < 30_000
    market = shown[:, paths.symbols.index("SPY")]
    assert np.nanmin(shown[:, [paths.symbols.index(pair) for pair in PAIRS]]) > 0.5
    assert 100 < market.min() < market.max() < 5_000


def test_a_split_moves_the_price_and_not_the_return():
    fields = panel()
    for symbol, factor in SPLITS.items():
        (day,) = fields["split_factor"].index[fields["split_factor"][symbol] == factor]
        assert abs(fields["returns"].loc[day, symbol]) < 0.3
        before = fields["close"][symbol].shift()[day]
        assert fields["close"].loc[day, symbol] == pytest.approx(before / factor, rel=0.3)


def test_dividends_come_four_times_a_year_to_payers_only():
    paid = panel()["dividend"]
    a_year = (paid.loc["2020":"2025"] > 0).sum() / 6
    assert (a_year[["SPY", "TLT", "KO", "XOM", "PNBK"]] == 4).all()
    assert (a_year[["AMZN", "BRK.B", "TSLA"]] == 0).all()
    a_years_dividends = paid["KO"].loc["2023-04-01":"2024-03-31"].sum()
    assert a_years_dividends / panel()["close"]["KO"].loc["2024-01-03"] == pytest.approx(0.031, rel=0.2)


@pytest.mark.parametrize("exchange", ["XNYS", "XLON"])
def test_corporate_actions_fall_on_sessions(exchange):
    sessions = xc.get_calendar(exchange, start="2009-01-01").sessions.values.astype("datetime64[D]")
    paths = MARKET.paths
    action = (paths.has_bar & ((paths.dividend > 0) | (paths.split_factor != 1))).any(axis=1)
    days = paths.days[action & (paths.days <= sessions[-1])]
    assert len(days) > 180
    assert np.isin(days, sessions).all()


def test_a_listing_a_delisting_and_gaps():
    close = panel()["close"]
    assert close["NOVR"].first_valid_index() == pd.Timestamp("2024-06-12")
    assert close["OLDM"].last_valid_index() == pd.Timestamp("2025-09-10")
    missing = close.isna().mean()
    assert missing[["KELP", "PNBK"]].between(0.02, 0.07).all()
    whole = missing.drop(["KELP", "PNBK", "NOVR", "OLDM"])
    assert (whole == 0).all()


def test_a_symbol_not_listed_yet_is_no_error_and_an_unknown_one_is():
    found = MARKET.fetch(["NOVR", "NOSUCH", "SPY"], ALL[:5])
    assert set(found.errors) == {"NOSUCH"}
    assert set(found.bars["symbol"]) == {"SPY"}


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.sampled_from(MARKET.symbols), min_size=1, max_size=6),
    st.integers(0, len(ALL) - 60),
    st.integers(1, 60),
    st.integers(0, 10_000),
)
def test_a_bar_is_the_same_in_any_range_order_and_company(symbols, start, length, shuffle):
    sessions = ALL[start : start + length]
    order = np.random.default_rng(shuffle).permutation(symbols)
    found = MARKET.fetch(list(order), sessions).bars
    close = panel()["close"].loc[sessions, sorted(set(symbols))]
    expected = close.stack().rename_axis(["session", "symbol"]).dropna()
    pd.testing.assert_series_equal(
        found.set_index(["session", "symbol"])["close"], expected, check_names=False, check_index_type=False
    )


def test_the_same_seed_is_the_same_market_whatever_was_asked_first():
    other = SimulatedMarket(seed=7)
    other.paths = simulate(7)  # drawn again: a process keeps what it has drawn
    other.fetch(["ZZZ", "KO"], ALL[100:101])
    pd.testing.assert_frame_equal(
        other.fetch(MARKET.symbols[::-1], ALL[-30:]).bars, MARKET.fetch(MARKET.symbols, ALL[-30:]).bars
    )
    assert not np.allclose(SimulatedMarket(seed=8).paths.close, MARKET.paths.close)
    with pytest.raises(SourceError, match="use 0 or more"):
        SimulatedMarket(seed=-1)


def test_the_default_market_is_the_one_it_was():
    """Closes noted in 2026-11, the episodes included: the demo's reports must not change unseen."""
    days = pd.DatetimeIndex(["2010-06-30", "2026-06-30", "2035-06-29"]).astype("datetime64[s]")
    close = MARKET.fetch(["SPY", "NVDA"], days).bars["close"]
    assert close.tolist() == [173.19, 493.42, 88.94, 650.27, 1942.86, 2378.95]


def test_days_outside_the_simulation_have_no_bars():
    days = pd.DatetimeIndex(["2008-12-31", "2024-01-06", "2024-01-08", "2036-01-02"]).astype("datetime64[s]")
    found = MARKET.fetch(["SPY"], days)
    assert found.bars["session"].tolist() == [pd.Timestamp("2024-01-08")]
    assert MARKET.fetch([], days).bars.empty
    assert MARKET.fetch(["SPY"], days[:0]).bars.empty


def test_simulated_bars_pass_the_examination_unchanged():
    found = MARKET.fetch(MARKET.symbols, ALL[-300:])
    again = checked_bars(found.bars, ALL[-300:])
    pd.testing.assert_frame_equal(again.bars, found.bars)
    assert not found.dropped


def test_profiles_are_versions_known_from_a_date():
    profiles = MARKET.profiles(["JPM", "SPY", "NOVR", "NOSUCH"], date(2024, 12, 31))
    assert profiles["as_of"].max() == pd.Timestamp("2024-06-12")
    assert set(profiles["symbol"]) == {"JPM", "SPY", "NOVR"}
    assert profiles.groupby("symbol").size().to_dict() == {"JPM": 16, "NOVR": 1, "SPY": 16}
    bank = profiles[profiles["symbol"] == "JPM"]
    assert set(bank["sector"]) == {"Financials"}
    assert bank["vendor_beta"].between(0.8, 1.4).all()
    assert bank["vendor_beta"].diff().abs().max() < 0.1
    later = MARKET.profiles(["JPM"])
    pd.testing.assert_frame_equal(later[later["as_of"] <= "2024-12-31"], bank.reset_index(drop=True))
