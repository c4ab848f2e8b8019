"""Homes anywhere, of anybody, and what doctor sees of them beforehand."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from risk_pipeline import cli
from risk_pipeline.cli import places
from risk_pipeline.cli.diagnosis import Diagnosis
from risk_pipeline.cli.places import examine_history, examine_places
from risk_pipeline.dagster_ext.instance import open_instance, prepare_home
from risk_pipeline.settings import Settings, sqlite_url
from risk_pipeline.storage.database import migrate, open_engine
from risk_pipeline.storage.errors import StorageError
from risk_pipeline.storage.probe import probe_file
from risk_pipeline_tests.support.readers import no_more_than_others

COMMAND = Path(sys.executable).with_name("risk-pipeline")
ODD = ("a b", "p%20q", "wh?at", "per%cent#ha", "ünï-日本", 'am&p=1 qu"ote $HOME', "new\nline ~")


@pytest.fixture
def at(monkeypatch):
    """Return a function that turns the settings to a home."""

    def turn(home: Path) -> Path:
        monkeypatch.setenv("RISK_PIPELINE_HOME", str(home))
        monkeypatch.setenv("DAGSTER_HOME", str(home))
        return home

    return turn


@pytest.mark.parametrize("name", ODD)
def test_a_home_of_any_name_holds_its_files_and_no_other_folder_any(tmp_path, at, name):
    home = at(tmp_path / name)
    prepare_home()
    engine = open_engine(Settings().url)
    migrate(engine)
    engine.dispose()
    with open_instance() as instance:
        assert instance.get_runs_count() == 0
        assert not instance.get_backfills()
        assert not instance.all_asset_keys()
        assert not instance.all_instigator_state()
    assert {"dagster.yaml", "history", "risk.db", "schedules"} <= {path.name for path in home.iterdir()}
    assert {"runs.db", "runs"} <= {path.name for path in (home / "history").iterdir()}
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_home_behind_a_link_is_made_where_the_link_leads(tmp_path, at):
    (tmp_path / "link").symlink_to(tmp_path / "disk" / "home")
    at(tmp_path / "link")
    prepare_home()
    assert (tmp_path / "disk" / "home" / "dagster.yaml").is_file()


def test_a_home_below_a_file_is_refused_with_what_to_do(tmp_path, at):
    (tmp_path / "file").touch()
    at(tmp_path / "file" / "home")
    with pytest.raises(StorageError, match=r"file/home can't be used .*RISK_PIPELINE_HOME"):
        prepare_home()


@pytest.mark.parametrize("words", ["run", "show", "doctor"])
@pytest.mark.parametrize("mode", [0o500, 0o000], ids=["read-only", "another user's"])
def test_a_home_that_this_user_may_not_write_is_refused_with_what_to_do(tmp_path, mode, words):
    home = tmp_path / "home"
    home.mkdir(mode)
    done = subprocess.run(
        [COMMAND, words],
        env=os.environ | {"RISK_PIPELINE_HOME": str(home), "DAGSTER_HOME": str(home)},
        preexec_fn=no_more_than_others,
        capture_output=True,
        text=True,
        check=False,
    )
    home.chmod(0o700)
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == (1 if words == "doctor" and mode else 2)
    assert f"{home}/risk.db" in said if mode and words != "run" else said.startswith("error: the home")
    assert "RISK_PIPELINE_HOME" in said
    assert "Traceback" not in said


READING = (
    *("show", "show --format json", "show --as-known-on 2025-06-02", "stress --shock Market=-0.1", "plan", "doctor"),
    *("whatif {file}", "export --to {folder}", "symbols", "calibrate", "import --check {file}", "remove growth --yes"),
    *("prune --before 2025-06-02", "rebuild --from 2025-06-02 --to 2025-06-02"),
)


@pytest.mark.parametrize("words", READING)
def test_what_only_reads_or_changes_what_is_there_makes_no_home(tmp_path, at, capsys, monkeypatch, words):
    at(tmp_path / "mistyped")
    monkeypatch.delenv("RISK_PIPELINE_DATABASE_URL", raising=False)
    file = tmp_path / "trades.csv"
    file.write_text("portfolio_id,name,inception_date,starting_equity\nmine,My book,2025-01-02,1\n")
    words = words.format(file=file, folder=tmp_path / "out").split()
    monkeypatch.setattr("sys.argv", ["risk-pipeline", *words])
    with pytest.raises(SystemExit) as end:
        cli.main()
    said = " ".join("".join(capsys.readouterr()).split())
    if words[0] == "import":
        assert said == "Valid: 1 portfolio"
    else:
        assert end.value.code == (1 if words == ["doctor"] else 2)
        assert f"there is no database at {tmp_path / 'mistyped' / 'risk.db'}: `risk-pipeline run` or" in said
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.slow
@pytest.mark.parametrize(
    "environment",
    [
        {"TZ": "Pacific/Auckland", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"TZ": "Pacific/Kiritimati", "LANG": "de_DE.UTF-8", "LC_ALL": ""},
        {"HOME": None},
    ],
    ids=["Auckland, C", "Kiritimati, German", "no HOME"],
)
def test_a_run_completes_in_an_odd_home_with_another_s_clock_and_letters(tmp_path, environment):
    home = tmp_path / "a b%20c?d#é日本&=e%"
    places = {**os.environ, "RISK_PIPELINE_HOME": str(home), "DAGSTER_HOME": str(home), **environment}
    places = {name: value for name, value in places.items() if value is not None}
    for words in (["run", "--last", "1"], ["doctor"], ["show"]):
        done = subprocess.run([COMMAND, *words], env=places, umask=0o077, capture_output=True, check=False)
        said = done.stdout.decode("utf-8", "replace") + done.stderr.decode("utf-8", "replace")
        assert done.returncode in ((0, 1) if words == ["doctor"] else (0,)), (
            said
        )  # 1: it found something of the machine
        assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == [home]


def test_doctor_names_files_that_others_may_read(tmp_path, at):
    home = at(tmp_path / "home")
    home.mkdir(mode=0o755)
    home.chmod(0o755)
    for name, mode in (("risk.db", 0o644), ("dagster.yaml", 0o600)):
        (home / name).write_text("content")
        (home / name).chmod(mode)
    (finding,) = [one for one in examine_places(Settings()) if one.subject == "permissions"]
    assert finding.text == f"other users may read {home / 'risk.db'}: `chmod -R go-rwx {home}`"
    assert not finding.is_fine
    home.chmod(0o700)  # nobody else can enter
    assert next(iter(examine_places(Settings()))).is_fine


def test_doctor_sees_that_the_scenarios_are_gone(tmp_path, at, monkeypatch):
    at(tmp_path)
    monkeypatch.setenv("RISK_PIPELINE_SCENARIOS_PATH", str(tmp_path / "gone.yaml"))
    (finding,) = [one for one in examine_places(Settings()) if one.subject == "scenarios"]
    assert not finding.is_fine
    assert "there is no such file" in finding.text
    assert f"RISK_PIPELINE_SCENARIOS_PATH={tmp_path / 'gone.yaml'}" in finding.text


def test_doctor_looks_at_the_disk_of_dagster_s_home_too(tmp_path, at, monkeypatch):
    at(tmp_path)
    (finding,) = [one for one in examine_places(Settings()) if one.subject == "disk"]
    assert finding.text.count("GiB free") == 1  # one disk holds all
    with tempfile.TemporaryDirectory(dir="/dev/shm") as other:
        monkeypatch.setenv("DAGSTER_HOME", other)
        monkeypatch.setattr(places, "FREE", 2**60)
        (finding,) = [one for one in examine_places(Settings()) if one.subject == "disk"]
    assert not finding.is_fine
    assert f"free where {tmp_path} is" in finding.text
    assert finding.text.endswith(f"free where {other} is: free space before the next run")


@pytest.fixture
def history(tmp_path, at) -> Path:
    """The runs' file of a home's Dagster."""
    home = at(tmp_path / "home")
    prepare_home()
    with open_instance():
        pass
    assert examine_history().is_fine
    return home / "history" / "runs.db"


def test_doctor_sees_that_dagsters_storage_is_locked(history):
    with closing(sqlite3.connect(history, isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        finding = examine_history()
    assert not finding.is_fine
    assert "Dagster's storage" in finding.text
    assert "database is locked" in finding.text
    assert examine_history().is_fine


def test_dagsters_storage_that_is_damaged_is_said_by_doctor_and_by_every_command(history, monkeypatch, capsys):
    for leftover in history.parent.glob("runs.db-*"):
        leftover.unlink()
    history.write_bytes(b"no database at all" * 1000)
    assert "file is not a database" in examine_history().text
    monkeypatch.setattr("sys.argv", ["risk-pipeline", "init"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 2
    said = " ".join(capsys.readouterr().err.split())
    assert said.startswith("error: Dagster's storage in its home")
    assert "a damaged file can be moved away: results are in the tables, not there" in said


@pytest.mark.parametrize("fault", ["no rights", "away"])
def test_doctor_sees_that_dagster_s_postgres_can_t_be_written(fault, new_postgres, tmp_path, monkeypatch):
    url = sa.make_url(new_postgres())
    owner = open_engine(url.render_as_string(hide_password=False))
    reader = f"reader_{url.database}"
    with owner.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE runs (id integer)")
        connection.exec_driver_sql(f'CREATE ROLE "{reader}" LOGIN')
        connection.exec_driver_sql(f'GRANT SELECT ON runs TO "{reader}"')
    owner.dispose()

    def finding(changed: sa.URL) -> Diagnosis:
        theirs = changed.set(drivername="postgresql+psycopg2").render_as_string(hide_password=False)
        monkeypatch.setenv("DAGSTER_PG_URL", theirs)
        return examine_history()

    assert finding(url).is_fine
    seen = finding(url.set(username=reader) if fault == "no rights" else url.set(query={"host": str(tmp_path)}))
    assert not seen.is_fine
    assert seen.text.startswith("Dagster's storage in its Postgres (DAGSTER_PG_URL): ")
    said = {"no rights": "the user in DAGSTER_PG_URL may not do that", "away": "start it, check DAGSTER_PG_URL"}
    assert said[fault] in seen.text


def test_a_database_file_of_another_user_can_t_be_written(tmp_path):
    engine = open_engine(sqlite_url(tmp_path / "a%b?.db"))
    migrate(engine)
    engine.dispose()
    assert probe_file(tmp_path / "a%b?.db") is None
    assert probe_file(tmp_path) is not None
