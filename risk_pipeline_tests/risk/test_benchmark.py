"""Portfolios against their benchmarks: nothing between a book and itself, and the numbers by another path."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from risk_pipeline.analytics.covariance import factor_covariance
from risk_pipeline.analytics.tracking import position_contributions, tracking_model, volatility_regime
from risk_pipeline.risk.benchmark import compute_benchmark
from risk_pipeline.risk.exposures import compute_exposures
from risk_pipeline.risk.snapshots import compute_snapshots
from risk_pipeline.risk.symbol_betas import core_factor_returns, symbol_betas
from risk_pipeline.risk.volatility import compute_volatility
from risk_pipeline_tests.support.blocks import block, lot
from risk_pipeline_tests.support.real_prices import PROXIES, real_prices

HELD = ("KO", "XOM", "JPM", "HD", "GE")
PRICES = real_prices((*PROXIES, *HELD, "HYG", "XLP"), first="2016-01-04", last="2020-12-31")
OPENED, ENTRY = "2020-06-01", "2020-06-01"
DAYS = [day.date() for day in PRICES.index[-3:]]
THEN = PRICES.loc[ENTRY]
EQUITY = 1_000_000.0
FUNDS = (
    *(*PROXIES, "BIL", "SHY", "AGG", "HYG", "TIP", "GLD", "DBC", "EFA", "EEM", "VNQ", "QQQ", "XLB", "XLC", "IYE"),
    *("XLF", "XLI", "XLK", "XLP", "XLRE", "XLU", "XLV", "XLY"),
)
SIXTY_FORTY = [("BALANCED", "SPY", 0.6), ("BALANCED", "TLT", 0.4)]
LOTS = [
    lot("index", "SPY", EQUITY / THEN["SPY"], ENTRY, THEN["SPY"]),
    *[lot("shares", symbol, 60_000 / THEN[symbol], ENTRY, THEN[symbol]) for symbol in HELD],
    *[lot("shares", symbol, 250_000 / THEN[symbol], ENTRY, THEN[symbol]) for symbol in ("SPY", "IWM")],
    lot("mixed", "SPY", 550_000 / THEN["SPY"], ENTRY, THEN["SPY"]),
    lot("mixed", "TLT", 380_000 / THEN["TLT"], ENTRY, THEN["TLT"]),
    lot("alone", "KO", 1000, ENTRY, THEN["KO"]),
]
NAMES = {"index": "SPY", "shares": "SPY", "mixed": "BALANCED"}
SECTORS = {"KO": "Consumer Staples", "XOM": "Energy"}


def with_benchmarks(inputs, names, weights=(), first="2016-01-04", currency=None):
    """Give portfolios a benchmark, as an import would."""
    rows = [(*row, pd.Timestamp(first)) for row in weights]
    single = sorted({*names.values()} - {name for name, *_ in weights})
    rows += [(name, name, 1.0, pd.Timestamp("1900-01-01")) for name in single]
    frame = pd.DataFrame(rows, columns=["benchmark", "symbol", "weight", "valid_from"]).assign(currency=currency)
    owners = inputs.portfolios
    named = owners.assign(benchmark=owners["portfolio_id"].map(names).astype(object))
    return replace(inputs, portfolios=named, benchmarks=frame)


def computed(days=DAYS, **more):
    inputs = block(PRICES, days, LOTS, equity=EQUITY, inception=OPENED, sectors=SECTORS)
    inputs = with_benchmarks(inputs, NAMES, SIXTY_FORTY, **more)
    stored = inputs.stored
    stored.update(compute_exposures(inputs))
    stored.update(compute_volatility(inputs))
    empty = pd.DataFrame(columns=["session", "portfolio_id", "scenario_id", "correlated_pnl"])
    stored["worst_scenarios"] = empty.astype({"session": "datetime64[s]"})
    counts = {"factor_exposures": "factor_exposures", "volatility": "portfolio_volatility"}
    by = ["session", "portfolio_id"]
    stored["rows_by_portfolio"] = pd.DataFrame(
        {name: stored[table].groupby(by).size() for name, table in counts.items()}
    ).assign(stress_tests=99)
    stored["volumes"] = pd.DataFrame({"session": pd.to_datetime([]), "symbol": [], "volume": []})
    stored.update(compute_snapshots(inputs))
    return inputs, compute_benchmark(inputs)


@pytest.fixture(scope="module")
def both():
    return computed()


@pytest.fixture(scope="module")
def rows(both):
    return both[1]["benchmark_risk"].set_index(["portfolio_id", "session"])


@pytest.fixture(scope="module")
def parts(both):
    return both[1]["active_exposures"]


def test_a_book_that_holds_its_benchmark_does_not_differ_from_it(rows, parts):
    index = rows.loc["index"]
    np.testing.assert_allclose(index[["tracking_error", "model_tracking_error"]].astype(float), 0.0, atol=1e-12)
    np.testing.assert_allclose(index[["beta", "correlation"]].astype(float), 1.0, rtol=1e-12)
    of_index = parts[parts["portfolio_id"] == "index"]
    assert {*of_index["kind"]} == {"factor", "sector", "position"}
    np.testing.assert_allclose(of_index["active"].astype(float), 0.0, atol=1e-12)
    names = [f"relative_{period}" for period in ("1m", "3m")]
    np.testing.assert_allclose(index[names].astype(float), 0.0, atol=1e-12)
    assert index["reason"].isna().all()


def test_only_portfolios_with_a_benchmark_have_rows(rows, both):
    assert {*rows.index.get_level_values(0)} == {*NAMES}
    nobody = with_benchmarks(both[0], {})
    assert all(frame.empty for frame in compute_benchmark(nobody).values())


def weights_of(inputs, portfolio: str) -> pd.Series:
    """The portfolio's weights on equity on the last session, from prices alone."""
    last = PRICES.loc[str(DAYS[-1])]
    own = pd.Series({one["symbol"]: one["quantity"] for one in LOTS if one["portfolio_id"] == portfolio})
    paid = sum(one["quantity"] * one["entry_price"] for one in LOTS if one["portfolio_id"] == portfolio)
    value = own * last[own.index]
    return value / (EQUITY - paid + value.sum())


@pytest.mark.parametrize("portfolio", ["shares", "mixed"])
def test_history_is_that_of_today_s_weights_less_the_benchmark_s(both, rows, portfolio):
    weights = weights_of(both[0], portfolio)
    returns = PRICES.pct_change(fill_method=None).iloc[-252:]
    other = pd.Series({"SPY": 1.0}) if portfolio == "shares" else pd.Series({"SPY": 0.6, "TLT": 0.4})
    mine, theirs = returns[weights.index] @ weights, returns[other.index] @ other
    row = rows.loc[(portfolio, pd.Timestamp(DAYS[-1]))]
    assert row["tracking_error"] == pytest.approx((mine - theirs).std(ddof=1) * np.sqrt(252), rel=1e-9)
    assert row["beta"] == pytest.approx(np.cov(mine, theirs)[0, 1] / theirs.var(), rel=1e-9)
    assert row["correlation"] == pytest.approx(np.corrcoef(mine, theirs)[0, 1], rel=1e-9)


def test_the_model_s_tracking_error_is_factors_and_what_they_leave(both, rows, parts):
    inputs = both[0]
    names = list(inputs.registries.factors.core_names)
    active = parts[(parts["portfolio_id"] == "shares") & (parts["session"] == pd.Timestamp(DAYS[-1]))]
    active = active[active["kind"] == "factor"].set_index("name").loc[names]
    betas = symbol_betas(inputs).of(names)[-1]
    weights = weights_of(inputs, "shares")
    weights["SPY"] -= 1.0
    exposure = sum(weight * betas[inputs.column[symbol]] for symbol, weight in weights.items())
    np.testing.assert_allclose(active["active"].astype(float), exposure, rtol=1e-8, atol=1e-12)
    factors = core_factor_returns(inputs)
    covariance = factor_covariance(factors, inputs.ends).covariance[-1]
    active_returns = (PRICES.pct_change(fill_method=None)[weights.index].iloc[-252:] @ weights).to_numpy()
    systematic = factors[-252:] @ exposure
    left, decay = active_returns - systematic, 0.5 ** (np.arange(252)[::-1] / 42)
    alone = np.average(left**2, weights=decay)
    specific = max(alone, np.average(active_returns**2 - systematic**2, weights=decay)) * 252
    factor = exposure @ covariance @ exposure * 252
    row = rows.loc[("shares", pd.Timestamp(DAYS[-1]))].drop(["benchmark", "reason"]).astype(float)
    regime = row["volatility_regime"]
    assert regime == pytest.approx(volatility_regime(np.c_[active_returns])[0], rel=1e-6)
    assert row["specific_part"] == pytest.approx(np.sqrt(specific) * regime, rel=1e-8)
    assert row["factor_part"] == pytest.approx(np.sqrt(factor) * regime, rel=1e-8)
    assert row["model_tracking_error"] == pytest.approx(np.sqrt(factor + specific) * regime, rel=1e-8)
    euler = active["risk_contribution"].astype(float).sum() + row["specific_part"] ** 2 / row["model_tracking_error"]
    assert euler == pytest.approx(row["model_tracking_error"], rel=1e-9)


def test_positions_are_active_weights_and_sum_to_the_tracking_error(both, rows, parts):
    """A part is the derivative by the position's weight: without SPY's, what the shares alone would add."""
    positions = parts[parts["kind"] == "position"].set_index(["portfolio_id", "session", "name"]).sort_index()
    last = pd.Timestamp(DAYS[-1])
    weights = weights_of(both[0], "shares")
    of_shares = positions.loc[("shares", last)]
    np.testing.assert_allclose(of_shares.loc[weights.index, "own"].astype(float), weights, rtol=1e-9)
    assert of_shares.loc["SPY", "benchmark"] == 1.0
    assert {*positions.loc[("mixed", last)].index} == {"SPY", "TLT"}
    sums = positions["risk_contribution"].astype(float).groupby(level=[0, 1]).sum()
    np.testing.assert_allclose(sums, rows["model_tracking_error"].astype(float).reindex(sums.index), atol=1e-12)


@pytest.mark.parametrize("skewed", [-0.5, 0.5])
def test_parts_by_position_are_the_weights_derivatives(skewed):
    """By finite differences, also where the residual moves with the systematic part; the regime is held."""
    rng = np.random.default_rng(7)
    factors, beta, weight = rng.normal(0, 0.01, (252, 2)), rng.normal(0, 1, (4, 2)), np.array([0.4, 0.5, 0.3, -1.0])
    own = factors @ (beta * (1 + skewed)).T + rng.normal(0, 0.01, (252, 4))
    covariance = np.cov(factors.T)

    def model(some):
        return tracking_model((some @ beta)[None], covariance, (own @ some)[:, None], factors)

    found = model(weight)
    assert found.has_cross[0] == (skewed > 0)
    parts = position_contributions(found, 0, weight, beta, own * weight, factors)
    assert parts.sum() == pytest.approx(found.total[0], rel=1e-12)
    for position in range(4):
        step = np.zeros(4)
        step[position] = 1e-5
        above, below = ((one.total / one.regime)[0] for one in (model(weight + step), model(weight - step)))
        slope = (above - below) / 2e-5 * found.regime[0]
        assert parts[position] == pytest.approx(weight[position] * slope, rel=1e-5)


def test_a_volatility_regime_is_one_of_steady_returns_and_more_once_they_grow():
    steady = np.random.default_rng(5).normal(0, 0.01, (252, 400))
    wilder = steady.copy()
    wilder[-42:] *= 2.0
    assert np.mean(volatility_regime(steady) ** 2) == pytest.approx(1.0, abs=0.02)
    assert (volatility_regime(wilder) > volatility_regime(steady)).all()
    assert volatility_regime(np.zeros((252, 1))).tolist() == [1.0]
    spike = steady[:, :1].copy()
    spike[-1] = 5.0
    assert volatility_regime(spike)[0] < 1.4  # a jump counts as four standard deviations
    gap = np.insert(steady[:, :1], 100, np.nan, axis=0)
    assert volatility_regime(gap)[0] == pytest.approx(volatility_regime(steady[:, :1])[0], rel=0.01)


def test_relative_returns_are_the_book_s_less_the_benchmark_s(both, rows):
    """The benchmark's of the mixed book is bought back to its weights each day."""
    inputs = both[0]
    snapshots = inputs.stored["portfolio_snapshots"].set_index(["portfolio_id", "session"])
    daily = PRICES.pct_change(fill_method=None)[["SPY", "TLT"]] @ np.array([0.6, 0.4])
    last = pd.Timestamp(DAYS[-1])
    for period, days in (("1m", daily.iloc[-21:]), ("3m", daily.iloc[-63:]), ("inception", daily.loc[OPENED:])):
        own = snapshots.loc[("mixed", last), f"return_{period}"]
        theirs = np.prod(1.0 + days) - 1.0
        assert rows.loc[("mixed", last), f"relative_{period}"] == pytest.approx(own - theirs, rel=1e-9)
    assert np.isnan(rows.loc[("mixed", last), "relative_1y"])


def test_active_sector_weights_are_of_nav_and_sum_to_the_active_net(both, parts):
    sectors = parts[(parts["kind"] == "sector") & (parts["portfolio_id"] == "shares")]
    last = sectors[sectors["session"] == pd.Timestamp(DAYS[-1])].set_index("name")["active"].astype(float)
    weights = weights_of(both[0], "shares")
    assert last["Energy"] == pytest.approx(weights["XOM"], rel=1e-9)
    assert last.sum() == pytest.approx(weights.sum() - 1.0, rel=1e-9)


def test_a_session_alone_has_the_bits_of_a_range(both):
    _, alone = computed(DAYS[-1:])
    for table, frame in alone.items():
        of_range = both[1][table]
        of_range = of_range[of_range["session"] == pd.Timestamp(DAYS[-1])].reset_index(drop=True)
        key = [name for name in ("portfolio_id", "kind", "name") if name in frame]
        pd.testing.assert_frame_equal(
            frame.sort_values(key, ignore_index=True), of_range.sort_values(key, ignore_index=True), check_exact=True
        )


def test_no_weights_yet_or_another_currency_is_a_reason_and_no_number(both):
    later, foreign = {"first": "2021-01-04"}, {"currency": "EUR"}
    for more, reason in ((later, "no_benchmark_weights"), (foreign, "benchmark_currency")):
        inputs = with_benchmarks(both[0], NAMES, SIXTY_FORTY, **more)
        found = compute_benchmark(inputs)["benchmark_risk"].set_index("portfolio_id").loc["mixed"]
        assert {*found["reason"]} == {reason}
        numbers = found.drop(columns=["session", "benchmark", "reason"]).astype(float)
        assert numbers.isna().all(axis=None)


def test_tracking_error_is_neither_too_small_nor_too_large():
    """Bias statistic: next-session active returns over the forecast have a standard deviation of about one.

    Every second session of five years: on fewer, single days such as 2020-03-09 and 2020-11-09 decide. Betas are up to
    ten sessions old, which costs a tenth of the time.
    """
    prices = real_prices(first="2014-01-02", last="2021-04-20")
    prices = prices[prices.columns[prices.notna().all()]]
    rows, fitted = np.arange(560, len(prices) - 1, 2), np.arange(560, len(prices) - 1, 10)
    stocks = [symbol for symbol in prices if symbol not in FUNDS]
    inputs = block(prices, [prices.index[row].date() for row in fitted], [lot("any", "SPY", 1, "2016-01-04", 100.0)])
    betas = symbol_betas(inputs).of(list(inputs.registries.factors.core_names))
    factors = core_factor_returns(inputs)
    covariance = factor_covariance(factors, rows).covariance
    returns, market = prices.pct_change(fill_method=None).to_numpy(), prices.columns.get_loc("SPY")
    rng, weights = np.random.default_rng(0), np.zeros((100, prices.shape[1]))
    for book in weights:
        held = prices.columns.get_indexer(rng.choice(stocks, rng.integers(8, 26), replace=False))
        book[held] = rng.dirichlet(np.full(len(held), 4.0))
    weights[:, market] -= 1.0
    active = returns @ weights.T
    models = [
        tracking_model(
            weights @ betas[(row - 560) // 10], matrix, active[row - 251 : row + 1], factors[row - 251 : row + 1]
        )
        for row, matrix in zip(rows, covariance, strict=True)
    ]
    z = active[rows + 1] / (np.array([model.total for model in models]) / np.sqrt(252))
    assert z.shape == (len(rows), 100)
    by_book = z.std(axis=0, ddof=1)
    assert 0.95 < z.std() < 1.05
    assert 0.95 < by_book.mean() < 1.05
