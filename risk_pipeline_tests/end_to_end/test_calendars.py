"""Sessions that can't be completed never keep others from being run; foreign holidays are no faults."""

from __future__ import annotations

import dataclasses
import os
import shutil
import sqlite3
import subprocess
import sys
from datetime import date

import dagster as dg
import exchange_calendars as xc
import numpy as np
import pandas as pd
import pytest

from risk_pipeline.definitions import defs
from risk_pipeline.defs.run_tags import range_tags
from risk_pipeline.market.simulated import SimulatedMarket
from risk_pipeline_tests.support.real_prices import PATH, real_returns

FIRST, HOLE, LAST = "2025-06-02", "2025-06-03", "2025-06-04"


@pytest.fixture
def hole(monkeypatch):
    """The simulated market has no bar at all on one session."""
    fetch = SimulatedMarket.fetch

    def without(self, symbols, sessions):
        found = fetch(self, symbols, sessions)
        return dataclasses.replace(found, bars=found.bars[found.bars["session"] != pd.Timestamp(HOLE)])

    monkeypatch.setattr(SimulatedMarket, "fetch", without)


def test_a_session_that_the_source_passes_over_is_given_up_and_the_others_go_on(make_home, hole):
    home = make_home()
    home.run(FIRST)
    home.run(HOLE, succeeds=False)  # its bars may still come
    assert not (home.table("analytics_skips")["analytic"] == "market_data").any()
    home.run(HOLE, LAST)  # the next evening, as catching up does
    skips = home.table("analytics_skips")
    skips = skips[skips["analytic"] == "market_data"]
    assert skips[["entity", "reason"]].to_numpy().tolist() == [["XNYS", "missing_data"]]
    snapshots = home.table("portfolio_snapshots", portfolio="growth").set_index("session")
    assert [str(day.date()) for day in snapshots.index] == [FIRST, HOLE, LAST]
    assert snapshots["nav"].notna().all()
    assert snapshots.loc[HOLE, "daily_pnl"] == 0  # the last prices stand
    gained = snapshots["nav"].iloc[-1] - snapshots["nav"].iloc[0]
    assert snapshots["daily_pnl"].iloc[1:].sum() == pytest.approx(gained)  # there are no flows
    home.run(HOLE)  # alone, later
    assert len(home.table("analytics_skips").query("analytic == 'market_data'")) == 1


def test_a_range_whose_ends_are_the_wrong_way_round_is_one_sentence(make_home):
    home = make_home()
    result = defs.resolve_job_def("daily_risk").execute_in_process(
        instance=home.instance,
        tags=range_tags(date.fromisoformat(LAST), date.fromisoformat(FIRST)),
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        raise_on_error=False,
    )
    failures = [event for event in result.all_events if event.event_type == dg.DagsterEventType.STEP_FAILURE]
    said = {event.step_failure_data.user_failure_data.description for event in failures if event.step_failure_data}
    assert said == {f"the partition range {LAST}...{FIRST} holds no session of XNYS: write the earlier session first"}


def test_a_session_of_london_on_a_holiday_of_new_york_is_analysed_without_the_proxies(tmp_path):
    """Thanksgiving 2022. A process of its own: the calendar is read when the code location loads."""
    prices = tmp_path / "prices"
    prices.mkdir()
    shutil.copy(PATH, prices)
    days = xc.get_calendar("XLON", start="2015-01-01").sessions_in_range("2020-01-02", "2022-12-28")
    market = real_returns(["SPY"])["SPY"].reindex(days).fillna(0.0).to_numpy()
    noise = np.random.default_rng(1).normal(0, 0.01, len(days))
    closes = 20 * np.exp(np.cumsum(0.8 * market + noise))
    frame = pd.DataFrame({"date": days.strftime("%Y-%m-%d"), "symbol": "SHEL.L", "close": closes})
    frame.to_csv(prices / "own.csv", index=False)
    (tmp_path / "portfolios.csv").write_text(
        "portfolio_id,name,inception_date,starting_equity\nuk,UK,2022-06-27,100000\n"
    )
    (tmp_path / "positions.csv").write_text(
        "portfolio_id,symbol,investment_class,quantity,entry_date,entry_price\n"
        f"uk,SHEL.L,STOCK,1000,2022-06-27,{frame.set_index('date')['close']['2022-06-27']:.6f}\n"
    )
    home = str(tmp_path / "home")
    environment = os.environ | {
        "DAGSTER_HOME": home,
        "RISK_PIPELINE_HOME": home,
        "RISK_PIPELINE_CALENDAR": "XLON",
        "RISK_PIPELINE_MARKET__SOURCE": "files",
        "RISK_PIPELINE_MARKET__PATH": str(prices),
    }
    environment.pop("RISK_PIPELINE_DATABASE_URL", None)
    for words in (
        ["import", "portfolios.csv", "positions.csv"],
        ["run", "--from", "2022-11-23", "--to", "2022-11-25"],
    ):
        command = [sys.executable, "-c", "from risk_pipeline.cli import main; main()", *words]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    with sqlite3.connect(f"{home}/risk.db") as connection:
        rows = connection.execute(
            "SELECT session, nav, is_complete FROM portfolio_snapshots ORDER BY session"
        ).fetchall()
        betas = connection.execute(
            "SELECT count(*) FROM symbol_factor_exposures WHERE symbol = 'SHEL.L' GROUP BY session ORDER BY session"
        ).fetchall()
    moves = frame.set_index("date")["close"]
    by_hand = [
        100_000 + 1000 * (moves[day] - moves["2022-06-27"]) for day in ("2022-11-23", "2022-11-24", "2022-11-25")
    ]
    assert [row[1] for row in rows] == pytest.approx(by_hand)
    assert [bool(row[2]) for row in rows] == [True] * 3
    assert len({count for (count,) in betas}) == 1  # the windows up to the last price of the proxies stand
    assert len(betas) == 3
