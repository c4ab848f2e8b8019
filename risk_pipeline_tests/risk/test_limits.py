"""Limits against the stored numbers: which limit holds when and for whom, what is measured, and why not."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from risk_pipeline.risk.limits import SOURCES, limit_rows
from risk_pipeline.storage.limit_measures import known_measures

DAYS = [date(2025, 6, 2), date(2025, 6, 3)]
STAMPS = pd.to_datetime(DAYS).as_unit("s")
MEASURES = known_measures(None)


def rows(*records: tuple, columns: str) -> pd.DataFrame:
    frame = pd.DataFrame(records, columns=columns.split())
    return frame.assign(session=pd.to_datetime(frame["session"]).astype("datetime64[s]"))


def limit(portfolio: str, measure: str, bound: float | None, since: str = "2025-01-02", **more) -> dict:
    return {
        "portfolio_id": portfolio, "measure": measure, "operator": "<=", "valid_from": pd.Timestamp(since),
        "warning_value": np.nan, "limit_value": np.nan if bound is None else bound, **more,
    }  # fmt: skip


def judged(*limits: dict, **tables: pd.DataFrame) -> pd.DataFrame:
    """Judge limits on two portfolios: a has NAV 1,000 and gross 1,500, b no equity."""
    snapshots = rows(
        *((day, name, nav, 1500.0) for day in DAYS for name, nav in (("a", 1000.0), ("b", -5.0))),
        columns="session portfolio_id nav gross",
    )
    nothing = {name: pd.DataFrame(columns=list(columns or [])) for name, columns in SOURCES.items()}
    skips = pd.DataFrame(columns=["session", "analytic", "entity_type", "entity", "reason"])
    changes = pd.DataFrame(columns=["session", "portfolio_id", "measure"])
    stored = {
        **nothing, "portfolio_snapshots": snapshots, "analytics_skips": skips, "risk_changes": changes,
        "company_profiles": pd.DataFrame(columns=["symbol", "as_of", "sector"]), "limits": pd.DataFrame(limits),
        **tables,
    }  # fmt: skip
    return limit_rows(stored, DAYS, MEASURES, pd.Series(dtype="datetime64[s]"))


def statuses(frame: pd.DataFrame, portfolio: str = "a") -> list[str]:
    return frame.loc[frame["portfolio_id"] == portfolio, "status"].tolist()


def test_each_session_is_judged_by_the_limit_valid_then():
    changed = judged(limit("a", "gross", 2000.0), limit("a", "gross", 1000.0, "2025-06-03"))
    assert statuses(changed) == ["within", "breach"]
    ended = judged(limit("a", "gross", 1000.0), limit("a", "gross", None, "2025-06-03"))
    assert statuses(ended) == ["breach"]
    assert judged(limit("a", "gross", 1000.0, "2025-06-04")).empty


def test_a_portfolio_s_own_limit_goes_before_that_of_all():
    both = judged(limit("*", "gross", 1000.0), limit("a", "gross", 2000.0))
    assert statuses(both) == ["within", "within"]
    assert statuses(both, "b") == ["breach", "breach"]


def test_a_warning_comes_before_a_breach():
    assert statuses(judged(limit("a", "gross", 2000.0, warning_value=1400.0))) == ["warning", "warning"]


def test_a_share_of_nav_has_no_value_without_equity():
    frame = judged(limit("*", "leverage", 2.0))
    of_a, of_b = (frame[frame["portfolio_id"] == name].iloc[0] for name in "ab")
    assert (of_a["value"], of_a["utilisation"], of_a["status"]) == (1.5, 0.75, "within")
    assert (of_b["status"], of_b["reason"]) == ("unknown", "non_positive_equity")


def test_a_measure_that_is_gone_is_unknown_and_says_so():
    frame = judged(limit("a", "my_old_scenario", 1.0))
    assert frame["reason"].tolist() == ["unknown_measure"] * 2


POSITION = "session position_id portfolio_id symbol underlying investment_class mark_date value delta_value"
LOTS = rows(
    (DAYS[0], "1", "a", "AAPL", None, "PUBLIC", pd.NaT, 300.0, 300.0),
    (DAYS[0], "2", "a", "AAPL P", "AAPL", "OPTIONS", pd.NaT, 20.0, -500.0),
    (DAYS[0], "3", "a", "MSFT", None, "PUBLIC", pd.NaT, 150.0, 150.0),
    (DAYS[0], "4", "a", "FUND", None, "PRIVATE", pd.Timestamp("2025-05-03"), 190.0, np.nan),
    columns=POSITION,
).assign(mark_date=lambda frame: frame["mark_date"].astype("datetime64[s]"))


def test_a_name_is_what_is_held_of_it_with_its_options_by_their_delta():
    frame = judged(limit("a", "single_name", 0.15), limit("a", "name:AAPL", 1.0), position_values=LOTS)
    first = frame[frame["session"] == STAMPS[0]].set_index("measure")
    assert first.loc["name:AAPL", "value"] == pytest.approx(-0.2)
    assert first.loc["single_name", "value"] == pytest.approx(0.2)
    assert first.loc["single_name", "status"] == "breach"
    assert first.loc["single_name", "cause"] == "AAPL -200"


def test_the_age_of_marks_is_in_days_and_zero_where_nothing_is_marked():
    frame = judged(limit("*", "mark_age", 10), position_values=LOTS)
    ages = frame.set_index(["session", "portfolio_id"])["value"]
    assert ages[STAMPS[0], "a"] == 30.0
    assert ages[STAMPS[1], "a"] == ages[STAMPS[0], "b"] == 0.0


def test_a_reason_of_the_analytic_is_that_of_the_limit():
    skips = rows(
        *((day, "volatility", "portfolio", "a", "no_public_positions") for day in DAYS),
        columns="session analytic entity_type entity reason",
    )
    exposures = pd.DataFrame(
        columns=["session", "portfolio_id", "factor_name", "exposure", "dollar_exposure", "reason"]
    )
    frame = judged(limit("a", "IR Beta", 1.0), analytics_skips=skips, factor_exposures=exposures)
    assert frame["reason"].tolist() == ["no_public_positions"] * 2


COMPARED = rows(
    *((day, "a", 0.04, 0.03, None) for day in DAYS),
    columns="session portfolio_id tracking_error model_tracking_error reason",
)
ACTIVE = rows(
    (DAYS[0], "a", "factor", "core_market", 0.2, 0.01),
    (DAYS[0], "a", "sector", "Energy", -0.1, np.nan),
    (DAYS[0], "a", "position", "XOM", 0.1, 0.04),
    columns="session portfolio_id kind name active risk_contribution",
)


def test_a_limit_of_every_portfolio_on_a_tracking_error_is_of_those_with_a_benchmark():
    general = judged(limit("*", "tracking_error", 0.03), benchmark_risk=COMPARED, active_exposures=ACTIVE)
    assert set(general["portfolio_id"]) == {"a"}
    assert general["status"].tolist() == ["breach", "breach"]
    assert general["cause"].iloc[0] == "most of the tracking error: XOM 100 % and Market Beta (90D) 25 %"
    own = judged(limit("b", "tracking_error", 0.03), benchmark_risk=COMPARED)
    assert own["reason"].tolist() == ["no_benchmark"] * 2


def test_an_active_weight_is_zero_where_neither_holds_it_and_unknown_without_any():
    limits = [limit("a", name, 0.05) for name in ("active:Market Beta (90D)", "active_sector:Energy", "active_name:ko")]
    frame = judged(*limits, benchmark_risk=COMPARED, active_exposures=ACTIVE).set_index(["session", "measure"])
    first = frame.loc[STAMPS[0]]
    assert first["value"].tolist() == [0.2, 0.0, -0.1]
    assert first.index.tolist() == ["active:Market Beta (90D)", "active_name:ko", "active_sector:Energy"]
    assert set(frame.loc[STAMPS[1], "status"]) == {"unknown"}


def test_the_order_of_stored_rows_changes_nothing():
    limits = [limit("a", "single_name", 0.15), limit("*", "gross", 1000.0)]
    shuffled = LOTS.sample(frac=1.0, random_state=3)
    pd.testing.assert_frame_equal(
        judged(*limits, position_values=LOTS), judged(*reversed(limits), position_values=shuffled), check_exact=True
    )
