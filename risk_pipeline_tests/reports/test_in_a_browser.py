"""The pages as people meet them: in a browser, on a phone and on a desk, light and dark, on paper."""

from __future__ import annotations

import re
from math import isnan
from urllib.parse import unquote, urlsplit

import pandas as pd
import pytest
from axe_playwright_python.sync_playwright import Axe

from risk_pipeline_tests.support.page_numbers import check_numbers, file_of, written

EVIL = "<img src=x onerror=\"document.title='taken over'\">"
WIDTHS = (360, 768, 1440)
KINDS = ("long_short", "private", "failed", "hostile", "pence", "overview", "index")


def test_every_number_equals_the_database_s_to_the_shown_precision(pages, visit, stored):
    seen = set()
    for portfolio in pages.portfolios:
        seen |= check_numbers(visit(pages.of(portfolio)), stored)
    known = {key for key, value in stored.items() if not isnan(value)}
    for table, column in (
        *(("portfolio_snapshots", name) for name in ("nav", "daily_pnl", "cash", "forecast", "var_99", "top_10")),
        *(("stress_test_results", name) for name in ("correlated_pnl", "direct_pnl", "return_on_equity")),
        ("stress_factor_impacts", "impact"),
        ("sector_exposures", "net"),
        ("position_correlations", "correlation"),
        ("limit_utilisations", "utilisation"),
        ("portfolio_volatility", "es_99"),
    ):
        wanted = {key for key in known if key[:2] == (table, column)}
        if table == "position_correlations":  # two positions that are unrelated are no section
            wanted = {key for key in wanted if key[2] != "failed"}
        assert wanted
        assert wanted <= seen, (table, column)
    overview = check_numbers(visit(pages.overview), stored)
    assert {key[2] for key in overview if key[1] == "nav"} == set(pages.portfolios)
    assert {key for key in known if key[:2] == ("portfolio_snapshots", "ir_beta")} <= overview


def test_every_number_in_a_table_says_where_it_comes_from_or_is_derived(pages, visit):
    page = visit(pages.of("long_short"))
    bare = page.evaluate(
        """() => [...document.querySelectorAll('main td, main dd.big')].filter(cell => {
            const copy = cell.cloneNode(true);
            copy.querySelectorAll('data, table, p, svg').forEach(e => e.remove());
            const text = copy.textContent.trim();
            return /[0-9]/.test(text) && !/^[0-9,.+]+ (sessions?|years)$|^100.0\\s%$/.test(text);
        }).map(cell => cell.textContent.trim())"""
    )
    assert bare == []


def test_ir_beta_is_a_card_with_error_strength_and_history_and_a_row(pages, visit, stored):
    page = visit(pages.of("long_short"))
    card = page.locator(".card", has=page.get_by_role("heading", name="IR Beta"))
    value = stored["factor_exposures", "exposure", "long_short", "IR Beta"]
    error = stored["factor_exposures", "std_error", "long_short", "IR Beta"]
    assert card.locator(".big data").all_inner_texts() == [written("exposure", value), written("std_error", error)]
    assert card.get_by_role("img").get_attribute("aria-label").startswith("IR Beta, 5 sessions: between")
    assert re.fullmatch(r"(negligible|weak|moderate|strong|very strong)(, not .*)?", card.locator(".word").inner_text())
    assert [name.inner_text() for name in page.locator(".card h3").all()] == [
        *("Market Beta (90D)", "Provider Beta (1Y)", "IR Beta"),
    ]
    row = page.locator("#exposure-table tbody tr", has_text="IR Beta")
    assert row.locator("td data:visible").first.inner_text() == written("exposure", value)
    assert page.locator("#exposure-table tbody tr").count() == 13


def test_exposures_switch_between_betas_and_money(pages, visit, stored):
    page = visit(pages.of("long_short"))
    cell = page.locator("#exposure-table tbody tr", has_text="IR Beta").locator("td:nth-child(3)")
    beta = written("exposure", stored["factor_exposures", "exposure", "long_short", "IR Beta"])
    dollars = written("dollar_exposure", stored["factor_exposures", "dollar_exposure", "long_short", "IR Beta"])
    assert cell.inner_text() == beta
    page.get_by_role("button", name="USD", exact=True).click()
    assert cell.inner_text() == dollars
    assert page.get_by_role("button", name="USD", exact=True).get_attribute("aria-pressed") == "true"
    page.get_by_role("button", name="Beta", exact=True).click()
    assert cell.inner_text() == beta


def test_scenarios_are_sorted_and_open_to_factors_that_sum_to_the_total(pages, visit, stored):
    page = visit(pages.of("long_short"))
    rows = page.locator("#stress-table > tbody > tr:not(.more)")
    assert rows.count() == 23
    shown = [float(row.get_attribute("value")) for row in rows.locator('data[data-k="stress.correlated_pnl"]').all()]
    assert shown == sorted(shown)
    for number in (0, 7, 22):
        row = rows.nth(number)
        button = row.get_by_role("button")
        scenario = row.get_attribute("data-row")
        more = page.locator(f"#s-{scenario}")
        assert not more.is_visible()
        button.focus()
        page.keyboard.press("Enter")
        assert more.is_visible()
        assert button.get_attribute("aria-expanded") == "true"
        parts = [float(item.get_attribute("value")) for item in more.locator("table data").all()]
        assert len(parts) == 8
        total = stored["stress_test_results", "correlated_pnl", "long_short", scenario]
        options = stored["stress_test_results", "option_revaluation", "long_short", scenario]
        assert sum(parts) == pytest.approx(total - options, rel=1e-6, abs=0.01)
        button.click()
        assert not more.is_visible()


def test_rates_scenarios_are_not_zero_where_ir_beta_is_not(pages, visit):
    page = visit(pages.of("long_short"))
    for name in page.locator('tr[data-row^="rates_"]:not(.more) data[data-k="stress.correlated_pnl"]').all():
        assert float(name.get_attribute("value")) != 0
        assert name.inner_text() not in ("0", "–")


def test_a_replay_shows_its_path(pages, visit, stored):
    page = visit(pages.of("growth"))
    page.locator("[aria-controls=s-rates_2022]").click()
    more = page.locator("#s-rates_2022")
    assert "Realised returns of 2022-01-03 to 2022-10-24 are replayed" in more.inner_text()
    deepest = written("max_drawdown", stored["stress_test_results", "max_drawdown", "growth", "rates_2022"])
    assert f"deepest fall, daily returns compounding, {deepest} USD" in more.inner_text()
    assert more.get_by_role("img").get_attribute("aria-label").startswith("Running P&L over the replay")


def test_the_overview_sorts_by_any_column(pages, visit):
    page = visit(pages.overview)
    table = page.locator("#overview")
    snapshots = pages.table("portfolio_snapshots").set_index("portfolio_id")

    def order() -> list[str]:
        return [row.get_attribute("data-portfolio") for row in page.locator("#overview tbody tr").all()]

    limits = pages.table("limit_utilisations")
    broken = limits[limits["status"] == "breach"].groupby("portfolio_id").size()
    snapshots["broken"] = broken.reindex(snapshots.index).fillna(0)
    assert order() == snapshots.sort_values(["broken", "var_99"], ascending=False, kind="stable").index.tolist()
    assert order()[0] == "long_short"
    assert table.get_by_role("columnheader", name="Limits").get_attribute("aria-sort") == "descending"
    assert "1 limit is broken: Kestrel Long/Short (1)." in page.locator(".lead").inner_text()
    assert "Value at risk is highest in" in page.locator(".lead").inner_text()
    for head, column in (("IR Beta", "ir_beta"), ("Day’s P&L", "daily_pnl"), ("VaR 99 %", "var_99")):
        for direction in ("descending", "ascending"):
            table.get_by_role("button", name=head).click()
            values = snapshots[column].reindex(order())
            known = values.dropna().tolist()
            assert known == sorted(known, reverse=direction == "descending")
            assert values.isna().tolist() == sorted(values.isna().tolist()), "what is not there comes last"
            assert table.get_by_role("columnheader", name=head).get_attribute("aria-sort") == direction
    table.get_by_role("button", name="Portfolio").click()
    names = [name.inner_text() for name in page.locator("#overview tbody th > a").all()]
    plain = [name for name in names if name[0].isalpha()]
    assert plain == sorted(plain)


def test_the_overview_sets_exposures_side_by_side_on_one_scale(pages, visit, stored):
    page = visit(pages.overview)
    table = page.locator("#profile")
    table.get_by_role("button", name="IR Beta").click()
    shown = [float(cell.get_attribute("value")) for cell in table.locator('data[data-k$=":IR Beta"]').all()]
    known = [
        value for key, value in stored.items() if key[1] == "exposure" and key[3] == "IR Beta" and not isnan(value)
    ]
    assert shown == pytest.approx(sorted(known, reverse=True))
    widths = page.evaluate("() => [...document.querySelectorAll('#profile .bar')].map(e => e.clientWidth)")
    assert len(widths) == 8 * len(known)
    assert max(widths) - min(widths) <= 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_overflows(pages, visit, kind, scheme):
    for width in WIDTHS:
        page = visit(file_of(pages, kind), width=width, scheme=scheme)
        for button in page.locator("button[aria-controls]").all()[:3]:
            button.click()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        outside = page.evaluate(
            """() => [...document.querySelectorAll('.page *')].filter(e => {
                const box = e.getBoundingClientRect();
                return box.width && box.right > innerWidth + 1 && !e.closest('.scroll, .vh, svg');
            }).map(e => e.outerHTML.slice(0, 120))"""
        )
        assert outside == []
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == (
            "rgb(251, 250, 247)" if scheme == "light" else "rgb(16, 19, 23)"
        )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", KINDS)
def test_axe_finds_nothing_serious(pages, visit, kind, scheme):
    page = visit(file_of(pages, kind), width=1024, scheme=scheme)
    for button in page.locator("button[aria-controls]").all()[:2]:
        button.click()
    found = Axe().run(page).response["violations"]
    serious = [
        (item["id"], node["html"], node["failureSummary"])
        for item in found
        if item["impact"] in ("serious", "critical")
        for node in item["nodes"][:3]
    ]
    assert serious == []


def test_hostile_names_are_text(pages, visit):
    hostile = next(p for p in pages.portfolios if "<" in p)
    for path in (pages.of(hostile), pages.overview):
        page = visit(path)
        assert page.title() != "taken over"
        assert page.locator("img, .page b:not(.y):not(.bar b), .page i:not(.bar i):not(.f i)").count() == 0
        assert EVIL in page.locator("body").inner_text()
        assert "{{ 7 * 7 }}" in page.locator("body").inner_text()
    page = visit(pages.of(hostile))
    assert page.locator("h1").inner_text().startswith(EVIL)
    assert page.locator(".date").inner_text().split(" · ")[1] == hostile
    symbols = page.locator("#positions tbody th").all_inner_texts()
    assert {"</SCRIPT><I>X private", "'\"><B ONX=1> private"} <= set(symbols)


def test_a_portfolio_that_is_not_valued_is_named_and_says_why_and_what_to_do(pages, visit):
    page = visit(pages.overview)
    assert "1 more not valued" in page.locator(".date").inner_text()
    page.locator("#refused a").click()
    text = page.inner_text("main")
    for words in (
        "AAPL (r1) 100000 against a close of",
        "What to do",
        f"risk-pipeline run --date {pages.overview.stem}",
    ):
        assert words in text.replace("\n", " ")
    assert page.title() != "taken over"
    assert page.locator("data, img").count() == 0


def test_the_record_of_forecasts_is_behind_a_fold_that_says_how_they_did(pages, visit):
    page = visit(pages.of("growth"))
    fold = page.locator("#volatility details")
    assert "days went beyond VaR 99" in fold.locator("summary").inner_text()
    assert not fold.locator("figure").last.is_visible()
    fold.locator("summary").click()
    assert fold.locator("figure").last.is_visible()


@pytest.mark.parametrize("width", [*WIDTHS, 1000])
def test_the_overview_shows_its_whole_table_without_scrolling(pages, visit, width):
    page = visit(pages.overview, width=width)
    assert page.locator("#overview").evaluate("it => it.parentElement.scrollWidth <= it.parentElement.clientWidth + 1")


@pytest.mark.parametrize("width", WIDTHS)
def test_the_first_screen_says_how_much_what_moved_what_is_too_much_and_what_changed(pages, visit, width):
    page = visit(pages.of("long_short"), width=width)
    answers = page.locator("#headline .asks > div").all()
    assert all(item.evaluate("it => it.scrollWidth <= it.clientWidth + 1") for item in answers)
    on_a_phone = [*page.locator(".lead").all(), *page.locator("#headline .kpis > div").all()[:2]]
    for item in on_a_phone if width < 500 else [*on_a_phone, *answers]:
        box = item.bounding_box()
        assert box["y"] + box["height"] <= 900
    assert [item.locator("h3").inner_text().removeprefix("✗ ") for item in answers[:2]] == [
        *("What moved", "1 of 3 limits broken"),
    ]


def test_the_first_screen_names_the_largest_parts_the_fullest_limits_and_both_sides_of_a_change(pages, visit, stored):
    page = visit(pages.of("long_short"))
    moved, limits, changed = page.locator("#headline .asks > div").all()
    parts = [float(item.get_attribute("value")) for item in moved.locator("data").all()]
    of_day = [value for key, value in stored.items() if key[:3] == ("pnl_explain", "pnl", "long_short")]
    assert sum(parts) == pytest.approx(sum(of_day), rel=1e-6)
    assert len(parts) == 4
    sizes = [abs(part) for part in parts[:3]]
    assert sizes == sorted(sizes, reverse=True)
    used = [float(item.get_attribute("value")) for item in limits.locator("data").all()]
    own = pages.table("limit_utilisations").query("portfolio_id == 'long_short'").set_index("status")["utilisation"]
    assert used == pytest.approx([own["breach"], own["warning"], own["within"]])
    earlier = sorted(path.stem for path in pages.folder.glob("2026-*.html"))[-2]
    before = pages.table("portfolio_snapshots", pd.Timestamp(earlier).date()).set_index("portfolio_id")
    now = pages.table("portfolio_snapshots").set_index("portfolio_id")
    shown = [float(item.get_attribute("value")) for item in changed.locator("data").all()]
    assert shown == pytest.approx(
        [
            frame.loc["long_short", column]
            for column in ("market_beta", "ir_beta", "forecast", "var_99")
            for frame in (before, now)
        ]
    )


def test_links_lead_to_pages_and_places_that_exist(pages, visit):
    for kind in KINDS:
        path = file_of(pages, kind)
        page = visit(path)
        links = page.evaluate("() => [...document.querySelectorAll('a')].map(a => a.getAttribute('href'))")
        assert links
        for link in links:
            parts = urlsplit(link)
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            assert target.is_file(), link
            if parts.fragment:
                assert target.read_text().count(f'id="{parts.fragment}"') == 1, link
    page = visit(pages.folder / "index.html")
    page.get_by_role("link", name="Friday 13 November 2026").last.click()
    page.get_by_role("link", name="Kestrel Long/Short").first.click()
    assert page.locator("h1").inner_text() == "Kestrel Long/Short"
    page.get_by_role("link", name="Session before, 2026-11-12").click()
    assert page.locator(".date").inner_text().startswith("Thursday 12 November 2026")
    page.get_by_role("link", name="Session after, 2026-11-13").click()
    assert page.locator(".date").inner_text().startswith("Friday 13 November 2026")
    assert page.get_by_role("link", name="Session after").count() == 0


def test_a_private_portfolio_says_so_kindly_and_shows_no_empty_charts(pages, visit):
    page = visit(pages.of("private"))
    assert "holds only private assets, so there is no market price to measure risk with" in page.inner_text("main")
    assert page.locator("#betas, #exposures, #stress, #volatility").count() == 0
    assert page.locator("#positions tbody tr").count() == 2


def test_negative_numbers_have_a_minus_sign_and_losses_point_left(pages, visit):
    page = visit(pages.of("long_short"))
    text = page.inner_text("main")
    assert not re.search(r"(?<![\w-])-\d[\d,.]*(?!\d*-)\b(?! ?[A-Z])", re.sub(r"\d{4}-\d\d-\d\d", "", text))
    for item in page.locator("data[value^='-']").all()[:200]:
        assert item.text_content().startswith("−") or set(item.text_content()) <= set("0.,\u00a0%")
    zero = page.evaluate("() => parseFloat(document.getElementById('stress-table').style.getPropertyValue('--z'))")
    bars = page.evaluate("() => [...document.querySelectorAll('#stress-table .bar i.dn')].map(e => e.style.left)")
    assert bars
    assert all(float(left.rstrip("%")) <= zero for left in bars)


def test_every_chart_has_words_for_who_cannot_see_it(pages, visit):
    for kind in ("long_short", "overview"):
        page = visit(file_of(pages, kind))
        drawings = page.evaluate(
            """() => [...document.querySelectorAll('svg')].map(e =>
                e.closest('[role=img]')?.getAttribute('aria-label') ?? e.getAttribute('aria-hidden'))"""
        )
        assert drawings
        assert all(words == "true" or re.search(r"\d", words) for words in drawings)


def test_it_prints_on_a4(pages, visit):
    page = visit(pages.of("long_short"), width=696, scheme="dark")
    page.emulate_media(media="print")
    assert page.evaluate("document.documentElement.scrollWidth") <= 696
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(21, 24, 29)"
    assert not page.locator(".switch").is_visible()
    document = page.pdf(prefer_css_page_size=True)
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", document)
    assert boxes
    for width, height in boxes:
        assert (float(width), float(height)) == pytest.approx((595, 842), abs=1.5)


def test_it_reads_without_scripts(pages, visit):
    page = visit(pages.of("long_short"), scripts=False)
    assert page.locator("#stress-table > tbody > tr:not(.more)").first.is_visible()
    assert page.locator("#exposure-table data:visible").count() > 20


def test_each_table_can_be_taken_as_csv_without_a_network(pages, visit, tmp_path):
    page = visit(pages.of("long_short"))
    buttons = page.locator("button.csv")
    assert buttons.count() == page.locator("main section table:has(thead)").count()
    section = page.locator("#limits")
    with page.expect_download() as download:
        section.locator("button.csv").click()
    assert download.value.suggested_filename == f"{pages.overview.stem}-long_short-limits.csv"
    download.value.save_as(tmp_path / "limits.csv")
    rows = pd.read_csv(tmp_path / "limits.csv", encoding="utf-8-sig")
    stored = pages.table("limit_utilisations")
    stored = stored[stored["portfolio_id"] == "long_short"]
    assert sorted(rows["Used"]) == pytest.approx(sorted(stored["utilisation"]), rel=1e-8)
    assert sorted(rows["Value"]) == pytest.approx(sorted(stored["value"]), rel=1e-8)


def test_a_part_that_lowers_the_risk_is_not_in_the_colour_of_losses(pages, visit):
    page = visit(pages.of("long_short"))
    colour = "element => getComputedStyle(element).color"
    hedges = page.locator('.risk data[value^="-"]:not(.z)').all()
    others = page.locator('.risk data:not([value^="-"]):not(.z)').first.evaluate(colour)
    assert hedges
    assert {hedge.evaluate(colour) for hedge in hedges} == {others}
    assert page.locator('#stress-table td > data[value^="-"]:not(.z)').first.evaluate(colour) != others
