"""The record of forecasts and of value at risk, read from stored outcomes."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from risk_pipeline.analytics.backtests import acerbi_szekely, christoffersen, dynamic_quantile, kupiec
from risk_pipeline.analytics.evaluation import diebold_mariano, mincer_zarnowitz, qlike
from risk_pipeline.cli.tables import print_record
from risk_pipeline.reports.scorecards import symbols_scorecard, value_at_risk_scorecard, volatility_scorecard
from risk_pipeline.risk.scorecards import newest, value_at_risk_record, volatility_record
from risk_pipeline.storage import tables
from risk_pipeline.storage.database import replace_sessions

DAYS = pd.bdate_range("2024-01-01", periods=300).astype("datetime64[s]")
LAST = DAYS[279]
ERRORS = {"forecast": 0.05, "ewma": 0.3, "realised_21": 0.5}


@pytest.fixture
def stored(engine):
    """300 sessions of outcomes of three portfolios and two symbols: good, late (70 of them), and gappy."""
    rng = np.random.default_rng(3)
    scores, tails = [], []
    for kind, names in (("portfolio", ("gappy", "good", "late")), ("symbol", ("AAPL", "MSFT"))):
        for name in names:
            outcome = rng.uniform(0.1, 0.3, 300)
            there = np.arange(300) >= (210 if name == "late" else 0)
            for model, error in ERRORS.items():
                forecast = outcome * np.exp(error * rng.normal(size=300))
                own = pd.DataFrame({"session": DAYS, "forecast": forecast, "outcome": outcome})
                own = own.assign(entity_type=kind, entity=name, model=model, forecast_session=DAYS[0])
                own["qlike"] = qlike(outcome**2, forecast**2)
                keep = there & ((rng.random(300) > 0.1) | (name != "gappy") | (model != "realised_21"))
                scores.append(own[keep])
            if kind == "portfolio":
                tail = pd.DataFrame({"session": DAYS, "portfolio_id": name, "outcome": 0.01 * rng.normal(size=300)})
                tail = tail.assign(var_95=0.0165, var_99=0.0233, es_95=0.0206, es_99=0.0267)
                tail["exceeded_95"], tail["exceeded_99"] = (tail["outcome"] < -tail[f"var_{x}"] for x in (95, 99))
                tails.append(tail[there])
    frames = {
        tables.volatility_scores: pd.concat(scores, ignore_index=True),
        tables.value_at_risk_outcomes: pd.concat(tails, ignore_index=True),
    }
    replace_sessions(engine, [day.date() for day in DAYS], frames)
    return engine, frames[tables.volatility_scores], frames[tables.value_at_risk_outcomes]


def test_the_record_of_forecasts_is_of_the_last_year_known_by_then_on_common_sessions(stored):
    engine, scores, _ = stored
    record = volatility_scorecard(engine, LAST.date()).set_index("entity")
    assert record.index.tolist() == ["gappy", "good", "late"]
    window = scores[scores["session"].isin(DAYS[28:280]) & (scores["entity_type"] == "portfolio")]
    for name, row in record.iterrows():
        own = window[window["entity"] == name]
        wide = own.pivot(index="session", columns="model", values=["qlike", "forecast", "outcome"]).dropna()
        assert row["forecasts"] == len(wide)
        for model, suffix in (("forecast", ""), ("ewma", "_ewma"), ("realised_21", "_trailing")):
            loss, forecast, outcome = (wide[column][[model]].to_numpy() for column in ("qlike", "forecast", "outcome"))
            assert row[f"qlike{suffix}"] == pytest.approx(loss.mean(), rel=1e-12)
            assert row[f"bias{suffix}"] == pytest.approx(np.sqrt(((outcome / forecast) ** 2).mean()), rel=1e-12)
            fit = mincer_zarnowitz(outcome**2 / 252, forecast**2 / 252, lags=21)
            assert row[f"mz_slope{suffix}"] == pytest.approx(fit.slope[0], rel=1e-9)
            assert row[f"mz_p{suffix}"] == pytest.approx(fit.p_value[0], rel=1e-6, abs=1e-12)
            if suffix:
                (statistic,), (p,) = diebold_mariano(wide["qlike"][["forecast"]].to_numpy(), loss, horizon=21)
                assert row[f"dm{suffix}"] == pytest.approx(statistic, rel=1e-9)
                assert row[f"dm_p{suffix}"] == pytest.approx(p, rel=1e-6, abs=1e-12)
    assert record.loc["late", "forecasts"] == 70
    assert 190 < record.loc["gappy", "forecasts"] < 252
    assert (record["qlike"] < record["qlike_ewma"]).all()


def test_too_few_forecasts_test_nothing_but_have_a_loss(stored):
    engine, _, _ = stored
    record = volatility_scorecard(engine, DAYS[240].date()).set_index("entity").loc["late"]
    assert record["forecasts"] == 31
    assert record["qlike"] > 0
    assert record[["dm_ewma", "dm_p_trailing", "mz_slope", "mz_p_ewma"]].isna().all()


def test_the_record_of_value_at_risk_is_of_the_last_250_sessions(stored):
    engine, _, outcomes = stored
    record = value_at_risk_scorecard(engine, LAST.date()).set_index("portfolio_id")
    own = outcomes[(outcomes["portfolio_id"] == "good") & outcomes["session"].isin(DAYS[30:280])]
    assert record.loc["good", "outcomes"] == len(own) == 250
    for level, share in (("95", 0.05), ("99", 0.01)):
        hit = own[f"exceeded_{level}"].to_numpy()
        row = record.loc["good"]
        assert row[f"exceeded_{level}"] == hit.sum()
        assert row[f"kupiec_p_{level}"] == pytest.approx(kupiec(hit.sum(), 250, share).p_value)
        assert row[f"independence_p_{level}"] == pytest.approx(christoffersen(hit).p_value)
        columns = (own[name].to_numpy() for name in ("outcome", f"var_{level}", f"es_{level}"))
        assert row[f"z2_{level}"] == pytest.approx(acerbi_szekely(*columns, share))
        tested = dynamic_quantile(own["outcome"].to_numpy(), own[f"var_{level}"].to_numpy(), share)
        assert row[f"quantile_p_{level}"] == pytest.approx(float(tested.p_value), rel=1e-9)
        assert np.isnan(record.loc["late", f"quantile_p_{level}"])  # seventy outcomes
    assert record.loc["good", "zone"] == "green"
    assert record.loc["late", "zone"] is None
    assert record.loc["late", "outcomes"] == 70


def test_one_portfolio_s_record_is_what_it_is_among_others_and_what_the_page_s_rows_give(stored):
    engine, scores, outcomes = stored
    everyone, alone = (
        volatility_scorecard(engine, LAST.date()),
        volatility_scorecard(engine, LAST.date(), entities=["good"]),
    )
    pd.testing.assert_frame_equal(everyone[everyone["entity"] == "good"].reset_index(drop=True), alone, rtol=1e-12)
    page = volatility_record(newest(scores[scores["entity_type"] == "portfolio"], LAST.date(), 252))
    pd.testing.assert_frame_equal(page, everyone, rtol=1e-12)
    tails = value_at_risk_record(newest(outcomes, LAST.date(), 250))
    pd.testing.assert_frame_equal(tails, value_at_risk_scorecard(engine, LAST.date()), rtol=1e-12)


def test_symbols_are_summed_up_by_rival(stored):
    engine, _, _ = stored
    found = symbols_scorecard(engine, LAST.date()).set_index("rival")
    each = volatility_scorecard(engine, LAST.date(), "symbol")
    assert found["symbols"].tolist() == [2, 2]
    assert found["won"].tolist() == [1.0, 1.0]
    assert found.loc["ewma", "qlike_rival"] == pytest.approx(each["qlike_ewma"].mean())
    assert found.loc["realised_21", "better"] == (each["dm_p_trailing"] < 0.05).mean()
    assert found["worse"].tolist() == [0.0, 0.0]


def test_the_terminal_shows_both_records(stored):
    engine, _, _ = stored
    console = Console(file=io.StringIO(), width=120)
    print_record(console, engine, LAST.date(), "good")
    text = console.file.getvalue()
    row = volatility_scorecard(engine, LAST.date(), entities=["good"]).iloc[0]
    assert "252 forecasts against their outcome" in text
    for name in ("qlike", "bias_ewma", "mz_slope_trailing"):
        assert f"{row[name]:.2f}".replace("-", "−") in text
    assert "Value at risk on 250 sessions, Basel zone green" in text
    assert "12.5" in text  # expected beyond 95 %
