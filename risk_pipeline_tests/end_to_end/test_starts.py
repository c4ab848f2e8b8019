"""However it is started, it is the same instance: its limits, its history beside the tables, what ``.env`` says."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from risk_pipeline.dagster_ext.instance import SHIPPED
from risk_pipeline_tests.support.servers import ROOT, Server, free_port, instance_of, until

BIN = Path(sys.executable).parent
STARTS = {
    "dg dev": [BIN / "dg", "dev"],
    "dagster dev": [BIN / "dagster", "dev", "--workspace", "workspace.yaml"],
    "risk-pipeline dev": [BIN / "risk-pipeline", "dev"],
}
INSTANCE = "{instance{poolConfig{defaultPoolLimit poolGranularity} runQueueConfig{maxConcurrentRuns}}}"
NAMED = ("DAGSTER_HOME", "RISK_PIPELINE_HOME", "RISK_PIPELINE_DATABASE_URL")


@pytest.fixture
def project(tmp_path) -> Path:
    """A checkout with nothing written in it yet, whose ``.env`` names a home elsewhere."""
    folder = tmp_path / "project"
    folder.mkdir()
    for name in ("pyproject.toml", "workspace.yaml", "risk_pipeline"):
        (folder / name).symlink_to(ROOT / name)
    shutil.copy(SHIPPED / "sqlite.yaml", folder / "dagster.yaml")
    (folder / ".env").write_text(f"RISK_PIPELINE_HOME={tmp_path}/own\n")
    return folder


@pytest.mark.parametrize("how", STARTS)
def test_it_is_the_same_instance_however_it_is_started(how, project, tmp_path):
    own, port = tmp_path / "own", free_port()
    environment = {name: value for name, value in os.environ.items() if name not in NAMED}
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [*map(str, STARTS[how]), "--port", str(port)],
            cwd=project,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        server = Server(own, port)
        assert server.assets()
        answer = server.ask(INSTANCE)["instance"]
        assert answer["poolConfig"] == {"defaultPoolLimit": 1, "poolGranularity": "run"}
        assert answer["runQueueConfig"]["maxConcurrentRuns"] == 4
        shutil.copy(SHIPPED / "sqlite.yaml", own / "dagster.yaml")
        with instance_of(own) as instance:
            assert until("the daemon in this home", instance.get_daemon_heartbeats, seconds=180)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(120)
    assert not (project / "dagster_home").exists()
    said = (tmp_path / "log").read_text().lower()
    if how == "risk-pipeline dev":  # Dagster's own commands announce it once a user, before they look for a project
        assert "telemetry" not in said
    if how != "dagster dev":  # which Dagster itself calls superseded
        assert "deprecat" not in said
        assert "supersed" not in said


def test_the_wheel_runs_in_an_empty_folder(tmp_path):
    """Without a checkout beside it: what it needs is in the package, the instance's configuration too."""
    import zipfile

    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w"]
    subprocess.run([*build, str(tmp_path), str(ROOT)], check=True)
    (wheel,) = tmp_path.glob("risk_pipeline-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    empty = tmp_path / "empty"
    empty.mkdir()
    environment = {name: value for name, value in os.environ.items() if name not in NAMED}
    code = (
        "import sys, risk_pipeline; assert risk_pipeline.__file__.startswith(sys.argv.pop(1)); "
        "from risk_pipeline.cli import main; main()"
    )
    for words in (["run", "--last", "1"], ["doctor"]):
        done = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "site"), *words],
            cwd=empty,
            env={**environment, "PYTHONPATH": str(tmp_path / "site")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stderr == ""
    assert (empty / "dagster_home" / "dagster.yaml").read_bytes() == (SHIPPED / "sqlite.yaml").read_bytes()
    assert "as shipped" in done.stdout
