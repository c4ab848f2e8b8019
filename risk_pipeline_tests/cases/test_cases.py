"""Cases from the field, each with its right value; what is tested is the kind, not the case."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from risk_pipeline.analytics.holdings import constant_weight_returns
from risk_pipeline.analytics.returns import returns_for_estimates, total_returns
from risk_pipeline.analytics.var import filtered_historical_simulation
from risk_pipeline.risk.performance import equity_by_session, first_row, portfolio_performance
from risk_pipeline.storage.imports import run_import
from risk_pipeline.storage.queries import read_table
from risk_pipeline_tests.support.cases import CASES
from risk_pipeline_tests.support.real_prices import real_prices

FIRST, LAST = "2022-12-01", "2022-12-16"


@pytest.mark.parametrize("daily", [True, False], ids=["session by session", "one range"])
def test_a_split_or_dividend_without_a_close_counts_on_the_next_close(market_of, equity_of, daily):
    case = "01_action_without_close"
    equity = equity_of(case, market_of(case), FIRST, LAST, daily=daily)
    assert equity.loc[LAST].to_dict() == pytest.approx(dict.fromkeys(equity.columns, 100_314.58), abs=0.01)
    assert equity.loc["2022-12-13", "halt"] == equity.loc["2022-12-12", "halt"]  # no close: the last one holds


def london(frame: pd.DataFrame, folder) -> None:
    days = pd.to_datetime(frame["date"].str[:10]).dt.tz_localize("Europe/London")
    frame.assign(date=days, close=frame["close"].astype(float)).to_parquet(folder / "own.parquet")


@pytest.mark.parametrize("write", [None, london], ids=["csv", "parquet"])
def test_the_local_date_of_a_midnight_in_london_is_its_date(market_of, equity_of, write):
    case = "07_tz_europe"
    market = market_of(case, write)
    sessions = pd.DatetimeIndex(pd.bdate_range("2022-03-01", "2022-03-31"))
    for session in sessions:
        assert market.fetch(["SHEL.L"], sessions[sessions == session]).bars["session"].tolist() == [session]
    equity = equity_of(case, market, "2022-03-01", "2022-03-31")["uk"]
    closes = market.fetch(["SHEL.L", "SPY"], sessions).bars.pivot(index="session", columns="symbol", values="close")
    by_hand = 100_000 + 1000 * (closes["SHEL.L"] - 29.3904) + 100 * (closes["SPY"] - 400)
    assert equity.to_list() == pytest.approx(by_hand.to_list())


def test_a_stated_exit_price_wins_and_an_assignment_counts_once(market_of, equity_of):
    case = "08_options"
    equity = equity_of(case, market_of(case), FIRST, "2022-12-19")
    assert equity.loc["2022-12-16"].round().to_dict() | {"d_special_div": 0, "e_reverse_split": 0} == {
        "a_sold_on_expiry": 97_500,
        "b_short_bought_back_on_expiry": 99_000,
        "c_sold_day_before": 97_500,
        "d_special_div": 0,
        "e_reverse_split": 0,
        "f_assigned": 99_945,  # premium 300, shares bought at 105 and worth 101.454
        "g_sat_expiry": 100_846,
    }
    assert equity.loc["2022-12-15", "c_sold_day_before"] == equity.loc["2022-12-19", "c_sold_day_before"]


def semicolons(frame: pd.DataFrame, folder) -> None:
    text = frame.assign(close=frame["close"].str.replace(".", ","))
    text.to_csv(folder / "own.csv", sep=";", index=False)


def slashes(frame: pd.DataFrame, folder) -> None:
    frame.assign(close=frame["close"].astype(float)).to_parquet(folder / "own.parquet")


def excel(frame: pd.DataFrame, folder) -> None:
    frame = frame.assign(date=pd.to_datetime(frame["date"]), close=frame["close"].astype(float))
    frame.to_excel(folder / "own.xlsx", index=False)


@pytest.mark.parametrize(
    ("case", "write"),
    [
        ("13_NA_csv", None),
        ("13_NA_csv", excel),
        ("13_semicolon", None),
        ("13_semicolon", semicolons),
        ("13_split_zero", None),
        ("13_ddmmyyyy_parquet", None),
        ("13_ddmmyyyy_parquet", slashes),
    ],
)
def test_prices_as_people_write_them_are_read(market_of, equity_of, case, write):
    equity = equity_of(case, market_of(case, write), "2022-12-28", "2022-12-30")["a"]
    assert equity.to_list() == pytest.approx([100_000 + 100 * (close - 70) for close in (46.0711, 46.3451, 46.5626)])


def test_shares_of_a_spin_off_cost_nothing(market_of, equity_of, tmp_path):
    """Of two ways to state it, a cost of 0 goes with a source that shows the parent's fall as it was."""
    case = "19_currency_bond_spinoff"
    rows = pd.read_csv(CASES / case / "positions.csv", dtype=str, keep_default_na=False)
    rows.loc[(rows["portfolio_id"] == "spin_nosplit") & (rows["symbol"] == "GEHC"), "entry_price"] = "0"
    rows["multiplier"] = ["0.01" if symbol == "BOND" else "" for symbol in rows["symbol"]]
    rows.loc[rows["symbol"] == "BOND", "investment_class"] = "BOND"
    folder = tmp_path / case
    folder.mkdir()
    rows.to_csv(folder / "positions.csv", index=False)
    (folder / "portfolios.csv").write_text((CASES / case / "portfolios.csv").read_text())
    equity = equity_of(folder, market_of(case), FIRST, LAST).loc[LAST]
    assert equity["spin_nosplit"] == pytest.approx(99_726, abs=1)
    assert equity["spin_yahoo"] == pytest.approx(99_920.73, abs=0.01)  # the split of 1.281 stands for it
    assert equity["bond"] == pytest.approx(100_001.14, abs=0.01)  # a hundredth of 100,113.75 - 100,000


def test_splits_and_back_and_of_shorts_stay_right(market_of, equity_of):
    case = "22_splits_short_and_back"
    equity = equity_of(case, market_of(case), FIRST, LAST)
    assert equity.loc[LAST].to_dict() == pytest.approx({"back": 100_143.34, "short": 99_879.55}, abs=0.01)
    assert equity.pct_change().abs().max().max() < 0.01


def test_a_price_carried_forward_and_then_traded_leaves_a_possible_expected_shortfall():
    """Taken for returns of zero, the stretch made an expected shortfall of hundreds of times the book."""
    folder = CASES / "15_flat_prices"
    tail = pd.read_csv(folder / "own_prices_tail.csv").query("symbol == 'HALT'")["close"].to_numpy()
    market = real_prices(["SPY", "JPM"])
    halted = len(market) - len(tail) - 350
    own = np.r_[market["JPM"].to_numpy()[:halted], np.full(350, market["JPM"].iloc[halted - 1])]
    close = np.column_stack([np.r_[own * (tail[0] / own[-1]), tail], market["SPY"].to_numpy()])[:-2]  # to 2022-12-28
    held = pd.read_csv(folder / "positions.csv").query("portfolio_id == 'halt'")
    dollars = held["quantity"].to_numpy() * close[-1]
    nav = 100_000 + (dollars - held["quantity"] * held["entry_price"]).sum()
    shortfall = {}
    for name, returns in (("gaps", returns_for_estimates), ("zeros", total_returns)):
        history = returns(close, np.zeros_like(close), np.ones_like(close))
        series = constant_weight_returns(sp.csr_array(dollars[None, :]), history, np.array([nav]))
        shortfall[name] = filtered_historical_simulation(series.returns).es_99[0]
    gross = dollars.sum() / nav
    assert gross == pytest.approx(0.39, abs=0.02)
    assert 0.01 < shortfall["gaps"] < 0.15 < gross
    assert not shortfall["zeros"] < shortfall["gaps"]


def test_a_deposit_of_a_thousand_times_the_book_is_no_return(market_of, inputs_of):
    """P&L 7,772 on 1,000 before and 1,300,000 paid in at the start of the session: .6 %, not 777 %."""
    case = "04_flow"
    inputs = inputs_of(case, market_of(case), FIRST, LAST)
    owner, day = inputs.portfolio_ids.index("flow"), inputs.sessions.index(date(2022, 12, 14))
    found = portfolio_performance(inputs)
    assert inputs.book.equity[day, owner] - 1_301_000 == pytest.approx(7772, abs=1)
    assert found.return_inception[day, owner] == pytest.approx(7772 / 1_301_000, rel=1e-4)
    steady = inputs.portfolio_ids.index("flow2")
    made = inputs.book.equity[day, steady] / 100_000 - 1  # no flow: equity tells all
    assert found.return_inception[day, steady] == pytest.approx(made, rel=1e-12)


def test_returns_since_inception_are_of_the_book_of_every_session(market_of, inputs_of):
    case = "04_flow"
    market = market_of(case)
    inputs = inputs_of(case, market, FIRST, LAST)
    rows = np.arange(first_row(inputs), inputs.ends[-1] + 1)
    np.testing.assert_array_equal(equity_by_session(inputs, rows)[-len(inputs.ends) :], inputs.book.equity)
    whole = portfolio_performance(inputs)
    for day in (3, 9):
        alone = portfolio_performance(replace(inputs, sessions=inputs.sessions[day : day + 1]))
        for name, values in vars(alone).items():
            np.testing.assert_array_equal(values[0], getattr(whole, name)[day])


IMPORTED = {  # file: what is stored of it
    "0dte_0": {"expiry": ["2022-12-13"], "exit_price": [2.5]},
    "0dte_no_exit_0": {"expiry": ["2022-12-13"]},
    "euro_csv_0": {"entry_price": [440.5]},
    "euro_semicolon_0": {"entry_price": [440.5]},
    "excel_text_prefix_0": {"symbol": ["SPY", "SPY"], "quantity": [10.0, 10.0]},
    "extra_columns_0": {"symbol": ["SPY"]},
    "fees_0": {"fees": [1.5]},
    "money_signs_0": {"quantity": [1000.0, -100.0], "entry_price": [440.5, 120.0]},
    "multiplier_0": {"multiplier": [10.0]},
    "occ_only_0": {"underlying": ["SPY"], "strike": [400.0], "option_type": ["CALL"], "expiry": ["2022-12-16"]},
    "option_exit_worthless_0": {"exit_price": [0.0]},
    "private_zero_mark_exit_0": {"exit_price": [0.0]},
    "totals_row_0": {"quantity": [1.0]},
    "utf16_0": {"symbol": ["SPY"]},
    "zero_cost_option_0": {"entry_price": [0.0]},
    "zero_cost_spinoff_0": {"entry_price": [0.0], "quantity": [241.0]},
}


@pytest.mark.parametrize("case", sorted(IMPORTED))
def test_positions_as_people_write_them_are_read(engine, case):
    from risk_pipeline.storage.queries import read_table

    folder = CASES / "05_imports"
    run_import(engine, [folder / "portfolios.csv", folder / f"{case}.csv"], today=date(2026, 1, 2))
    stored = read_table(engine, "positions").sort_values("position_id")
    for column, values in IMPORTED[case].items():
        found = stored[column].dt.strftime("%Y-%m-%d") if column == "expiry" else stored[column]
        assert found.to_list() == values


REFUSED = {  # file: line, column, words of the remedy
    "dates_0": [
        (2, "entry_date", "could be 2022-11-04 or 2022-04-11"),
        (6, "entry_date", "is a week of the ISO calendar"),
        (7, "entry_date", "spreadsheet's day number"),
    ],
    "entry_before_1970_0": [(2, "entry_date", "is before 1970-01-01")],
    "future_entry_0": [(2, "entry_date", "far in the future")],
    "neg_mark_0": [(2, "price", "must not be below zero")],
    "mutual_fund_class_0": [
        (3, "multiplier", "a BOND needs one"),
        (5, "multiplier", "a FUTURE needs one"),
        (6, "investment_class", "cash is no position"),
        (7, "investment_class", "EURUSD=X"),
    ],
    "pence_currency_0": [
        (2, "currency", "keep the portfolio in GBP"),
        (3, "currency", "keep the portfolio in GBP"),
        (4, "currency", "is no currency"),
    ],
    "symbols_with_signs_0": [
        (15, "symbol", "must be a symbol"),
        (29, "symbol", "must be a symbol"),
        (31, "symbol", "is the name of an option"),
    ],
    "qty_fraction_sci_0": [(4, "quantity", "is no plain number")],
}


@pytest.mark.parametrize("case", sorted(REFUSED))
def test_what_can_not_be_read_is_refused_by_line_column_and_remedy(engine, case):
    from risk_pipeline.storage.imports import ImportRefused
    from risk_pipeline.storage.queries import read_table

    folder = CASES / "05_imports"
    with pytest.raises(ImportRefused) as refused:
        run_import(engine, [folder / "portfolios.csv", folder / f"{case}.csv"], today=date(2026, 1, 2))
    found = sorted((problem.line, problem.column, problem.remedy) for problem in refused.value.problems)
    assert [place[:2] for place in found] == sorted(place[:2] for place in REFUSED[case])
    for line, column, words in REFUSED[case]:
        assert any(words in remedy for where, name, remedy in found if (where, name) == (line, column)), found
    assert read_table(engine, "portfolios").empty


def test_symbols_with_signs_are_kept_and_words_of_nothing_are_symbols(engine, tmp_path):
    from risk_pipeline.storage.queries import read_table

    folder = CASES / "05_imports"
    lines = (folder / "symbols_with_signs_0.csv").read_text().splitlines()
    good = [line for line in lines if not {line.split(",")[1]} & {"$CASH", "MÜV2.DE", "AAPL240119C00150000"}]
    (tmp_path / "positions.csv").write_text("\n".join(good))
    run_import(engine, [folder / "portfolios.csv", tmp_path / "positions.csv"])
    stored = read_table(engine, "positions").sort_values("position_id")["symbol"].to_list()
    assert stored[:13] == (
        ["M&M.NS", "CL=F", "EURUSD=X", "GC=F", "WALMEX*.MX", "0700.HK", "7203.T"]
        + ["BRK.B"] * 3
        + ["BF.B", "^GSPC", "BTC-USD"]
    )
    assert {"NA", "TRUE", "NULL", "NAN", "BAC$L", "XYZ+"} <= set(stored)


def test_flows_of_one_day_add_up_and_old_encodings_are_read(engine):
    from risk_pipeline.storage.queries import read_table

    folder = CASES / "05_imports"
    files = [
        folder / f"{name}.csv" for name in ("portfolios", "two_flows_one_day_0", "latin1_0", "option_price_marks_0")
    ]
    summary = run_import(engine, files, today=date(2026, 1, 2))
    assert read_table(engine, "portfolio_flows")["amount"].to_list() == [4800.0]
    assert "Müller" in read_table(engine, "portfolios")["name"].to_list()
    assert [("added up to 4,800.00" in note, "read as Windows-1252" in note) for note in summary.notes] == [
        (False, True),
        (True, False),
    ]


def rebased() -> tuple[pd.DataFrame, pd.DataFrame]:
    """PAYR's adjusted closes as a source has them before and on 2022-12-13, whose dividend re-bases all before."""
    after = pd.read_csv(CASES / "02_adj_close_rebased" / "own_prices_tail.csv")
    before = after[after["date"] < "2022-12-13"]
    return before.assign(adj_close=before["adj_close"] / 0.9), after[after["date"] <= "2022-12-13"]


@pytest.mark.parametrize("is_live", [True, False], ids=["daily", "one backfill"])
def test_a_series_with_a_new_base_gives_the_day_s_profit_and_volatility_of_one_backfill(engine, evening, is_live):
    """Read day by day and never again it made a P&L of -4,912 and a volatility of 35.9 %."""
    run_import(engine, sorted((CASES / "02_adj_close_rebased").glob("po*.csv")))
    before, after = rebased()
    if is_live:
        evening(before, "2022-12-05", "2022-12-12")
    inputs = evening(after, "2022-12-05", "2022-12-13")
    equity = np.asarray(inputs.book.equity)[:, 0]
    assert equity[-1] - equity[-2] == pytest.approx(579, abs=0.5)
    volatility = inputs.symbol_volatility(inputs.ends[-1:])
    assert volatility.realised_21[0, inputs.column["PAYR"]] == pytest.approx(0.193, abs=0.0005)


def test_a_close_corrected_the_next_morning_reaches_both_days(engine, evening):
    """The close of 2022-12-12 was sent 1.08 times too high: without a second look the next P&L is -3,375."""
    run_import(engine, sorted((CASES / "02_adj_close_rebased").glob("po*.csv")))
    right = rebased()[1]
    wrong = right[right["date"] <= "2022-12-12"].copy()
    wrong.loc[wrong["date"] == "2022-12-12", "adj_close"] *= 1.08
    as_sent = np.asarray(evening(wrong, "2022-12-05", "2022-12-12").book.equity)[-1, 0]
    corrected = np.asarray(evening(right, "2022-12-05", "2022-12-13").book.equity)[:, 0]
    by_hand = 100_000 + 500 * (98.84168820453993 - 111.597391)
    assert as_sent == pytest.approx(by_hand + 500 * 0.08 * 98.84168820453993)
    assert corrected[-2] == pytest.approx(by_hand)
    assert corrected[-1] - corrected[-2] == pytest.approx(579, abs=0.5)
    (entry,) = read_table(engine, "price_restatements").to_dict("records")
    assert (entry["symbol"], entry["field"], entry["new_value"]) == ("PAYR", "close", pytest.approx(98.8417, abs=1e-4))
