"""Benchmarks at the door, the symbols that they need, and what becomes stale when one changes."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from risk_pipeline.desk.inputs import book_frames
from risk_pipeline.risk.catch_up import timeline
from risk_pipeline.storage import queries
from risk_pipeline.storage.imports import ImportRefused, import_frames
from risk_pipeline_tests.support.databases import migrated_sqlite

COLUMNS = ["portfolio_id", "name", "inception_date", "closed_date", "starting_equity", "benchmark"]
PORTFOLIOS = pd.DataFrame(
    [
        ("a", "A", "2025-01-02", "", 100.0, "mix"),
        ("b", "B", "2025-03-03", "2025-11-03", 50.0, "qqq"),
        ("c", "C", "2025-01-02", "", 70.0, ""),
    ],
    columns=COLUMNS,
)
HALVES = [("mix", "SPY", 0.5, "2025-01-02"), ("mix", "TLT", 0.5, "2025-01-02")]
LATER = [("mix", "SPY", 0.7, "2025-06-02"), ("mix", "GLD", 0.3, "2025-06-02")]
LAST = date(2025, 12, 31)


def weights(*rows: tuple) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["benchmark", "symbol", "weight", "valid_from"])


@pytest.fixture
def engine(tmp_path):
    engine = migrated_sqlite(tmp_path / "risk.db")
    import_frames(engine, {"portfolios": PORTFOLIOS, "benchmarks": weights(*HALVES, *LATER)})
    yield engine
    engine.dispose()


def test_a_name_has_its_weights_and_a_symbol_is_one_of_weight_one(engine):
    rows = queries.benchmarks(engine)
    assert rows[["benchmark", "symbol", "weight"]].to_numpy().tolist() == [
        *(["MIX", "SPY", 0.5], ["MIX", "TLT", 0.5], ["MIX", "GLD", 0.3], ["MIX", "SPY", 0.7]),
        ["QQQ", "QQQ", 1.0],
    ]


def test_prices_of_its_symbols_are_needed_while_the_portfolio_is_open(engine):
    assert queries.position_symbols(engine) == ["GLD", "QQQ", "SPY", "TLT"]
    held = queries.symbols_held(engine, [date(2025, 2, 3), date(2025, 11, 3), date(2025, 11, 4)])
    on = {day.date(): set(rows["symbol"]) for day, rows in held.groupby("session")}
    mix = {"SPY", "TLT", "GLD"}
    assert on == {date(2025, 2, 3): mix, date(2025, 11, 3): mix | {"QQQ"}, date(2025, 11, 4): mix}
    needs = queries.symbol_needs(engine, date(2025, 5, 1), date(2025, 12, 1)).set_index("symbol")
    assert needs.loc["QQQ", "first_held"] == date(2025, 3, 3)
    assert needs.loc["QQQ", "last_held"] == date(2025, 11, 3)


@pytest.mark.parametrize(
    ("rows", "field", "said"),
    [
        ([("mix", "SPY", 0.5, "2025-01-02"), ("mix", "TLT", 0.4, "2025-01-02")], "weight", "sum to 0.9: they must sum"),
        ([("mix", "SPY", 60.0, "2025-01-02"), ("mix", "TLT", 40.0, "2025-01-02")], "weight", "a share such as 0.6"),
        ([HALVES[0], HALVES[0]], "benchmark, symbol, valid_from", "stands already on line 2"),
    ],
)
def test_weights_that_are_no_shares_of_one_are_refused(engine, rows, field, said):
    with pytest.raises(ImportRefused) as refused:
        import_frames(engine, {"benchmarks": weights(*rows)})
    assert refused.value.problems[0].column == field
    assert said in str(refused.value)
    assert len(queries.benchmarks(engine)) == 5


def test_an_import_replaces_the_benchmark_that_it_names_and_no_other(engine):
    import_frames(engine, {"benchmarks": weights(*HALVES), "portfolios": PORTFOLIOS.assign(benchmark="mix")})
    import_frames(engine, {"benchmarks": weights(("other", "IEF", 1.0, "2025-01-02"))})
    assert queries.benchmarks(engine)["symbol"].tolist() == ["SPY", "TLT"]


def test_a_group_has_the_benchmark_that_all_of_its_members_have(engine):
    members = pd.DataFrame([("fund", "a"), ("fund", "c")], columns=["group", "portfolio"])
    import_frames(engine, {"groups": members})
    assert pd.isna(queries.portfolios(engine).set_index("portfolio_id").loc["fund", "benchmark"])
    import_frames(engine, {"portfolios": PORTFOLIOS.assign(benchmark="mix")})
    assert queries.portfolios(engine).set_index("portfolio_id").loc["fund", "benchmark"] == "MIX"


def test_changed_weights_are_an_event_of_the_portfolios_that_are_compared_from_their_day_on(engine):
    before = timeline(book_frames(engine, LAST))
    changed = [*HALVES, ("mix", "SPY", 0.6, "2025-06-02"), ("mix", "GLD", 0.4, "2025-06-02")]
    import_frames(engine, {"benchmarks": weights(*changed)})
    after = timeline(book_frames(engine, LAST))

    def events(found) -> set[tuple]:
        return {*zip(found.event_day.tolist(), found.event_portfolio.tolist(), found.event_hash.tolist(), strict=True)}

    assert {row[:2] for row in events(before) ^ events(after)} == {(date(2025, 6, 2), 0)}
    users = np.array(after.symbols)[after.used_symbol]
    assert {*zip(users.tolist(), after.used_portfolio.tolist(), strict=True)} == {
        *(("SPY", 0), ("TLT", 0), ("GLD", 0), ("QQQ", 1)),
    }
