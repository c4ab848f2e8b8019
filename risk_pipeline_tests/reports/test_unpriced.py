"""A symbol that is held without a price is named with who holds it, why, and what to do."""

from __future__ import annotations

from datetime import date, datetime

import pandas as pd
import pytest

from risk_pipeline.defs.checks.common import WARN, Finding, evaluate
from risk_pipeline.defs.checks.market import symbols_covered
from risk_pipeline.reports.unpriced import unpriced_on
from risk_pipeline.storage.imports import run_import
from risk_pipeline.storage.market_data import store_bars
from risk_pipeline_tests.support.databases import migrated_sqlite

FIRST, SECOND = date(2022, 12, 1), date(2022, 12, 2)
LOT = "{owner},{symbol},{kind},10,2022-12-01,100,{exit},{price}\n"


@pytest.fixture
def engine(tmp_path):
    """A book in which AAPLX is mistyped, HALT has stopped trading and SPY is well, on two sessions."""
    engine = migrated_sqlite(tmp_path / "risk.db")
    (tmp_path / "portfolios.csv").write_text(
        "portfolio_id,name,inception_date,starting_equity\none,One,2022-12-01,1000\ntwo,Two,2022-12-01,1000\n"
    )
    lots = [
        LOT.format(owner=owner, symbol=symbol, kind=kind, exit=end, price=price)
        for owner, symbol, kind, end, price in (
            ("one", "AAPLX", "STOCK", "", ""),
            ("two", "AAPLX", "STOCK", "", ""),
            ("one", "HALT", "STOCK", "", ""),
            ("two", "SPY", "ETF", "", ""),
            ("two", "GONE", "STOCK", "2022-12-01", "100"),
            ("two", "BARN", "PRIVATE", "", ""),
        )
    ]
    header = "portfolio_id,symbol,investment_class,quantity,entry_date,entry_price,exit_date,exit_price\n"
    (tmp_path / "positions.csv").write_text(header + "".join(lots))
    run_import(engine, [tmp_path / "portfolios.csv", tmp_path / "positions.csv"])
    days = [FIRST, FIRST, SECOND]
    bars = pd.DataFrame({"session": pd.DatetimeIndex(days).astype("datetime64[s]"), "symbol": ["SPY", "HALT", "SPY"]})
    numbers = {"close": 100.0, "high": 101.0, "low": 99.0, "volume": 1.0, "dividend": 0.0, "split_factor": 1.0}
    store_bars(engine, bars.assign(**numbers, basis="as_traded", source="files"), known_at=datetime(2022, 12, 3))
    yield engine
    engine.dispose()


def test_a_mistyped_symbol_and_one_that_stopped_trading_are_told_apart(engine):
    mistyped, halted = unpriced_on(engine, SECOND)
    assert (mistyped.symbol, mistyped.portfolios, mistyped.newest) == ("AAPLX", ["one", "two"], None)
    assert (halted.symbol, halted.portfolios, halted.newest) == ("HALT", ["one"], FIRST)
    assert str(mistyped) == (
        "AAPLX of one, two: never had a price: counted at its entry price and without risk; "
        "correct the symbol in positions.csv and import it again, or give its prices to the source"
    )
    assert "HALT of one: no price since 2022-12-01, which stands; if its ticker changed" in str(halted)


def test_the_line_of_the_check_names_symbol_and_portfolio_and_its_table_the_remedy(engine):
    finding = symbols_covered(engine, None, [SECOND])
    result = evaluate(finding, WARN)
    assert result.description == "2 of 3 prices of symbols held fail: AAPLX (one, two), HALT (one)"
    assert set(finding.bad["remedy"]) == {row.remedy for row in unpriced_on(engine, SECOND)}


def test_many_names_are_not_many_words():
    bad = pd.DataFrame({"session": [SECOND] * 9, "symbol": [f"S{number}" for number in range(9)]})
    assert evaluate(Finding(9, "bars", bad), WARN).description == "9 of 9 bars fail: S0, S1, S2, S3, S4 and 4 more"
