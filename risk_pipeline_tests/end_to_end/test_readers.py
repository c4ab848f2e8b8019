"""A member of the owner's group reads everything and writes nothing, also while a run is at work."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

from risk_pipeline.dagster_ext.instance import prepare_home
from risk_pipeline_tests.support.readers import SEVERAL, as_reader, owned_by_another

DAY = "2025-06-13"


@pytest.fixture(scope="module")
def home(make_home):
    """A home with a session, closed: nothing lies beside its database."""
    home = make_home()
    home.environment.setenv("DAGSTER_HOME", str(home.folder))
    home.environment.delenv("RISK_PIPELINE_DATABASE_URL")
    prepare_home()
    home.run(DAY)
    home.environment.delenv("RISK_PIPELINE_DATABASE_URL")
    home.engine.dispose()
    return home


@pytest.fixture
def commands(home):
    """Return a function that runs commands as a reader and returns the exit code and words of each."""

    def run(*commands: list[str]) -> list[tuple[int, str]]:
        environment = {"RISK_PIPELINE_HOME": str(home.folder), "DAGSTER_HOME": str(home.folder)}
        with owned_by_another(home.folder):
            done = as_reader(SEVERAL, json.dumps(commands), environment=environment)
        assert done.returncode == 0, done.stderr
        found = [json.loads(line) for line in done.stdout.splitlines()]
        return [(code, " ".join(said.split())) for code, said in found]

    return run


READING = {
    "show": "growth",
    "show --portfolio growth": "IR Beta",
    f"show --format json --date {DAY}": '"portfolio_id": "growth"',
    f"show --as-known-on {DAY}": "no version of the book was known",  # it was imported later
    "stress --shock Market=-0.10": "growth",
    "whatif {trades} --portfolio growth": "forecast",
    f"plan --date {DAY}": "1 of them complete already",
    "symbols --no-ask-source": "SPY",
    "export --to {folder}": "rows in",
    "doctor": "can be read; this user may not write it",
}
WRITING = ("run --last 1", "import {trades}", f"rebuild --from {DAY} --to {DAY}", "remove growth", "init", "demo")


@pytest.mark.parametrize("at_work", [False, True], ids=["nobody at work", "a run at work"])
def test_a_reader_reads_with_every_command_and_is_told_who_may_write(home, commands, tmp_path, at_work):
    trades = tmp_path / "trades.csv"
    trades.write_text("symbol,quantity\nAAPL,10\n")
    words = [text.format(trades=trades, folder=tmp_path / "out").split() for text in (*READING, *WRITING)]
    with closing(sqlite3.connect(home.folder / "risk.db")) as writer:
        if at_work:
            writer.execute("UPDATE portfolios SET name = 'Grown' WHERE portfolio_id = 'growth'")
            writer.commit()
        said = commands(*words)
    for text, (code, out) in zip(READING, said, strict=False):
        assert "Traceback" not in out, (text, out)
        assert READING[text] in out, (text, out)
        assert code == (2 if "known" in text else 1 if text == "doctor" else 0), (text, out)
    for text, (code, out) in zip(WRITING, said[len(READING) :], strict=True):
        assert code == 2, (text, out)
        assert "may read the database at" in out or "can't be used (Permission denied)" in out, (text, out)
    assert not list(home.folder.glob("risk.db-*"))


def test_a_notebook_of_a_reader_reads(home):
    code = "from risk_pipeline import read; print(*read.snapshots()['portfolio_id'])"
    with owned_by_another(home.folder):
        done = as_reader(code, environment={"RISK_PIPELINE_HOME": str(home.folder)})
    assert done.stderr == ""
    assert done.stdout.split() == home.table("portfolio_snapshots")["portfolio_id"].tolist()
    home.engine.dispose()
