"""Limits in a real run: breaches by session, what an import makes stale, what is asked for again, and the alert."""

from __future__ import annotations

from datetime import date

import dagster as dg
import pandas as pd
import pytest
import sqlalchemy as sa

from risk_pipeline.defs.automation import limit_alerts
from risk_pipeline.defs.automation.catch_up import stale_rows
from risk_pipeline.defs.automation.limit_alerts import alert_breaches
from risk_pipeline.defs.checks.common import ERROR, WARN
from risk_pipeline.storage import tables
from risk_pipeline.storage.completeness import sessions_without_rows
from risk_pipeline.storage.imports import import_frames
from risk_pipeline_tests.support.homes import BROKEN_LIMITS, FRAMES

DAYS = [date(2025, 6, 2), date(2025, 6, 3), date(2025, 6, 4)]


@pytest.fixture(scope="module")
def week(make_home):
    home = make_home({**FRAMES, "limits": BROKEN_LIMITS})
    home.result = home.run(str(DAYS[0]), str(DAYS[-1]))
    return home


def rows_of(home, portfolio: str, measure: str) -> pd.DataFrame:
    rows = home.table("limit_utilisations", portfolio=portfolio)
    return rows[rows["measure"] == measure].reset_index(drop=True)


def test_values_are_those_of_the_tables(week):
    snapshots = week.table("portfolio_snapshots", portfolio="growth")
    assert rows_of(week, "growth", "leverage")["value"].tolist() == (snapshots["gross"] / snapshots["nav"]).tolist()
    assert rows_of(week, "growth", "var_99")["value"].tolist() == snapshots["var_99"].tolist()[1:]  # valid from June 3
    stress = week.table("stress_test_results", portfolio="hedged")
    stress = stress[stress["scenario_id"] == "rates_up_100bp"]
    nav = week.table("portfolio_snapshots", portfolio="hedged")["nav"]
    found = rows_of(week, "hedged", "rates_up_100bp/nav")["value"]
    assert found.tolist() == (stress["correlated_pnl"].to_numpy() / nav.to_numpy()).tolist()
    assert rows_of(week, "hedged", "worst_scenario_pnl")["value"].tolist() == stress_worst(week)


def stress_worst(home) -> list[float]:
    rows = home.table("stress_test_results", portfolio="hedged")
    return rows.groupby("session")["correlated_pnl"].min().tolist()


def test_a_breach_names_what_moved_it(week):
    causes = {
        (row.portfolio_id, row.measure): row.cause
        for row in week.table("limit_utilisations").itertuples()
        if row.status == "breach" and row.session == pd.Timestamp(DAYS[-1])
    }
    assert causes["growth", "Market Beta (90D)"].startswith("it was ")
    assert "most from " in causes["growth", "Market Beta (90D)"]
    assert causes["hedged", "worst_scenario_pnl"].startswith("in ")
    assert all(causes.values())


def test_the_check_is_an_error_on_a_session_with_a_breach_and_stops_nothing(week):
    found = {e.partition: e for e in week.result.get_asset_check_evaluations() if e.check_name == "limits_kept"}
    assert sorted(found) == [str(day) for day in DAYS]
    assert all(not e.passed and e.severity is ERROR and not e.blocking for e in found.values())
    first = found[str(DAYS[0])].metadata["bad_rows"].records[0].data
    assert {"portfolio_id", "measure", "value", "limit_value", "since", "cause"} <= first.keys()
    assert week.result.success


def test_a_session_with_only_warnings_is_warned_of(week):
    from risk_pipeline.defs.checks.common import evaluate
    from risk_pipeline.defs.checks.limits import limits_kept
    from risk_pipeline.defs.resources import Registries

    finding = limits_kept(week.engine, Registries(), DAYS)
    only = finding.bad[finding.bad["status"] == "warning"]
    assert len(only)
    assert evaluate(type(finding)(len(only), "limits", only), ERROR).severity is WARN


def test_changed_limits_make_the_limits_of_the_sessions_from_then_on_stale_and_nothing_else(week):
    changed = BROKEN_LIMITS.assign(limit=BROKEN_LIMITS["limit"].where(BROKEN_LIMITS["valid_from"] != "2025-06-03", 0.5))
    import_frames(week.engine, {"limits": changed})
    try:
        stale = stale_rows(week.engine, DAYS[0], DAYS[-1])
        assert set(stale["asset"]) == {"risk_limits"}
        assert stale["session"].dt.date.tolist() == DAYS[1:]
    finally:
        import_frames(week.engine, {"limits": BROKEN_LIMITS})
    assert stale_rows(week.engine, DAYS[0], DAYS[-1]).empty


def test_lost_rows_are_asked_for_again(week):
    table = tables.limit_utilisations
    gone = (table.c.session == DAYS[1]) & (table.c.portfolio_id == "hedged")
    with week.engine.begin() as connection:
        kept = [row._asdict() for row in connection.execute(sa.select(table).where(gone))]
        connection.execute(sa.delete(table).where(gone))
    try:
        assert sessions_without_rows(week.engine, DAYS)["risk_limits"] == [DAYS[1]]
    finally:
        with week.engine.begin() as connection:
            connection.execute(sa.insert(table), kept)
    assert sessions_without_rows(week.engine, DAYS)["risk_limits"] == []


def test_new_breaches_of_the_newest_session_are_alerted_once(week, monkeypatch):
    sent: list[str] = []
    monkeypatch.setattr(limit_alerts, "send_alert", lambda text, **_: sent.append(text) or True)
    assert not alert_breaches(week.engine, DAYS[0], DAYS[1])  # not the newest: a backfill
    assert alert_breaches(week.engine, DAYS[0], DAYS[-1])
    assert not alert_breaches(week.engine, DAYS[0], DAYS[-1])
    (text,) = sent
    assert "limits broken on 2025-06-04" in text
    assert "hedged: Largest single name, of NAV" in text
    assert "since 2025-06-02" in text


def test_the_page_and_the_terminal_show_breaches_first(week):
    from rich.console import Console

    from risk_pipeline.cli.tables import print_portfolio
    from risk_pipeline.reports.page_paths import page_path

    week.enter()
    page = page_path(DAYS[-1], "growth").read_text(encoding="utf-8")
    section = page[page.index('id="limit-table"') :]
    assert section.index('data-status="breach"') < section.index('data-status="warning"')
    assert "Breach since 2025-06-02" in section
    assert "broken</data>" in page_path(DAYS[-1]).read_text(encoding="utf-8")
    console = Console(record=True, width=160, file=None, quiet=False)
    with console.capture() as capture:
        print_portfolio(console, week.engine, "growth", DAYS[-1])
    assert "Breach since" in capture.get()


def test_what_is_materialised_has_the_breaches_of_its_session(week):
    record = week.instance.fetch_materializations(dg.AssetKey("risk_limits"), limit=1).records[0]
    metadata = record.asset_materialization.metadata
    assert metadata["limits"].records
    assert metadata["highest_utilisation"].value > 1.0
