"""The overview of a EUR, a GBP and a USD book over real prices and rates, added up in pounds, by real runs."""

from __future__ import annotations

import io
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from risk_pipeline.cli.risk_table import print_risk_table
from risk_pipeline.reports.page_paths import page_path
from risk_pipeline_tests.support.real_prices import PATH

DAY, ENTRY = "2022-06-16", "2022-06-09"
PORTFOLIOS = pd.DataFrame(
    [("eur", "Euros", "EUR"), ("gbp", "Pounds", "GBP"), ("usd", "Dollars", "USD")],
    columns=["portfolio_id", "name", "currency"],
).assign(inception_date="2022-06-01", starting_equity=100_000)
POSITIONS = pd.DataFrame(
    [("e1", "eur", "PG", "EUR"), ("g1", "gbp", "KO", "GBP"), ("u1", "usd", "SPY", "USD")],
    columns=["position_id", "portfolio_id", "symbol", "currency"],
).assign(investment_class="PUBLIC", quantity=100, entry_price=[135.0, 60.0, 400.0], entry_date=ENTRY)


@pytest.fixture
def home(make_home, tmp_path):
    """A home whose lots are all in their portfolio's currency, so that no lot needs a pair."""
    shutil.copy(PATH, tmp_path)
    home = make_home({"portfolios": PORTFOLIOS, "positions": POSITIONS})
    home.environment.setenv("RISK_PIPELINE_MARKET__SOURCE", "files")
    home.environment.setenv("RISK_PIPELINE_MARKET__PATH", str(tmp_path))
    yield home
    home.environment.delenv("RISK_PIPELINE_REPORTING_CURRENCY", raising=False)


def shown(home) -> tuple[str, str]:
    """Return the overview page, and the table of the terminal."""
    text = io.StringIO()
    print_risk_table(Console(file=text, width=220), home.engine, None)
    return page_path(pd.Timestamp(DAY).date()).read_text(), text.getvalue()


def test_the_sum_in_the_reporting_currency_by_hand(home, tmp_path):
    rates = Path(PATH).parent / "exchange_rates.parquet"
    shutil.copy(rates, tmp_path)
    home.environment.setenv("RISK_PIPELINE_REPORTING_CURRENCY", "GBP")
    home.run(DAY)
    page, terminal = shown(home)
    close = pd.read_parquet(rates).pivot(index="date", columns="symbol", values="close").loc[pd.Timestamp(DAY).date()]
    rows = home.table("portfolio_snapshots").set_index("portfolio_id")
    euro, dollar = close["EURUSD=X"] / close["GBPUSD=X"], 1 / close["GBPUSD=X"]
    nav, gain = (
        rows.loc["gbp", name] + rows.loc["eur", name] * euro + rows.loc["usd", name] * dollar
        for name in ("nav", "daily_pnl")
    )
    assert f"{nav:,.0f} GBP" in terminal
    numbers = [float(value) for value in re.findall(r'<data value="([^"]+)"', page)]
    assert any(number == pytest.approx(nav, rel=1e-8) for number in numbers)
    assert any(number == pytest.approx(gain, rel=1e-6) for number in numbers)
    for name, currency in (("eur", "EUR"), ("usd", "USD"), ("gbp", "GBP")):
        assert f"{rows.loc[name, 'nav']:,.0f} {currency}" in terminal
    assert f"GBPUSD=X {close['GBPUSD=X']:.4f}" in page
    assert f"GBPUSD=X {close['GBPUSD=X']:.4f}" in terminal


def test_a_missing_pair_is_no_sum_with_its_reason(home):
    home.environment.setenv("RISK_PIPELINE_REPORTING_CURRENCY", "GBP")
    home.run(DAY)
    assert len(home.table("portfolio_snapshots")) == 3  # a pair for the sum alone stops no portfolio
    for text in shown(home):
        assert "There is no sum in GBP: EURUSD=X and GBPUSD=X have no price on 2022-06-16" in text
        assert "NAV of 3 portfolios" not in text


def test_without_a_setting_nothing_is_added_up_across_currencies(home):
    home.run(DAY)
    for text in shown(home):
        assert "Portfolios in EUR, GBP, USD are not added up: set RISK_PIPELINE_REPORTING_CURRENCY" in text
        assert "NAV of 3 portfolios" not in text
