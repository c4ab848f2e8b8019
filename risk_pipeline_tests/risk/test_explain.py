"""What made the P&L: parts that sum to it, each what it is called, alone as in a range."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from risk_pipeline.analytics.options import black_scholes
from risk_pipeline.risk.explain import compute_explain
from risk_pipeline.risk.explain_record import explained_shares, poorly_explained
from risk_pipeline.risk.lot_explain import lot_parts, symbol_returns
from risk_pipeline.risk.symbol_betas import betas_before, symbol_betas
from risk_pipeline_tests.support.blocks import block, lot
from risk_pipeline_tests.support.real_prices import real_prices

START, FIRST, LAST = "2018-06-01", "2020-03-09", "2020-03-20"
ENTRY = "2020-02-03"
PRICES = real_prices(first=START, last=LAST)
DAYS = [day.date() for day in PRICES.loc[FIRST:LAST].index]
THEN = PRICES.loc[ENTRY]
PAID = pd.DataFrame({"KO": {pd.Timestamp("2020-03-13"): 0.41}})
SPLIT = pd.DataFrame({"AAPL": {pd.Timestamp("2020-03-12"): 4.0}})


def option(quantity: float, right: str, strike: float, expiry: str, **more: object) -> dict:
    terms = {"investment_class": "OPTIONS", "underlying": "SPY", "option_type": right, "strike": strike}
    return lot("options", f"SPY {right} {expiry}", quantity, ENTRY, 8.0, **terms, expiry=expiry, **more)


def split_prices() -> pd.DataFrame:
    """Closes with a split of AAPL, four for one."""
    prices = PRICES.copy()
    prices.loc["2020-03-12":, "AAPL"] /= 4.0
    return prices


LOTS = [
    *[lot("funds", symbol, 1000, ENTRY, THEN[symbol]) for symbol in ("SPY", "TLT", "MTUM", "HYG", "XLK")],
    lot("shares", "KO", 500, ENTRY, THEN["KO"]),
    lot("shares", "AAPL", 100, ENTRY, THEN["AAPL"]),
    lot("shares", "XOM", -300, ENTRY, THEN["XOM"], exit_date="2020-03-17", exit_price=31.0, exit_fees=7.0),
    lot("shares", "JPM", 200, "2020-03-16", 82.0, fees=5.0),
    lot("shares", "BAC", 200, "2020-03-18", 20.0, exit_date="2020-03-18", exit_price=20.5),
    lot("shares", "FUND A", 10, ENTRY, 1000.0, investment_class="PRIVATE"),
    option(10, "CALL", 300.0, "2020-09-18"),
    option(-5, "PUT", 280.0, "2020-03-13", exercise="european"),
    option(-5, "PUT", 250.0, "2020-12-18", exit_date="2020-03-18", exit_price=30.0),
]
GIVEN = {"dividend": PAID, "split": SPLIT, "marks": [("FUND A", "2020-03-11", 900.0)]}


@pytest.fixture(scope="module")
def inputs():
    return block(split_prices(), DAYS, LOTS, **GIVEN)


@pytest.fixture(scope="module")
def rows(inputs):
    return compute_explain(inputs)["pnl_explain"]


@pytest.fixture(scope="module")
def parts(inputs):
    return lot_parts(inputs, symbol_returns(inputs, betas_before(inputs)))


def money(rows: pd.DataFrame, portfolio: str, kind: str, part: str | None = None) -> pd.Series:
    chosen = (rows["portfolio_id"] == portfolio) & (rows["kind"] == kind)
    if part is not None:
        chosen &= rows["part"] == part
    return rows[chosen].groupby("session")["pnl"].sum().reindex(pd.DatetimeIndex(DAYS), fill_value=0.0)


def test_parts_sum_to_the_pnl_of_every_portfolio_and_of_every_lot(inputs, rows, parts):
    pnl = inputs.book.equity - inputs.before.equity - inputs.book.flow
    total = rows.groupby(["session", "portfolio_id"])["pnl"].sum().unstack()
    np.testing.assert_allclose(total, pnl, atol=1e-9 * inputs.book.equity.min())
    names = (
        "factors",
        "specific",
        "gamma",
        "vega",
        "vanna",
        "theta",
        "residual",
        "dividends",
        "trades",
        "marks",
        "fees",
    )
    by_lot = sum(getattr(parts, name) for name in (*names, "unattributed")) + parts.currency.sum(axis=1)
    np.testing.assert_allclose(by_lot, parts.gain, atol=1e-6)
    assert np.abs(parts.gain).sum() > 100_000


def test_a_fund_that_is_a_factor_s_proxy_has_nothing_specific(rows):
    """The core's proxies, a cross-asset one and a sector's: their exposures give back their own return."""
    assert np.abs(money(rows, "funds", "specific")).max() < 1e-6 * 500_000
    assert np.abs(money(rows, "funds", "core")).max() > 1_000


def test_a_factor_s_part_is_yesterday_s_exposure_times_today_s_return(inputs, rows):
    """From betas estimated as of the session before and the book at its prices, without the module's own path."""
    names = list(inputs.registries.factors.core_names)
    for day in DAYS[1:]:
        earlier = block(split_prices(), [DAYS[DAYS.index(day) - 1]], LOTS, **GIVEN)
        beta = symbol_betas(earlier).of(names)[0]
        held = earlier.book.holdings
        of_funds = held.portfolio == earlier.portfolio_ids.index("funds")
        exposure = (held.delta_value[of_funds, None] * beta[held.symbol[of_funds]]).sum(axis=0)
        market, rates = (
            float(PRICES[s][pd.Timestamp(day)] / PRICES[s].shift(1)[pd.Timestamp(day)] - 1) for s in ("SPY", "TLT")
        )
        session = pd.Timestamp(day)
        for k, moved in ((0, market), (1, rates)):
            found = money(rows, "funds", "core", names[k])[session]
            assert found == pytest.approx(exposure[k] * moved, rel=1e-9)


def test_a_dividend_a_split_a_trade_a_mark_and_a_fee_are_where_they_belong(inputs, rows):
    got = {kind: money(rows, "shares", kind) for kind in ("dividends", "trades", "marks", "fees")}
    close = PRICES.loc[FIRST:]
    only = pd.Series(0.0, index=pd.DatetimeIndex(DAYS))
    pd.testing.assert_series_equal(
        got["dividends"], only.where(only.index != "2020-03-13", 500 * 0.41), check_names=False, check_freq=False
    )
    assert got["marks"]["2020-03-11"] == pytest.approx(10 * -100.0)
    assert got["marks"].drop(pd.Timestamp("2020-03-11")).abs().max() == 0.0
    expected = {
        "2020-03-16": 200 * (close["JPM"]["2020-03-16"] - 82.0),
        "2020-03-17": -300 * (31.0 - close["XOM"]["2020-03-17"]),
        "2020-03-18": 200 * 0.5,
    }
    for day in got["trades"].index:
        assert got["trades"][day] == pytest.approx(expected.get(f"{day:%Y-%m-%d}", 0.0), abs=1e-6)
    assert got["fees"].to_dict() == {
        day: {"2020-03-16": -5.0, "2020-03-17": -7.0}.get(f"{day:%Y-%m-%d}", 0.0) for day in got["fees"].index
    }


def test_a_split_makes_nothing(inputs, parts):
    """AAPL's parts on its ex-day are those of four times the shares at a quarter of the price."""
    whole = block(PRICES, DAYS, LOTS, dividend=PAID, marks=GIVEN["marks"])
    same = lot_parts(whole, symbol_returns(whole, betas_before(whole)))
    np.testing.assert_allclose(parts.gain, same.gain, atol=1e-6)
    np.testing.assert_allclose(parts.specific, same.specific, atol=1e-6)


def test_greeks_are_those_of_black_scholes_at_the_close_before(inputs, parts):
    """Of a European put, from the closed form; its P&L on the way to expiry is what they and the residual make."""
    lots, before = inputs.lots, inputs.before.positions
    put = next(i for i in range(len(lots.symbol)) if lots.is_option[i] and not lots.is_american[i])
    session = 2
    at = np.flatnonzero((before.session == session) & (before.lot == put))[0]
    row = np.flatnonzero((parts.session == session) & (parts.lot == put))[0]
    now = np.flatnonzero((inputs.book.positions.session == session) & (inputs.book.positions.lot == put))[0]
    days = (pd.Timestamp("2020-03-13") - pd.Timestamp(DAYS[session - 1])).days
    one = np.array([1.0])
    worth = black_scholes(
        before.spot[at] * one, 280.0 * one, days / 365 * one, 0.04, before.volatility[at] * one, one < 0
    )
    move = PRICES["SPY"][pd.Timestamp(DAYS[session])] - PRICES["SPY"][pd.Timestamp(DAYS[session - 1])]
    shares = -5 * 100
    assert parts.gamma[row] == pytest.approx(shares * worth.gamma[0] / 2 * move**2, rel=1e-9)
    assert parts.theta[row] == pytest.approx(shares * worth.theta[0] / 365, rel=1e-9)
    change = inputs.book.positions.volatility[now] - before.volatility[at]
    assert parts.vega[row] == pytest.approx(shares * worth.vega[0] * change, rel=1e-9)
    delta = parts.factors[row] + parts.specific[row]
    assert delta == pytest.approx(shares * worth.delta[0] * move, rel=1e-9)


def test_an_option_that_expires_pays_its_intrinsic_value_and_no_trade(parts, inputs):
    put = next(i for i in range(len(inputs.lots.symbol)) if inputs.lots.is_option[i] and not inputs.lots.is_american[i])
    day = DAYS.index(pd.Timestamp("2020-03-13").date())
    row = np.flatnonzero((parts.session == day) & (parts.lot == put))[0]
    paid = -500 * max(280.0 - PRICES["SPY"]["2020-03-13"], 0.0)
    before = inputs.before.positions
    worth = before.value[(before.session == day) & (before.lot == put)][0]
    assert parts.gain[row] == pytest.approx(paid - worth)
    assert parts.trades[row] == 0.0
    assert not ((parts.session > day) & (parts.lot == put)).any()


def test_an_option_that_was_sold_counts_until_the_close_and_its_price_against_it_is_a_trade(rows, parts, inputs):
    kept = block(split_prices(), DAYS, [{**one, "exit_date": pd.NaT} for one in LOTS], **GIVEN)
    day = DAYS.index(pd.Timestamp("2020-03-18").date())
    sold = next(i for i in range(len(inputs.lots.symbol)) if inputs.lots.is_option[i] and inputs.lots.is_sold[i])
    of_kept = kept.book.positions
    close = of_kept.value[(of_kept.session == day) & (of_kept.lot == sold)][0]
    row = np.flatnonzero((parts.session == day) & (parts.lot == sold))[0]
    assert parts.trades[row] == pytest.approx(-5 * 100 * 30.0 - close)
    same = lot_parts(kept, symbol_returns(kept, betas_before(kept)))
    as_kept = np.flatnonzero((same.session == day) & (same.lot == sold))[0]
    for name in ("factors", "specific", "gamma", "theta", "vega", "vanna", "residual"):
        assert getattr(parts, name)[row] == pytest.approx(getattr(same, name)[as_kept], rel=1e-9, abs=1e-7)


def test_a_session_alone_later_or_in_a_range_has_the_same_bytes(rows):
    later = real_prices(first=START, last="2020-04-30")
    later.loc["2020-03-12":, "AAPL"] /= 4.0
    day = DAYS[4]
    alone = compute_explain(block(later, [day], LOTS, **GIVEN))["pnl_explain"]
    of_range = rows[rows["session"] == pd.Timestamp(day)].sort_values(["portfolio_id", "kind", "part"])
    alone = alone.sort_values(["portfolio_id", "kind", "part"])
    pd.testing.assert_frame_equal(
        alone.reset_index(drop=True), of_range.reset_index(drop=True), check_exact=True, check_dtype=False
    )


def test_a_stock_without_a_model_and_a_first_session_are_unattributed_with_their_pnl():
    """XLC is listed 2018-06-19: a month later it has no core model. The book opens with lots that it has had before."""
    prices = real_prices(first="2016-06-01", last="2018-07-20")
    days = [day.date() for day in prices.loc["2018-07-18":].index]
    lots = [lot("p", "XLC", 100, "2018-07-02", prices["XLC"]["2018-07-02"])]
    lots.append(lot("p", "SPY", 100, "2018-07-02", prices["SPY"]["2018-07-02"]))
    rows = compute_explain(block(prices, days, lots, inception="2018-07-18"))["pnl_explain"]
    by_kind = rows.pivot_table(index="session", columns="kind", values="pnl", aggfunc="sum", fill_value=0.0)
    moved = 100 * prices.diff().loc["2018-07-18":, ["XLC", "SPY"]]
    assert by_kind["unattributed"].iloc[0] == pytest.approx(moved.iloc[0].sum())
    np.testing.assert_allclose(by_kind["unattributed"].iloc[1:], moved["XLC"].iloc[1:], atol=1e-8)
    np.testing.assert_allclose(by_kind["core"].iloc[1:], moved["SPY"].iloc[1:], atol=1e-2)


def test_options_delta_is_in_factors_and_specific_and_said_beside_them(rows):
    of_options = rows[rows["portfolio_id"] == "options"]
    model = of_options[of_options["kind"].isin(["core", "cross_asset", "sector", "specific", "options"])]
    np.testing.assert_allclose(model["options_pnl"], model["pnl"], atol=1e-6)
    of_shares = rows[rows["portfolio_id"] == "shares"]
    assert (of_shares["options_pnl"] == 0.0).all()


def test_the_explained_share_is_one_less_the_unexplained_variance():
    rng = np.random.default_rng(5)
    pnl, noise = rng.normal(0, 3.0, 200), rng.normal(0, 1.0, 200)
    rows = pd.DataFrame(
        {"session": pd.bdate_range("2020-01-01", periods=200), "portfolio_id": "p", "daily_pnl": pnl + noise}
    ).assign(nav=1000.0 + pnl + noise, unexplained=noise)
    share = explained_shares(rows)["explained_share"].item()
    last = slice(-63, None)
    assert share == pytest.approx(1 - noise[last].var() / (pnl + noise)[last].var(), rel=1e-9)
    assert explained_shares(rows.head(20))["explained_share"].isna().all()


def test_a_market_neutral_book_is_judged_by_how_large_the_unexplained_is_and_a_directional_one_by_its_share():
    shares = pd.DataFrame(
        {
            "portfolio_id": ["directional", "neutral", "mispriced", "fine", "new"],
            "sessions": 63,
            "explained_share": [0.1, -0.2, -0.2, 0.9, 0.1],
            "unexplained_volatility": [0.01, 0.031, 0.06, 0.3, 0.01],
        }
    )
    names = ["directional", "neutral", "mispriced", "fine"]
    days = pd.concat([pd.DataFrame({"portfolio_id": names}).assign(volatility=vol) for vol in (0.03, 0.04)])
    model = days.assign(factor_part=days["portfolio_id"].eq("directional") * 0.9 * days["volatility"])
    bad = poorly_explained(shares, model, 0.25)
    assert bad["portfolio_id"].tolist() == ["directional", "mispriced", "new"]
    specific = np.sqrt((0.03**2 + 0.04**2) / 2)
    assert bad["specific_volatility"].tolist()[1] == pytest.approx(specific, rel=1e-12)
    assert bad["expected_share"].tolist()[0] == pytest.approx(0.9, rel=1e-12)


def test_rates_books_and_stock_books_are_explained_as_far_as_they_were_on_real_prices():
    """Out of sample, over 63 sessions of 2022: TLT wholly, bonds to 95 %, ten stocks to 80 %."""
    prices = real_prices(first="2020-06-01", last="2022-12-28")
    days = [day.date() for day in prices.loc["2022-09-29":].index]
    entry, then = "2022-06-01", prices.loc["2022-06-01"]
    stocks = ["AAPL", "AMD", "BAC", "BBY", "CVX", "GE", "HD", "JNJ", "JPM", "KO"]
    books = {"tlt": ["TLT"], "bonds": ["TLT", "AGG", "SHY"], "ten": stocks}
    lots = [lot(name, s, 10_000 / then[s], entry, then[s]) for name, held in books.items() for s in held]
    inputs = block(prices, days, lots)
    rows = compute_explain(inputs)["pnl_explain"]
    loose = rows[rows["kind"].isin(["specific", "unattributed"])].groupby(["session", "portfolio_id"])["pnl"].sum()
    pnl = inputs.book.equity - inputs.before.equity
    share = 1 - loose.unstack().var() / pd.DataFrame(pnl, columns=inputs.portfolio_ids).var()
    assert share["tlt"] > 0.999
    assert share["bonds"] > 0.95
    assert share["ten"] > 0.80
