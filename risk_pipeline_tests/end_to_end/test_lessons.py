"""Lessons of the old batch that only a whole run can show."""

from __future__ import annotations

from datetime import date

import dagster as dg
import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
import yaml

from risk_pipeline.analytics import covariance, var
from risk_pipeline.analytics.kernels import constants
from risk_pipeline.analytics.reasons import Reason
from risk_pipeline.config import factors as factor_module
from risk_pipeline.config.factors import load_factors
from risk_pipeline.definitions import defs
from risk_pipeline.defs.partitions import CALENDAR
from risk_pipeline.defs.resources import Registries
from risk_pipeline.defs.run_tags import range_tags
from risk_pipeline.risk.lookback import look_back
from risk_pipeline.storage import tables as t
from risk_pipeline_tests.support.homes import timeless

FIRST, LAST = "2025-06-02", "2025-06-03"
ANALYTICS = [table.name for table in t.ANALYTICS]


@pytest.fixture(scope="module")
def done(make_home):
    """A home after a run, to be copied."""
    home = make_home()
    home.run(FIRST, LAST)
    return home


@pytest.fixture
def home(make_home, done):
    return make_home(like=done)


def run_only(home, *assets: str, day: str = LAST, succeeds: bool = True) -> dg.ExecuteInProcessResult:
    """Run some assets by themselves, as a person does who repairs one of them."""
    home.enter()
    result = defs.resolve_job_def("daily_risk").execute_in_process(
        instance=home.instance,
        tags=range_tags(date.fromisoformat(day), date.fromisoformat(day)),
        op_selection=list(assets),
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        raise_on_error=False,
    )
    assert result.success is succeeds
    return result


def analytics(home) -> dict[str, pd.DataFrame]:
    return {name: timeless(home.table(name)) for name in ANALYTICS}


def same(left: dict[str, pd.DataFrame], right: dict[str, pd.DataFrame]) -> None:
    for name, frame in left.items():
        pd.testing.assert_frame_equal(frame, right[name], check_exact=True, obj=name)


def cause(result, step: str) -> str:
    (failure,) = [e.step_failure_data for e in result.all_events if e.is_step_failure and e.step_key == step]
    return f"{failure.error.message} {failure.error.cause.message if failure.error.cause else ''}"


def test_the_look_back_is_derived_from_the_longest_window(tmp_path, monkeypatch):
    needed = look_back(Registries())
    for window in (load_factors().look_back, covariance.WINDOW, constants.LOOK_BACK, var.LOOK_BACK):
        assert needed > window + constants.HORIZON
    content = yaml.safe_load(factor_module.DEFAULT.read_text())
    content["factors"][0]["window"] = 3000
    (tmp_path / "factors.yaml").write_text(yaml.safe_dump(content))
    longer = load_factors(tmp_path / "factors.yaml")
    monkeypatch.setattr("risk_pipeline.defs.resources.load_factors", lambda: longer)
    assert look_back(Registries()) > 3000 + constants.HORIZON


def test_a_missing_panel_is_an_error_with_a_remedy_and_a_new_one_gives_the_same_rows(home):
    before = analytics(home)
    with home.engine.begin() as connection:
        connection.execute(sa.delete(t.price_panels).where(t.price_panels.c.session == date.fromisoformat(LAST)))
    failed = run_only(home, "factor_exposures", succeeds=False)
    assert "materialise price_cache for these sessions first" in cause(failed, "factor_exposures")
    same(analytics(home), before)
    run_only(home, "price_cache", "factor_exposures", "stress_tests", "volatility", "portfolio_snapshots")
    same(analytics(home), before)


def test_what_is_known_only_later_changes_nothing(home):
    """Later prices, profiles, marks, lots, exits and flows are there, and the rows of the past stay."""
    before = analytics(home)
    after = date(2025, 6, 20)
    lot = {**dict.fromkeys(c.name for c in t.positions.columns), "is_deleted": False, "entry_date": after}
    lot |= {"position_id": "new", "portfolio_id": "growth", "symbol": "NVDA", "investment_class": "PUBLIC"}
    with home.engine.begin() as connection:
        connection.execute(sa.insert(t.positions).values({**lot, "quantity": 9, "entry_price": 1}))
        connection.execute(sa.update(t.positions).where(t.positions.c.position_id == "g1").values(exit_date=after))
        connection.execute(sa.insert(t.private_marks).values(symbol="FUND A", mark_date=after, price=9e9))
        connection.execute(sa.insert(t.portfolio_flows).values(portfolio_id="growth", flow_date=after, amount=1e6))
        connection.execute(
            sa.insert(t.company_profiles).values(symbol="AAPL", as_of=after, sector="Moved", vendor_beta=9.0)
        )
    home.run("2025-07-14", "2025-07-15")
    home.run(FIRST, LAST)
    for name, frame in analytics(home).items():
        past = frame[frame["session"] <= pd.Timestamp(LAST)].reset_index(drop=True)
        told = ["book_version"] if name == "session_inputs" else []  # a newer version, equal up to then
        pd.testing.assert_frame_equal(
            past.drop(columns=told), before[name].drop(columns=told), check_exact=True, obj=name
        )


def test_stress_never_takes_the_exposures_of_another_session(home):
    with home.engine.begin() as connection:
        exposures = t.factor_exposures
        connection.execute(sa.delete(exposures).where(exposures.c.session == date.fromisoformat(LAST)))
    run_only(home, "stress_tests")
    rows = home.table("stress_test_results", first=date.fromisoformat(LAST))
    assert rows["correlated_pnl"].isna().all()
    assert rows["direct_pnl"].isna().all()
    assert set(rows["reason"]) == {Reason.TOO_SHORT.value}


def test_a_snapshot_without_an_analytic_is_incomplete_and_names_it(home):
    with home.engine.begin() as connection:
        rows = t.portfolio_volatility
        connection.execute(sa.delete(rows).where(rows.c.session == date.fromisoformat(LAST)))
    run_only(home, "portfolio_snapshots")
    snapshots = home.table("portfolio_snapshots", first=date.fromisoformat(LAST)).set_index("portfolio_id")
    assert snapshots.loc["growth", "missing"] == "volatility"
    assert not snapshots.loc["growth", "is_complete"]
    assert snapshots.loc["private", "is_complete"]


def test_a_lot_changed_after_the_session_leaves_its_valuation_alone(home):
    before = home.table("portfolio_snapshots")
    with home.engine.begin() as connection:
        connection.execute(
            sa.update(t.positions)
            .where(t.positions.c.position_id == "g2")
            .values(exit_date=date(2025, 6, 4), exit_price=1.0)
        )
    home.run(FIRST, LAST)
    pd.testing.assert_frame_equal(home.table("portfolio_snapshots"), before, check_exact=True)


MOVED = {
    "portfolios": pd.DataFrame(
        [("moved", "Brings its lots", "2025-06-03", 1e6)],
        columns=["portfolio_id", "name", "inception_date", "starting_equity"],
    ),
    "positions": pd.DataFrame(
        [
            ("old", "moved", "AAPL", "PUBLIC", 1000, "2025-01-02", 150),
            ("new", "moved", "TLT", "PUBLIC", 100, "2025-06-03", 80),
        ],
        columns=["position_id", "portfolio_id", "symbol", "investment_class", "quantity", "entry_date", "entry_price"],
    ),
    "flows": pd.DataFrame(
        [("moved", "2025-03-03", 5e4), ("moved", "2025-06-03", 1e4)], columns=["portfolio_id", "flow_date", "amount"]
    ),
}


@pytest.fixture(scope="module")
def moved(make_home):
    """A portfolio that opens with a lot bought long before, on its first two sessions and 21 after the first."""
    home = make_home(MOVED)
    home.run("2025-06-03", "2025-06-04")
    after = CALENDAR.sessions_in_range(date(2025, 6, 3), date(2025, 8, 1))[constants.HORIZON]
    home.run(str(after))
    return home


def test_the_first_day_s_gain_is_the_day_s_and_not_what_its_lots_had_gained_before(moved):
    bars = moved.table("market_data_cache").set_index(["symbol", "session"])
    first, second = moved.table("portfolio_snapshots").to_dict("records")[:2]
    (before, day, next_day) = (pd.Timestamp(f"2025-06-0{n}") for n in (2, 3, 4))

    def gain(symbol: str, since: pd.Timestamp, until: pd.Timestamp) -> float:
        now = bars.loc[(symbol, until)]
        return now["close"] * now["split_factor"] + now["dividend"] - bars.loc[(symbol, since), "close"]

    bought = 100 * (bars.loc[("TLT", day), "close"] - 80)
    assert first["is_opening"]
    assert first["daily_pnl"] == pytest.approx(1000 * gain("AAPL", before, day) + bought, rel=1e-9)
    assert first["flow"] == 1e4
    assert first["daily_return"] == pytest.approx(first["daily_pnl"] / (first["nav"] - first["daily_pnl"]))  # flow: 1e4
    assert first["return_inception"] == pytest.approx(first["daily_return"])
    assert second["return_inception"] == pytest.approx(
        (1 + first["daily_return"]) * (1 + second["daily_return"]) - 1, abs=1e-12
    )
    assert first["cumulative_pnl"] == pytest.approx(first["nav"] - 1e6 - 5e4 - 1e4)
    assert abs(first["cumulative_pnl"]) > 5 * abs(first["daily_pnl"])
    assert not second["is_opening"]
    moves = 1000 * gain("AAPL", day, next_day) + 100 * gain("TLT", day, next_day)
    assert second["daily_pnl"] == pytest.approx(moves, rel=1e-9)
    assert second["nav"] == pytest.approx(first["nav"] + second["daily_pnl"], rel=1e-12)


def test_a_forecast_that_is_scored_is_the_one_that_was_stored_21_sessions_before(moved):
    """Never one made with later data, of any model, of symbols and of portfolios."""
    then = pd.Timestamp("2025-06-03")
    scores = moved.table("volatility_scores")
    scores = scores[scores["forecast_session"] == then].set_index(["entity_type", "entity", "model"])["forecast"]
    for entity_type, table, key in (
        ("symbol", "symbol_volatility", "symbol"),
        ("portfolio", "portfolio_volatility", "portfolio_id"),
    ):
        stored = moved.table(table)
        stored = stored[stored["session"] == then].set_index(key)
        for model in ("forecast", "ewma", "realised_21"):
            scored = scores.xs((entity_type, model), level=("entity_type", "model"))
            assert len(scored) >= (1 if entity_type == "portfolio" else 8)
            np.testing.assert_array_equal(scored, stored.loc[scored.index, model])


def test_an_error_in_a_kernel_fails_loud_and_leaves_what_was_good(home, monkeypatch):
    before = analytics(home)

    def broken(*_args, **_kwargs):
        raise TypeError("unexpected keyword argument 'windw'")

    monkeypatch.setattr("risk_pipeline.risk.symbol_betas.core_ridge", broken)
    failed = run_only(home, "factor_exposures", succeeds=False)
    assert "unexpected keyword argument 'windw'" in cause(failed, "factor_exposures")
    same(analytics(home), before)


def test_a_crash_before_the_snapshots_leaves_none_complete_and_the_next_run_repairs(make_home, done, monkeypatch):
    def crash(*_args, **_kwargs):
        raise MemoryError("the process is gone")

    broken = make_home()
    with monkeypatch.context() as patch:
        patch.setattr("risk_pipeline.risk.volatility.portfolio_risk", crash)
        broken.run(FIRST, LAST, succeeds=False)
    assert not broken.table("factor_exposures").empty
    assert broken.table("portfolio_snapshots").empty
    broken.run(FIRST, LAST)
    same(analytics(broken), analytics(done))


def test_own_scenarios_are_run_beside_the_shipped_ones(home, tmp_path, monkeypatch):
    path = tmp_path / "mine.yaml"
    shocks = {"Market": {"return": -0.02}, "Interest_Rate": {"yield_change": 0.002}}
    path.write_text(
        yaml.safe_dump({"scenarios": [{"id": "mine", "name": "Mine", "category": "own", "shocks": shocks}]})
    )
    monkeypatch.setenv("RISK_PIPELINE_SCENARIOS_PATH", str(path))
    run_only(home, "factor_definitions", "stress_tests")
    of = {"first": date.fromisoformat(LAST), "portfolio": "growth"}
    rows = home.table("stress_test_results", **of).set_index("scenario_id")
    exposures = home.table("factor_exposures", **of).set_index("factor_name")["dollar_exposure"]
    rates = -16.5 * 0.002 + 190 * 0.002**2
    expected = -0.02 * exposures["Market Beta (90D)"] + rates * exposures["IR Beta"]
    assert rows.loc["mine", "direct_pnl"] == pytest.approx(expected)
    assert len(rows) == 24
