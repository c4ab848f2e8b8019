"""A browser, and the pages of a few sessions of the demo portfolios beside one with hostile names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, Page, sync_playwright

from risk_pipeline.definitions import defs
from risk_pipeline.defs.run_tags import range_tags
from risk_pipeline.demo import demo_frames
from risk_pipeline.reports.page_paths import file_name
from risk_pipeline.storage import tables
from risk_pipeline.storage.imports import import_frames
from risk_pipeline.storage.queries import read_table
from risk_pipeline_tests.support.browser import MISSING, installed_browser
from risk_pipeline_tests.support.databases import migrated_sqlite

FIRST, LAST = date(2026, 11, 9), date(2026, 11, 13)
HOSTILE = "../<b>\"'&amp;"
EVIL = "<img src=x onerror=\"document.title='taken over'\">"
LONG = f"{EVIL} & {{{{ 7 * 7 }}}} {'long' * 30}"
HOLDINGS = (("AAPL", "PUBLIC", 100.0), ("</SCRIPT><I>X", "PRIVATE", 10.0), ("'\"><B ONX=1>", "PRIVATE", -3.0))


def insert_hostile(engine: sa.Engine) -> None:
    """Put a portfolio into the tables that the import would have refused."""
    opened = date(2026, 1, 2)
    portfolio = {
        "portfolio_id": HOSTILE, "name": LONG, "currency": "USD", "inception_date": opened, "starting_equity": 1e5
    }  # fmt: skip
    lot = {"portfolio_id": HOSTILE, "entry_date": opened, "entry_price": 200.0, "is_deleted": False}
    with engine.begin() as connection:
        connection.execute(sa.insert(tables.portfolios).values(portfolio))
        for number, (symbol, kind, quantity) in enumerate(HOLDINGS):
            row = {"position_id": f"h{number}", "symbol": symbol, "investment_class": kind, "quantity": quantity}
            connection.execute(sa.insert(tables.positions).values({**lot, **row}))


LIMITS = pd.DataFrame(
    [
        ("long_short", "market beta (90d)", "abs<=", 0.1, 0.2, "2026-01-02"),
        ("long_short", "var_99", "<=", 0.001, 0.5, "2026-01-02"),
        ("long_short", "leverage", "<=", 3, 5, "2026-01-02"),
        ("private", "IR Beta", "abs<=", "", 0.5, "2026-01-02"),
    ],
    columns=["portfolio_id", "measure", "operator", "warning", "limit", "valid_from"],
)
"""One broken, one near, one kept; and one of a portfolio that it can't be measured of."""
REFUSED = "pence"


def insert_refused(engine: sa.Engine) -> None:
    """Put in a portfolio that can't be valued: it says to have paid for Apple a hundred times what it cost."""
    opened = date(2026, 11, 2)
    portfolio = {
        "portfolio_id": REFUSED, "name": f"Pence {LONG}", "currency": "USD", "inception_date": opened,
        "starting_equity": 1e5,
    }  # fmt: skip
    lot = {
        "portfolio_id": REFUSED, "position_id": "r1", "symbol": "AAPL", "investment_class": "PUBLIC", "quantity": 1.0,
        "entry_date": opened, "entry_price": 1e5, "is_deleted": False,
    }  # fmt: skip
    with engine.begin() as connection:
        connection.execute(sa.insert(tables.portfolios).values(portfolio))
        connection.execute(sa.insert(tables.positions).values(lot))


@dataclass
class Pages:
    """The folder of the pages and the database that they were made from."""

    folder: Path
    engine: sa.Engine
    instance: dg.DagsterInstance
    result: dg.ExecuteInProcessResult

    @property
    def overview(self) -> Path:
        return self.folder / f"{LAST}.html"

    def of(self, portfolio: str, session: date = LAST) -> Path:
        return self.folder / str(session) / file_name(portfolio)

    def table(self, name: str, session: date = LAST) -> pd.DataFrame:
        return read_table(self.engine, name, first=session, last=session)

    @property
    def portfolios(self) -> list[str]:
        return self.table("portfolio_snapshots")["portfolio_id"].tolist()


@pytest.fixture(scope="session")
def pages(tmp_path_factory) -> Iterator[Pages]:
    """Real runs of the whole graph over some sessions."""
    home = tmp_path_factory.mktemp("pages")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RISK_PIPELINE_HOME", str(home))
        patch.delenv("RISK_PIPELINE_DATABASE_URL", raising=False)
        engine = migrated_sqlite(home / "risk.db")
        import_frames(engine, {**demo_frames(), "limits": LIMITS})
        insert_hostile(engine)
        insert_refused(engine)
        instance = dg.DagsterInstance.ephemeral()
        result = defs.resolve_job_def("daily_risk").execute_in_process(
            instance=instance,
            tags=range_tags(FIRST, LAST),
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
    yield Pages(home / "reports", engine, instance, result)
    engine.dispose()
    instance.dispose()


@pytest.fixture(scope="module")
def browser(pages) -> Iterator[Browser]:
    """Headless Chromium; without one the tests of the pages are skipped, and fail where ``CI`` is set.

    It keeps an event loop running, in which Dagster can't close its own: runs come before it and after its module.
    """
    path = installed_browser()
    if path is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(MISSING)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield launched
        launched.close()


@dataclass
class Visit:
    """A page that a browser has opened, and what it complained about or asked for."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@pytest.fixture
def visit(browser) -> Iterator[object]:
    """Return a function that opens a file as a phone or a desktop does; at the end nothing may have gone wrong."""
    visits: list[Visit] = []

    def open_(path: Path, *, width: int = 1440, scheme: str = "light", scripts: bool = True) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=scripts
        )
        seen = Visit(context.new_page())
        seen.page.on("console", lambda message: seen.complaints.append(message.text))
        seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
        seen.page.on("request", lambda request: seen.requests.append(request.url))
        seen.page.goto(path.as_uri())
        visits.append(seen)
        return seen.page

    yield open_
    for seen in visits:
        assert seen.complaints == []
        assert all(url.startswith("file://") and url.split("#")[0].endswith(".html") for url in seen.requests)
        seen.page.context.close()
