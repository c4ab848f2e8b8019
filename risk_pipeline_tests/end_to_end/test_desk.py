"""What if and own shocks equal full runs to the last bit, and write nothing."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from datetime import date

import pandas as pd
import pytest
from rich.console import Console

from risk_pipeline.cli.desk_tables import print_stress, print_whatif
from risk_pipeline.defs.automation.desk import desk_question
from risk_pipeline.desk.inputs import StoredRegistries
from risk_pipeline.desk.stress import own_scenario, own_stress
from risk_pipeline.desk.whatif import as_held, held_terms, trade_of, what_if
from risk_pipeline.risk.trades import Trade
from risk_pipeline.sessions import NoSessionError
from risk_pipeline.storage.errors import StorageError
from risk_pipeline.storage.imports import import_frames
from risk_pipeline.storage.trade_files import read_trades
from risk_pipeline_tests.support.homes import BENCHMARKED, LIMIT_COLUMNS

DAY = "2025-06-04"
SESSION = date.fromisoformat(DAY)
CALL = (
    *(("underlying", "NVDA"), ("option_type", "CALL"), ("strike", 60.0), ("expiry", pd.Timestamp("2026-01-16"))),
    ("exercise", "american"),
)
TRADES = [
    Trade("growth", "AAPL", -700.0, 205.0),  # closes parts of two lots
    Trade("growth", "TLT", 2000.0, 90.0),
    Trade("hedged", "MSFT", 500.0, 390.0),  # covers the short and goes long
    Trade("hedged", "NVDA C", -5.0, 7.0, "OPTIONS", CALL),
]
OF_FUND = pd.DataFrame([("fund", "name:TLT", "<=", "", 0.1, "2025-01-02")], columns=LIMIT_COLUMNS)
BOOK = {
    **BENCHMARKED,
    "groups": pd.DataFrame([("fund", "growth"), ("fund", "hedged"), ("fund", "empty")], columns=["group", "portfolio"]),
    "limits": pd.concat([BENCHMARKED["limits"], OF_FUND]),
}
TRADED = ["growth", "hedged", "fund"]
"""The portfolios of the trades, and a group of both and another."""
COMPARED = (
    *("portfolio_snapshots", "factor_exposures", "stress_test_results", "portfolio_volatility", "position_values"),
    *("sector_exposures", "limit_utilisations", "risk_changes", "value_at_risk_outcomes", "currency_exposures"),
    *("benchmark_risk", "active_exposures", "position_correlations"),
)
SHOCKS = ["Market=-0.10", "Rates=+100bp", "Momentum=5%"]


@pytest.fixture(scope="module")
def home(make_home, tmp_path_factory):
    home = make_home(BOOK)
    home.run(DAY)
    return home


def content(home) -> str:
    with home.engine.connect() as connection:
        return hashlib.sha256("\n".join(connection.connection.driver_connection.iterdump()).encode()).hexdigest()


@pytest.fixture(scope="module")
def answers(home):
    """What if, an own shock and the job's answer, asked before anything else changes; nothing may be written."""
    home.enter()
    before = content(home)
    stored = {name: rows_of(home, name, TRADED) for name in COMPARED}
    registries = StoredRegistries.of_settings()
    result = what_if(home.engine, registries, SESSION, TRADES)
    shock = own_stress(home.engine, registries, SESSION, own_scenario(SHOCKS, "+20", registries))
    assert content(home) == before
    return result, shock, stored


def rows_of(home, name: str, portfolios: list[str]) -> pd.DataFrame:
    rows = home.table(name, first=SESSION, last=SESSION)
    return rows[rows["portfolio_id"].isin(portfolios)].reset_index(drop=True)


def ordered(rows: pd.DataFrame, like: pd.DataFrame) -> pd.DataFrame:
    """Return rows with the columns, order and types of stored ones."""
    keys = [name for name in like.columns if name in KEYS]
    return rows[list(like.columns)].sort_values(keys, ignore_index=True).astype(like.dtypes.to_dict())


KEYS = (
    "portfolio_id",
    "position_id",
    "factor_name",
    "scenario_id",
    "sector",
    "measure",
    "operator",
    "pair",
    "kind",
    "name",
    "rank_a",
    "rank_b",
)


def test_before_is_what_is_stored(answers):
    for name in COMPARED:
        stored = answers[2][name]
        stored = ordered(stored, stored)
        pd.testing.assert_frame_equal(ordered(answers[0].before[name], stored), stored, check_exact=True, obj=name)


def test_an_own_shock_is_what_a_run_with_it_in_the_library_stores(make_home, home, answers, tmp_path, monkeypatch):
    home = make_home(like=home)
    path = tmp_path / "scenarios.yaml"
    path.write_text(
        "scenarios:\n- {id: own_shock, name: Own, category: own, vol: {points: 20}, shocks: {Market: {return: -0.10}, "
        "Interest_Rate: {yield_change: 0.01}, Momentum: {relative: 0.05}}}\n"
    )
    monkeypatch.setenv("RISK_PIPELINE_SCENARIOS_PATH", str(path))
    home.run(DAY, steps=["factor_definitions", "stress_tests"])
    stored = home.table("stress_test_results", first=SESSION, last=SESSION)
    stored = stored[stored["scenario_id"] == "own_shock"].reset_index(drop=True)
    assert len(stored) == 5
    found = ordered(answers[1]["stress_test_results"], stored)
    pd.testing.assert_frame_equal(found, stored, check_exact=True)


def test_after_is_what_a_run_with_the_trades_imported_stores(make_home, answers):
    home, result = make_home(BOOK), answers[0]
    lots = result.lots.drop(columns="is_deleted")
    import_frames(home.engine, {"positions": lots})
    home.run(DAY)
    for name in COMPARED:
        stored = rows_of(home, name, TRADED)
        stored = ordered(stored, stored)
        pd.testing.assert_frame_equal(ordered(result.after[name], stored), stored, check_exact=True, obj=name)
        if name in ("portfolio_snapshots", "factor_exposures"):
            assert not ordered(result.before[name], stored).equals(stored), name


def test_a_limit_of_a_group_that_a_trade_breaks_is_said(answers):
    broken = answers[0].new_breaches
    assert broken.loc[broken["portfolio_id"] == "fund", "measure"].tolist() == ["name:TLT"]


def test_headlines_name_incremental_value_at_risk_in_money(answers):
    rows = answers[0].headlines.set_index(["portfolio_id", "number"])
    row = rows.loc["growth", "var_99_money"]
    before, after = (
        side["portfolio_snapshots"].set_index("portfolio_id").loc["growth"]
        for side in (answers[0].before, answers[0].after)
    )
    assert row["difference"] == after["var_99"] * after["nav"] - before["var_99"] * before["nav"] != 0.0
    assert {"IR Beta", "covid_2020", "leverage"} <= set(rows.loc["growth"].index)


def test_headlines_have_currencies_and_what_has_no_row_on_one_side_is_none_of_it(answers):
    pairs = pd.DataFrame([("growth", "FX EURUSD", 0.25)], columns=["portfolio_id", "pair", "exposure"])
    after = {**answers[0].after, "currency_exposures": pairs}
    result = replace(answers[0], before={**answers[0].before, "currency_exposures": pairs.iloc[:0]}, after=after)
    rows = result.headlines.set_index(["portfolio_id", "number"])
    assert rows.loc[("growth", "FX EURUSD")].tolist() == [0.0, 0.25, 0.25]
    before, after = (
        set(side["factor_exposures"].query("portfolio_id == 'growth'")["factor_name"])
        for side in (result.before, result.after)
    )
    for name in before ^ after:  # sectors and cross-asset factors of what was bought or sold
        sides = rows.loc[("growth", name)]
        assert sides["difference"] == sides["after"] - sides["before"] != 0.0
        assert 0.0 in sides.tolist()


def test_a_sale_closes_the_oldest_lots_and_splits_the_last(answers):
    lots = answers[0].lots.set_index("position_id")
    assert lots.loc["g1", "quantity"] == 700.0
    assert lots.loc["g1", "exit_date"] == pd.Timestamp(DAY)
    assert lots.loc["g1.rest", "quantity"] == 300.0
    assert pd.isna(lots.loc["g1.rest", "exit_date"])
    assert lots.loc["h2", "exit_price"] == 390.0
    assert lots.loc["whatif:hedged:0003", "quantity"] == 200.0


def test_only_what_was_not_short_and_becomes_so_is_sold_short(answers, home):
    written = [["hedged", "NVDA C", 0.0, -5.0]]  # covering a short and selling what is held are no short sales
    assert answers[0].sold_short.to_numpy().tolist() == written
    home.enter()
    trades = [
        *(
            Trade("growth", "AAPL", quantity, 205.0) for quantity in (-1000.0, -800.0)
        ),  # 1,500 are held, 500 of them for two days
        Trade("hedged", "MSFT", -1.0, 390.0),  # adds to a short
        Trade("hedged", "SPY", -1.0, 600.0),
        Trade("growth", "TLT", -5.0, 90.0),
        Trade("growth", "TLT", 5.0, 90.0),
    ]
    result = what_if(home.engine, StoredRegistries.of_settings(), SESSION, trades)
    assert result.sold_short.to_numpy().tolist() == [["growth", "AAPL", 1500.0, -300.0], ["hedged", "SPY", 0.0, -1.0]]
    printed = io.StringIO()
    print_whatif(Console(file=printed, width=200), result)
    lines = printed.getvalue().splitlines()
    for portfolio, warning in (
        ("growth", "AAPL, more than the 1,500 that it holds: short 300"),
        ("hedged", "SPY, of "),
    ):
        (line,) = [place for place, text in enumerate(lines) if f"{portfolio} would sell {warning}" in text]
        assert lines[line + 1].startswith(f"What if, {portfolio}, ")


@pytest.mark.parametrize("held", ["SPY221216C00400000", "SPY   221216C00400000"])
def test_an_option_is_sold_whatever_blanks_its_occ_name_has(held):
    lots = pd.DataFrame({"portfolio_id": ["other", "growth", "growth"], "symbol": ["SPY 221216C00400000", "SPY", held]})
    assert as_held(Trade("growth", "spy 221216C00400000", -1.0, 9.0), lots).symbol == held
    for symbol in ("SPY221216P00400000", "SPY", "SPY2 221216C00400000"):
        assert as_held(Trade("growth", symbol, -1.0, 9.0), lots).symbol == symbol


def test_a_share_is_meant_where_an_option_has_its_name_and_a_contract_is_of_a_hundred(home):
    home.enter()
    held = held_terms(home.engine, SESSION)
    assert held("growth", "aapl")["investment_class"] == "PUBLIC"
    assert held("hedged", "AAPL C") | {"multiplier": 100.0, "strike": 200.0} == held("hedged", "AAPL C")
    assert held("hedged", "NOPE") == held("nobody", "AAPL") == {}


def test_what_is_held_is_sold_by_its_name_and_oversold_at_the_same_price(home, tmp_path):
    home.enter()
    path = tmp_path / "trades.csv"
    path.write_text("symbol,quantity,price\naapl c,-15,20\n")
    (row,) = read_trades(path, SESSION, "hedged", {}.get, held_terms(home.engine, SESSION))
    result = what_if(home.engine, StoredRegistries.of_settings(), SESSION, [trade_of(row)])
    lots = [
        rows["position_values"].query("portfolio_id == 'hedged' and symbol == 'AAPL C'")
        for rows in (result.before, result.after)
    ]
    before, after = (rows[rows["quantity"] != 0.0].set_index("quantity") for rows in lots)
    assert after.index.tolist() == [-5.0]
    for name in ("price", "volatility_source", "contract"):
        assert after.loc[-5.0, name] == before.loc[10.0, name]


def test_a_portfolio_without_numbers_after_the_trades_says_which_and_why(home):
    home.enter()
    trades = [Trade("growth", "AAPL", 10.0, 1e6), Trade("hedged", "AAPL", 1.0, 205.0)]
    result = what_if(home.engine, StoredRegistries.of_settings(), SESSION, trades)
    assert set(result.skips["portfolio_id"]) == {"growth", "fund"}
    printed = io.StringIO()
    print_whatif(Console(file=printed, width=200), result)
    (said,) = [line for line in printed.getvalue().splitlines() if line.startswith("growth lacks ")]
    assert "portfolio_snapshots" in said
    assert "after the trades: a position's entry price and the market's price of that day can't both be right" in said
    assert "hedged lacks" not in printed.getvalue()


def test_the_first_option_of_a_book_changes_how_its_value_at_risk_is_computed_and_it_says_so(home):
    home.enter()
    terms = (("underlying", "AAPL"), ("option_type", "PUT"), ("strike", 20.0), ("expiry", pd.Timestamp("2026-06-19")))
    trades = {
        "option": Trade("growth", "AAPL P", 1.0, 0.01, "OPTIONS", terms),
        "share": Trade("growth", "AAPL", 1.0, 205.0),
    }
    said = {}
    for kind, trade in trades.items():
        printed = io.StringIO()
        print_whatif(
            Console(file=printed, width=200), what_if(home.engine, StoredRegistries.of_settings(), SESSION, [trade])
        )
        said[kind] = [line for line in printed.getvalue().splitlines() if line.endswith("difference is the method's.")]
    assert [line.split(":")[0] for line in said["option"]] == ["! growth"]
    assert not said["share"]


def test_a_shocked_pair_is_among_the_moves_and_who_has_no_number_says_why(home):
    home.enter()
    registries = StoredRegistries.of_settings()
    scenario = own_scenario(["EURUSD=-5%"], None, registries)
    frames = own_stress(home.engine, registries, SESSION, scenario)
    printed = io.StringIO()
    print_stress(Console(file=printed, width=250), home.engine, SESSION, frames, scenario)
    assert "Factors: FX EURUSD −5.0 % (shocked)" in " ".join(printed.getvalue().split())
    lines = printed.getvalue().splitlines()
    assert [
        line
        for line in lines
        if "growth" in line
        and line.endswith(": a shocked pair has no prices here, as nothing is held in its currencies.")
    ]
    assert "No P&L of empty, late: holds no position on this date." in lines
    with pytest.raises(StorageError, match=r"there is no portfolio 'nope'; there are .*growth"):
        own_stress(home.engine, registries, SESSION, scenario, "nope")
    with pytest.raises(StorageError, match="empty has no exposures on 2025-06-04: holds no position on this date"):
        own_stress(home.engine, registries, SESSION, scenario, "empty")
    with pytest.raises(ValueError, match=r"Foo is no factor: there are Rates, .*currency pairs in capitals"):
        own_scenario(["Foo=-5%"], None, registries)


def test_what_is_unknown_is_said(home):
    home.enter()
    registries = StoredRegistries.of_settings()
    with pytest.raises(StorageError, match="has no price in the panel"):
        what_if(home.engine, registries, SESSION, [Trade("growth", "ZZZZ", 1.0, 1.0)])
    with pytest.raises(StorageError, match="there is no portfolio 'nobody'"):
        what_if(home.engine, registries, SESSION, [Trade("nobody", "AAPL", 1.0, 1.0)])
    with pytest.raises(StorageError, match="fund is a group: trade in one of its portfolios, empty, growth, hedged"):
        what_if(home.engine, registries, SESSION, [Trade("fund", "AAPL", 1.0, 1.0)])
    saturday, before = date(2025, 6, 7), "2025-06-07 is no session of XNYS; the one before is 2025-06-06"
    with pytest.raises(NoSessionError, match=before):
        what_if(home.engine, registries, saturday, [Trade("growth", "AAPL", 1.0, 1.0)])
    with pytest.raises(NoSessionError, match=before):
        own_stress(home.engine, registries, saturday, own_scenario(["Market=-1%"], None, registries))
    with pytest.raises(StorageError, match="has not been computed"):
        what_if(home.engine, registries, date(2025, 6, 3), [Trade("growth", "AAPL", 1.0, 1.0)])


@pytest.mark.parametrize("text", ["Market", "Market=", "Gold=-0.1", "Market=-10bp", "Rates=50%x", "Market=-2"])
def test_a_shock_that_says_nothing_is_refused(text):
    with pytest.raises(ValueError, match="shock"):
        own_scenario([text], None, StoredRegistries.of_settings())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("EURUSD=-5", r"is a move of -500 %: write EURUSD=-5%"),
        ("Rates=100", r"is a move of 10,000 %: write Rates=100bp"),
        ("Rates=+1%", r"no change of rates: write Rates=\+100bp .* or Interest_Rate=\+1% for a return of its proxy"),
        ("IR Beta=-5%", r"IR Beta is no factor: there are Rates, Market, "),
        ("Rates=+900bp", r"a rise of 900 bp is beyond what duration and convexity can tell; .*below .* 434 bp"),
        ("XXXUSD=-5%", "XXX is no currency of ISO 4217"),
        ("USDZZZ=-5%", "ZZZ is no currency of ISO 4217"),
    ],
)
def test_a_shock_that_can_t_be_meant_names_what_is_likely_meant(text, says):
    with pytest.raises(ValueError, match=says):
        own_scenario([text], None, StoredRegistries.of_settings())


def test_a_fall_by_all_volatility_is_refused():
    with pytest.raises(ValueError, match=r"--vol '-100' takes away all volatility"):
        own_scenario(["Market=-1%"], "-100", StoredRegistries.of_settings())


def test_the_job_answers_in_its_metadata(home):
    home.enter()
    trades = [
        {"portfolio_id": "growth", "symbol": "MSFT", "quantity": 100.0},
        {"portfolio_id": "growth", "symbol": "TLT", "quantity": -5.0},
    ]
    config = {"session": DAY, "trades": trades, "shocks": ["Market=-0.10"], "volatility": "+20"}
    result = desk_question.execute_in_process(
        run_config={"ops": {"answer": {"config": config}}}, instance=home.instance, resources=resources()
    )
    (event,) = [e for e in result.all_node_events if e.is_successful_output]
    metadata = event.step_output_data.metadata
    assert {"what_if", "limits_broken", "own_shock"} <= metadata.keys()
    numbers = {record.data["number"] for record in metadata["what_if"].records}
    assert {"var_99_money", "IR Beta"} <= numbers
    (short,) = metadata["sold_short"].records
    assert short.data == {"portfolio_id": "growth", "symbol": "TLT", "held": 0.0, "after": -5.0}


def resources() -> dict:
    from risk_pipeline.defs.resources import Database

    return {"db": Database()}
