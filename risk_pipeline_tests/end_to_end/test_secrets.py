"""A password is searched in everything that runs write: logs, events, metadata, errors, pages, output, tables."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

PASSWORD, TOKEN = "s3ntinel-Passw0rd", "t0ken-s3ntinel"
CODE = (
    "import sys; from risk_pipeline.defs.automation import catch_up; from datetime import UTC, datetime;"
    "catch_up.now = lambda: datetime(2025, 6, 14, 12, tzinfo=UTC);"
    "from risk_pipeline.defs.automation import run_history; run_history.now = catch_up.now;"
    "sys.argv = ['risk-pipeline', *sys.argv[1:]]; from risk_pipeline.cli import main; main()"
)


class Refusing(BaseHTTPRequestHandler):
    """A webhook that says no, so that what is logged about it is searched too."""

    def do_POST(self) -> None:
        self.send_error(500)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture(scope="module")
def webhook() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Refusing)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/{TOKEN}"
    server.shutdown()


def command(home: Path, url: str, webhook: str, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    import os

    names = {"DAGSTER_HOME": str(home), "RISK_PIPELINE_HOME": str(home), "RISK_PIPELINE_DATABASE_URL": url}
    environment = {**os.environ, **names, "RISK_PIPELINE_ALERT_WEBHOOK": webhook, **more}
    return subprocess.run(
        [sys.executable, "-c", CODE, *words], env=environment, capture_output=True, text=True, timeout=1200, check=False
    )


def written(home: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(home.rglob("*")):
        if path.is_file():
            yield str(path.relative_to(home)), path.read_bytes()


def test_no_secret_is_in_anything_that_a_good_or_a_failed_run_writes(tmp_path, webhook, new_postgres):
    import sqlalchemy as sa

    from risk_pipeline.storage.database import open_engine

    given = new_postgres()
    url = sa.make_url(given).set(password=PASSWORD).render_as_string(hide_password=False)
    good, bad = tmp_path / "good", tmp_path / "bad"
    done = command(good, url, webhook, "run", "--date", "2025-06-13")
    assert done.returncode == 0, done.stdout + done.stderr
    prices = tmp_path / "prices.csv"
    prices.write_text("date,symbol,close\n2025-06-12,SPY,600\n2025-06-13,SPY,600\n")  # of another source
    source = {"RISK_PIPELINE_MARKET__SOURCE": "files", "RISK_PIPELINE_MARKET__PATH": str(prices)}
    failed = command(bad, url, webhook, "run", "--date", "2025-06-12", **source)
    assert failed.returncode == 1, failed.stdout + failed.stderr
    nowhere = sa.make_url(f"postgresql://risk:{PASSWORD}@127.0.0.1:1/none").render_as_string(hide_password=False)
    unreachable = command(bad, nowhere, webhook, "run", "--date", "2025-06-12")
    assert unreachable.returncode != 0
    for name, process in (("run", done), ("failed", failed), ("unreachable", unreachable)):
        for secret in (PASSWORD, TOKEN):
            assert secret not in process.stdout + process.stderr, name
    looked_at = []
    for home in (good, bad):
        for name, content in written(home):
            looked_at.append(name)
            for secret in (PASSWORD, TOKEN):
                assert secret.encode() not in content, name
    assert any(name.endswith(".html") for name in looked_at)
    assert any("history" in name and name.endswith(".db") for name in looked_at)
    engine = open_engine(given)
    with engine.connect() as connection:
        for table in sa.inspect(engine).get_table_names():
            rows = connection.execute(sa.text(f'SELECT * FROM "{table}"')).all() if table == "batch_runs" else []
            assert PASSWORD not in repr(rows)
            assert TOKEN not in repr(rows)
        assert connection.execute(sa.text("SELECT count(*) FROM batch_runs")).scalar_one() >= 2
    engine.dispose()
