"""Proxies of private assets at the door, and the prices that they need."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from risk_pipeline.storage import queries
from risk_pipeline.storage.imports import ImportRefused, import_frames
from risk_pipeline_tests.support.databases import migrated_sqlite

PORTFOLIOS = pd.DataFrame(
    [("a", "A", "2025-01-02", 1e6)], columns=["portfolio_id", "name", "inception_date", "starting_equity"]
)
COLUMNS = ["portfolio_id", "symbol", "investment_class", "quantity", "entry_date", "entry_price", "proxy", "proxy_beta"]


def positions(*rows: tuple) -> dict[str, pd.DataFrame]:
    lots = pd.DataFrame([("a", *row[:2], 1, "2025-03-03", 100.0, *row[2:]) for row in rows], columns=COLUMNS)
    return {"portfolios": PORTFOLIOS, "positions": lots}


@pytest.fixture
def engine(tmp_path):
    engine = migrated_sqlite(tmp_path / "risk.db")
    yield engine
    engine.dispose()


def test_a_proxy_is_stored_with_its_beta_and_needs_prices_while_the_asset_is_held(engine):
    import_frames(
        engine, positions(("FUND", "PRIVATE", "spy", ""), ("HOUSE", "PRIVATE", "VNQ", 0.6), ("KO", "PUBLIC", "", ""))
    )
    lots = queries.lots(engine, date(2025, 12, 31)).set_index("symbol")
    assert lots.loc[["FUND", "HOUSE"], ["proxy", "proxy_beta"]].to_numpy().tolist() == [["SPY", 1.0], ["VNQ", 0.6]]
    assert queries.position_symbols(engine) == ["KO", "SPY", "VNQ"]
    needs = queries.symbol_needs(engine, date(2025, 5, 1), date(2025, 12, 1)).set_index("symbol")
    assert needs.loc["VNQ", "first_held"] == date(2025, 3, 3)
    assert set(queries.symbols_held(engine, [date(2025, 5, 1)])["symbol"]) == {"KO", "SPY", "VNQ"}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("KO", "PUBLIC", "SPY", ""), "is only for PRIVATE"),
        (("FUND", "PRIVATE", "", 0.5), "goes with a proxy"),
        (("FUND", "PRIVATE", "SPY", 80), "write 0.8 for 80 %"),
    ],
)
def test_what_can_be_no_assumption_is_refused(engine, row, said):
    with pytest.raises(ImportRefused, match=said):
        import_frames(engine, positions(row))
