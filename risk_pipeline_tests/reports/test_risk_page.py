"""How the pages are written: whole or not at all, the same each time, light and fast, none left over."""

from __future__ import annotations

import os
import re
import sys
import time
from dataclasses import replace
from datetime import date
from pathlib import Path
from urllib.parse import unquote, urlsplit

import dagster as dg
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import DictLoader, Environment

from risk_pipeline.cli import show
from risk_pipeline.config.factors import load_factors
from risk_pipeline.definitions import defs
from risk_pipeline.defs.assets import report
from risk_pipeline.defs.run_tags import range_tags
from risk_pipeline.reports import risk_page
from risk_pipeline.reports.neighbours import slot
from risk_pipeline.reports.page_paths import file_name, index_path
from risk_pipeline.reports.page_positions import positions_by_name
from risk_pipeline.reports.page_rows import Provenance, read_page_rows
from risk_pipeline.reports.risk_page import KeptTemplates, portfolio_page, put, write_index, write_pages
from risk_pipeline.reports.sections import composition
from risk_pipeline.reports.summary import summary
from risk_pipeline.sessions import session_calendar
from risk_pipeline.storage.queries import read_table
from risk_pipeline_tests.support.pages import FIRST, LAST


@pytest.fixture
def rows(pages, monkeypatch, tmp_path):
    """The rows of the last two sessions; their pages go to a folder of their own."""
    monkeypatch.setenv("RISK_PIPELINE_HOME", str(tmp_path))
    sessions = sorted(path.stem for path in pages.folder.glob("2026-*.html"))[-2:]
    days = [pd.Timestamp(day).date() for day in sessions]
    start = session_calendar("XNYS", pd.Timestamp("2015-01-02").date()).look_back_from(days[0], 252)
    return read_page_rows(pages.engine, days, Provenance("test"), start)


def test_the_pages_of_ten_portfolios_are_light(pages):
    files = [pages.overview, *(pages.of(portfolio) for portfolio in pages.portfolios)]
    assert len(files) == 13
    assert sum(path.stat().st_size for path in files) * 10 / 12 < 1_100_000


def test_a_session_of_ten_portfolios_is_written_within_two_seconds(rows):
    write_pages(rows)  # the templates are compiled once
    start = time.process_time()
    write_pages(rows)
    assert (time.process_time() - start) / 2 < 2.0


def test_writing_twice_gives_the_same_bytes(pages, rows, monkeypatch, tmp_path):
    contents = []
    for number in range(2):
        monkeypatch.setenv("RISK_PIPELINE_HOME", str(tmp_path / str(number)))
        write_pages(rows)
        folder = tmp_path / str(number) / "reports"
        contents.append({path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.html")})
    assert len(contents[0]) == 2 * 14  # an overview and thirteen portfolios, one of them refused
    assert contents[0] == contents[1]


def test_a_page_that_can_not_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "pages" / "one.html"
    put(path, "old", 0o022)

    def fail(source, target):
        raise OSError("the disk is full")

    monkeypatch.setattr(risk_page.os, "replace", fail)
    with pytest.raises(OSError, match="disk is full"):
        put(path, "new", 0o022)
    assert path.read_text() == "old"
    assert [item.name for item in path.parent.iterdir()] == ["one.html"]


def test_pages_of_portfolios_that_are_gone_are_removed(rows):
    day = list(rows.sessions())[-1]
    left_over = risk_page.page_path(day.session, "sold")
    put(left_over, "old", 0o022)
    write_pages(rows)
    assert not left_over.exists()
    assert len(list(left_over.parent.iterdir())) == len(day.portfolios) + len(day.refusals)


@given(st.lists(st.text(min_size=1, max_size=64), unique=True, max_size=8))
def test_every_id_has_a_safe_file_name_of_its_own(ids):
    names = [file_name(portfolio) for portfolio in ids]
    assert len({name.lower() for name in names}) == len(ids)
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-.") for name in names)
    assert not any(name.startswith(".") or ".." in name or len(name) > 90 for name in names)


def test_ids_that_differ_by_case_or_signs_do_not_meet():
    assert len({file_name(name) for name in ("a", "A", "a/", "a ", "á", "../a", "a.")}) == 7


def test_a_portfolio_without_history_positions_or_prices_still_has_a_page(rows):
    day = next(day for day in list(rows.sessions())[-1].portfolios if day.id == "growth")
    bare = replace(
        day,
        previous=None,
        previous_session=None,
        history=day.history.tail(1),
        scores=day.scores.head(0),
        outcomes=day.outcomes.head(0),
        panel=None,
    )
    text = portfolio_page(bare, Path("none"))
    assert "The record of forecasts and of value at risk starts once some sessions have gone by" in text
    nothing = replace(bare, exposures=[], stress=[], sectors=[], volatility=None)
    assert "<h1>Maple Growth</h1>" in portfolio_page(nothing, Path("none"))


def test_parts_of_volatility_are_few_the_largest_and_sum_to_the_whole(rows):
    day = next(day for day in list(rows.sessions())[-1].portfolios if day.id == "long_short")
    found = composition.build(day)["by_factor"]
    parts = [row["part"] for row in found["rows"]]
    assert sum(parts) == pytest.approx(found["total"], rel=1e-12)
    assert len(parts) == composition.MOST_FACTORS + 2
    named = [row["risk_contribution"] for row in day.exposures if row["factor_name"] in load_factors().model_names]
    largest = sorted(named, key=abs, reverse=True)[: composition.MOST_FACTORS]
    assert sorted(parts[: composition.MOST_FACTORS]) == sorted(largest)


def test_a_thousand_portfolios_have_a_paged_overview(rows, visit):
    day = list(rows.sessions())[-1]
    first = day.portfolios[0]
    many = [
        replace(first, portfolio={**first.portfolio, "portfolio_id": f"p{n}", "name": f"Book {n}"}) for n in range(1000)
    ]
    start = time.process_time()
    text = risk_page.overview_page(replace(day, portfolios=many), Path("none"))
    assert time.process_time() - start < 10.0
    assert len(text) < 2_500_000
    put(risk_page.page_path(day.session), text, 0o022)
    page = visit(risk_page.page_path(day.session))
    shown = page.locator("#overview tbody tr:visible")
    assert shown.count() == 50
    assert page.locator("#overview-now").inner_text() == "1–50 of 1000"
    page.get_by_role("button", name="Later").click()
    assert page.locator("#overview-now").inner_text() == "51–100 of 1000"
    page.get_by_label("Find").fill("book 99")
    assert page.locator("#overview-now").inner_text() == "1–11 of 11"
    assert shown.count() == 11


def test_the_index_lists_the_sessions_that_have_pages(pages, monkeypatch):
    monkeypatch.setenv("RISK_PIPELINE_HOME", str(pages.folder.parent))
    text = write_index(pages.engine).read_text()
    written = sorted(path.stem for path in pages.folder.glob("2026-*.html"))
    assert len(written) == 5
    for session in written:
        assert f'href="{session}.html"' in text


def test_what_a_run_reports_to_the_dagster_ui(pages):
    found = {}
    for asset in ("risk_report", "portfolio_snapshots"):
        event = pages.instance.get_latest_materialization_event(dg.AssetKey(asset))
        found[asset] = event.asset_materialization.metadata
        text = found[asset]["risk"].value
        assert re.match(r"\*\*2026-11-13\*\*, 12 portfolios, the largest [67] here\n", text)
        assert "Portfolio|Day|β|IR β|VaR 99 %|Worst\n--|--:|--:|--:|--:|--:\nfamily|" in text
        assert "](data:image/svg+xml;base64," in text
        assert len(text) < 1000, "the UI hides longer ones behind a link"
    assert found["risk_report"]["page"].value == str(pages.overview)
    assert found["risk_report"]["index"].value == str(pages.folder / "index.html")
    assert summary(pages.engine, date(2030, 1, 2)) == "No portfolio has a snapshot on 2030-01-02."


def test_the_page_lists_the_checks_that_the_run_had_made(pages):
    text = pages.of("growth").read_text()
    assert "nav is cash long short" in text
    assert "proxies complete" in text


def own_home(pages, monkeypatch, home) -> None:
    """Use the database of the pages' run, without its panels; pages go to a folder of their own."""
    monkeypatch.setenv("RISK_PIPELINE_HOME", str(home))
    monkeypatch.setenv("RISK_PIPELINE_DATABASE_URL", f"sqlite:///{pages.folder.parent / 'risk.db'}")


def test_gains_and_risks_by_name_sum_to_each_portfolio_s(pages):
    positions = positions_by_name(read_table(pages.engine, "position_values"))
    snapshots = read_table(pages.engine, "portfolio_snapshots")
    assert len(snapshots) == 5 * 12
    key = ["session", "portfolio_id"]
    gains = positions.groupby(key)["gain"].sum()
    for row in snapshots.to_dict("records"):
        gain = gains.get((row["session"].date(), row["portfolio_id"]), 0.0)
        assert gain == pytest.approx(row["daily_pnl"], abs=1e-9 * max(abs(row["nav"]), 1.0))
    parts = positions.groupby(key)["contribution"].sum(min_count=1).dropna()
    volatility = read_table(pages.engine, "portfolio_volatility")
    volatility["session"] = volatility["session"].dt.date
    model = volatility.set_index(key)["factor_model_volatility"].dropna()
    assert parts.to_dict() == pytest.approx(model.to_dict())
    options = positions.loc[positions["kind"] == "OPTIONS", "symbol"]
    assert len(options)
    assert options.str.fullmatch(r"[A-Z]+ [\d.]+ (put|call) \d{1,2} [A-Z][a-z]{2} 20\d\d").all()
    assert positions.loc[positions["kind"] != "PRIVATE", "marked"].isna().all()


def test_lots_of_a_name_are_added_up_and_one_sold_on_the_session_counts_in_the_gain_alone():
    lot = {
        "session": pd.Timestamp(LAST),
        "portfolio_id": "p",
        "symbol": "AAPL",
        "investment_class": "PUBLIC",
        "underlying": None,
        "contract": None,
        "quantity": 10.0,
        "price": 20.0,
        "mark_date": pd.NaT,
        "proxy": None,
        "proxy_beta": None,
        "value": 200.0,
        "daily_pnl": 5.0,
        "risk_contribution": 0.1,
        "specific_pnl": 2.0,
        "component_var_99": 0.01,
        "component_es_99": 0.02,
        "is_stale": False,
    }
    sold = {**lot, "quantity": 0.0, "price": 19.0, "value": 0.0, "daily_pnl": -3.0, "risk_contribution": None}
    gone = {**sold, "symbol": "AAPL C", "underlying": "AAPL", "contract": "AAPL 20 call", "investment_class": "OPTIONS"}
    held, left = positions_by_name(pd.DataFrame([sold, lot, lot, gone])).to_dict("records")
    assert (held["symbol"], held["quantity"], held["price"], held["value"], held["gain"]) == ("AAPL", 20, 20, 400, 7)
    assert held["is_held"]
    assert held["contribution"] == pytest.approx(0.2)
    assert (left["symbol"], left["kind"], left["priced"], left["gain"]) == ("AAPL 20 call", "OPTIONS", "AAPL", -3)
    assert not left["is_held"]


def test_a_session_stored_before_gains_were_has_a_page_that_shows_none(rows):
    tables_of_old = {
        **rows.rows.tables,
        "position_values": rows.rows.tables["position_values"].assign(
            investment_class=None, underlying=None, contract=None, daily_pnl=float("nan"), mark_date=pd.NaT
        ),
        "factor_returns": rows.rows.tables["factor_returns"].head(0),
    }
    old = replace(rows, rows=replace(rows.rows, tables=tables_of_old))
    day = next(day for day in list(old.sessions())[-1].portfolios if day.id == "growth")
    assert {row["gain"] for row in day.positions} == {None}
    text = portfolio_page(day, Path("none"))
    assert "The market:" not in text
    assert "gained most" not in text


def test_a_page_of_one_session_is_that_of_a_block(pages, rows):
    session = max(day.session for day in rows.sessions())
    block = next(day for day in rows.sessions() if day.session == session)
    start = session_calendar("XNYS", date(2015, 1, 2)).look_back_from(session, 252)
    [alone] = read_page_rows(pages.engine, [session], Provenance("test"), start).sessions()
    for one, other in zip(alone.portfolios, block.portfolios, strict=True):
        assert portfolio_page(one, Path("none")) == portfolio_page(other, Path("none"))


def test_the_pages_of_a_session_that_a_long_run_left_out_are_written_when_asked_for(pages, monkeypatch, tmp_path):
    own_home(pages, monkeypatch, tmp_path)
    opened = []
    monkeypatch.setattr(show.typer, "launch", opened.append)
    show.show_table("growth", FIRST)
    assert not risk_page.page_path(FIRST).exists(), "only asked for a page is one written"
    show.show_table("growth", FIRST, open_page=True)
    assert opened == [risk_page.page_path(FIRST, "growth").as_uri()]
    assert f'<a href="{FIRST}.html"' in index_path().read_text()
    assert f"<span>{LAST.day}</span>" in index_path().read_text()
    ours, theirs = (
        re.sub(r"Checks of the run.*Made from|<!--beside-->.*?<!--/beside-->", "", text, flags=re.DOTALL)
        for text in (opened_page(opened[0]), pages.of("growth", FIRST).read_text())
    )
    assert ours == theirs


def opened_page(url: str) -> str:
    """Return the text of a page by its URL."""
    return Path(unquote(urlsplit(url).path)).read_text(encoding="utf-8")


def test_the_pages_of_a_session_whose_panel_is_gone_are_the_same(pages, monkeypatch, tmp_path):
    own_home(pages, monkeypatch, tmp_path)
    monkeypatch.setattr(show.typer, "launch", lambda url: None)
    assert not (tmp_path / "panels").exists()
    show.show_table(None, LAST, open_page=True)
    ours = risk_page.page_path(LAST, "growth").read_text()
    assert "The market: SPY" in ours
    assert re.search(r"most; .* worked against it|(gained|lost) most", ours)
    assert "The replay’s path over" in ours


def test_a_long_run_writes_the_pages_of_its_newest_sessions_and_removes_what_it_made_stale(
    pages, monkeypatch, tmp_path
):
    own_home(pages, monkeypatch, tmp_path)
    monkeypatch.setattr(report, "PAGES_OF_A_RUN", 27)
    put(risk_page.page_path(FIRST), "old", 0o022)
    put(risk_page.page_path(FIRST, "growth"), "old", 0o022)
    assert sessions_without_page() == 3
    assert sorted(path.name for path in (tmp_path / "reports").glob("2026-*")) == [
        *("2026-11-12", "2026-11-12.html", "2026-11-13", "2026-11-13.html"),
    ]


def sessions_without_page() -> int:
    """Run the pages of all sessions; return how many were left out."""
    with dg.DagsterInstance.ephemeral() as instance:
        result = defs.resolve_job_def("daily_risk").execute_in_process(
            instance=instance,
            tags=range_tags(FIRST, LAST),
            asset_selection=[dg.AssetKey("risk_report")],
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
    [event] = [e for e in result.get_asset_materialization_events() if e.partition == str(LAST)]
    return event.materialization.metadata["sessions_without_page"].value


def test_a_run_of_very_many_portfolios_leaves_the_pages_to_show(pages, monkeypatch, tmp_path):
    own_home(pages, monkeypatch, tmp_path)
    monkeypatch.setattr(report, "PORTFOLIOS_WITH_PAGES", 3)
    put(risk_page.page_path(LAST), "old", 0o022)
    assert sessions_without_page() == 5
    assert [path.name for path in (tmp_path / "reports").glob("*")] == ["index.html"]
    assert "risk-pipeline show --date" in index_path().read_text()
    monkeypatch.setattr(show.typer, "launch", lambda url: None)
    show.show_table("growth", LAST, open_page=True)
    assert risk_page.page_path(LAST, "growth").exists()


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (1, 3, 0, 2), (2, 0, 1, 3)])
def test_pages_link_to_the_sessions_beside_them_in_whatever_order_they_are_written(pages, monkeypatch, tmp_path, order):
    own_home(pages, monkeypatch, tmp_path)
    sessions = [pd.Timestamp(path.stem).date() for path in sorted(pages.folder.glob("2026-*.html"))][:4]
    for place in order:
        risk_page.write_sessions(pages.engine, [sessions[place]], Provenance("test"))
    chain = [None, *sessions, None]
    for before, session, after in zip(chain, chain[1:], chain[2:], strict=False):
        for name in (None, "growth", "pence"):
            assert links(session, name) == [day for day in (before, after) if day], (session, name)
    risk_page.remove_pages(pages.engine, sessions[1:3])
    assert links(sessions[0]) == links(sessions[3], "growth") == []


def test_what_a_killed_writer_left_is_removed_with_the_pages_or_an_hour_later_and_breaks_nothing(
    pages, monkeypatch, tmp_path
):
    own_home(pages, monkeypatch, tmp_path)
    folder = risk_page.page_path(LAST, "any").parent
    folder.mkdir(parents=True)
    left, young, own = (folder / name for name in (f"a{risk_page.UNFINISHED}", f"b{risk_page.UNFINISHED}", "notes.txt"))
    overview = folder.parent / left.name
    for path in (left, young, own, overview):
        path.write_text("half a page")
    for path in (left, overview):
        os.utime(path, (0, 0))
    risk_page.write_sessions(pages.engine, [LAST], Provenance("test"))
    assert [path.exists() for path in (left, overview, young, own)] == [False, False, True, True]
    risk_page.remove_pages(pages.engine, [LAST])
    assert [path.name for path in folder.iterdir()] == [own.name]


def links(session: date, name: str | None = None) -> list[date]:
    """Return the sessions that a page links to as those before and after, each to its own page of the same name."""
    page = risk_page.page_path(session, name)
    slot = re.search("<!--beside-->(.*)<!--/beside-->", page.read_text())[1]
    found = re.findall(r'<span><a href="([^"]+)">Session (?:before|after), ([\d-]+)</a></span>', slot)
    for href, day in found:
        assert (page.parent / href).resolve() == risk_page.page_path(date.fromisoformat(day), name).resolve()
    return [date.fromisoformat(day) for _, day in found]


def test_the_slot_of_links_has_one_width_whatever_it_holds():
    """It is overwritten in place."""
    folder = Path("reports")
    for page in (folder / f"{LAST}.html", folder / str(LAST) / "growth.html"):
        assert len({len(slot(folder, page, two)) for two in ((None, None), (FIRST, None), (FIRST, LAST))}) == 1


def test_ten_pages_with_a_year_of_history_are_light(rows):
    start = pd.bdate_range("2025-11-20", periods=252, unit="s")
    some = rows.rows.history.groupby("portfolio_id").head(1)
    moved = [some.assign(session=day, cumulative_pnl=some["nav"] * (n % 7 / 50)) for n, day in enumerate(start)]
    history = pd.concat([frame.assign(nav=frame["nav"] + frame["cumulative_pnl"]) for frame in moved])
    models = [("forecast", 0.2), ("ewma", 0.3), ("realised_21", 0.1)]
    scores = pd.concat(
        some.assign(session=day, entity=some["portfolio_id"], model=model, forecast_session=day, forecast=value).assign(
            outcome=value * (1 + n % 5 / 9), qlike=0.1
        )
        for n, day in enumerate(start)
        for model, value in models
    )
    full = replace(rows, rows=replace(rows.rows, history=history, scores=scores))
    day = list(full.sessions())[-1]
    assert {len(portfolio.history) for portfolio in day.portfolios} == {252}
    sizes = [len(portfolio_page(portfolio, Path("none")).encode()) for portfolio in day.portfolios]
    assert sum(sizes) * 10 / 12 + len(risk_page.overview_page(day, Path("none")).encode()) < 1_100_000


@pytest.mark.parametrize("state", ["fresh", "kept", "damaged", "of another text", "not writable"])
def test_kept_templates_render_as_their_text_says(tmp_path, monkeypatch, state):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    folder, texts = tmp_path / "kept", {"page": "Value {{ 1 + 1 }}"}

    def rendered() -> str:
        cache = KeptTemplates(str(folder))
        return Environment(loader=DictLoader(texts), bytecode_cache=cache).get_template("page").render()

    if state == "not writable":
        folder.write_text("a file in the place of the folder")
    elif state != "fresh":
        rendered()
        (file,) = folder.iterdir()
        if state == "damaged":
            file.write_bytes(file.read_bytes()[:-9])
        if state == "of another text":
            texts["page"] = "Value {{ 1 + 2 }}"
    assert rendered() == ("Value 3" if state == "of another text" else "Value 2")
    assert state == "not writable" or len(list(folder.iterdir())) == 1
