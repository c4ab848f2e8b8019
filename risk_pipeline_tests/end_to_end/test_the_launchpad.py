"""What a person sets for one run on the launchpad does what its description says; later pages follow earlier ones."""

from __future__ import annotations

from datetime import date

import dagster as dg
import pytest

from risk_pipeline.definitions import defs
from risk_pipeline.defs.run_tags import range_tags
from risk_pipeline.reports.page_paths import page_path
from risk_pipeline_tests.support.vendor import Vendor, times

DAYS = [date(2025, 6, 2), date(2025, 6, 3), date(2025, 6, 4), date(2025, 6, 5)]
LONG_AGO = date(2025, 3, 3)


@pytest.fixture
def vendor(monkeypatch) -> Vendor:
    vendor = Vendor()
    monkeypatch.setattr("risk_pipeline.defs.resources.open_source", lambda *_, **__: vendor)
    return vendor


def launch(
    home, first: date, last: date, steps: list[str] | None = None, **config: dict[str, bool]
) -> dg.ExecuteInProcessResult:
    """Run the daily job, or some steps of it, as the launchpad does, with the configuration of some steps."""
    home.enter()
    return defs.resolve_job_def("daily_risk").execute_in_process(
        instance=home.instance,
        tags=range_tags(first, last),
        op_selection=steps,
        run_config={
            "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
            "ops": {step: {"config": values} for step, values in config.items()},
        },
    )


def test_history_is_fetched_again_when_asked_for_and_its_changed_prices_go_to_the_ledger(make_home, vendor):
    home = make_home()
    day = DAYS[0]
    launch(home, day, day, ["market_data"])
    before = close(home)
    vendor.changes["corrected"] = times("AAPL", 1.08, on=LONG_AGO)
    launch(home, day, day, ["market_data"])  # looks again at the last ten sessions only
    assert close(home) == before
    assert home.table("price_restatements").empty

    launch(home, day, day, ["market_data"], market_data={"fetch_history_again": True})
    assert close(home) == pytest.approx(before * 1.08)
    ledger = home.table("price_restatements")
    assert {(row.symbol, row.session.date()) for row in ledger.itertuples()} == {("AAPL", LONG_AGO)}
    row = ledger.set_index("field").loc["close"]
    assert (row["old_value"], row["new_value"]) == (before, close(home))


def close(home) -> float:
    bars = home.table("market_data_cache", first=LONG_AGO, last=LONG_AGO).set_index("symbol")
    return float(bars.loc["AAPL", "close"])


def test_a_run_that_skips_pages_removes_those_of_its_sessions_and_computes_all_else(make_home):
    home = make_home()
    launch(home, DAYS[0], DAYS[1])
    pages = [page_path(day, name) for day in DAYS[:2] for name in (None, "growth")]
    assert all(page.exists() for page in pages)
    rows = home.table("portfolio_snapshots")
    result = launch(home, DAYS[0], DAYS[0], risk_report={"skip_pages": True})
    assert [page.exists() for page in pages] == [False, False, True, True]
    assert home.table("portfolio_snapshots").equals(rows)
    materialised = {event.asset_key.to_user_string() for event in result.get_asset_materialization_events()}
    assert "risk_report" in materialised


def test_the_pages_of_later_sessions_are_written_again_and_those_of_earlier_ones_are_not(make_home):
    home = make_home()
    launch(home, DAYS[0], DAYS[3])
    pages = {day: page_path(day, "growth") for day in DAYS}
    good = {day: page.read_text() for day, page in pages.items()}
    for page in pages.values():
        page.write_text("as it was")
    page_path(DAYS[3]).unlink()  # of this session there are no pages
    launch(home, DAYS[1], DAYS[1], ["risk_report"])
    assert pages[DAYS[0]].read_text() == "as it was"
    assert pages[DAYS[2]].read_text() != "as it was"
    assert pages[DAYS[3]].read_text() == "as it was"
    assert not page_path(DAYS[3]).exists()
    shown = len(good[DAYS[2]]) - len(pages[DAYS[2]].read_text())
    assert abs(shown) < 0.2 * len(good[DAYS[2]])
