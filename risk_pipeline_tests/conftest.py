"""Databases for tests: SQLite files, and a real Postgres started once from the wheel that carries one.

And a store that speaks S3, for panels.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
import sqlalchemy as sa

os.environ["RISK_PIPELINE_FIRST_SESSION"] = "2015-01-02"  # whatever database this machine has, and before any import

from risk_pipeline.settings import ENV_FILE
from risk_pipeline.storage.database import open_engine
from risk_pipeline_tests.support.browser import MISSING
from risk_pipeline_tests.support.databases import migrated_postgres, migrated_sqlite
from risk_pipeline_tests.support.postgres import create_database, running_postgres

SLOW = {
    *("test_a_ui_backfill", "test_a_week_of_evenings", "test_history_faults", "test_interrupted", "test_killed"),
    *("test_starts", "test_storage_faults", "test_workers"),
}
"""Modules that take minutes, mostly waiting for Dagster's daemon, for workers or for what was killed to be missed."""

LONG = {"end_to_end", "faults", "reports", "automation", "cases"}
"""Folders whose modules run Dagster or a browser: half a minute or more each."""


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Mark the slow modules and begin with them, then those that run Dagster: none of them is left over at the end.

    Within each group the order is the one that chance gave.
    """
    for item in items:
        if item.path.stem in SLOW:
            item.add_marker(pytest.mark.slow)
    yield
    items.sort(key=lambda item: (item.path.stem not in SLOW, item.path.parent.name not in LONG))


def pytest_configure() -> None:
    """Refuse to run where ``.env`` would send tests to a database that is not theirs.

    Servers that tests start are stopped by SIGINT, which a shell without job control makes its background commands
    ignore.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if Path(ENV_FILE).exists():
        pytest.exit(f"{Path(ENV_FILE).resolve()} counts more than the settings of the tests: move it away meanwhile", 4)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say once and loudly that there was no browser."""
    if any(MISSING in str(report.longrepr) for report in terminalreporter.stats.get("skipped", [])):
        terminalreporter.write_line(MISSING, red=True, bold=True)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[sa.Engine]:
    """An engine of a Postgres server; ``RISK_PIPELINE_TEST_POSTGRES_URL`` gives another than our own."""
    url = os.environ.get("RISK_PIPELINE_TEST_POSTGRES_URL")
    with nullcontext() if url else running_postgres() as server:
        engine = open_engine(url or server.get_uri())
        yield engine
        engine.dispose()


@pytest.fixture(scope="session")
def new_postgres(postgres_server) -> Callable[[], str]:
    """Return a function that creates an empty Postgres database and returns its URL."""
    return lambda: create_database(postgres_server)


@pytest.fixture(scope="session")
def new_migrated_postgres(postgres_server) -> Callable[[], str]:
    """Return a function that makes a Postgres database with all tables and no rows, and returns its URL."""
    return lambda: migrated_postgres(postgres_server)


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request, tmp_path) -> Iterator[sa.Engine]:
    """A migrated database of each kind."""
    if request.param == "sqlite":
        engine = migrated_sqlite(tmp_path / "risk.db")
    else:
        engine = open_engine(request.getfixturevalue("new_migrated_postgres")())
    yield engine
    engine.dispose()


@pytest.fixture
def database_url(engine) -> str:
    """URL of the migrated database."""
    return engine.url.render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def panel_bucket() -> Iterator[str]:
    """The URL of a folder in a bucket of a server that speaks S3, and the environment that leads there."""
    import fsspec
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as environment:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            environment.setenv(name, "test")
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        environment.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        fsspec.filesystem("s3").mkdir("panels")
        yield "s3://panels/risk"
    server.stop()
